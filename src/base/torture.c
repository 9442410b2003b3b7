/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* torture.c - counts the calls that could fail, and picks those that do. One kind at a time: a test
 * arms it from its own thread while the tortured one is at rest. */
#include "base/torture.h"

#include <stdatomic.h>

static _Thread_local bool counts;
static _Atomic int kind = TORTURE_KINDS;
static _Atomic uint64_t seen, first, last, fired;

bool torture_fails(enum torture what)
{
    uint64_t at;

    if (!counts || atomic_load(&kind) != (int)what)
        return false;
    at = atomic_fetch_add(&seen, 1) + 1;
    if (at < atomic_load(&first) || at > atomic_load(&last))
        return false;
    atomic_fetch_add(&fired, 1);
    return true;
}

void torture_arm(enum torture what, uint64_t nth, uint64_t times)
{
    atomic_store(&kind, TORTURE_KINDS);
    atomic_store(&seen, 0);
    atomic_store(&fired, 0);
    atomic_store(&first, nth);
    atomic_store(&last, times > UINT64_MAX - nth ? UINT64_MAX : nth + times - 1);
    if (nth > 0 && times > 0)
        atomic_store(&kind, (int)what);
}

uint64_t torture_fired(void)
{
    return atomic_load(&fired);
}

void torture_here(bool here)
{
    counts = here;
}

bool torture_is_here(void)
{
    return counts;
}
