/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* mem.c - the one place where malloc's failure is met, and the budget for memory of foreign size.
 */
#include "base/mem.h"
#include "base/torture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t counted;
static _Atomic size_t budget = (size_t)1 << 30;

static void *or_die(void *p)
{
    if (p == NULL) {
        fputs("queqiao: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t n)
{
    return or_die(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n)
{
    enum { CACHED = 1024 };

    /* glibc's calloc passes the thread's cache of small blocks by */
    return n > 0 && n <= CACHED ? memset(mem_alloc(n), 0, n) : or_die(calloc(1, n ? n : 1));
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
    free(p);
}

void *mem_try_realloc(void *p, size_t was, size_t n)
{
    void *grown;

    if (torture_fails(TORTURE_ALLOC))
        return NULL;
    if (n > was) {
        size_t now = atomic_fetch_add(&counted, n - was) + (n - was);

        if (now > atomic_load(&budget)) {
            atomic_fetch_sub(&counted, n - was);
            return NULL;
        }
    }
    grown = realloc(p, n ? n : 1);
    if (grown == NULL) {
        if (n > was)
            atomic_fetch_sub(&counted, n - was);
        return NULL;
    }
    if (n < was)
        atomic_fetch_sub(&counted, was - n);
    return grown;
}

void mem_drop(void *p, size_t n)
{
    if (p == NULL)
        return;
    atomic_fetch_sub(&counted, n);
    free(p);
}

size_t mem_counted(void)
{
    return atomic_load(&counted);
}

void mem_set_budget(size_t bytes)
{
    atomic_store(&budget, bytes);
}

size_t mem_budget(void)
{
    return atomic_load(&budget);
}
