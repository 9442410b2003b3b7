/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* error.h - Google's errors, and ours, in one form that each dialect can spell. */
#ifndef GEMINI_ERROR_H
#define GEMINI_ERROR_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/json_read.h"

/* What it means for the client and for the key; one row each in error.c. */
enum gm_cause {
    GM_BAD_REQUEST,    /* 400 */
    GM_CONTEXT_LENGTH, /* 400, the prompt is too long */
    GM_KEY_INVALID,    /* 400 API_KEY_INVALID, 401: the upstream key is no good */
    GM_LOCATION,       /* 400 FAILED_PRECONDITION: location not supported */
    GM_CREDIT,         /* 402: prepaid credit used up */
    GM_FORBIDDEN,      /* 403 */
    GM_LEAKED,         /* 403: the upstream key was found in public, and is blocked for good */
    GM_FOREIGN,        /* 403, 404: a file or cache that the key's project has not (any more) */
    GM_NO_MODEL,       /* 404 */
    GM_TOO_LARGE,      /* 413 */
    GM_BLOCKED,        /* 200 with promptFeedback.blockReason: a 400 where that is wanted */
    GM_RATE,           /* 429 */
    GM_INTERNAL,       /* 500 */
    GM_OVERLOADED,     /* 503 */
    GM_DEADLINE,       /* 504, or our own time limits */
    GM_UNREACHABLE,    /* 502: no connection to upstream */
    GM_BROKEN,         /* 502: upstream's answer is no answer, or was cut */
    GM_UNAUTHORIZED,   /* 401: the client's token */
    GM_NOT_FOUND,      /* 404: no such endpoint */
    GM_METHOD,         /* 405 */
    GM_OUR_LIMIT,      /* 4xx: a limit of ours; status in client_status */
    GM_BUSY,           /* 503: shed; try again */
    GM_CAUSES
};

/* What of a request upstream would not take, where the same request without it may be served. Most
 * are something that the family's row promises and this model does not keep: see
 * gm_caps_without(). */
enum gm_remedy {
    GM_NO_REMEDY,
    GM_DROP_SIGNATURES = 1 << 0, /* a foreign or damaged one: send the documented bypass instead */
    GM_DROP_THINKING = 1 << 1,   /* any word about it */
    GM_PLAIN_SCHEMA = 1 << 2,    /* a keyword that it does not take: the smaller dialect */
    GM_DROP_SAMPLING = 1 << 3,   /* temperature, topP, topK */
    GM_NOT_MINIMAL = 1 << 4,     /* this thinking level is not offered: the nearest that is */
    GM_NOT_LOW = 1 << 5,
    GM_NOT_MEDIUM = 1 << 6,
    GM_NOT_HIGH = 1 << 7,
    GM_NOT_THOUGHTLESS = 1 << 8, /* a thinking budget of 0 */
    GM_DROP_PENALTIES = 1 << 9,
    GM_DROP_LOGPROBS = 1 << 10,
    GM_SYSTEM_AS_USER = 1 << 11,  /* no system instruction: the user says it */
    GM_END_ON_USER = 1 << 12,     /* the last turn must not be the model's */
    GM_JSON_IN_WORDS = 1 << 13,   /* no JSON mode: asked for in words */
    GM_JSON_APART = 1 << 14,      /* not beside tools: there it is asked for in words */
    GM_OWN_TOOLS_APART = 1 << 15, /* Google's tools not beside functions */
    GM_DROP_MODALITIES = 1 << 16, /* the model's own choice */
    GM_DROP_LIMIT = 1 << 17,      /* maxOutputTokens above what it takes: its own limit */
    GM_FETCH_MEDIA = 1 << 18,     /* an address that it could not fetch: the file itself */
    GM_LOOSE_SCHEMA = 1 << 19,    /* a schema that is too large to be enforced: without bounds */
    GM_REMEDIES = 20
};
const char *
gm_remedy_name(unsigned i); /* of 1 << i: "not_minimal", for metrics; NULL past the end */

/* One line of a 429's QuotaFailure. */
enum { GM_VIOLATIONS_MAX = 8 };
struct gm_violation {
    char quota_id[96]; /* "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" */
    char model[64];    /* whose quota it is, or empty; not always the name that was asked for */
    bool valued;
    uint64_t value; /* the limit, when it was told */
};

struct gm_error {
    bool set;
    enum gm_cause cause;
    enum gm_remedy remedy;
    bool remedy_lasts;   /* it is the model's way, and no peculiarity of this request */
    bool key_fault;      /* it is the upstream key that is no good: another one may serve */
    int upstream_status; /* 0 when upstream gave none */
    int client_status;
    uint32_t retry_after_s; /* 0: not told */
    char message[1024];     /* valid UTF-8; scrubbed of anything shaped like a key */
    char param[160];        /* "messages[3].content[0]", or empty */
    char reason[48];        /* of ErrorInfo: "API_KEY_INVALID", or empty */
    char quota_id[128];     /* of a 429: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" */
    char retry_delay[24];   /* as upstream wrote it: "34.4s", or empty */
    struct gm_violation violations[GM_VIOLATIONS_MAX]; /* of a 429, as many as were told */
    size_t nviolations;
};

/* From an upstream HTTP answer. The body may be JSON, an array with one error, HTML, or cut short;
 * it is parsed in place (JSON_PAD writable bytes follow it, unless it is empty). Never fails: what
 * cannot be read becomes GM_BROKEN or what the status alone says.
 *
 *   source  mapping 1.12, traffic-facts section 9; SEC-2 for what may be shown */
void gm_error_read(struct gm_error *e, int status, char *body, size_t n);
void gm_error_from_value(struct gm_error *e, yyjson_val *error_obj); /* the value under "error" */

/* An error of our own. `what` is copied, and cut. */
void gm_error_make(struct gm_error *e, enum gm_cause cause, struct str what);
/* From a fault in the client's request; root gives the path. */
void gm_error_fault(struct gm_error *e, const struct fault *why, yyjson_val *root);

int gm_cause_status(enum gm_cause cause);        /* the client's status for it */
const char *gm_cause_words(enum gm_cause cause); /* "upstream is overloaded; please try again" */

/* Append s with anything shaped like a key or token replaced: AIza..., AQ..., sk-..., ya29...,
 * Bearer x */
void gm_scrub(struct buf *out, struct str s);

/* Take a secret that upstream repeated out of the message, whatever its shape (SEC-2), also where
 * it stands percent-encoded or in base64. */
void gm_error_hide(struct gm_error *e, struct str secret);

#endif
