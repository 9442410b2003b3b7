/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lesson.c - a table of models. Must not know what a remedy is. */
#include "proxy/lesson.h"

static bool is_known(const struct lesson *one, struct str model, uint64_t now_ms)
{
    return str_eq(str_of(one->model, one->n), model) && one->remedies != 0 &&
           now_ms - one->since_ms < LESSON_MS;
}

/* The model's own, or the oldest: one that is empty is as old as can be. */
static struct lesson *place_for(struct lessons *l, struct str model, uint64_t now_ms)
{
    struct lesson *oldest = &l->v[0];

    for (size_t i = 0; i < LESSONS_MAX; i++) {
        if (is_known(&l->v[i], model, now_ms))
            return &l->v[i];
        if (l->v[i].since_ms < oldest->since_ms)
            oldest = &l->v[i];
    }
    if (l->n <= (size_t)(oldest - l->v))
        l->n = (size_t)(oldest - l->v) + 1;
    *oldest = (struct lesson){.n = model.n, .since_ms = now_ms};
    memcpy(oldest->model, model.p, model.n);
    return oldest;
}

void lesson_learn(struct lessons *l, struct str model, unsigned remedy, uint64_t now_ms)
{
    if (model.n > 0 && model.n <= LESSON_NAME)
        place_for(l, model, now_ms)->remedies |= remedy;
}

unsigned lesson_recall(const struct lessons *l, struct str model, uint64_t now_ms)
{
    for (size_t i = 0; i < l->n; i++)
        if (is_known(&l->v[i], model, now_ms))
            return l->v[i].remedies;
    return 0;
}
