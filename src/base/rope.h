/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* rope.h - a body made of own bytes and of borrowed spans between them.
 *
 * A request with a large inline file is translated without copying the file: the JSON around it is
 * written into `text`, the file's base64 stays where it arrived and is only pointed at. */
#ifndef BASE_ROPE_H
#define BASE_ROPE_H

#include "base/buf.h"

struct rope_cut {
    size_t at;       /* offset in text after which the span stands */
    struct str span; /* borrowed for the rope's life */
};
struct rope {
    struct buf text;
    struct rope_cut *cuts; /* ascending by at */
    size_t ncuts, room;
    size_t borrowed; /* sum of all spans */
};
/* Reads a rope from front to back. Start with {0}. */
struct rope_pos {
    size_t text; /* bytes of text passed */
    size_t cut;  /* spans passed whole */
    size_t in;   /* bytes passed of the span at `cut` */
};

enum { ROPE_SPAN_MIN = 4096 }; /* shorter strings are cheaper copied */

void rope_init(struct rope *r, size_t max_bytes); /* max counts text and spans together */
void rope_fini(struct rope *r);
void rope_borrow(struct rope *r, struct str span); /* sticky in r->text.err like buf_put */

static inline size_t rope_len(const struct rope *r)
{
    return r->text.n + r->borrowed;
}

/* The next contiguous bytes at *pos, at most max of them; empty at the end. *pos moves past them.
 */
struct str rope_next(const struct rope *r, struct rope_pos *pos, size_t max);

#endif
