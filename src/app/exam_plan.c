/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam_plan.c - the options once more, as questions. Asks nobody. */
#include "app/exam_plan.h"

#include "app/credentials.h"
#include "base/mem.h"

struct exam_plan {
    struct credentials c;
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

struct exam_plan *exam_plan_new(const struct settings *s, struct exam_opts *o, struct buf *problem)
{
    static const struct egress_way direct = {.direct = true};
    struct exam_plan *p = mem_zalloc(sizeof *p);
    const struct ways *w = &p->c.ways;

    o->origin = s->opts.origin;
    o->base_path = s->opts.base_path;
    if (credentials_init(&p->c, &s->config, &s->opts.origin, problem) != OK) {
        exam_plan_free(p);
        return NULL;
    }
    if (w->nshared == 0) {
        put_way(p, &direct, true);
        for (size_t i = 0; i < p->c.n; i++)
            p->c.way[i] += p->c.way[i] != SIZE_MAX; /* one place on */
    }
    for (size_t i = 0; i < w->n; i++)
        put_way(p, &w->v[i], i < w->nshared);
    o->ways = p->ways;
    o->nways = p->nways;
    o->keys = p->c.keys;
    o->nkeys = p->c.n;
    o->key_ways = p->c.way;
    return p;
}

void exam_plan_free(struct exam_plan *p)
{
    if (p == NULL)
        return;
    credentials_fini(&p->c);
    mem_free(p);
}
