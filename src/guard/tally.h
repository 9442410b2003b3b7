/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tally.h - how many things somebody has now, for each somebody that has any. There are never more
 * entries than things counted. Not locked. */
#ifndef GUARD_TALLY_H
#define GUARD_TALLY_H

#include "base/sha256.h"

struct tally_entry;
struct tally {
    struct tally_entry **buckets;
    size_t nbuckets; /* a power of two */
    size_t n;        /* entries */
    uint64_t seed;
};

void tally_init(struct tally *t);
void tally_fini(struct tally *t); /* everything was given back */

/* One more for `who`, unless it has `limit` already: NULL then. The entry goes back to tally_give,
 * once for each take. */
struct tally_entry *tally_take(struct tally *t, const struct sha256 *who, uint32_t limit);
void tally_give(struct tally *t, struct tally_entry *e);

#endif
