/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* loop.h - one event loop, one thread. Everything in net/, http/ and proxy/ belongs to one loop and
 * is touched by its thread alone. libuv stays behind this room's doors. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"
#include "base/list.h"
#include <stdint.h>

struct loop;

/* A piece of work embedded in its owner. Start with task_init. */
struct task {
    struct list link;
    void (*run)(struct task *);
};
static inline void task_init(struct task *t, void (*run)(struct task *))
{
    list_init(&t->link);
    t->run = run;
}
static inline void task_cancel(struct task *t) /* harmless when not queued */
{
    list_remove(&t->link);
}

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* NULL is fine; every handle must be closed */
void loop_run(struct loop *loop);  /* until loop_stop, or until no handle is left */
void loop_stop(struct loop *loop);
/* While it is held, loop_run does not return for want of handles: signals and posts still find it.
 */
void loop_hold(struct loop *loop, bool on);

/* Run t once before the loop waits for I/O again, after all callbacks of this turn. This is how
 * work is gathered: the first frame of a turn queues the flush. Queueing twice is once. Tasks
 * may queue tasks; they run in the same turn, in order. */
void loop_soon(struct loop *loop, struct task *t);

/* Run t once in the next turn, which then does not wait for I/O, but sees what has come. This is
 * how a long piece of work lets others go on in between. */
void loop_next(struct loop *loop, struct task *t);

/* The same as loop_soon, after all soon-tasks: the place to give memory back (no object
 * dies inside its own callback). */
void loop_defer(struct loop *loop, struct task *t);

/* Run t on the loop's thread. The one call that is legal from other threads. t must stay valid
 * until it has run; posting it again before that, from any thread, is once. */
void loop_post(struct loop *loop, struct task *t);

/* Run t whenever the process turns out to have stood still for over 2 s (a frozen instance,
 * SIGSTOP), before any other news of that turn: idle connections are doubtful then. Until
 * task_cancel. */
void loop_on_thaw(struct loop *loop, struct task *t);

/* Run t in each turn, after its news and before its tasks, and once more before the loop waits; and
 * before sockets are written to, where that is in the middle of a turn. Until task_cancel. */
void loop_on_turn(struct loop *loop, struct task *t);

/* So many requests more, or fewer, are in work. When there are many, the loop looks at its sockets
 * a moment later, so that it finds several that have news: see coalesce.h. */
void loop_load(struct loop *loop, int more);

/* Monotonic, read once a turn. Time spent frozen is left out: timers go on where they stood. */
uint64_t loop_now_ms(struct loop *loop);

/* One-shot timers. Start again to move it; stop is harmless when it is not running. The memory may
 * go away any time after timer_stop. Timers never keep loop_run from returning. */
struct timer {
    uint64_t due_ms;
    struct loop *loop;
    void (*fire)(struct timer *);
    size_t slot; /* place in the loop's heap + 1; 0 when not running */
};
void timer_init(struct timer *t, struct loop *loop, void (*fire)(struct timer *));
void timer_start(struct timer *t, uint64_t after_ms);
void timer_stop(struct timer *t);
static inline bool timer_running(const struct timer *t)
{
    return t->slot != 0;
}

/* Unix signals, delivered as a callback on this loop until it is freed; then they are ignored. */
void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg);

#endif
