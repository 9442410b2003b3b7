/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pieces.c - appending to a list of blocks in an arena. Must not know what the text is. */
#include "dialect/openai/pieces.h"

enum { FIRST_ROOM = 256, LARGEST_ROOM = 64 << 10 };

static struct piece *grow(struct pieces *ps, struct arena *arena, size_t room)
{
    struct piece *p;

    if (room > SIZE_MAX - sizeof *p)
        return NULL;
    p = arena_alloc(arena, sizeof *p + room);
    if (p == NULL)
        return NULL;
    *p = (struct piece){.room = room};
    if (ps->last != NULL)
        ps->last->next = p;
    else
        ps->first = p;
    ps->last = p;
    return p;
}

static enum err fill(struct pieces *ps, struct piece *p, struct str s)
{
    if (p == NULL)
        return E_TOOBIG;
    memcpy(p->p + p->n, s.p, s.n);
    p->n += s.n;
    ps->count++;
    ps->bytes += s.n;
    return OK;
}

enum err pieces_add(struct pieces *ps, struct arena *arena, struct str s, bool plain)
{
    struct piece *p = ps->last;
    size_t room = p == NULL ? FIRST_ROOM : p->room * 2;

    if (p == NULL || p->room - p->n < s.n) {
        room = room < LARGEST_ROOM ? room : LARGEST_ROOM;
        p = grow(ps, arena, room > s.n ? room : s.n);
    }
    ps->rough = ps->rough || !plain;
    return fill(ps, p, s);
}

enum err pieces_item(struct pieces *ps, struct arena *arena, struct str s)
{
    return fill(ps, grow(ps, arena, s.n), s);
}
