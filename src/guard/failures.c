/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* failures.c - rows of WAYS places; an address has its place in one row. Must not know what
 * failed. */
#include "guard/failures.h"

#include "base/mem.h"
#include "base/random.h"

#include <stddef.h>

enum { WAYS = 8, ROWS = FAILURES_MAX / WAYS, STEP_MS = FAILURES_REFILL_S * 1000 };

struct failures_entry {
    uint64_t who;
    uint64_t full_at_ms; /* from then on it is as if it had never failed */
};

void failures_init(struct failures *f)
{
    f->v = mem_zalloc(FAILURES_MAX * sizeof *f->v);
    random_bytes(&f->seed, sizeof f->seed);
}

void failures_fini(struct failures *f)
{
    mem_free(f->v);
}

static struct failures_entry *row_of(const struct failures *f, uint64_t who)
{
    uint64_t h = (who ^ f->seed) * 0x9e3779b97f4a7c15U;

    return &f->v[(h >> 40) % ROWS * WAYS];
}

/* Its place: its own, or the one whose owner is full again first. */
static struct failures_entry *place_of(const struct failures *f, uint64_t who)
{
    struct failures_entry *row = row_of(f, who);
    struct failures_entry *first = row;

    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].who == who)
            return &row[i];
        if (row[i].full_at_ms < first->full_at_ms)
            first = &row[i];
    }
    *first = (struct failures_entry){.who = who};
    return first;
}

uint32_t failures_note(struct failures *f, uint64_t who, uint32_t burst, uint64_t now_ms)
{
    struct failures_entry *e = place_of(f, who);
    uint64_t full = (e->full_at_ms > now_ms ? e->full_at_ms : now_ms) + STEP_MS;
    uint64_t latest = now_ms + (uint64_t)burst * STEP_MS;

    if (full > latest)
        return (uint32_t)((full - latest + 999) / 1000);
    e->full_at_ms = full;
    return 0;
}
