/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* store.h - thought signatures that clients do not carry: kept under a short key (a tool call's
 * id), until they are asked for again.
 *
 * One for the process, shared by all workers: a mutex is held inside each call for microseconds.
 * What was not used for longest goes first when the cap is reached. */
#ifndef SIGNATURES_STORE_H
#define SIGNATURES_STORE_H

#include "base/arena.h"

enum {
    SIGNATURES_KEY_MAX = 64,
    SIGNATURES_ONE_MAX = 256 * 1024, /* larger ones are not kept; images' are the largest seen */
};

struct signatures;

struct signatures *signatures_new(size_t max_bytes); /* of keys and signatures together */
void signatures_free(struct signatures *s);          /* NULL is fine */

/* Keep a copy. One under the same key is replaced; one too large, or with a key too long, is not
 * kept. */
void signatures_put(struct signatures *s, struct str key, struct str signature);

/* A copy in the arena; empty when there is none. */
struct str signatures_get(struct signatures *s, struct str key, struct arena *arena);

struct signatures_stats {
    size_t entries, bytes;
    uint64_t hits, misses, evicted;
};
struct signatures_stats signatures_stats(struct signatures *s);

#endif
