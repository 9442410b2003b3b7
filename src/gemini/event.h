/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* event.h - an answer of generateContent as typed events, whole or streamed alike. */
#ifndef GEMINI_EVENT_H
#define GEMINI_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json_read.h"
#include "gemini/error.h"

enum gm_method { GM_GENERATE, GM_STREAM }; /* :generateContent, :streamGenerateContent?alt=sse */

enum gm_kind {
    GM_TEXT,        /* text */
    GM_THOUGHT,     /* text */
    GM_CALL,        /* call; signature */
    GM_MEDIA,       /* media; signature */
    GM_CODE,        /* text: code that the model ran; language in name */
    GM_CODE_RESULT, /* text: its output; name: the outcome */
    GM_SERVER_TOOL, /* raw: a toolCall or toolResponse part */
    GM_SIGNATURE,   /* signature alone: on text, on a thought, or on nothing */
    GM_GROUNDING,   /* raw: groundingMetadata */
    GM_CITATIONS,   /* raw: citationMetadata */
    GM_LOGPROBS,    /* raw: logprobsResult */
};

/* Outcomes, most of Google's words reduced to what any dialect can tell apart. */
enum gm_finish {
    GM_NONE, /* none has come */
    GM_STOP,
    GM_LENGTH,   /* MAX_TOKENS */
    GM_FILTER,   /* SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, LANGUAGE, IMAGE_* */
    GM_BAD_CALL, /* MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, TOO_MANY_TOOL_CALLS, ... */
    GM_CONTINUE, /* CONTINUATION */
    GM_OTHER,    /* OTHER and words not known yet */
    GM_FINISHES
};

struct gm_event {
    enum gm_kind kind;
    struct str text;       /* borrowed for the call, as everything here */
    bool plain;            /* it is known to need no escape in JSON */
    struct str name;       /* of the function; the language; the outcome */
    struct str id;         /* of the call; empty before 3.x */
    struct str mime, data; /* of media; data is base64 as it came */
    struct str signature;  /* base64 as it came; empty when there was none */
    bool thought;          /* the part was marked as a thought */
    yyjson_val *args;      /* of the call: an object, or NULL for none */
    yyjson_val *raw;
};

struct gm_usage {
    bool seen;
    char tier[16]; /* "standard", "flex", "priority", or empty */
    uint64_t prompt, candidates, thoughts, tool_use, cached, total;
    uint64_t prompt_audio, prompt_image, candidates_audio, candidates_image;
};

typedef enum err gm_event_f(void *ctx, const struct gm_event *e);

enum { GM_ID_MAX = 128, GM_WORD_MAX = 64, GM_TEXT_MAX = 512 };

/* What the last event of a stream looked like, so that the next one need not be parsed when it
 * differs in nothing but its text and counts. NULL without memory. */
struct gm_form;
struct gm_form *gm_form_new(struct arena *a);
/* The same for whole answers, of all requests one after another; mem_free is the caller's. */
struct gm_form *gm_form_of_wholes(void);

/* Gathers what belongs to the answer as a whole; hands on the rest, in order. */
struct gm_reader {
    struct gm_error *error; /* the owner's room: set when a chunk was an error object */
    struct gm_form *form;   /* the owner's: a new one, or that of wholes. NULL: all is parsed */
    struct gm_usage usage;  /* of the last chunk that had it: counts are running totals */
    struct gm_usage before; /* of the hops before, see gm_reader_hop */
    enum gm_finish finish;  /* the last that came */
    bool blocked;           /* promptFeedback.blockReason */
    bool any_content;       /* a part that a client can see, a thought included, or a call */
    bool any_answer;        /* the same, but for thoughts */
    bool any_chunk;
    char response_id[GM_ID_MAX]; /* from here on nothing but words */
    char model_version[GM_ID_MAX];
    char finish_word[GM_WORD_MAX];    /* Google's own word: "SAFETY" */
    char finish_message[GM_TEXT_MAX]; /* valid UTF-8, cut */
};
/* Several readers may share one room, where each error is dealt with before the next is read. */
void gm_reader_init(struct gm_reader *r, struct gm_error *error);

/* The answer goes on in another stream, after CONTINUATION; and when the last of them has ended:
 * usage is that of all. */
void gm_reader_hop(struct gm_reader *r);
void gm_reader_sum(struct gm_reader *r);

/* The token with which the answer would go on; empty when the chunk has none. Borrowed. */
struct str gm_continuation(yyjson_val *chunk);

/* The answer has ended and is not worth showing, while the same request again may well be: a call
 * that the model got wrong, or nothing at all. Only before a byte of it went to the client.
 *
 *   source  mapping 3.3 */
bool gm_worth_again(const struct gm_reader *r);

/* For documents: Google's word i and what it is reduced to; NULL past the last. */
const char *gm_finish_word(size_t i, enum gm_finish *ret);

/* One GenerateContentResponse: a chunk of a stream, or the whole answer.
 *
 *   errors  E_UPSTREAM when it is not one (the value is no object; or an error: r->error is set);
 *           whatever on_event returned, unchanged
 *   source  traffic-facts sections 2 to 7; https://ai.google.dev/api/generate-content */
MUST_CHECK enum err gm_read(struct gm_reader *r, yyjson_val *chunk, gm_event_f *on_event,
                            void *ctx);

/* One event of a stream, or a whole answer, as its bytes: json_parse_lenient() and gm_read(), or
 * what comes to the same.
 *
 *   shape   as json_parse_lenient() wants it
 *   errors  those of both
 *   after   j->root is the chunk; NULL when it had nothing to tell but a text and counts */
MUST_CHECK enum err gm_read_event(struct gm_reader *r, struct json *j, char *data, size_t n,
                                  gm_event_f *on_event, void *ctx);

#endif
