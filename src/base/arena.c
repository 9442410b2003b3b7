/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* arena.c - bump allocation in blocks. The first is what most of its users need in all, so that the
 * second is small; from then on they double. */
#include "base/arena.h"
#include "base/mem.h"

#include <stdalign.h>

enum { FIRST_BLOCK = 4096, SECOND_BLOCK = 1024, LARGEST_BLOCK = 1 << 20 };

#ifdef ARENA_MALLOC
enum { OWN_BLOCK = 1 };
#else
enum { OWN_BLOCK = 0 };
#endif

struct arena_block {
    struct arena_block *next; /* the older one */
    size_t n, room;
    alignas(max_align_t) char mem[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max = max_bytes};
}

static void pop_block(struct arena *a)
{
    struct arena_block *b = a->head;

    a->head = b->next;
    mem_drop(b, sizeof *b + b->room);
}

void arena_fini(struct arena *a)
{
    if (a == NULL)
        return;
    while (a->head != NULL)
        pop_block(a);
    a->used = 0;
}

static struct arena_block *push_block(struct arena *a, size_t need)
{
    struct arena_block *b;
#ifdef ARENA_MALLOC
    size_t room = need;
#else
    size_t whole = a->head == NULL         ? FIRST_BLOCK
                   : a->head->next == NULL ? SECOND_BLOCK
                                           : 2 * (a->head->room + sizeof *b);
    size_t room = whole - sizeof *b;

    room = room < LARGEST_BLOCK ? room : LARGEST_BLOCK;
    room = room > need ? room : need;
#endif
    b = mem_try_realloc(NULL, 0, sizeof *b + room);
    if (b == NULL) {
        a->starved = true;
        return NULL;
    }
    b->next = a->head;
    b->n = 0;
    b->room = room;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *b = a->head;
    void *p;

    if (n > a->max - a->used || n > SIZE_MAX - align)
        return NULL;
#ifndef ARENA_MALLOC
    n = (n + align - 1) / align * align;
    if (n > a->max - a->used)
        return NULL;
#endif
    if (b == NULL || b->room - b->n < n || OWN_BLOCK)
        b = push_block(a, n);
    if (b == NULL)
        return NULL;
    p = b->mem + b->n;
    b->n += n;
    a->used += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);

    return p ? memset(p, 0, n) : NULL;
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (p == NULL)
        return S("");
    if (s.n > 0) /* a zeroed str may come in, and memcpy takes no NULL */
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return str_of(p, s.n);
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){
        .block = a->head, .in_block = a->head ? a->head->n : 0, .used = a->used};
}

void arena_reset(struct arena *a, struct arena_mark m)
{
    while (a->head != m.block)
        pop_block(a);
    if (a->head != NULL)
        a->head->n = m.in_block;
    a->used = m.used;
}
