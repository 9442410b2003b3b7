/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* loop_impl.h - the inside of a loop, for net/ alone.
 *
 * One turn:  arm -> poll and I/O callbacks -> expired timers -> writes -> soon-tasks, each with
 * its writes -> deferred tasks -> under load, a moment's sleep. Timers come after I/O so that a
 * loop that was held up, or frozen with its process, sees the bytes that had already arrived before
 * it decides that somebody was too slow. */
#ifndef NET_LOOP_IMPL_H
#define NET_LOOP_IMPL_H

#include "base/buf.h"
#include "net/coalesce.h"
#include "net/loop.h"

#include <uv.h>

#include <pthread.h>

enum {
    LOOP_READ_BUF = 64 * 1024, /* one for all connections of the loop; lent to on_read */
    LOOP_GATHER = 8,           /* so many sockets to write to are not kept waiting */
    LOOP_SPARES = 8,           /* output buffers kept for the next writer */
    LOOP_SPARE_ROOM = 128 * 1024,
    LOOP_LATE_MS = 20,    /* a timer this late waits for one more look at the sockets */
    LOOP_FROZEN_MS = 2000 /* a longer gap means that the process had no CPU */
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t arm;  /* before the poll */
    uv_check_t settle; /* after it */
    uv_idle_t hurry;   /* active: the poll must not wait */
    uv_timer_t alarm;  /* wakes the poll for the first timer; does nothing itself */
    uv_async_t mail;   /* wakes the poll for posted tasks */
    struct list soon, gathered, next, deferred, thaw, turn, at_free, signals;
    size_t ngathered; /* at least as many as wait */
    uint32_t turns;   /* so far */
    uint32_t written; /* sockets that this turn writes to */
    uint32_t load;    /* see loop_load */
    struct coalesce coalesce;
    bool running, stopping;
    size_t works; /* what other threads do for this loop: see work.h */
    int works_fd; /* counts those that are done */
    uv_poll_t works_poll;

    struct due *heap; /* net/timer.c */
    size_t timers, heap_room;
    uint64_t alarm_due_ms; /* what the alarm is set to, or UINT64_MAX */
    bool late;             /* expired timers were put off once */

    uint64_t skew_ms;    /* time spent frozen; our clock leaves it out */
    uint64_t seen_uv_ms; /* uv_now and the wall when the poll began, or when it was last over */
    int64_t seen_wall_ms;
    uint64_t poll_max_ms; /* how long the poll may take; 0 outside of it; UINT64_MAX: for ever */

    pthread_mutex_t lock; /* guards posted and works_done */
    struct list posted, works_done;

    char *read_buf, *plain_buf;
    struct buf spare[LOOP_SPARES];
    size_t spares;
};

/* The first thing in every libuv callback that brings outside news: notices a freeze. What it calls
 * may close the very object that the news is for. */
void loop_woke(struct loop *loop);

/* Run t once when the callbacks of this turn are over, or as soon as LOOP_GATHER of its kind wait
 * and the one at work is over. This is how sockets are written to: several together, but what a
 * long turn has answered first does not wait for its end. */
void loop_gather(struct loop *loop, struct task *t);

/* The last thing in a libuv callback that brought bytes, when no owner's function is at work any
 * more. */
void loop_told(struct loop *loop);

/* net/timer.c */
void timers_arm(struct loop *loop);
void timers_run(struct loop *loop);

/* net/work.c */
int works_open(struct loop *loop); /* 0, or a libuv error */
void works_close(struct loop *loop);

/* The shared 64 KiB for ciphertext or plain bytes, and the one for decrypted bytes. */
char *loop_read_buf(struct loop *loop);
char *loop_plain_buf(struct loop *loop);

/* An empty buffer, often with memory from an earlier user; and its way back. */
void loop_buf_take(struct loop *loop, struct buf *ret);
void loop_buf_give(struct loop *loop, struct buf *b);

/* Run t in loop_free, for objects that outlive their owner for a while. task_cancel takes it out.
 */
void loop_at_free(struct loop *loop, struct task *t);

#endif
