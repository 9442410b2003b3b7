/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* kept.c - a stack of blocks for each size, for each thread. Which size a block is of, malloc says.
 */
#include "base/kept.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#ifdef ARENA_MALLOC
enum { MAX_BYTES = 0 };
#else
enum { MAX_BYTES = 1 << 20 };
#endif

/* glibc's blocks have a size of n * STEP, two of them at least, of which HEAD is its own. */
enum { STEP = 16, HEAD = sizeof(size_t), SMALL = 1040 / STEP, SIZES = SMALL + 3, EACH = 64 };

struct stack {
    unsigned n;
    void *blocks[EACH];
};
static _Thread_local struct stack kept[SIZES];
static _Thread_local size_t bytes;

/* A thread that ends gives them to free by itself. What others do at its end, OpenSSL among them,
 * may give blocks back after that: then it is asked once more. */
static pthread_key_t at_end;
static _Thread_local bool is_watched;

static void on_end(void *unused)
{
    (void)unused;
    is_watched = false;
    kept_clear();
}

static void make_key(void)
{
    int r = pthread_key_create(&at_end, on_end);

    assert(r == 0); /* of the first in the process */
    (void)r;
}

static void watch_end(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_key);
    is_watched = pthread_setspecific(at_end, kept) == 0;
}

/* What a block of each stack counts as; the first of them is never used. */
static size_t bytes_of(size_t at)
{
    return at == SMALL + 1 ? KEPT_ARENA : at == SMALL + 2 ? KEPT_ROOM : at * STEP;
}

/* The stack whose blocks all hold n bytes; SIZES: there is none. */
static size_t asked(size_t n)
{
    size_t steps = n > STEP ? (n + HEAD + STEP - 1) / STEP : 2;

    if (n < STEP * SMALL)
        return steps <= SMALL ? steps : SIZES;
    return n == KEPT_ARENA ? SMALL + 1 : n == KEPT_ROOM ? SMALL + 2 : SIZES;
}

/* The stack that a block with room for n bytes goes to. */
static size_t given(size_t n)
{
    size_t steps = (n + HEAD) / STEP;

    if (steps <= SMALL)
        return steps;
    return n >= KEPT_ARENA && n < KEPT_ARENA + 2 * STEP ? SMALL + 1
           : n >= KEPT_ROOM && n < KEPT_ROOM + 2 * STEP ? SMALL + 2
                                                        : SIZES;
}

void *kept_take(size_t n)
{
    size_t at = asked(n);

    if (at == SIZES || kept[at].n == 0)
        return NULL;
    bytes -= bytes_of(at); /* malloc's word for it stands in the block, which nobody has read */
    return kept[at].blocks[--kept[at].n];
}

bool kept_give(void *p)
{
    size_t at = given(malloc_usable_size(p));

    if (at == SIZES || kept[at].n == EACH || bytes + bytes_of(at) > MAX_BYTES)
        return false;
    if (!is_watched)
        watch_end();
    kept[at].blocks[kept[at].n++] = p;
    bytes += bytes_of(at);
    return true;
}

void kept_clear(void)
{
    for (size_t at = 0; at < SIZES; at++) {
        while (kept[at].n > 0)
            free(kept[at].blocks[--kept[at].n]);
    }
    bytes = 0;
}
