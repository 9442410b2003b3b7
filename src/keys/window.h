/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* window.h - what was spent in the last minute, sliding.
 *
 * Upstream may count by the calendar's minute or by any sixty seconds: who never spends more than
 * the limit in any sixty seconds is right by both. Half seconds are counted together and leave
 * together: what was spent at t counts until t + 60 s .. t + 60.5 s. Two requests need not take the
 * same time to arrive, so there is a guard of some more half seconds, which grows where it was too
 * short. */
#ifndef KEYS_WINDOW_H
#define KEYS_WINDOW_H

#include <stdint.h>

enum spent { SPENT_REQUESTS, SPENT_TOKENS, SPENT_KINDS };

enum { WINDOW_SLOT_MS = 500, WINDOW_GUARD_MAX = 8, WINDOW_SLOTS = 130 };

/* Zeroed is empty. */
struct window {
    uint64_t slot;  /* the newest slot's number: time / WINDOW_SLOT_MS */
    unsigned guard; /* slots that count although their minute is over */
    uint64_t sum[SPENT_KINDS];
    uint32_t spent[WINDOW_SLOTS][SPENT_KINDS];
};

/* Forget what is too old. A time before the newest slot changes nothing. */
void window_roll(struct window *w, uint64_t now_ms);

/* at_ms may lie in the past; what is too old to count is not counted, nor taken back. Taking back
 * stops at nothing. */
void window_add(struct window *w, uint64_t at_ms, enum spent what, uint32_t amount);
void window_sub(struct window *w, uint64_t at_ms, enum spent what, uint32_t amount);

/* At most WINDOW_GUARD_MAX. A guard that grows finds what was spent then. */
void window_set_guard(struct window *w, unsigned guard);

/* All of `from` is counted in `to` as well. */
void window_fold(struct window *to, const struct window *from);

/* What was spent since then, of what is kept. */
uint64_t window_since(const struct window *w, enum spent what, uint64_t at_ms);

/* When `need` more will fit under the limit, if nothing else is spent: a time that has passed when
 * it fits now. With a need above the limit, when nothing is left in the window. */
uint64_t window_fits_at(const struct window *w, enum spent what, uint64_t need, uint64_t limit);

#endif
