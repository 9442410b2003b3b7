/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* timer.c - the loop's one-shot timers: a binary heap by due time, whose first entry sets the one
 * alarm that wakes the poll. Starting and stopping allocates nothing but the heap's own growth. */
#include "base/mem.h"
#include "net/loop_impl.h"

static void put(struct loop *loop, size_t at, struct timer *t)
{
    loop->heap[at] = t;
    t->slot = at + 1;
}

static void sift_up(struct loop *loop, size_t at, struct timer *t)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (loop->heap[parent]->due_ms <= t->due_ms)
            break;
        put(loop, at, loop->heap[parent]);
        at = parent;
    }
    put(loop, at, t);
}

static void sift_down(struct loop *loop, size_t at, struct timer *t)
{
    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= loop->timers)
            break;
        if (child + 1 < loop->timers && loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms)
            child++;
        if (t->due_ms <= loop->heap[child]->due_ms)
            break;
        put(loop, at, loop->heap[child]);
        at = child;
    }
    put(loop, at, t);
}

/* t takes the place `at`, which is free. */
static void settle(struct loop *loop, size_t at, struct timer *t)
{
    if (at > 0 && loop->heap[(at - 1) / 2]->due_ms > t->due_ms)
        sift_up(loop, at, t);
    else
        sift_down(loop, at, t);
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

    t->due_ms = after_ms < UINT64_MAX / 2 - now ? now + after_ms : UINT64_MAX / 2;
    if (t->slot == 0) {
        if (loop->timers == loop->heap_room) {
            loop->heap_room = loop->heap_room ? loop->heap_room * 2 : 64;
            loop->heap = mem_realloc(loop->heap, loop->heap_room * sizeof *loop->heap);
        }
        at = loop->timers++;
    }
    settle(loop, at, t);
}

void timer_stop(struct timer *t)
{
    struct loop *loop = t->loop;
    size_t at = t->slot - 1;
    struct timer *last;

    if (t->slot == 0)
        return;
    t->slot = 0;
    last = loop->heap[--loop->timers];
    if (last != t)
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
    uint64_t due = loop->timers > 0 ? loop->heap[0]->due_ms : UINT64_MAX;
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

    if (left == 0 || loop->heap[0]->due_ms > now)
        return;
    loop->late = !loop->late && now - loop->heap[0]->due_ms > LOOP_LATE_MS;
    if (loop->late)
        return;
    while (left-- > 0 && loop->timers > 0 && loop->heap[0]->due_ms <= now) {
        struct timer *t = loop->heap[0];

        timer_stop(t);
        t->fire(t);
    }
}
