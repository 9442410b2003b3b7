/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* set.c - which way is next, and what is learned when a request comes back. Must not know what a
 * request is, nor read a clock. */
#include "egress/set.h"
#include "base/mem.h"

#include <pthread.h>

enum {
    FAILING_MS = 2000,
    FAILING_MAX_MS = 5 * 60 * 1000,
    REFUSED_MS = 3600 * 1000,
};

struct egress {
    unsigned id; /* never used again */
    struct egress_way way;
    struct tunnel_proxy proxy; /* points into way */
    struct egress_name name;
    bool shared;
    unsigned refs;   /* the set's own, and one for each lease */
    unsigned blames; /* how often it was blamed: a lease from before tells nothing new */
    enum egress_state state;
    unsigned times; /* failures in a row */
    uint64_t until_ms;
    struct egress_status totals;
};

struct egresses {
    pthread_mutex_t mutex;
    struct egress **v; /* everybody's first, in the operator's order */
    size_t n, nshared;
    struct egress **old; /* the set before, for keys that still name its ways */
    size_t nold;
    unsigned ids;
    unsigned in_use; /* id; 0: none has worked yet */
};

static void unref(struct egress *w)
{
    if (--w->refs > 0)
        return;
    egress_way_wipe(&w->way);
    mem_free(w);
}

static struct egress *find(struct egress *const *v, size_t n, const struct egress_way *way)
{
    for (size_t i = 0; i < n; i++)
        if (egress_way_eq(&v[i]->way, way))
            return v[i];
    return NULL;
}

static struct egress *by_id(const struct egresses *e, unsigned id)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i]->id == id)
            return e->v[i];
    for (size_t i = 0; i < e->nold; i++)
        if (e->old[i]->id == id)
            return e->old[i];
    return NULL;
}

static void drop_old(struct egresses *e)
{
    for (size_t i = 0; i < e->nold; i++)
        unref(e->old[i]);
    mem_free(e->old);
    e->old = NULL;
    e->nold = 0;
}

static struct egress *make(struct egresses *e, const struct egress_way *way)
{
    struct egress *w = mem_zalloc(sizeof *w);

    w->id = ++e->ids;
    w->way = *way;
    w->proxy = egress_way_proxy(&w->way);
    w->name = egress_way_name(way);
    return w;
}

/* Found in the new set, in the old one, or made. */
static struct egress *enter(struct egresses *e, struct egress **v, size_t *n,
                            const struct egress_way *way, bool shared)
{
    struct egress *w = find(v, *n, way);

    if (w != NULL)
        return w;
    w = find(e->v, e->n, way);
    if (w == NULL)
        w = make(e, way);
    w->shared = shared;
    w->refs++;
    v[(*n)++] = w;
    return w;
}

void egresses_renew(struct egresses *e, const struct egress_way *v, size_t n, size_t nshared,
                    unsigned *ret_ids)
{
    static const struct egress_way direct = {.direct = true};
    struct egress **fresh = mem_zalloc((n + 1) * sizeof *fresh);
    size_t count = 0;

    pthread_mutex_lock(&e->mutex);
    if (nshared == 0)
        enter(e, fresh, &count, &direct, true);
    for (size_t i = 0; i < n; i++) {
        const struct egress *w = enter(e, fresh, &count, &v[i], i < nshared);

        if (ret_ids != NULL)
            ret_ids[i] = w->id;
    }
    drop_old(e);
    e->old = e->v;
    e->nold = e->n;
    e->v = fresh;
    e->n = count;
    e->nshared = 0;
    while (e->nshared < count && fresh[e->nshared]->shared)
        e->nshared++;
    pthread_mutex_unlock(&e->mutex);
}

void egresses_settle(struct egresses *e)
{
    pthread_mutex_lock(&e->mutex);
    drop_old(e);
    pthread_mutex_unlock(&e->mutex);
}

void egresses_set(struct egresses *e, const struct egress_way *v, size_t n, size_t nshared,
                  unsigned *ret_ids)
{
    egresses_renew(e, v, n, nshared, ret_ids);
    egresses_settle(e);
}

struct egresses *egresses_new(void)
{
    struct egresses *e = mem_zalloc(sizeof *e);

    pthread_mutex_init(&e->mutex, NULL);
    egresses_set(e, NULL, 0, 0, NULL);
    return e;
}

void egresses_free(struct egresses *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->n; i++)
        unref(e->v[i]);
    drop_old(e);
    pthread_mutex_destroy(&e->mutex);
    mem_free(e->v);
    mem_free(e);
}

/* The choice. */

enum rank { RANK_IN_USE, RANK_WELL, RANK_DUE, RANK_FAILING, RANK_REFUSED };

static enum rank rank_of(const struct egresses *e, const struct egress *w, uint64_t now_ms)
{
    if (w->state == EGRESS_WELL)
        return w->id == e->in_use ? RANK_IN_USE : RANK_WELL;
    if (now_ms >= w->until_ms)
        return RANK_DUE;
    return w->state == EGRESS_FAILING ? RANK_FAILING : RANK_REFUSED;
}

static bool was_tried(const struct egress_want *want, const struct egress *w)
{
    for (size_t i = 0; i < want->ntried; i++)
        if (want->tried[i] == w->id)
            return true;
    return false;
}

static bool may_take(const struct egresses *e, const struct egress_want *want,
                     const struct egress *w)
{
    if (was_tried(want, w))
        return false;
    return want->ntried == 0 || rank_of(e, w, want->now_ms) < RANK_REFUSED;
}

static bool is_better(const struct egresses *e, const struct egress *a, const struct egress *than,
                      uint64_t now_ms)
{
    enum rank x = rank_of(e, a, now_ms);
    enum rank y = rank_of(e, than, now_ms);

    return x != y ? x < y : x >= RANK_FAILING && a->until_ms < than->until_ms;
}

static struct egress *choose(const struct egresses *e, const struct egress_want *want)
{
    struct egress *best = NULL;

    if (want->own != 0) {
        best = by_id(e, want->own);
        return best != NULL && may_take(e, want, best) ? best : NULL;
    }
    for (size_t i = 0; i < e->nshared; i++)
        if (may_take(e, want, e->v[i]) &&
            (best == NULL || is_better(e, e->v[i], best, want->now_ms)))
            best = e->v[i];
    return best;
}

bool egresses_pick(struct egresses *e, const struct egress_want *want, struct egress_lease *ret)
{
    struct egress *w;

    pthread_mutex_lock(&e->mutex);
    w = choose(e, want);
    if (w != NULL) {
        w->refs++;
        w->totals.in_flight++;
        *ret = (struct egress_lease){w, w->blames};
    }
    pthread_mutex_unlock(&e->mutex);
    return w != NULL;
}

bool egresses_left(struct egresses *e, const struct egress_want *want, bool any_key)
{
    bool left;

    pthread_mutex_lock(&e->mutex);
    left = choose(e, want) != NULL;
    for (size_t i = 0; i < e->n && any_key && !left; i++)
        left = may_take(e, want, e->v[i]);
    pthread_mutex_unlock(&e->mutex);
    return left;
}

unsigned egress_id(const struct egress *w)
{
    return w->id;
}

const char *egress_called(const struct egress *w)
{
    return w->name.z;
}

const struct tunnel_proxy *egress_proxy(const struct egress *w)
{
    return w->way.direct ? NULL : &w->proxy;
}

/* What is learned. */

static void tell(const struct egresses *e, const struct egress *w, uint64_t now_ms,
                 struct egress_news *news)
{
    const struct egress_want want = {.now_ms = now_ms};
    const struct egress *next = w->shared && w->state != EGRESS_WELL ? choose(e, &want) : NULL;

    *news = (struct egress_news){.any = true, .state = w->state, .name = w->name};
    if (next != NULL && next != w && next->state == EGRESS_WELL)
        news->next = next->name;
}

static void works(struct egresses *e, struct egress *w, uint64_t now_ms, struct egress_news *news)
{
    const struct egress *used = by_id(e, e->in_use);
    bool was_unwell = w->state != EGRESS_WELL;

    w->state = EGRESS_WELL;
    w->times = 0;
    if (w->shared && (used == NULL || !used->shared || used->state != EGRESS_WELL))
        e->in_use = w->id;
    if (was_unwell)
        tell(e, w, now_ms, news);
}

static void blame(struct egresses *e, struct egress *w, enum egress_state state, uint64_t now_ms,
                  struct egress_news *news)
{
    bool changes = w->state != state;
    uint64_t ms = FAILING_MS;

    for (unsigned i = 0; i < w->times && ms < FAILING_MAX_MS; i++)
        ms *= 2;
    w->times++;
    w->blames++;
    w->state = state;
    w->until_ms = now_ms + (state == EGRESS_REFUSED ? REFUSED_MS
                            : ms < FAILING_MAX_MS   ? ms
                                                    : FAILING_MAX_MS);
    if (changes)
        tell(e, w, now_ms, news);
}

static void learn(struct egresses *e, const struct egress_lease *lease, enum egress_result r,
                  uint64_t now_ms, struct egress_news *news)
{
    struct egress *w = lease->way;
    bool stale = lease->blames != w->blames;

    switch (r) {
    case EGRESS_UNTOLD: return;
    case EGRESS_WORKS:
        if (!stale)
            works(e, w, now_ms, news);
        return;
    case EGRESS_FAILED:
        w->totals.failed++;
        if (!stale)
            blame(e, w, EGRESS_FAILING, now_ms, news);
        return;
    case EGRESS_LOCATION:
        w->totals.refused++;
        if (!stale || w->state == EGRESS_FAILING) /* it says more than a failure does */
            blame(e, w, EGRESS_REFUSED, now_ms, news);
        return;
    }
}

void egresses_works(struct egresses *e, const struct egress_lease *lease, uint64_t now_ms,
                    struct egress_news *ret_news)
{
    ret_news->any = false; /* the rest is large, and there rarely is any */
    if (lease->way == NULL)
        return;
    pthread_mutex_lock(&e->mutex);
    learn(e, lease, EGRESS_WORKS, now_ms, ret_news);
    pthread_mutex_unlock(&e->mutex);
}

void egresses_done(struct egresses *e, struct egress_lease *lease, enum egress_result r,
                   uint64_t now_ms, struct egress_news *ret_news)
{
    ret_news->any = false; /* the rest is large, and there rarely is any */
    if (lease->way == NULL)
        return;
    pthread_mutex_lock(&e->mutex);
    lease->way->totals.in_flight--;
    learn(e, lease, r, now_ms, ret_news);
    unref(lease->way);
    pthread_mutex_unlock(&e->mutex);
    *lease = (struct egress_lease){0};
}

/* What is known, told. */

static bool is_unwell(const struct egress *w, uint64_t now_ms)
{
    return w->state != EGRESS_WELL && now_ms < w->until_ms;
}

struct egress_counts egresses_count(struct egresses *e, uint64_t now_ms)
{
    struct egress_counts c;

    pthread_mutex_lock(&e->mutex);
    c = (struct egress_counts){.ways = e->n, .shared = e->nshared};
    for (size_t i = 0; i < e->nshared; i++) {
        bool unwell = is_unwell(e->v[i], now_ms);

        c.well += !unwell;
        c.refused += unwell && e->v[i]->state == EGRESS_REFUSED;
    }
    pthread_mutex_unlock(&e->mutex);
    return c;
}

size_t egresses_status(struct egresses *e, uint64_t now_ms, struct egress_status *v, size_t max)
{
    const struct egress_want want = {.now_ms = now_ms};
    const struct egress *next;
    size_t n;

    pthread_mutex_lock(&e->mutex);
    next = choose(e, &want);
    n = e->n;
    for (size_t i = 0; i < n && i < max; i++) {
        const struct egress *w = e->v[i];

        v[i] = w->totals;
        v[i].name = w->name;
        v[i].shared = w->shared;
        v[i].in_use = w == next;
        v[i].state = w->state;
        if (w->state != EGRESS_WELL && w->until_ms > now_ms)
            v[i].back_ms = w->until_ms - now_ms;
    }
    pthread_mutex_unlock(&e->mutex);
    return n;
}

size_t egresses_unwell(struct egresses *e, uint64_t now_ms, unsigned *v, size_t max)
{
    size_t unwell = 0, n = 0;

    pthread_mutex_lock(&e->mutex);
    for (size_t i = 0; i < e->nshared; i++)
        unwell += is_unwell(e->v[i], now_ms);
    if (unwell == e->nshared && e->n > e->nshared && max > 0)
        v[n++] = 0;
    for (size_t i = 0; i < e->n && n < max; i++)
        if (is_unwell(e->v[i], now_ms))
            v[n++] = e->v[i]->id;
    pthread_mutex_unlock(&e->mutex);
    return n;
}

const char *egress_state_name(enum egress_state s)
{
    static const char *const NAME[] = {
        [EGRESS_WELL] = "well", [EGRESS_FAILING] = "failing", [EGRESS_REFUSED] = "refused"};

    return NAME[s];
}
