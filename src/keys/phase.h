/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* phase.h - when upstream's minute begins, once that is known.
 *
 * By all that is seen upstream counts by the minutes of its clock: the delays that refusals name
 * are spread evenly from 0 to 60 s, and end with a minute (a refusal at 06:14:23.6 said "retry
 * in 36.4 s"). It is not documented, so it is believed only after a request was served at the end
 * of such a delay that was not due yet by any sixty seconds, and no longer when a refusal names
 * another end. Pure; private to the room. */
#ifndef KEYS_PHASE_H
#define KEYS_PHASE_H

#include <stdbool.h>
#include <stdint.h>

struct phase {
    bool known;
    uint64_t at_ms; /* a minute began then, or will; monotonic */
    uint64_t noted_ms;
};

void phase_prove(struct phase *p, uint64_t at_ms, uint64_t now_ms);
/* A refusal said that a minute begins at at_ms. */
void phase_note(struct phase *p, uint64_t at_ms, uint64_t now_ms);

/* Is it known, and lately enough for the two clocks not to have parted? */
bool phase_is_known(const struct phase *p, uint64_t now_ms);

/* What was sent since then may count in the minute that runs: it began, less the longest way there.
 * And when the next will surely have begun. */
uint64_t phase_begin(const struct phase *p, uint64_t now_ms);
uint64_t phase_next(const struct phase *p, uint64_t now_ms);

#endif
