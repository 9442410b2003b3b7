/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pieces.h - text that grows by appending, kept in an arena. A whole answer is gathered in these;
 * nothing is moved when it grows and nothing has to be freed. */
#ifndef DIALECT_OPENAI_PIECES_H
#define DIALECT_OPENAI_PIECES_H

#include "base/arena.h"
#include "base/err.h"

struct piece {
    struct piece *next;
    size_t n, room;
    char p[];
};
struct pieces {
    struct piece *first, *last;
    size_t count; /* calls of pieces_add */
    size_t bytes;
    bool rough; /* some of them may need an escape in JSON */
};

/* Append. What one call adds is never split over two pieces, so valid text stays valid in each.
 *
 *   plain   it is known to need no escape in JSON
 *   errors  E_TOOBIG when the arena is full */
MUST_CHECK enum err pieces_add(struct pieces *ps, struct arena *arena, struct str s, bool plain);
/* The same, but s gets a piece of its own: a list of items and not one text. */
MUST_CHECK enum err pieces_item(struct pieces *ps, struct arena *arena, struct str s);

static inline struct str piece_str(const struct piece *p)
{
    return str_of(p->p, p->n);
}

#endif
