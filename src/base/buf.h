/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* buf.h - owned bytes that grow up to a cap. Appending is sticky: after the first failure every
 * later append is ignored, and buf->err says what happened. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t room;  /* bytes allocated */
    size_t max;   /* cap on n */
    enum err err; /* OK; E_TOOBIG once the cap was reached, E_MEMORY without memory */
};

void buf_init(struct buf *b, size_t max_bytes); /* allocates nothing yet */
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* empty and without error again; memory is kept */

void buf_put_more(struct buf *b, struct str s); /* the part of buf_put that is not inlined */
static inline void buf_put(struct buf *b, struct str s)
{
    if (b->err != OK || s.n == 0 || s.n > b->room - b->n || s.n > b->max - b->n) {
        buf_put_more(b, s);
        return;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): where there is room, p is set */
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}
void buf_putc(struct buf *b, char c);
void buf_putf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_put_u64(struct buf *b, uint64_t v);
#define buf_lit(b, lit) buf_put(b, S(lit))

/* Room for n more bytes at b->p + b->n, not yet counted in b->n; NULL when the cap forbids it. */
MUST_CHECK char *buf_reserve(struct buf *b, size_t n);
void buf_drop_front(struct buf *b, size_t n); /* moves the rest to the front */
void buf_cut(struct buf *b, size_t n);        /* keep the first n bytes */

static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}

#endif
