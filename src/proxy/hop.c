/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* hop.c - an answer longer than upstream gives at once: it stops with CONTINUATION and a token, and
 * the same request with that token goes on where it stopped. The client sees one answer.
 *
 * What has come is the client's, so nothing of this may fail it: when no further hop can be made
 * the answer ends as one that was too long, which is what it is.
 *
 *   source  mapping 1.7, 3.3 */
#include "proxy/exchange_impl.h"

#include "gemini/write.h"

#include <stdio.h>

enum {
    HOPS_MAX = 32,     /* a window of 1,048,576 tokens in hops of 65,536, twice */
    HOPS_IDLE_MAX = 3, /* so many without a token put out: it goes nowhere */
};

void hop_note(struct leg *leg, yyjson_val *chunk)
{
    struct exchange *x = leg->x;

    if (x->readers[leg->choice].finish == GM_CONTINUE)
        leg->token = arena_dup(&x->arena, gm_continuation(chunk));
}

/* The token is the project's. */
static void stay_with_the_project(struct leg *leg)
{
    struct exchange *x = leg->x;
    char name[sizeof x->id.z + 8];
    int n = snprintf(name, sizeof name, "hops/%s", x->id.z);

    if (leg->lease.key == NULL || leg->hops > 0)
        return;
    leg->must = arena_dup(&x->arena, str_of(name, (size_t)n));
    if (leg->must.n > 0)
        keys_pin(x->p->keys, leg->lease.key, &leg->must, 1, proxy_now(x->p));
}

/* Choices share one body: with several of them none goes on. */
static bool may_follow(const struct leg *leg)
{
    const struct exchange *x = leg->x;
    const struct gm_reader *r = &x->readers[leg->choice];

    return r->finish == GM_CONTINUE && leg->token.n > 0 && x->nlegs == 1 &&
           x->tr.method == GM_STREAM && leg->hops < HOPS_MAX && leg->hops_idle < HOPS_IDLE_MAX;
}

bool hop_begin(struct leg *leg)
{
    struct exchange *x = leg->x;
    struct gm_reader *r = &x->readers[leg->choice];
    bool idle = r->usage.candidates + r->usage.thoughts == 0;

    leg->hops_idle = idle ? leg->hops_idle + 1 : 0;
    if (!may_follow(leg) || gm_continue(&x->tr.body, &leg->body_n, leg->token) != OK)
        return false;
    stay_with_the_project(leg);
    return true;
}

void hop_go(struct leg *leg)
{
    struct exchange *x = leg->x;

    gm_reader_hop(&x->readers[leg->choice]);
    leg->hops++;
    leg->attempts = leg->moves = 0;
    leg->ntried = leg->foreign = 0;
    leg->last = NULL;
    x->spared = x->attempts;
    leg->waiter.ticket = 0;
    metrics_count(x->p->metrics, METRICS_CONTINUED);
    leg_start(leg);
}

bool hop_ends(struct leg *leg)
{
    struct exchange *x = leg->x;

    if (leg->hops == 0 || leg->began || x->step == STEP_END)
        return false;
    x->readers[leg->choice].finish = GM_CONTINUE;
    leg->done = true;
    exchange_leg_done(x);
    return true;
}
