/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exchange_model.c - another model answers in place of one that cannot. Must not know how requests
 * are translated or sent. */
#include "proxy/exchange_impl.h"

static void move_to(struct exchange *x, struct str model)
{
    if (x->asked.n == 0)
        x->asked = arena_dup(&x->arena, x->tr.model);
    x->model = arena_dup(&x->arena, model);
    x->remedies = 0; /* it may take what the other one did not */
    exchange_again(x);
}

bool exchange_fell_back(const struct exchange *x)
{
    return x->asked.n > 0 && x->translated && !str_eq(x->asked, x->tr.model);
}

bool exchange_fall_back(struct exchange *x, enum metrics_event why)
{
    struct str next = fallback_of(&x->opts->fallbacks, x->tr.model);

    if (next.n == 0)
        return false;
    metrics_count(x->p->metrics, why);
    move_to(x, next);
    return true;
}

/* The models of the chain are asked one after the other whether there is quota now. When there is
 * none at all the one that will have some first is waited for. */
bool exchange_no_quota(struct exchange *x, uint64_t back_ms)
{
    uint64_t at_ms = loop_now_ms(x->p->loop) + back_ms;
    bool first = x->soonest.n == 0 || at_ms < x->soonest_ms;

    if (x->settled || exchange_began(x)) /* of several choices another one may have */
        return false;
    if (fallback_of(&x->opts->fallbacks, x->tr.model).n == 0) {
        x->settled = true;
        if (first)
            return false;
        move_to(x, x->soonest);
        return true;
    }
    if (first) {
        x->soonest = arena_dup(&x->arena, x->tr.model);
        x->soonest_ms = at_ms;
    }
    return exchange_fall_back(x, METRICS_FELL_FOR_QUOTA);
}
