/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_names.c - a small hash table over names of our own. Must not know what they mean. */
#include "codec/json_names.h"
#include "codec/name.h"

#include <assert.h>
#include <pthread.h>

static_assert(JN_MAX < JN_SLOTS && JN_MAX <= UINT8_MAX, "there are free slots, which end a search");

/* Names are told apart well enough by their length and their ends. */
static ALWAYS_INLINE size_t slot_of(const char *p, size_t n)
{
    return n == 0 ? 0 : (7 * n + 29U * (unsigned char)p[0] + (unsigned char)p[n - 1]) % JN_SLOTS;
}

static void add(struct jn *t, size_t i, struct str name)
{
    size_t slot = slot_of(name.p, name.n);

    while (t->slot[slot] != 0)
        slot = (slot + 1) % JN_SLOTS;
    t->slot[slot] = (uint8_t)(i + 1);
    t->name[i] = name;
    t->head[i] = jr_head(name);
}

static COLD void make_ready(struct jn *t)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    const char *at = (const char *)t->first;

    assert(t->n <= JN_MAX);
    pthread_mutex_lock(&one);
    for (size_t i = 0; i < t->n && !atomic_load(&t->ready); i++)
        add(t, i, str_z(*(const char *const *)(const void *)(at + i * t->stride)));
    atomic_store_explicit(&t->ready, true, memory_order_release);
    pthread_mutex_unlock(&one);
}

int jn_find(struct jn *t, yyjson_val *key)
{
    const char *text = unsafe_yyjson_get_str(key);
    size_t n = unsafe_yyjson_get_len(key);
    uint64_t head = name_head(text, n);

    if (!atomic_load_explicit(&t->ready, memory_order_acquire))
        make_ready(t);
    for (size_t slot = slot_of(text, n); t->slot[slot] != 0; slot = (slot + 1) % JN_SLOTS) {
        size_t i = t->slot[slot] - 1U;

        if (t->head[i] == head && t->name[i].n == n &&
            (n <= sizeof head || name_same_rest(text, t->name[i].p, n)))
            return (int)i;
    }
    return -1;
}
