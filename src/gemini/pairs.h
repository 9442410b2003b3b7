/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pairs.h - which result answers which call. Gemini wants every call of a turn answered, once, in
 * the turn after; clients trim histories, reorder results and use ids again. */
#ifndef GEMINI_PAIRS_H
#define GEMINI_PAIRS_H

#include "base/arena.h"
#include "base/err.h"

/* A call or a result, in the order of the talk. */
struct gm_pair {
    struct str key; /* the id; empty: any call of the turn before will do */
    unsigned turn;  /* the model turn of a call; of a result, the last one before it */
    bool result;
    const void *item;     /* the caller's */
    struct gm_pair *mate; /* a call's result, a result's call, or NULL */
    /* private */
    uint64_t hash;
};
struct gm_pairs {
    struct gm_pair *v;
    size_t n, room;
};

MUST_CHECK enum err gm_pairs_init(struct gm_pairs *p, struct arena *arena, size_t room);
void gm_pairs_add(struct gm_pairs *p, struct str key, unsigned turn, bool result, const void *item);

/* Find the mates. Of calls with one key the latest turn's are answered, the first one first; what
 * has no key goes to the first call of the last turn that is still without.
 *
 *   errors  E_TOOBIG when the arena is full */
MUST_CHECK enum err gm_pairs_match(struct gm_pairs *p, struct arena *arena);

#endif
