/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* window.c - a ring of half seconds with its sums. Must not know what is counted, nor any limit's
 * name. */
#include "keys/window.h"

#include <assert.h>

enum { MINUTE = 60 * 1000 / WINDOW_SLOT_MS + 1 }; /* in slots: the newest has just begun */

static_assert(MINUTE + WINDOW_GUARD_MAX < WINDOW_SLOTS, "one slot more than ever counts");

static uint32_t *cell(struct window *w, uint64_t slot)
{
    return w->spent[slot % WINDOW_SLOTS];
}

/* How many slots count, the newest included. */
static uint64_t width(const struct window *w)
{
    return MINUTE + w->guard;
}

static void step(struct window *w)
{
    uint64_t gone = ++w->slot - width(w); /* it wraps in the first minute, to where nothing is */
    uint32_t *fresh = cell(w, w->slot);

    for (int i = 0; i < SPENT_KINDS; i++) {
        if (w->slot >= width(w))
            w->sum[i] -= cell(w, gone)[i];
        fresh[i] = 0;
    }
}

void window_roll(struct window *w, uint64_t now_ms)
{
    uint64_t now = now_ms / WINDOW_SLOT_MS;

    if (now > w->slot && now - w->slot >= WINDOW_SLOTS)
        *w = (struct window){.slot = now, .guard = w->guard};
    while (w->slot < now)
        step(w);
}

void window_set_guard(struct window *w, unsigned guard)
{
    w->guard = guard < WINDOW_GUARD_MAX ? guard : WINDOW_GUARD_MAX;
    for (int what = 0; what < SPENT_KINDS; what++) {
        w->sum[what] = 0;
        for (uint64_t i = 0; i < width(w) && i <= w->slot; i++)
            w->sum[what] += cell(w, w->slot - i)[what];
    }
}

static int counts(const struct window *w, uint64_t at_ms)
{
    return at_ms / WINDOW_SLOT_MS + width(w) > w->slot;
}

void window_add(struct window *w, uint64_t at_ms, enum spent what, uint32_t amount)
{
    uint32_t *c;

    window_roll(w, at_ms);
    if (!counts(w, at_ms))
        return;
    c = &cell(w, at_ms / WINDOW_SLOT_MS)[what];
    if (amount > UINT32_MAX - *c)
        amount = UINT32_MAX - *c;
    *c += amount;
    w->sum[what] += amount;
}

void window_sub(struct window *w, uint64_t at_ms, enum spent what, uint32_t amount)
{
    uint32_t *c;

    window_roll(w, at_ms);
    if (!counts(w, at_ms))
        return;
    c = &cell(w, at_ms / WINDOW_SLOT_MS)[what];
    if (amount > *c)
        amount = *c;
    *c -= amount;
    w->sum[what] -= amount;
}

void window_fold(struct window *to, const struct window *from)
{
    window_roll(to, from->slot * WINDOW_SLOT_MS);
    if (from->guard > to->guard)
        window_set_guard(to, from->guard);
    for (uint64_t i = 0; i < width(from) && i <= from->slot; i++) {
        uint64_t slot = from->slot - i;

        for (int what = 0; what < SPENT_KINDS; what++)
            window_add(to, slot * WINDOW_SLOT_MS, (enum spent)what,
                       from->spent[slot % WINDOW_SLOTS][what]);
    }
}

uint64_t window_since(const struct window *w, enum spent what, uint64_t at_ms)
{
    uint64_t first = at_ms / WINDOW_SLOT_MS;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < width(w) && i <= w->slot && w->slot - i >= first; i++)
        sum += w->spent[(w->slot - i) % WINDOW_SLOTS][what];
    return sum;
}

uint64_t window_fits_at(const struct window *w, enum spent what, uint64_t need, uint64_t limit)
{
    uint64_t left = w->sum[what];
    uint64_t slot = w->slot >= width(w) - 1 ? w->slot - (width(w) - 1) : 0;
    uint64_t room = need < limit ? limit - need : 0;

    if (left <= room)
        return 0;
    for (; slot <= w->slot; slot++) {
        left -= w->spent[slot % WINDOW_SLOTS][what];
        if (left <= room)
            break;
    }
    return (slot + width(w)) * WINDOW_SLOT_MS;
}
