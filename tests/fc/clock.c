/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* clock.c - for LD_PRELOAD: adds offsets from a shared file to the clocks, so that ten minutes of
 * being frozen cost no ten minutes. The file ($CLOCK_FILE) holds two int64: ns to add to the
 * monotonic clocks, and to the wall. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offsets(void)
{
    static volatile int64_t *shared;

    if (shared == NULL && getenv("CLOCK_FILE") != NULL) {
        int fd = open(getenv("CLOCK_FILE"), O_RDONLY);
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);

        if (p != MAP_FAILED)
            shared = p;
    }
    return shared;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    long r = syscall(SYS_clock_gettime, id, t);
    volatile int64_t *o = offsets();
    int64_t add = 0;

    if (r != 0 || o == NULL)
        return (int)r;
    if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW ||
        id == CLOCK_BOOTTIME)
        add = o[0];
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        add = o[1];
    add += t->tv_nsec;
    t->tv_sec += (time_t)(add / 1000000000);
    t->tv_nsec = (long)(add % 1000000000);
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (ret != NULL)
        *ret = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec t;

    (void)tz;
    clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return 0;
}
