/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* phase.c - arithmetic on a minute's beginning. Must not know what is counted in its slots. */
#include "keys/phase.h"
#include "keys/window.h"

enum {
    MINUTE_MS = 60 * 1000,
    WAY_MS = 1000,       /* a request may be that long on its way, a new connection included */
    TOLERANCE_MS = 1500, /* delays are told in whole seconds at times */
    DRIFT = 20000,       /* a clock goes wrong by one part in so many */
    TRUSTED_MS = 12 * 3600 * 1000,
    TOLD_TRUSTED_MS = 3600 * 1000,
    TOLD_DRIFT_MS = 200,
    AGREED = 3,
};

static uint64_t drift(const struct phase *p, uint64_t now_ms)
{
    return now_ms > p->noted_ms ? (now_ms - p->noted_ms) / DRIFT : 0;
}

void phase_prove(struct phase *p, uint64_t at_ms, uint64_t now_ms)
{
    p->known = true;
    p->at_ms = at_ms;
    p->noted_ms = now_ms;
    p->sliding_ms = 0;
}

static uint64_t apart(uint64_t a_ms, uint64_t b_ms)
{
    uint64_t off = (a_ms > b_ms ? a_ms - b_ms : b_ms - a_ms) % MINUTE_MS;

    return off > MINUTE_MS / 2 ? MINUTE_MS - off : off;
}

bool phase_is_told(const struct phase *p, uint64_t now_ms)
{
    return p->told_ms > 0 && now_ms < p->told_ms + TOLD_TRUSTED_MS && now_ms >= 2 * MINUTE_MS;
}

bool phase_is_sliding(const struct phase *p, uint64_t now_ms)
{
    return p->sliding_ms > 0 && now_ms < p->sliding_ms + TRUSTED_MS;
}

void phase_note(struct phase *p, uint64_t at_ms, uint64_t now_ms)
{
    bool fits =
        !phase_is_told(p, now_ms) || apart(at_ms, p->told_ms) <= TOLERANCE_MS + TOLD_DRIFT_MS;

    if (!fits) {
        p->known = false;
        p->sliding_ms = now_ms;
        p->agreed = 0;
    } else if (now_ms >= p->agreed_ms + MINUTE_MS) {
        p->agreed_ms = now_ms;
        p->agreed++;
    }
    p->told_ms = at_ms;
    if (!p->known && p->agreed >= AGREED && !phase_is_sliding(p, now_ms))
        phase_prove(p, at_ms, now_ms);
    if (!p->known)
        return;
    if (apart(at_ms, p->at_ms) <= TOLERANCE_MS + drift(p, now_ms))
        phase_prove(p, at_ms, now_ms);
    else
        p->known = false;
}

uint64_t phase_sure(const struct phase *p, uint64_t now_ms)
{
    uint64_t begin_ms;

    if (!phase_is_told(p, now_ms))
        return 0;
    begin_ms = now_ms - (now_ms + MINUTE_MS - p->told_ms % MINUTE_MS) % MINUTE_MS;
    if (phase_is_sliding(p, now_ms))
        begin_ms = now_ms - MINUTE_MS;
    return window_slot_after(begin_ms);
}

bool phase_is_known(const struct phase *p, uint64_t now_ms)
{
    return p->known && now_ms < p->noted_ms + TRUSTED_MS;
}

/* The beginning of the minute that surely runs. */
static uint64_t running(const struct phase *p, uint64_t now_ms)
{
    uint64_t late = drift(p, now_ms);
    uint64_t into = (now_ms - late + MINUTE_MS - p->at_ms % MINUTE_MS) % MINUTE_MS;

    return now_ms > late + into ? now_ms - late - into : 0;
}

uint64_t phase_begin(const struct phase *p, uint64_t now_ms)
{
    uint64_t began = running(p, now_ms);
    uint64_t early = WAY_MS + drift(p, now_ms);

    return began > early ? began - early : 0;
}

uint64_t phase_next(const struct phase *p, uint64_t now_ms)
{
    return running(p, now_ms) + drift(p, now_ms) + MINUTE_MS;
}
