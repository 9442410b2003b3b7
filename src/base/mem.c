/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* mem.c - the one place where malloc's failure is met, and the budget for memory of foreign size.
 */
#include "base/mem.h"
#include "base/kept.h"
#include "base/torture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static _Atomic int64_t counted;
static _Atomic size_t budget = (size_t)1 << 30;

/* What this thread has counted and not yet added up: each request counts some ten times, and all
 * threads would write to the same place. The sum is wrong by as much for each thread. */
enum { UNADDED_MAX = 32 * 1024, LARGE = 128 * 1024, KEPT = 64 << 20 };
static _Thread_local int64_t unadded;
static _Thread_local size_t released;

static void count(int64_t more)
{
    unadded += more;
    if (more <= -LARGE)
        released += (size_t)-more;
    if (unadded > UNADDED_MAX || unadded < -UNADDED_MAX)
        mem_settle();
}

size_t mem_released(void)
{
    return released;
}

/* These are the values that glibc comes to by itself once a block of 32 MiB was freed. Before, it
 * gives back what is more than twice the largest one, so that requests with a body of 4 MB met
 * thousands of page faults each. The first large blocks are mappings of their own in any case: they
 * grow without being copied. */
void mem_keep(void)
{
#ifdef __GLIBC__
    static atomic_flag done = ATOMIC_FLAG_INIT;

    if (atomic_flag_test_and_set(&done))
        return;
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
}

/* That goes when a block is freed there that is not small, and what is free exceeds the threshold.
 */
void mem_rest_end(void)
{
    kept_clear();
#ifdef __GLIBC__
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    void *volatile block;

    pthread_mutex_lock(&one);
    mallopt(M_TRIM_THRESHOLD, LARGE);
    block = malloc(LARGE);
    free(block);
    mallopt(M_TRIM_THRESHOLD, KEPT);
    pthread_mutex_unlock(&one);
#endif
}

void mem_rest(void)
{
    released = 0;
    mem_rest_end();
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mem_settle(void)
{
    atomic_fetch_add(&counted, unadded);
    unadded = 0;
}

static void *or_die(void *p)
{
    if (p == NULL) {
        fputs("queqiao: out of memory\n", stderr);
        abort();
    }
    return p;
}

static void *take(size_t n)
{
    void *p = kept_take(n);

    return p ? p : malloc(n ? n : 1);
}

static void give(void *p)
{
    if (p != NULL && !kept_give(p))
        free(p);
}

void *mem_alloc(size_t n)
{
    return or_die(take(n));
}

void *mem_zalloc(size_t n)
{
    enum { CACHED = 1024 };
    void *p, *same;

    if (n == 0 || n > CACHED)
        return or_die(calloc(1, n ? n : 1));
    p = same = mem_alloc(n);
    __asm__("" : "+r"(same)); /* or the two become calloc, which passes glibc's cache by */
    memset(same, 0, n);
    return p;
}

void *mem_realloc(void *p, size_t n)
{
    return or_die(realloc(p, n ? n : 1));
}

char *mem_dup(const void *p, size_t n)
{
    char *d = mem_alloc(n + 1);

    memcpy(d, p, n);
    d[n] = '\0';
    return d;
}

void mem_free(void *p)
{
    give(p);
}

void *mem_try_realloc(void *p, size_t was, size_t n)
{
    void *grown;

    if (torture_fails(TORTURE_ALLOC))
        return NULL;
    if (n > was) { /* counted before it is looked at: two threads do not pass with one room */
        count((int64_t)(n - was));
        if (mem_counted() > mem_budget()) {
            count(-(int64_t)(n - was));
            return NULL;
        }
    }
    grown = p == NULL ? take(n) : realloc(p, n ? n : 1);
    if (grown == NULL && n > was)
        count(-(int64_t)(n - was));
    else if (grown != NULL && n < was)
        count(-(int64_t)(was - n));
    return grown;
}

void mem_drop(void *p, size_t n)
{
    if (p == NULL)
        return;
    count(-(int64_t)n);
    give(p);
}

size_t mem_counted(void)
{
    int64_t sum = atomic_load(&counted) + unadded;

    return sum < 0 ? 0 : (size_t)sum; /* another thread gave back what it has not added yet */
}

void mem_set_budget(size_t bytes)
{
    atomic_store(&budget, bytes);
}

size_t mem_budget(void)
{
    return atomic_load(&budget);
}
