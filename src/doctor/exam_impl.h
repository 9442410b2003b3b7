/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam_impl.h - rounds of questions, shared by upstream.c and gate.c. */
#ifndef DOCTOR_EXAM_IMPL_H
#define DOCTOR_EXAM_IMPL_H

#include "base/rope.h"
#include "doctor/exam.h"
#include "net/loop.h"

enum { ANSWER_MAX = 512 * 1024, QUESTIONS_MAX = EXAM_KEYS_MAX, ANSWER_PAD = 8 };

struct exam;

struct question {
    struct exam *x;
    void (*judge)(struct question *q); /* its answer is whole, or fault.err is set */
    size_t index;                      /* which key, which model, which stream */
    struct client_req *req;
    struct rope body;
    struct client_fault fault;
    int status;
    int64_t date_s; /* of the answer, or 0 */
    struct buf answer;
    uint64_t sent_ms, head_ms, first_ms, last_ms; /* of pieces of the body */
    unsigned pieces;
};

enum way_fate { WAY_UNKNOWN, WAY_REACHED, WAY_REFUSED, WAY_FAILED };
struct way_seen {
    enum way_fate fate;
    enum finding_id id; /* of WAY_FAILED */
    uint64_t ms;
    char detail[DETAIL_MAX];
};

struct exam {
    struct exam_opts o;
    struct exam_way ways[EXAM_WAYS_MAX];
    struct way_seen seen[EXAM_WAYS_MAX];
    size_t nways, way; /* way: the first that leads to upstream */
    struct findings *out;
    exam_done_f *done;
    void *owner;
    struct secret keys[EXAM_KEYS_MAX];
    char models[EXAM_MODELS_MAX][SUBJECT_MAX];
    struct question *questions[QUESTIONS_MAX];
    size_t nquestions, open;
    void (*next)(struct exam *x); /* when all are answered; NULL: it is over */
    struct task step;
    struct task free;
    bool over;
    bool has_concurrency;             /* the deployment is on a platform where that is a setting */
    size_t good_key;                  /* SIZE_MAX: none yet */
    uint64_t instance[2], span_ms[2]; /* of the gate's streams */
};

struct exam *exam_new(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                      void *owner);

/* Ask. target is copied; key: its index, or SIZE_MAX for none; body: JSON, or empty. */
struct ask {
    enum http_method method;
    struct str target;
    const struct secret *google_key, *bearer;
    struct str body;
    void (*judge)(struct question *q);
    size_t index;
    size_t way; /* place in x->ways */
};
void exam_ask(struct exam *x, const struct ask *a);

/* Once the questions of this turn are answered: go on with `next`, or end. */
void exam_then(struct exam *x, void (*next)(struct exam *x));

int64_t exam_parse_date(struct str date); /* IMF-fixdate; 0 when it is none */

#endif
