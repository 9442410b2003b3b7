/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam_plan.c - the options once more, as questions. Asks nobody. */
#include "app/exam_plan.h"

#include "base/mem.h"

struct exam_plan {
    size_t *key_ways;
    struct exam_way ways[EXAM_WAYS_MAX];
    struct egress_name names[EXAM_WAYS_MAX];
    struct tunnel_proxy proxies[EXAM_WAYS_MAX];
    size_t nways;
};

/* More than fit are counted, so that nobody's place is somebody else's. */
static void put_way(struct exam_plan *p, const struct egress_way *w, bool shared)
{
    size_t i = p->nways++;

    if (i >= EXAM_WAYS_MAX)
        return;
    p->names[i] = egress_way_name(w);
    p->proxies[i] = egress_way_proxy(w);
    p->ways[i] = (struct exam_way){
        .name = p->names[i].z, .via = w->direct ? NULL : &p->proxies[i], .shared = shared};
}

struct exam_plan *exam_plan_new(const struct settings *s, struct exam_opts *o)
{
    static const struct egress_way direct = {.direct = true};
    const struct credentials *c = &s->credentials;
    struct exam_plan *p = mem_zalloc(sizeof *p);
    size_t before = c->ways.nshared == 0;

    if (before > 0)
        put_way(p, &direct, true);
    for (size_t i = 0; i < c->ways.n; i++)
        put_way(p, &c->ways.v[i], i < c->ways.nshared);
    p->key_ways = mem_alloc((c->n + 1) * sizeof *p->key_ways);
    for (size_t i = 0; i < c->n; i++)
        p->key_ways[i] = c->way[i] == SIZE_MAX ? SIZE_MAX : c->way[i] + before;
    o->origin = s->opts.origin;
    o->base_path = s->opts.base_path;
    o->ways = p->ways;
    o->nways = p->nways;
    o->keys = c->keys;
    o->nkeys = c->n;
    o->key_ways = p->key_ways;
    return p;
}

void exam_plan_free(struct exam_plan *p)
{
    if (p == NULL)
        return;
    mem_free(p->key_ways);
    mem_free(p);
}
