/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics_page.c - all workers' counts, and what the process knows of itself. */
#include "app/metrics_page.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { METRICS_PAGE_MAX = 4 << 20 };

/* All keys together: neither a key nor a part of one is a label. */
static void sum_keys(const struct gateway *g, struct key_now now, struct metrics_process *p)
{
    size_t n = keys_count(g->keys);
    struct key_status *v = mem_alloc((n + 1) * sizeof *v);
    size_t there = keys_status(g->keys, now, v, n);

    for (size_t i = 0; i < there && i < n; i++) {
        p->keys_resting += v[i].why != KEY_WELL;
        p->key_served += v[i].served;
        p->key_limited += v[i].limited;
        p->key_refused += v[i].refused;
        p->key_failed += v[i].failed;
    }
    mem_free(v);
}

void metrics_page(struct worker *w, struct call *c, const struct request_id *id)
{
    const struct gateway *g = w->g;
    struct metrics_process p = {
        .version = QUEQIAO_VERSION,
        .keys = keys_count(g->keys),
        .workers = g->nworkers,
        .draining = atomic_load(&g->draining),
        .start_s = clock_wall_s() - (int64_t)((clock_mono_ms() - g->start_ms) / 1000),
        .memory_counted = mem_counted(),
        .memory_budget = mem_budget(),
        .log_dropped = log_dropped(),
    };
    struct guard_stats over = guard_stats(g->guard);
    struct buf out;

    p.over_connections = over.connections;
    p.over_address = over.per_address;
    p.over_failures = over.failures;
    p.over_token = over.per_token;
    sum_keys(g, proxy_now(&w->proxy), &p);
    buf_init(&out, METRICS_PAGE_MAX);
    metrics_print(g->metrics, g->nworkers, &p, &out);
    if (out.err == OK)
        reply_page(&w->proxy, c, id, 200, S("text/plain; version=0.0.4; charset=utf-8"),
                   buf_str(&out));
    else
        reply_page(&w->proxy, c, id, 503, S("text/plain"), S("short of memory\n"));
    buf_fini(&out);
}
