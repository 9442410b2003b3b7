/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* judge.h - is this what a client may be told when something has failed? */
#ifndef TORTURE_JUDGE_H
#define TORTURE_JUDGE_H

#include "wire.h"

enum verdict {
    V_RIGHT,  /* the whole answer, as without a fault */
    V_ERROR,  /* a whole error, in the dialect's shape, that does not blame the client */
    V_CLOSED, /* broken off, and visibly so */
    V_HUNG,
    V_WRONG, /* passes for an answer, and is none */
    V_KINDS
};

/* `text` is what the answer must say; NULL: any that is well-formed. */
enum verdict judge(const struct wire_answer *a, const char *text);
extern const char *const VERDICT[V_KINDS];

/* The words of a whole or streamed answer; NULL when it is none. free() it. */
char *judge_text(const struct wire_answer *a);

#endif
