/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer.h - the pure half of the emulator: a request in, a plan or a refusal out. */
#ifndef DEMO_ANSWER_H
#define DEMO_ANSWER_H

#include "demo/plan.h"
#include "demo/problem.h"

struct emu_answer {
    struct emu_problem problem; /* http != 0: the request is refused with this */
    struct emu_plan plan;       /* EMU_GENERATE, EMU_STREAM */
    struct buf json;            /* the other methods: the whole answer, compact */
};
void emu_answer_init(struct emu_answer *r);
void emu_answer_fini(struct emu_answer *r);

/* Check the request as Google does and make up the answer. No clock, no chance: the same ask gives
 * the same answer.
 *
 *   shape  ask and its body must outlive *ret; text that it points at lives in the arena */
void emu_answer(const struct emu_ask *ask, struct arena *a, struct emu_answer *ret);

/* 404: no such model, or not for this method. */
void emu_not_found(struct emu_problem *p, struct str version, struct str model,
                   enum emu_method method);

#endif
