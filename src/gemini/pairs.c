/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pairs.c - calls and results brought together in n log n: histories of any length come in. */
#include "gemini/pairs.h"

#include <assert.h>
#include <stdlib.h>

enum err gm_pairs_init(struct gm_pairs *p, struct arena *arena, size_t room)
{
    *p = (struct gm_pairs){.room = room};
    if (room == 0)
        return OK;
    if (room > SIZE_MAX / sizeof *p->v)
        return E_TOOBIG;
    p->v = arena_alloc(arena, room * sizeof *p->v);
    return p->v != NULL ? OK : E_TOOBIG;
}

void gm_pairs_add(struct gm_pairs *p, struct str key, unsigned turn, bool result, const void *item)
{
    assert(p->n < p->room);
    p->v[p->n++] = (struct gm_pair){
        .key = key, .turn = turn, .result = result, .item = item, .hash = str_hash(key)};
}

/* Equal keys together, each group in the order of the talk. */
static int by_key(const void *a, const void *b)
{
    const struct gm_pair *x = *(struct gm_pair *const *)a;
    const struct gm_pair *y = *(struct gm_pair *const *)b;
    int c;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->key.n != y->key.n)
        return x->key.n < y->key.n ? -1 : 1;
    c = memcmp(x->key.p, y->key.p, x->key.n);
    if (c != 0)
        return c;
    return x < y ? -1 : x > y;
}

static void marry(struct gm_pair *call, struct gm_pair *result)
{
    call->mate = result;
    result->mate = call;
}

/* One key: a call of a new turn makes those of earlier turns too late to be answered. */
static void match_group(struct gm_pair **v, size_t n)
{
    size_t next = 0; /* the first call that waits */

    for (size_t i = 0; i < n; i++) {
        if (!v[i]->result) {
            if (v[next]->turn != v[i]->turn)
                next = i;
            continue;
        }
        while (next < i && (v[next]->result || v[next]->mate != NULL))
            next++;
        if (next < i)
            marry(v[next], v[i]);
    }
}

/* What came without a key, in the order of the talk. */
static void match_rest(struct gm_pairs *p)
{
    size_t next = 0;

    for (size_t i = 0; i < p->n; i++) {
        struct gm_pair *x = &p->v[i];

        if (!x->result) {
            if (i == 0 || p->v[next].turn != x->turn || p->v[next].result)
                next = i;
            continue;
        }
        if (x->mate != NULL || x->key.n > 0)
            continue;
        while (next < i && (p->v[next].result || p->v[next].mate != NULL))
            next++;
        if (next < i && p->v[next].turn == x->turn)
            marry(&p->v[next], x);
    }
}

enum err gm_pairs_match(struct gm_pairs *p, struct arena *arena)
{
    struct gm_pair **sorted;
    size_t from = 0;

    if (p->n == 0)
        return OK;
    sorted = arena_alloc(arena, p->n * sizeof(struct gm_pair *));
    if (sorted == NULL)
        return E_TOOBIG;
    for (size_t i = 0; i < p->n; i++)
        sorted[i] = &p->v[i];
    qsort(sorted, p->n, sizeof(struct gm_pair *), by_key);
    for (size_t i = 1; i <= p->n; i++)
        if (i == p->n || !str_eq(sorted[i]->key, sorted[from]->key)) {
            if (sorted[from]->key.n > 0)
                match_group(sorted + from, i - from);
            from = i;
        }
    match_rest(p);
    return OK;
}
