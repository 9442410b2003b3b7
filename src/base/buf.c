/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* buf.c - growable bytes. Growth doubles, so that appending costs linear time in all; the memory is
 * counted against the process's budget (base/mem.h). */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
    if (b == NULL)
        return;
    mem_drop(b->p, b->room);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->err = OK;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t room;
    char *p;

    if (b->err != OK)
        return NULL;
    if (n > b->max - b->n) {
        b->err = E_TOOBIG;
        return NULL;
    }
    if (n <= b->room - b->n)
        return b->p ? b->p + b->n : b->p;
    room = b->room ? b->room : 256;
    while (room - b->n < n)
        room = room > b->max / 2 ? b->max : room * 2;
    p = mem_try_realloc(b->p, b->room, room);
    if (p == NULL) {
        b->err = E_MEMORY;
        return NULL;
    }
    b->p = p;
    b->room = room;
    return b->p + b->n;
}

void buf_put_more(struct buf *b, struct str s)
{
    char *at;

    if (s.n == 0)
        return;
    at = buf_reserve(b, s.n);
    if (at == NULL)
        return;
    memcpy(at, s.p, s.n);
    b->n += s.n;
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, str_of(&c, 1));
}

void buf_putf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    int n;
    char *at;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    at = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
    if (at != NULL) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[STR_U64_MAX];

    buf_put(b, str_of(digits, str_put_u64(digits, v)));
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

void buf_cut(struct buf *b, size_t n)
{
    if (n < b->n)
        b->n = n;
}
