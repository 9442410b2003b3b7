/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* corpus.h - recorded traffic as a test: what was recorded must come through. For the corpus_*.c
 * files alone. */
#ifndef GOLDEN_CORPUS_H
#define GOLDEN_CORPUS_H

#include "codec/json_read.h"
#include "dialect/list.h"

struct corpus {
    const char *file; /* at hand */
    unsigned answers, errors, requests, native, failed;
    unsigned refused;   /* by our own checks, with a documented fault */
    unsigned no_answer; /* recorded answers that are none: cut, or empty */
};

void corpus_fail(struct corpus *c, const char *what, struct str expected, struct str got);
#define corpus_check(c, ok, what)                                                                  \
    ((ok) ? (void)0 : corpus_fail(c, what, S("it to hold"), S("it does not")))

/* One chat completion: a request in, its answer's machine. */
struct chat_run {
    struct arena arena;
    struct dialect_opts opts;
    struct translation tr;
    struct fault why;
    enum err err;
    struct gm_reader reader;
    struct gm_error told;
    struct buf out;
};
void chat_run_init(struct chat_run *r, yyjson_val *root);
void chat_run_fini(struct chat_run *r);
/* The translated body in one piece. */
void chat_run_body(const struct chat_run *r, struct buf *out);

/* One exchange with Gemini: its answer through the answer side, whole and streamed. */
void corpus_answer(struct corpus *c, yyjson_val *exchange);
/* Its request: as an OpenAI client would have sent it, translated back, the meaning compared. */
void corpus_native(struct corpus *c, yyjson_val *exchange);
/* A translated request held against what Google refuses. */
void corpus_rules(struct corpus *c, const struct chat_run *r);
/* A request of a real OpenAI client: translated, and held against Google's rules. */
void corpus_request(struct corpus *c, yyjson_val *body);

#endif
