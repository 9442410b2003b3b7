/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* failures.h - LIM-15: how often an address may come with a credential that is none. A bucket for
 * each address that failed lately; the table has a fixed size, and the one that is refilled first
 * makes room. Pure but for its memory; not locked; the time is an argument.
 *
 *   source  the generic cell rate algorithm: instead of a level and its time one moment is kept, at
 *           which the bucket will be full again */
#ifndef GUARD_FAILURES_H
#define GUARD_FAILURES_H

#include <stdint.h>

enum {
    FAILURES_MAX = 4096,   /* addresses that are remembered */
    FAILURES_REFILL_S = 3, /* for one more attempt */
};

struct failures_entry;
struct failures {
    struct failures_entry *v;
    uint64_t seed;
};

void failures_init(struct failures *f);
void failures_fini(struct failures *f);

/* `who` failed once more. 0: that is within `burst`; else the seconds until another attempt is. */
uint32_t failures_note(struct failures *f, uint64_t who, uint32_t burst, uint64_t now_ms);

#endif
