/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* store.c - a hash table whose entries hang in one list by last use. Must not know what a signature
 * is, nor who asks. */
#include "signatures/store.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/random.h"

#include <assert.h>
#include <pthread.h>

enum { BUCKETS_MIN = 64 };

struct entry {
    struct list by_use; /* the longest unused first */
    struct entry *next; /* in its bucket */
    uint64_t hash;
    size_t nkey, nsignature;
    char bytes[]; /* the key, then the signature */
};
struct signatures {
    pthread_mutex_t mutex;
    size_t max_bytes;
    uint64_t seed; /* so that nobody can choose keys that meet in one bucket */
    struct entry **buckets;
    size_t nbuckets; /* a power of two */
    struct list by_use;
    struct signatures_stats stats;
};

struct signatures *signatures_new(size_t max_bytes)
{
    struct signatures *s = mem_zalloc(sizeof *s);

    pthread_mutex_init(&s->mutex, NULL);
    s->max_bytes = max_bytes;
    s->nbuckets = BUCKETS_MIN;
    s->buckets = mem_zalloc(s->nbuckets * sizeof *s->buckets);
    list_init(&s->by_use);
    random_bytes(&s->seed, sizeof s->seed);
    return s;
}

static size_t size_of(const struct entry *e)
{
    return sizeof *e + e->nkey + e->nsignature;
}

static struct str key_of(const struct entry *e)
{
    return str_of(e->bytes, e->nkey);
}

/* FNV over the seed and the key, mixed: the seed is secret. */
static uint64_t hash_of(const struct signatures *s, struct str key)
{
    uint64_t h = str_hash(key) ^ s->seed;

    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdU;
    h ^= h >> 33;
    return h;
}

static struct entry **place_of(struct signatures *s, struct str key, uint64_t hash)
{
    struct entry **at = &s->buckets[hash & (s->nbuckets - 1)];

    while (*at != NULL && ((*at)->hash != hash || !str_eq(key_of(*at), key)))
        at = &(*at)->next;
    return at;
}

static void drop(struct signatures *s, struct entry **at)
{
    struct entry *e = *at;

    assert(e != NULL); /* whatever is in use has its place */
    *at = e->next;
    list_remove(&e->by_use);
    s->stats.entries--;
    s->stats.bytes -= size_of(e);
    mem_drop(e, size_of(e));
}

static void make_room(struct signatures *s, size_t need)
{
    while (s->stats.bytes + need > s->max_bytes && !list_empty(&s->by_use)) {
        struct entry *e = CONTAINER(s->by_use.next, struct entry, by_use);

        drop(s, place_of(s, key_of(e), e->hash));
        s->stats.evicted++;
    }
}

static void grow(struct signatures *s)
{
    size_t n = s->nbuckets * 2;
    struct entry **wider = mem_zalloc(n * sizeof *wider);

    list_each (l, &s->by_use) {
        struct entry *e = CONTAINER(l, struct entry, by_use);

        e->next = wider[e->hash & (n - 1)];
        wider[e->hash & (n - 1)] = e;
    }
    mem_free(s->buckets);
    s->buckets = wider;
    s->nbuckets = n;
}

static void put(struct signatures *s, struct str key, struct str signature)
{
    uint64_t hash = hash_of(s, key);
    struct entry **at = place_of(s, key, hash);
    size_t size = sizeof **at + key.n + signature.n;
    struct entry *e;

    if (*at != NULL)
        drop(s, at);
    make_room(s, size);
    e = size <= s->max_bytes ? mem_try_realloc(NULL, 0, size) : NULL;
    if (e == NULL)
        return;
    if (s->stats.entries >= s->nbuckets)
        grow(s);
    *e = (struct entry){.hash = hash, .nkey = key.n, .nsignature = signature.n};
    memcpy(e->bytes, key.p, key.n);
    memcpy(e->bytes + key.n, signature.p, signature.n);
    at = &s->buckets[hash & (s->nbuckets - 1)];
    e->next = *at;
    *at = e;
    list_push(&s->by_use, &e->by_use);
    s->stats.entries++;
    s->stats.bytes += size;
}

void signatures_put(struct signatures *s, struct str key, struct str signature)
{
    if (key.n == 0 || key.n > SIGNATURES_KEY_MAX || signature.n == 0 ||
        signature.n > SIGNATURES_ONE_MAX)
        return;
    pthread_mutex_lock(&s->mutex);
    put(s, key, signature);
    pthread_mutex_unlock(&s->mutex);
}

struct str signatures_get(struct signatures *s, struct str key, struct arena *arena)
{
    struct str found = S("");
    struct entry *e;

    pthread_mutex_lock(&s->mutex);
    e = *place_of(s, key, hash_of(s, key));
    if (e != NULL) {
        found = arena_dup(arena, str_of(e->bytes + e->nkey, e->nsignature));
        list_remove(&e->by_use);
        list_push(&s->by_use, &e->by_use);
        s->stats.hits++;
    } else {
        s->stats.misses++;
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

struct signatures_stats signatures_stats(struct signatures *s)
{
    struct signatures_stats stats;

    pthread_mutex_lock(&s->mutex);
    stats = s->stats;
    pthread_mutex_unlock(&s->mutex);
    return stats;
}

void signatures_free(struct signatures *s)
{
    if (s == NULL)
        return;
    while (!list_empty(&s->by_use)) {
        struct entry *e = CONTAINER(s->by_use.next, struct entry, by_use);

        drop(s, place_of(s, key_of(e), e->hash));
    }
    mem_free(s->buckets);
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}
