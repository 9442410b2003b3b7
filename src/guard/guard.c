/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* guard.c - the limits under one mutex. Must not know sockets or routes. */
#include "guard/guard.h"

#include "base/mem.h"
#include "guard/failures.h"
#include "guard/tally.h"

#include <pthread.h>

struct guard {
    pthread_mutex_t mutex;
    struct guard_limits limits;
    uint32_t connections;
    struct tally addresses, tokens, fetches;
    struct failures failures;
    struct guard_stats stats;
};

/* A ticket and a seat are entries of a tally, or the guard itself where nothing is to be counted.
 */
static struct tally_entry *entry_of(struct guard *g, void *p)
{
    return p == (void *)g ? NULL : p;
}

struct guard *guard_new(const struct guard_limits *l)
{
    struct guard *g = mem_zalloc(sizeof *g);

    pthread_mutex_init(&g->mutex, NULL);
    g->limits = *l;
    tally_init(&g->addresses);
    tally_init(&g->tokens);
    tally_init(&g->fetches);
    failures_init(&g->failures);
    return g;
}

void guard_set_limits(struct guard *g, const struct guard_limits *l)
{
    pthread_mutex_lock(&g->mutex);
    g->limits = *l;
    pthread_mutex_unlock(&g->mutex);
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    tally_fini(&g->addresses);
    tally_fini(&g->tokens);
    tally_fini(&g->fetches);
    failures_fini(&g->failures);
    pthread_mutex_destroy(&g->mutex);
    mem_free(g);
}

static void *enter(struct guard *g, uint64_t network)
{
    struct sha256 who = {{0}};
    void *ticket = g;

    if (g->connections >= g->limits.connections) {
        g->stats.connections++;
        return NULL;
    }
    if (network != 0 && g->limits.per_address > 0) {
        memcpy(who.b, &network, sizeof network);
        ticket = tally_take(&g->addresses, &who, g->limits.per_address);
    }
    if (ticket != NULL)
        g->connections++;
    else
        g->stats.per_address++;
    return ticket;
}

struct guard_ticket *guard_enter(struct guard *g, uint64_t network)
{
    void *ticket;

    pthread_mutex_lock(&g->mutex);
    ticket = enter(g, network);
    pthread_mutex_unlock(&g->mutex);
    return ticket;
}

void guard_leave(struct guard *g, struct guard_ticket *t)
{
    struct tally_entry *e = entry_of(g, t);

    pthread_mutex_lock(&g->mutex);
    g->connections--;
    if (e != NULL)
        tally_give(&g->addresses, e);
    pthread_mutex_unlock(&g->mutex);
}

uint32_t guard_failed(struct guard *g, uint64_t network, uint64_t now_ms)
{
    uint32_t wait_s = 0;

    pthread_mutex_lock(&g->mutex);
    if (g->limits.failures > 0)
        wait_s = failures_note(&g->failures, network, g->limits.failures, now_ms);
    g->stats.failures += wait_s > 0;
    pthread_mutex_unlock(&g->mutex);
    return wait_s;
}

struct guard_seat *guard_sit(struct guard *g, const struct sha256 *who, uint32_t limit)
{
    void *seat = g;

    pthread_mutex_lock(&g->mutex);
    if (limit > 0)
        seat = tally_take(&g->tokens, who, limit);
    g->stats.per_token += seat == NULL;
    pthread_mutex_unlock(&g->mutex);
    return seat;
}

void guard_rise(struct guard *g, struct guard_seat *s)
{
    struct tally_entry *e = entry_of(g, s);

    if (e == NULL)
        return;
    pthread_mutex_lock(&g->mutex);
    tally_give(&g->tokens, e);
    pthread_mutex_unlock(&g->mutex);
}

struct guard_fetch *guard_fetch_begin(struct guard *g, const struct sha256 *who)
{
    void *fetch;

    pthread_mutex_lock(&g->mutex);
    fetch = tally_take(&g->fetches, who, GUARD_FETCHES_MAX);
    pthread_mutex_unlock(&g->mutex);
    return fetch;
}

void guard_fetch_end(struct guard *g, struct guard_fetch *f)
{
    void *entry = f;

    pthread_mutex_lock(&g->mutex);
    tally_give(&g->fetches, entry);
    pthread_mutex_unlock(&g->mutex);
}

struct guard_stats guard_stats(struct guard *g)
{
    struct guard_stats s;

    pthread_mutex_lock(&g->mutex);
    s = g->stats;
    pthread_mutex_unlock(&g->mutex);
    return s;
}
