/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer.h - the machine that turns Gemini's events into a chat.completion, or into its chunks.
 *
 *   each choice:  fresh --event--> open --end--> done
 *
 * Shared by the answer_*.c files alone. All memory is the exchange's arena. */
#ifndef DIALECT_OPENAI_ANSWER_H
#define DIALECT_OPENAI_ANSWER_H

#include "codec/json_write.h"
#include "dialect/dialect.h"
#include "dialect/openai/pieces.h"
#include "dialect/openai/sign.h"

enum { OA_CALL_ID_MAX = 40, OA_ANNOTATIONS_MAX = 4096, OA_CALLS_MAX = 2048 };

/* A function that Gemini knows by another name, or that was a custom tool. */
struct oa_name {
    struct oa_name *next;
    struct str gemini, client;
    bool custom;
};

struct oa_choice {
    bool open;      /* its first chunk went out */
    unsigned calls; /* told so far: the next one has this index */
    unsigned image_count;
    unsigned supports;  /* of the grounding, told so far */
    struct pieces text; /* in a stream only when citations may point into it */
    struct pieces thoughts;
    struct pieces tool_calls, images, annotations, logprobs, server_parts; /* items: JSON */
    struct pieces audio;                                                   /* items: base64 */
    struct pieces ids;                                                     /* items: of calls */
    struct str begin; /* of each of its chunks */
    struct str audio_mime, grounding, signature, thought_signature;
    struct oa_hash first_call_hash; /* of its id */
    struct oa_hash text_hash;       /* by which the signature of the text is remembered */
};

struct oa_answer {
    struct arena *arena;
    const struct dialect_opts *opts;
    void (*remember)(void *ctx, struct str call_id, struct str signature);
    void *store;
    int64_t created;
    struct str nonce, model;
    bool stream;
    bool usage;              /* stream_options.include_usage */
    bool legacy_calls;       /* the client sent `functions`: it reads message.function_call */
    bool one_call;           /* parallel_tool_calls: false */
    bool keep_text;          /* citations may come */
    bool hide_thoughts;      /* asked for, but not to be shown */
    struct str audio_format; /* "wav", "pcm16"; empty: no audio was asked for */
    struct oa_name *names;
    struct str head; /* what every chunk begins with: in the middle of an object */
    struct oa_choice *choice;
    unsigned n;
    unsigned made; /* call ids made here */
};

/* Everything but the arena's memory is set by the caller before. */
MUST_CHECK enum err oa_answer_ready(struct oa_answer *a, unsigned n);

/* answer.c, the dialect's functions */
enum err oa_answer_event(void *answer, unsigned choice, const struct gm_event *e, struct buf *out);
enum err oa_answer_end(void *answer, const struct gm_reader *readers, unsigned n, struct buf *out,
                       struct fault *why);
void oa_answer_restart(void *answer, unsigned choice);

/* chunk.c: the envelope. Open, write members of the delta, close. */
MUST_CHECK enum err oa_answer_head(struct oa_answer *a); /* of every chunk */
/* What an answer begins with, whole or in chunks; its next members go through w. */
void oa_put_head(const struct oa_answer *a, struct jw *w, struct buf *out);
void oa_chunk_open(struct oa_answer *a, unsigned choice, struct jw *w, struct buf *out);
MUST_CHECK enum err oa_chunk_close(struct oa_answer *a, struct jw *w, struct buf *out);
/* A delta of one member: `delta` is what stands before its text, {"content": */
MUST_CHECK enum err oa_chunk_text(struct oa_answer *a, unsigned choice, struct str delta,
                                  struct str text, bool plain, struct buf *out);
MUST_CHECK enum err oa_chunk_logprobs(struct oa_answer *a, unsigned choice, struct str items,
                                      struct buf *out);
void oa_chunk_finish(struct oa_answer *a, unsigned choice, const struct gm_reader *r,
                     const char *reason, struct buf *out);
void oa_chunk_usage(struct oa_answer *a, const struct gm_reader *readers, struct buf *out);

/* What chunks and a whole answer share. */
void oa_put_ending(struct jw *w, const struct gm_reader *r);
void oa_put_tier(struct jw *w, const struct gm_reader *r);
void oa_put_usage(struct jw *w, const char *key, const struct gm_reader *readers, unsigned n);

/* One item of a list: in a stream a delta of its own, whole it waits in `kept`. Write the item's
 * members through item->w. */
struct oa_item {
    struct jw w;
    size_t from; /* where it begins in out */
    bool in_list;
};
void oa_item_open(struct oa_answer *a, unsigned choice, struct oa_item *item, struct buf *out,
                  const char *key, bool in_list);
MUST_CHECK enum err oa_item_close(struct oa_answer *a, struct oa_item *item, struct buf *out,
                                  struct pieces *kept);

/* answer.c */
MUST_CHECK enum err oa_answer_text(struct oa_answer *a, unsigned choice, struct str text,
                                   bool plain, struct buf *out);
/* A delta of Google's own things. `beside` is an empty member that every client knows: strict ones
 * trip over deltas that hold nothing they know. */
void oa_google_open(struct oa_answer *a, unsigned choice, const char *beside, struct jw *w,
                    struct buf *out);
MUST_CHECK enum err oa_google_close(struct oa_answer *a, struct jw *w, struct buf *out);

/* answer_calls.c, answer_media.c, answer_cite.c, answer_logprobs.c: one event each */
typedef enum err oa_answer_f(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                             struct buf *out);
oa_answer_f oa_answer_call, oa_answer_media, oa_answer_grounding, oa_answer_citations,
    oa_answer_logprobs;
void oa_put_audio(const struct oa_answer *a, struct jw *w, const struct oa_choice *c);

#endif
