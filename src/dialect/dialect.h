/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dialect.h - what a client-facing format is to the rest: a table of pure functions.
 *
 * A request crosses once, dialect JSON to Gemini JSON. An answer becomes `struct gm_event`s once,
 * and each dialect spells them out. A dialect opens no socket, reads no clock, writes no log. */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rope.h"
#include "codec/json_read.h"
#include "gemini/error.h"
#include "gemini/event.h"
#include "gemini/media.h"

/* Settings that the operator chose; from app/config. */
struct dialect_opts {
    bool include_thoughts;    /* ask for thought summaries although the client did not */
    bool markdown_images;     /* images also as markdown data URIs in the content */
    struct str default_model; /* when the client names none; empty: that is a 400 */
    struct str model_suffix; /* put after the model's name in answers: an emulation says so there */
};

/* What one exchange knows and a pure function may not ask for. */
struct dialect_env {
    const struct dialect_opts *opts;
    int64_t now_s;       /* for `created` */
    struct str nonce;    /* 24 random characters of [A-Za-z0-9], for ids made here */
    struct arena *arena; /* the exchange's: whatever is returned lives there, and a whole answer is
                            gathered there: it must not be reset before the answer has ended */
    /* Signatures that a client lost, by tool call id; NULL where there is no store. The answer is
     * borrowed for the exchange. */
    struct str (*recall)(void *ctx, struct str call_id);
    void (*remember)(void *ctx, struct str call_id, struct str signature);
    void *store;
    struct str model;  /* to be asked in place of the one that the client names; empty: that one */
    unsigned remedies; /* enum gm_remedy bits: upstream refused the request for these */
    /* The same, as requests to the model have taught before; NULL: nothing is known. */
    unsigned (*learned)(void *ctx, struct str model);
    /* What is fetched here of the addresses that the request names; NULL: nothing. When it wants
     * something after request(), the translation is to be thrown away and made again. */
    struct gm_links *links;
    size_t size; /* of the client's body, which the translation will be about as long as; or 0 */
};

/* A client's request, read and translated. */
struct translation {
    struct str model;      /* upstream id: no models/ prefix; only bytes that are safe in a path */
    bool stream;           /* the client wants a stream */
    enum gm_method method; /* which upstream method serves it */
    struct rope body;   /* Gemini JSON; borrows from the client's body. rope_fini is the caller's */
    struct str ignored; /* for x-queqiao-ignored: "logit_bias,store"; in the arena */
    bool special;       /* it may name files, caches or Google's own tools */
    unsigned choices;   /* n: how many upstream requests are merged into the answer; at least 1 */
    void *answer;       /* the dialect's machine for the answer; lives in the arena */
};

struct dialect {
    const char *name; /* in logs */
    struct str stream_type;
    struct str heartbeat; /* bytes that every client of a stream skips: an SSE comment */

    /* Read the request. `ret` is untouched on failure; why->at leads jr_path() to the culprit.
     *
     *   shape   root is the parsed body; its strings must live as long as ret->body
     *   errors  E_FIELD, E_RANGE, E_SYNTAX: the client's fault; E_TOOBIG */
    enum err (*request)(yyjson_val *root, const struct dialect_env *env, struct translation *ret,
                        struct fault *why);

    /* One event of choice `choice`; appends what the client gets (streams), or gathers (whole). */
    enum err (*event)(void *answer, unsigned choice, const struct gm_event *e, struct buf *out);

    /* The request of choice `choice` is made again, though events of it were told: they are
     * forgotten. Only while nothing of the answer has gone to the client. */
    void (*restart)(void *answer, unsigned choice);

    /* Every upstream answer has ended well: the rest of the stream with its end mark, or the whole
     * body. Usage, ids and the model's version were gathered by gm_reader.
     *
     *   errors  E_UPSTREAM when what came is not an answer (nothing at all, no finish reason), with
     *           why->what in the arena; nothing was appended then */
    enum err (*end)(void *answer, const struct gm_reader *readers, unsigned n, struct buf *out,
                    struct fault *why);

    /* After the first byte of a stream: an error event, and never an end mark of success. */
    void (*stream_error)(void *answer, const struct gm_error *e, struct buf *out);

    /* Before it: the whole error body. The status is e->client_status. */
    void (*error)(const struct gm_error *e, struct buf *out);
};

#endif
