/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tally.c - a hash table of counters. Must not know who counts what. */
#include "guard/tally.h"

#include "base/mem.h"
#include "base/random.h"

#include <assert.h>

enum { BUCKETS_MIN = 64 };

struct tally_entry {
    struct tally_entry *next; /* in its bucket */
    struct sha256 who;
    uint64_t hash; /* of it */
    uint32_t count;
};

void tally_init(struct tally *t)
{
    *t = (struct tally){.nbuckets = BUCKETS_MIN};
    t->buckets = mem_zalloc(t->nbuckets * sizeof *t->buckets);
    random_bytes(&t->seed, sizeof t->seed);
}

void tally_fini(struct tally *t)
{
    assert(t->n == 0);
    mem_free(t->buckets);
}

/* Addresses are no digests: the seed keeps strangers from choosing those that meet in a bucket. */
static uint64_t hash_of(const struct tally *t, const struct sha256 *who)
{
    uint64_t h = t->seed;

    for (size_t i = 0; i < sizeof who->b; i += sizeof h) {
        uint64_t word;

        memcpy(&word, who->b + i, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15U;
        h ^= h >> 29;
    }
    return h;
}

static struct tally_entry **bucket_of(const struct tally *t, uint64_t hash)
{
    return &t->buckets[(size_t)hash & (t->nbuckets - 1)];
}

static struct tally_entry **place_of(struct tally *t, const struct sha256 *who, uint64_t hash)
{
    struct tally_entry **at = bucket_of(t, hash);

    while (*at != NULL && memcmp(&(*at)->who, who, sizeof *who) != 0)
        at = &(*at)->next;
    return at;
}

static void grow(struct tally *t)
{
    struct tally_entry **was = t->buckets;
    size_t n = t->nbuckets;

    t->nbuckets *= 2;
    t->buckets = mem_zalloc(t->nbuckets * sizeof *t->buckets);
    for (size_t i = 0; i < n; i++)
        while (was[i] != NULL) {
            struct tally_entry *e = was[i];
            struct tally_entry **b = bucket_of(t, e->hash);

            was[i] = e->next;
            e->next = *b;
            *b = e;
        }
    mem_free(was);
}

struct tally_entry *tally_take(struct tally *t, const struct sha256 *who, uint32_t limit)
{
    uint64_t hash = hash_of(t, who);
    struct tally_entry **at = place_of(t, who, hash);
    struct tally_entry *e = *at;

    if (e != NULL ? e->count >= limit : limit == 0)
        return NULL;
    if (e == NULL) {
        e = *at = mem_zalloc(sizeof *e);
        e->who = *who;
        e->hash = hash;
        if (++t->n > t->nbuckets)
            grow(t);
    }
    e->count++;
    return e;
}

void tally_give(struct tally *t, struct tally_entry *e)
{
    struct tally_entry **at;

    assert(e->count > 0);
    if (--e->count > 0)
        return;
    at = bucket_of(t, e->hash);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    t->n--;
    mem_free(e);
}
