/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* rope.c - own bytes with borrowed spans between them. Knows nothing of what they hold. */
#include "base/rope.h"
#include "base/mem.h"

void rope_init(struct rope *r, size_t max_bytes)
{
    *r = (struct rope){0};
    buf_init(&r->text, max_bytes);
}

void rope_fini(struct rope *r)
{
    if (r == NULL)
        return;
    buf_fini(&r->text);
    mem_free(r->cuts);
    r->cuts = NULL;
    r->ncuts = r->room = r->borrowed = 0;
}

void rope_borrow(struct rope *r, struct str span)
{
    if (r->text.err != OK || span.n == 0)
        return;
    if (span.n > r->text.max - r->text.n) {
        r->text.err = E_TOOBIG;
        return;
    }
    if (r->ncuts == r->room) {
        r->room = r->room ? r->room * 2 : 4;
        r->cuts = mem_realloc(r->cuts, r->room * sizeof *r->cuts);
    }
    r->cuts[r->ncuts++] = (struct rope_cut){.at = r->text.n, .span = span};
    r->borrowed += span.n;
    r->text.max -= span.n; /* one cap for both kinds */
}

struct str rope_next(const struct rope *r, struct rope_pos *pos, size_t max)
{
    size_t until = pos->cut < r->ncuts ? r->cuts[pos->cut].at : r->text.n;
    struct str piece;

    if (pos->text < until) {
        piece = str_sub(buf_str(&r->text), pos->text, until - pos->text);
        piece.n = piece.n < max ? piece.n : max;
        pos->text += piece.n;
        return piece;
    }
    if (pos->cut == r->ncuts)
        return S("");
    piece = str_sub(r->cuts[pos->cut].span, pos->in, max);
    pos->in += piece.n;
    if (pos->in == r->cuts[pos->cut].span.n) {
        pos->cut++;
        pos->in = 0;
    }
    return piece;
}
