/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* clock.c - CLOCK_MONOTONIC and CLOCK_REALTIME in the units that the rooms use. */
#include "base/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000U;
}

/* The wall is asked for several times a request, for dates and stamps: the kernel's last tick will
 * do, which is at most 10 ms old. */
int64_t clock_wall_s(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME_COARSE) / 1000000000U);
}

int64_t clock_wall_ms(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME_COARSE) / 1000000U);
}
