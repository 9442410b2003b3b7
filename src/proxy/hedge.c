/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* hedge.c - when upstream's first byte is later than usual, the same request is sent to another
 * project as well. Whoever answers first goes on, the other one is cancelled: that costs what it
 * has been asked, so few may be sent.
 *
 *   sent --late--> two runners --first byte of one, or failure of the other--> one runner
 *
 * The rival is legs[nlegs]. Both feed the same reader, but only after one has won. */
#include "proxy/exchange_impl.h"

enum { LEAST_MS = 100 }; /* sooner it is no delay that anybody feels */

static uint64_t kind_of(const struct exchange *x)
{
    return str_hash(x->tr.model) * 31 + (uint64_t)x->tr.method;
}

static bool is_race(const struct exchange *x)
{
    return x->nrunners > x->nlegs;
}

static struct leg *other(struct leg *leg)
{
    struct exchange *x = leg->x;

    return leg == &x->legs[0] ? &x->legs[x->nlegs] : &x->legs[0];
}

bool hedge_may(const struct exchange *x)
{
    return x->opts->hedge && x->tr.choices == 1 && x->own_key.p == NULL;
}

void hedge_sent(struct leg *leg)
{
    struct exchange *x = leg->x;
    uint32_t usual_ms;

    if (!hedge_may(x) || x->attempts != 1)
        return;
    leg->sent_ms = loop_now_ms(x->p->loop);
    allowance_earn(&x->p->hedges);
    if (pace_p95(&x->p->pace, kind_of(x), &usual_ms))
        timer_start(&x->hedge, usual_ms > LEAST_MS ? usual_ms : LEAST_MS);
}

/* The other runner, taken out. */
static void drop(struct leg *leg)
{
    struct exchange *x = leg->x;

    leg_stop(leg);
    if (leg != &x->legs[0])
        x->nrunners = x->nlegs;
}

static void on_late(struct timer *t)
{
    struct exchange *x = CONTAINER(t, struct exchange, hedge);
    struct leg *first = &x->legs[0];
    struct leg *rival = &x->legs[x->nlegs];

    if (first->req == NULL || first->status != 0 || is_race(x))
        return;
    leg_init(rival, x, 0);
    if (!leg_key_apart(rival, first))
        return;
    if (!allowance_spend(&x->p->hedges, loop_now_ms(x->p->loop))) {
        leg_key_back(rival, KEY_UNSENT, NULL);
        return;
    }
    rival->attempts = first->attempts;
    x->nrunners = x->nlegs + 1;
    metrics_count(x->p->metrics, METRICS_HEDGED);
    leg_send(rival);
}

void hedge_init(struct exchange *x)
{
    timer_init(&x->hedge, x->p->loop, on_late);
}

void hedge_first_byte(struct leg *leg)
{
    struct exchange *x = leg->x;

    timer_stop(&x->hedge);
    if (x->legs[0].sent_ms > 0) {
        pace_note(&x->p->pace, kind_of(x), loop_now_ms(x->p->loop) - x->legs[0].sent_ms);
        x->legs[0].sent_ms = 0;
    }
    if (!is_race(x))
        return;
    if (leg != &x->legs[0])
        metrics_count(x->p->metrics, METRICS_HEDGE_WON);
    leg_named(leg);
    if (leg == &x->legs[0])
        drop(other(leg));
    else
        leg_stop(&x->legs[0]);
}

bool hedge_goes_on(struct leg *leg)
{
    struct exchange *x = leg->x;

    timer_stop(&x->hedge);
    if (!is_race(x) || other(leg)->req == NULL) {
        leg->sent_ms = 0; /* what comes after a failure tells nothing of the usual */
        return false;
    }
    drop(leg);
    return true;
}
