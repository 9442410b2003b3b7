/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* arena.h - memory that is given back all at once. One arena for each exchange.
 *
 * With ARENA_MALLOC (make san) every allocation is a malloc of its own, so that ASan sees each
 * overrun and each use after a reset. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *head; /* newest first */
    size_t used;              /* bytes handed out, all blocks together */
    size_t max;
    bool starved; /* the memory budget or the heap has said no: something may be missing */
};
struct arena_mark {
    struct arena_block *block;
    size_t in_block;
    size_t used;
};

void arena_init(struct arena *a, size_t max_bytes); /* allocates nothing yet */
void arena_fini(struct arena *a);

/* Memory aligned for any type, uninitialised; NULL when the cap or the memory budget is reached. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);
MUST_CHECK void *arena_zalloc(struct arena *a, size_t n);

/* A copy of s that lives as long as the arena, with a NUL after it. Where there is no room left it
 * is empty, which no caller may mistake for success when s was not. */
struct str arena_dup(struct arena *a, struct str s);

/* Everything allocated after the mark is given back by the reset. */
struct arena_mark arena_mark(const struct arena *a);
void arena_reset(struct arena *a, struct arena_mark m);

#endif
