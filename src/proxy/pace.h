/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pace.h - how long upstream usually takes to its first byte, for each model and method: the last
 * few times. Pure; each worker has its own. */
#ifndef PROXY_PACE_H
#define PROXY_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_KINDS_MAX = 64, /* the one unused for longest makes room */
    PACE_SAMPLES = 64,
    PACE_LEAST = 20, /* fewer tell nothing */
};

struct pace_kind {
    uint64_t kind; /* a hash */
    uint64_t used;
    unsigned n; /* ever noted */
    uint32_t ms[PACE_SAMPLES];
};
/* Zeroed is empty. */
struct pace {
    struct pace_kind v[PACE_KINDS_MAX];
    uint64_t uses;
};

void pace_note(struct pace *p, uint64_t kind, uint64_t ms);
bool pace_p95(const struct pace *p, uint64_t kind, uint32_t *ret_ms); /* false: not known */

#endif
