/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pace.c - the last samples of each kind, and where 95 in 100 of them lie. Must not know what is
 * measured. */
#include "proxy/pace.h"

#include <stddef.h>
#include <string.h>

void pace_note(struct pace *p, uint64_t kind, uint64_t ms)
{
    struct pace_kind *k = &p->v[0];

    for (size_t i = 0; i < PACE_KINDS_MAX; i++) {
        if (p->v[i].n > 0 && p->v[i].kind == kind) {
            k = &p->v[i];
            break;
        }
        if (p->v[i].used < k->used)
            k = &p->v[i];
    }
    if (k->n == 0 || k->kind != kind)
        *k = (struct pace_kind){.kind = kind};
    k->ms[k->n++ % PACE_SAMPLES] = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
    if (k->n == 2 * PACE_SAMPLES)
        k->n = PACE_SAMPLES;
    k->used = ++p->uses;
}

static void sort(uint32_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t one = v[i];
        size_t at = i;

        for (; at > 0 && v[at - 1] > one; at--)
            v[at] = v[at - 1];
        v[at] = one;
    }
}

bool pace_p95(const struct pace *p, uint64_t kind, uint32_t *ret_ms)
{
    for (size_t i = 0; i < PACE_KINDS_MAX; i++) {
        const struct pace_kind *k = &p->v[i];
        size_t n = k->n < PACE_SAMPLES ? k->n : PACE_SAMPLES;
        uint32_t sorted[PACE_SAMPLES];

        if (k->kind != kind || k->n < PACE_LEAST)
            continue;
        memcpy(sorted, k->ms, n * sizeof *sorted);
        sort(sorted, n);
        *ret_ms = sorted[(n * 95 + 99) / 100 - 1];
        return true;
    }
    return false;
}
