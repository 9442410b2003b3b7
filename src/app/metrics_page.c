/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics_page.c - all workers' counts, and what the process knows of itself. */
#include "app/metrics_page.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>

enum { METRICS_PAGE_MAX = 4 << 20 };
static_assert((int)METRICS_QUOTAS == (int)QUOTA_KINDS, "a row has every kind of quota");

/* NULL for what is well. */
static const char *why_text(enum key_why why)
{
    return why == KEY_WELL ? NULL : key_why_text(why);
}

/* The sums are over all keys; the first have rows of their own. Neither a key nor a part of one is
 * a label. */
static void add_keys(const struct gateway *g, struct key_now now, struct metrics_process *p,
                     struct metrics_key *rows)
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
        if (i < METRICS_KEYS_MAX)
            rows[p->nkey++] = (struct metrics_key){.place = i + 1,
                                                   .project = v[i].project,
                                                   .why = why_text(v[i].why),
                                                   .back_ms = v[i].back_ms,
                                                   .in_flight = v[i].in_flight};
    }
    p->key = rows;
    p->out_credit = keys_put_out(g->keys, KEY_NO_CREDIT);
    p->out_invalid = keys_put_out(g->keys, KEY_INVALID);
    p->out_forbidden = keys_put_out(g->keys, KEY_FORBIDDEN);
    p->out_leaked = keys_put_out(g->keys, KEY_LEAKED);
    mem_free(v);
}

static void add_lanes(const struct lane_status *v, size_t n, struct metrics_process *p,
                      struct metrics_lane *rows)
{
    static const char *const name[QUOTA_KINDS] = {
        [QUOTA_RPM] = "rpm", [QUOTA_TPM] = "tpm", [QUOTA_RPD] = "rpd", [QUOTA_TPD] = "tpd"};

    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct metrics_lane){.project = v[i].project,
                                        .model = v[i].model,
                                        .why = why_text(v[i].why),
                                        .back_ms = v[i].back_ms};
        for (int q = 0; q < QUOTA_KINDS; q++) {
            rows[i].quota[q].name = name[q];
            rows[i].quota[q].limit = v[i].quota[q].limit;
            rows[i].quota[q].spent = v[i].quota[q].spent;
        }
    }
    p->lane = rows;
    p->nlane = n;
}

static void add_ways(const struct egress_status *v, size_t n, struct metrics_process *p,
                     struct metrics_way *rows)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct metrics_way){
            .place = i + 1,
            .name = v[i].name.z,
            .why = v[i].state == EGRESS_WELL ? NULL : egress_state_name(v[i].state),
            .in_use = v[i].in_use,
            .back_ms = v[i].back_ms,
            .in_flight = v[i].in_flight,
            .failed = v[i].failed,
            .refused = v[i].refused,
        };
    p->way = rows;
    p->nway = n;
}

struct page {
    struct metrics_way ways[METRICS_WAYS_MAX];
    struct egress_status way_status[METRICS_WAYS_MAX];
    struct metrics_key keys[METRICS_KEYS_MAX];
    struct metrics_lane lanes[METRICS_LANES_MAX];
    struct lane_status status[METRICS_LANES_MAX];
};

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
    struct key_now now = proxy_now(&w->proxy);
    struct page *page = mem_zalloc(sizeof *page);
    size_t lanes = keys_lanes(g->keys, now, page->status, METRICS_LANES_MAX);
    size_t ways = egresses_status(g->egresses, now.ms, page->way_status, METRICS_WAYS_MAX);
    struct buf out;

    p.over_connections = over.connections;
    p.over_address = over.per_address;
    p.over_failures = over.failures;
    p.over_token = over.per_token;
    add_keys(g, now, &p, page->keys);
    add_lanes(page->status, lanes < METRICS_LANES_MAX ? lanes : METRICS_LANES_MAX, &p, page->lanes);
    add_ways(page->way_status, ways < METRICS_WAYS_MAX ? ways : METRICS_WAYS_MAX, &p, page->ways);
    buf_init(&out, METRICS_PAGE_MAX);
    metrics_print(g->metrics, g->nworkers, &p, &out);
    if (out.err == OK)
        reply_page(&w->proxy, c, id, 200, S("text/plain; version=0.0.4; charset=utf-8"),
                   buf_str(&out));
    else
        reply_page(&w->proxy, c, id, 503, S("text/plain"), S("short of memory\n"));
    buf_fini(&out);
    mem_free(page);
}
