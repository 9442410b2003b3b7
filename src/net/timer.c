/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* timer.c - the loop's one-shot timers: a binary heap by due time, whose first entry sets the one
 * alarm that wakes the poll. Starting and stopping allocates nothing but the heap's own growth. The
 * due times stand in the heap itself: the timers lie in what is not looked at otherwise. */
#include "base/mem.h"
#include "net/loop_impl.h"

struct due {
    uint64_t ms;
    struct timer *t;
};

static void put(struct loop *loop, size_t at, struct due d)
{
    loop->heap[at] = d;
    d.t->slot = at + 1;
}

static void sift_up(struct loop *loop, size_t at, struct due d)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (loop->heap[parent].ms <= d.ms)
            break;
        put(loop, at, loop->heap[parent]);
        at = parent;
    }
    put(loop, at, d);
}

static void sift_down(struct loop *loop, size_t at, struct due d)
{
    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= loop->timers)
            break;
        if (child + 1 < loop->timers && loop->heap[child + 1].ms < loop->heap[child].ms)
            child++;
        if (d.ms <= loop->heap[child].ms)
            break;
        put(loop, at, loop->heap[child]);
        at = child;
    }
    put(loop, at, d);
}

/* d takes the place `at`, which is free. */
static void settle(struct loop *loop, size_t at, struct due d)
{
    if (at > 0 && loop->heap[(at - 1) / 2].ms > d.ms)
        sift_up(loop, at, d);
    else
        sift_down(loop, at, d);
}

void timer_init(struct timer *t, struct loop *loop, void (*fire)(struct timer *))
{
    *t = (struct timer){.loop = loop, .fire = fire};
}

void timer_start(struct timer *t, uint64_t after_ms)
{
    struct loop *loop = t->loop;
    uint64_t now = loop_now_ms(loop);
    size_t at = t->slot - 1;
    struct due d = {after_ms < UINT64_MAX / 2 - now ? now + after_ms : UINT64_MAX / 2, t};

    t->due_ms = d.ms;
    if (t->slot == 0) {
        if (loop->timers == loop->heap_room) {
            loop->heap_room = loop->heap_room ? loop->heap_room * 2 : 64;
            loop->heap = mem_realloc(loop->heap, loop->heap_room * sizeof *loop->heap);
        }
        at = loop->timers++;
    }
    settle(loop, at, d);
}

void timer_stop(struct timer *t)
{
    struct loop *loop = t->loop;
    size_t at = t->slot - 1;
    struct due last;

    if (t->slot == 0)
        return;
    t->slot = 0;
    last = loop->heap[--loop->timers];
    if (last.t != t)
        settle(loop, at, last);
}

static void on_alarm(uv_timer_t *h)
{
    struct loop *loop = h->data;

    loop->alarm_due_ms = UINT64_MAX;
}

static void on_hurry(uv_idle_t *h)
{
    (void)h;
}

/* The last step before the poll: see that it ends in time for the first timer. */
void timers_arm(struct loop *loop)
{
    uint64_t now = loop_now_ms(loop);
    uint64_t due = loop->timers > 0 ? loop->heap[0].ms : UINT64_MAX;
    uint64_t wait = due > now ? due - now : 0;

    if (wait == 0 || !list_empty(&loop->next))
        uv_idle_start(&loop->hurry, on_hurry);
    else
        uv_idle_stop(&loop->hurry);
    if (due == UINT64_MAX)
        uv_timer_stop(&loop->alarm);
    else if (wait > 0 && due != loop->alarm_due_ms)
        uv_timer_start(&loop->alarm, on_alarm, wait, 0);
    loop->alarm_due_ms = wait > 0 ? due : UINT64_MAX;
    /* Never 0, which means "not polling". */
    loop->poll_max_ms = due == UINT64_MAX ? UINT64_MAX : wait + 1;
}

/* At most as many as there are now, so that a timer that starts itself with 0 ends the turn. */
void timers_run(struct loop *loop)
{
    uint64_t now = loop_now_ms(loop);
    size_t left = loop->timers;

    if (left == 0 || loop->heap[0].ms > now)
        return;
    loop->late = !loop->late && now - loop->heap[0].ms > LOOP_LATE_MS;
    if (loop->late)
        return;
    while (left-- > 0 && loop->timers > 0 && loop->heap[0].ms <= now) {
        struct timer *t = loop->heap[0].t;

        timer_stop(t);
        t->fire(t);
    }
}
