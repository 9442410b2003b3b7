/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* phase.c - arithmetic on a minute's beginning. Must not know what is counted. */
#include "keys/phase.h"

enum {
    MINUTE_MS = 60 * 1000,
    WAY_MS = 1000,       /* a request may be that long on its way, a new connection included */
    TOLERANCE_MS = 1500, /* delays are told in whole seconds at times */
    DRIFT = 20000,       /* a clock goes wrong by one part in so many */
    TRUSTED_MS = 12 * 3600 * 1000,
};

static uint64_t drift(const struct phase *p, uint64_t now_ms)
{
    return now_ms > p->noted_ms ? (now_ms - p->noted_ms) / DRIFT : 0;
}

void phase_prove(struct phase *p, uint64_t at_ms, uint64_t now_ms)
{
    *p = (struct phase){true, at_ms, now_ms};
}

void phase_note(struct phase *p, uint64_t at_ms, uint64_t now_ms)
{
    uint64_t apart = at_ms > p->at_ms ? at_ms - p->at_ms : p->at_ms - at_ms;
    uint64_t off = apart % MINUTE_MS;

    if (!p->known)
        return;
    if (off > MINUTE_MS / 2)
        off = MINUTE_MS - off;
    if (off <= TOLERANCE_MS + drift(p, now_ms))
        phase_prove(p, at_ms, now_ms);
    else
        p->known = false;
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
