/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ring.c - the set of keys and the choice among them. Must not know what a request is, nor read a
 * clock. */
#include "keys/ring.h"
#include "base/mem.h"

#include <pthread.h>

enum {
    COOLING_MAX = 16,            /* models of one key that cool at the same time */
    COOL_DEFAULT_MS = 30 * 1000, /* UPS-2: nonsense means 30 s */
    COOL_MIN_MS = 1000,
    COOL_MAX_MS = 24 * 3600 * 1000,
    REFUSED_MS = 10 * 60 * 1000, /* a refused key is probed again after this */
};

struct cooling {
    uint64_t model; /* hash of its name; 0: the slot is free */
    uint64_t until_ms;
};
struct key {
    struct secret secret;
    unsigned refs; /* the set's own, and one for each exchange */
    unsigned in_flight;
    uint64_t picked; /* the ring's count at the last pick: ties go to the longest unused */
    uint64_t refused_until_ms;
    struct cooling cooling[COOLING_MAX];
};
struct keys {
    pthread_mutex_t mutex;
    struct key **v;
    size_t n;
    uint64_t picks;
};

struct keys *keys_new(void)
{
    struct keys *k = mem_zalloc(sizeof *k);

    pthread_mutex_init(&k->mutex, NULL);
    return k;
}

static void unref(struct key *key)
{
    if (--key->refs > 0)
        return;
    secret_fini(&key->secret);
    mem_free(key);
}

void keys_free(struct keys *k)
{
    if (k == NULL)
        return;
    keys_set(k, NULL, 0);
    pthread_mutex_destroy(&k->mutex);
    mem_free(k->v);
    mem_free(k);
}

static struct key *find(struct key *const *v, size_t n, struct str value)
{
    for (size_t i = 0; i < n; i++)
        if (secret_eq(&v[i]->secret, value))
            return v[i];
    return NULL;
}

static struct key *key_new(struct str value)
{
    struct key *key = mem_zalloc(sizeof *key);

    secret_init(&key->secret, value);
    return key;
}

void keys_set(struct keys *k, const struct str *values, size_t n)
{
    struct key **fresh = mem_zalloc((n ? n : 1) * sizeof *fresh);
    struct key **old;
    size_t count = 0;

    pthread_mutex_lock(&k->mutex);
    for (size_t i = 0; i < n; i++) {
        struct key *key = find(k->v, k->n, values[i]);

        if (values[i].n == 0 || find(fresh, count, values[i]))
            continue;
        if (key == NULL)
            key = key_new(values[i]);
        key->refs++;
        fresh[count++] = key;
    }
    old = k->v;
    for (size_t i = 0; i < k->n; i++)
        unref(old[i]);
    k->v = fresh;
    k->n = count;
    pthread_mutex_unlock(&k->mutex);
    mem_free(old);
}

size_t keys_count(struct keys *k)
{
    size_t n;

    pthread_mutex_lock(&k->mutex);
    n = k->n;
    pthread_mutex_unlock(&k->mutex);
    return n;
}

/* 0 is the mark of a free slot. */
static uint64_t model_hash(struct str model)
{
    uint64_t h = str_hash(model);

    return h ? h : 1;
}

static uint64_t cools_until(const struct key *key, uint64_t model)
{
    for (size_t i = 0; i < COOLING_MAX; i++)
        if (key->cooling[i].model == model)
            return key->cooling[i].until_ms;
    return 0;
}

static void cool(struct key *key, uint64_t model, uint64_t until_ms)
{
    struct cooling *slot = &key->cooling[0];

    for (size_t i = 0; i < COOLING_MAX; i++) {
        if (key->cooling[i].model == model) {
            slot = &key->cooling[i];
            break;
        }
        if (key->cooling[i].until_ms < slot->until_ms)
            slot = &key->cooling[i];
    }
    *slot = (struct cooling){.model = model, .until_ms = until_ms};
}

static bool was_tried(const struct key_want *want, const struct key *key)
{
    for (size_t i = 0; i < want->ntried; i++)
        if (want->tried[i] == key)
            return true;
    return false;
}

static bool is_better(const struct key *a, const struct key *than)
{
    if (than == NULL || a->in_flight != than->in_flight)
        return than == NULL || a->in_flight < than->in_flight;
    return a->picked < than->picked;
}

struct choice {
    struct key *fresh; /* well, and not tried yet */
    struct key *again; /* well, but tried */
    uint64_t back_ms;  /* when the first cooling one is back; 0: none cools */
};

static void consider(struct choice *c, struct key *key, const struct key_want *want, uint64_t model)
{
    uint64_t until = cools_until(key, model);

    if (key->refused_until_ms > want->now_ms)
        return;
    if (until > want->now_ms) {
        if (c->back_ms == 0 || until < c->back_ms)
            c->back_ms = until;
    } else if (was_tried(want, key)) {
        if (is_better(key, c->again))
            c->again = key;
    } else if (is_better(key, c->fresh)) {
        c->fresh = key;
    }
}

enum key_verdict keys_pick(struct keys *k, const struct key_want *want, struct key **ret_key,
                           uint64_t *ret_wait_ms)
{
    struct choice c = {0};
    struct key *key;
    uint64_t model = model_hash(want->model);
    enum key_verdict verdict = KEY_NONE;

    pthread_mutex_lock(&k->mutex);
    for (size_t i = 0; i < k->n; i++)
        consider(&c, k->v[i], want, model);
    key = c.fresh ? c.fresh : c.again;
    if (key != NULL) {
        key->refs++;
        key->in_flight++;
        key->picked = ++k->picks;
        *ret_key = key;
        verdict = KEY_PICKED;
    } else if (c.back_ms != 0) {
        *ret_wait_ms = c.back_ms - want->now_ms;
        verdict = KEY_COOLING;
    }
    pthread_mutex_unlock(&k->mutex);
    return verdict;
}

static uint64_t clamp_cool(uint64_t ms)
{
    if (ms == 0)
        return COOL_DEFAULT_MS;
    if (ms < COOL_MIN_MS)
        return COOL_MIN_MS;
    return ms < COOL_MAX_MS ? ms : COOL_MAX_MS;
}

void keys_done(struct keys *k, struct key *key, struct str model, enum key_outcome outcome,
               uint64_t cool_ms, uint64_t now_ms)
{
    pthread_mutex_lock(&k->mutex);
    key->in_flight--;
    switch (outcome) {
    case KEY_SERVED: key->refused_until_ms = 0; break;
    case KEY_BLAMELESS: break;
    case KEY_LIMITED: cool(key, model_hash(model), now_ms + clamp_cool(cool_ms)); break;
    case KEY_REFUSED: key->refused_until_ms = now_ms + REFUSED_MS; break;
    }
    unref(key);
    pthread_mutex_unlock(&k->mutex);
}

const struct secret *key_secret(const struct key *key)
{
    return &key->secret;
}
