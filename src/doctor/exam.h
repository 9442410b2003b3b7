/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam.h - what a doctor asks over the network, in rounds: each round's questions go out together,
 * and the next begins when all are answered.
 *
 *   reach --upstream answers--> keys --one is good--> models --> done          exam_upstream
 *   knock --it is queqiao--> streams --> its own findings --> done             exam_gate */
#ifndef DOCTOR_EXAM_H
#define DOCTOR_EXAM_H

#include "base/secret.h"
#include "doctor/finding.h"
#include "http/client.h"

enum { EXAM_KEYS_MAX = 32, EXAM_MODELS_MAX = 8, EXAM_WAYS_MAX = 32 };

/* A way out to upstream. */
struct exam_way {
    const char *name;               /* without user and password */
    const struct tunnel_proxy *via; /* NULL: straight */
    bool shared;                    /* everybody's, not only some key's */
};

struct exam_opts {
    struct loop *loop;
    struct client *client;
    struct origin origin; /* borrowed until done, as base_path */
    struct str base_path;
    const struct secret *keys; /* of the server, copied; more than EXAM_KEYS_MAX are not tried */
    size_t nkeys;
    const struct exam_way *ways; /* copied; what they point at is borrowed until done. More than
                                    EXAM_WAYS_MAX are not tried; none: straight */
    size_t nways;
    const size_t
        *key_ways; /* of each key, borrowed: its own way, or SIZE_MAX. NULL: none has one */
    const struct str *models; /* asked for, copied; each one costs a few tokens */
    size_t nmodels;
};
typedef void exam_done_f(void *owner);

struct exam;

/* Each way to upstream, each key, each model. Exactly one call of done, never from inside; none
 * after exam_cancel. Findings are added to out, which must live until then. */
struct exam *exam_upstream(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                           void *owner);

/* A deployment from the outside: does it answer, does it let the token in, do streams arrive piece
 * by piece, and what does it find itself? keys: the one token; models are passed on to it. */
struct exam *exam_gate(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                       void *owner);

void exam_cancel(struct exam *x); /* NULL is fine */

#endif
