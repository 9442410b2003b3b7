/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* work.h - a piece of computing that is too long for a turn of the loop, done by another thread. */
#ifndef NET_WORK_H
#define NET_WORK_H

#include "net/loop.h"

/* Embedded in its owner, whose memory stays until `done` was called. `run` is called on another
 * thread, and touches nothing that belongs to the loop; `done` follows on the
 * loop's. There is no way to stop it. A few are done at once for the whole process, others wait.
 * loop_run does not return before all of them are done. */
struct work {
    void (*run)(struct work *);
    void (*done)(struct work *);
};
void loop_work(struct loop *loop, struct work *w);

/* To be called with mem_rest: threads that have nothing to do give their pages back as well. */
void works_rest(void);

#endif
