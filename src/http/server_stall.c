/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_stall.c - a client that does not take its answer. Knows counters and one timer. */
#include "http/server_stall.h"

static void begin(struct stall *s, uint64_t now, uint64_t taken)
{
    s->since_ms = now;
    s->taken_then = taken;
}

static void look(struct timer *t)
{
    struct stall *s = CONTAINER(t, struct stall, timer);
    uint64_t now = loop_now_ms(t->loop);
    size_t queued = s->queued(s);
    uint64_t taken = s->put - queued;

    if (queued == 0)
        return;                             /* the next stall_put starts anew */
    if (now - s->since_ms < s->period_ms) { /* it was empty meanwhile */
        timer_start(t, s->period_ms - (now - s->since_ms));
    } else if (taken - s->taken_then >= STALL_BYTES) {
        begin(s, now, taken);
        timer_start(t, s->period_ms);
    } else {
        s->stalled(s);
    }
}

void stall_init(struct stall *s, struct loop *loop, uint32_t period_ms,
                size_t (*queued)(const struct stall *), void (*stalled)(struct stall *))
{
    *s = (struct stall){.period_ms = period_ms, .queued = queued, .stalled = stalled};
    timer_init(&s->timer, loop, look);
}

void stall_put(struct stall *s, size_t n)
{
    if (s->period_ms == 0)
        return;
    if (s->queued(s) == 0)
        begin(s, loop_now_ms(s->timer.loop), s->put);
    s->put += n;
    if (!timer_running(&s->timer))
        timer_start(&s->timer, s->period_ms);
}

void stall_stop(struct stall *s)
{
    timer_stop(&s->timer);
}
