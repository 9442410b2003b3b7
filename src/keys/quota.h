/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quota.h - what upstream's refusal of a request says about its limits. Pure: one failure in, one
 * verdict out; lane.h holds it against what was counted. */
#ifndef KEYS_QUOTA_H
#define KEYS_QUOTA_H

#include "base/str.h"

enum quota_kind { QUOTA_RPM, QUOTA_TPM, QUOTA_RPD, QUOTA_TPD, QUOTA_KINDS };

/* Why a key, or a key for a model, is not used now. key_why_text() has the words. */
enum key_why {
    KEY_WELL,
    KEY_OVER_RPM, /* in the order of enum quota_kind */
    KEY_OVER_TPM,
    KEY_OVER_RPD,
    KEY_OVER_TPD,
    KEY_OVER_UNNAMED, /* a 429 that names no limit known here */
    KEY_NO_QUOTA,     /* a limit of 0: the model is not offered to this project */
    KEY_PROBED,       /* one request is out to see whether it is well again */
    KEY_NO_CREDIT,    /* from here on the whole key is out */
    KEY_INVALID,
    KEY_FORBIDDEN,
    KEY_LEAKED,
    KEY_WHYS
};
const char *key_why_text(enum key_why why); /* "requests a minute", for a person */

enum { KEY_VIOLATIONS_MAX = 8 };

/* One violation of a QuotaFailure. Borrowed. */
struct key_violation {
    struct str id;    /* "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" */
    struct str model; /* whose quota: may be another name than the one asked for; or empty */
    bool valued;
    uint64_t value; /* the limit, when valued */
};
/* A 429 as it was told. Borrowed for the call. */
struct key_failure {
    struct key_violation v[KEY_VIOLATIONS_MAX];
    size_t nv;
    uint64_t retry_ms;  /* RetryInfo; 0: none */
    struct str message; /* "... Please retry in 48.9s." */
};

struct quota_verdict {
    enum key_why why; /* the gravest: what a day allows comes before what a minute allows */
    uint64_t limit;   /* of it; 0: not told */
    bool over[QUOTA_KINDS];
    uint64_t learned[QUOTA_KINDS]; /* limits that were told; 0: not */
    uint64_t wait_ms;              /* what upstream asked for, 1 s .. 24 h; 0: nothing sensible */
    struct str model;              /* whose quota it is; empty: not told */
};
/*   source  mapping 1.12, traffic-facts section 9, UPS-2 */
struct quota_verdict quota_judge(const struct key_failure *f);

/* Which limit an id names, or -1: its words are glued together and change over the years. */
int quota_kind_of(struct str id);

/* "48.939935699s", "651.2ms", "7h38m12.3s" in milliseconds, rounded up; 0 when it is no such
 * thing. */
uint64_t quota_duration_ms(struct str s);

/* The duration after "retry in ", or 0. */
uint64_t quota_retry_ms(struct str message);

static inline bool quota_is_day(enum key_why why)
{
    return why == KEY_OVER_RPD || why == KEY_OVER_TPD;
}

#endif
