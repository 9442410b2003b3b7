/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lane_limit.c - a refusal shuts the lane: for how long, and whether it is believed. Must not know
 * which key it was. */
#include "keys/lane.h"

enum {
    UNKNOWN_WAIT_MS = 30 * 1000, /* UPS-2: where upstream names no sensible delay */
    UNNAMED_MAX_MS = 10 * 60 * 1000,
    NO_QUOTA_MS = 3600 * 1000,
    LONG_WAIT_MS = 3600 * 1000, /* a delay that itself means the day */
    MINUTE_WAIT_MS = 61 * 1000, /* a delay that ends with a minute of upstream's */
};

/* Was the day really lost? When it was counted, when upstream names hours, or when one more request
 * after a short delay was refused as well. */
static bool day_is_lost(const struct lane *l, const struct quota_verdict *v, struct key_now now)
{
    return l->day.suspected || v->wait_ms >= LONG_WAIT_MS ||
           (v->over[QUOTA_RPD] && lane_is_full(l, QUOTA_RPD, now)) ||
           (v->over[QUOTA_TPD] && lane_is_full(l, QUOTA_TPD, now));
}

static void cool(struct lane_cool *c, const struct quota_verdict *v, uint64_t wait_ms,
                 struct key_now now)
{
    *c = (struct lane_cool){
        .why = v->why, .limit = v->limit, .since_ms = now.ms, .until_ms = now.ms + wait_ms};
}

static void cool_day(struct lane *l, const struct quota_verdict *v, uint64_t wait_ms,
                     struct key_now now)
{
    if (!day_is_lost(l, v, now)) {
        cool(&l->cool, v, wait_ms, now);
        l->cool.probe_after = true;
        l->day.suspected = true;
        return;
    }
    lane_set_day_end(l, now); /* again: the two clocks may have parted */
    l->day.suspected = true;
    cool(&l->cool, v, l->day.ends_ms - now.ms, now);
    l->cool.until_wall_s = l->day.ends_wall_s;
}

/* Twice as long each time, where upstream names no delay. */
static void cool_unnamed(struct lane *l, struct lane_need need, const struct quota_verdict *v,
                         struct key_now now)
{
    struct lane_cool *c = need.extra ? &l->cool_extra : &l->cool;
    uint64_t wait_ms = UNKNOWN_WAIT_MS;

    for (unsigned i = 0; i < l->unnamed && wait_ms < UNNAMED_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > UNNAMED_MAX_MS)
        wait_ms = UNNAMED_MAX_MS;
    l->unnamed++;
    cool(c, v, v->wait_ms ? v->wait_ms : wait_ms, now);
    c->probe_after = true;
}

/* Sent before the refusal that is obeyed already: it tells nothing new, unless it is graver. */
static bool is_old_news(const struct lane *l, uint64_t sent_ms, const struct quota_verdict *v,
                        struct key_now now)
{
    return l->cool.until_ms > now.ms && sent_ms < l->cool.since_ms &&
           (quota_is_day(l->cool.why) || !quota_is_day(v->why));
}

/* A prompt that alone is above the limit is no sign that others are refused. */
static bool is_oversized(const struct quota_verdict *v, struct lane_need need)
{
    return v->why == KEY_OVER_TPM && v->limit > 0 && need.tokens >= v->limit - v->limit / 10;
}

/* Refused although it was counted to fit just so: upstream saw the requests closer together than
 * they were sent. */
static void widen_guard(struct lane *l, const struct quota_verdict *v, struct key_now now)
{
    bool known = l->limit[QUOTA_RPM].value > 0 && l->limit[QUOTA_RPM].value == v->limit;

    if (v->why == KEY_OVER_RPM && known && lane_is_full(l, QUOTA_RPM, now))
        window_set_guard(&l->minute, l->minute.guard + 1);
}

void lane_limited(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                  const struct quota_verdict *v, struct key_now now)
{
    uint64_t wait_ms = v->wait_ms ? v->wait_ms : UNKNOWN_WAIT_MS;

    lane_roll(l, now);
    lane_unsent(l, need, gate, sent_ms);
    widen_guard(l, v, now);
    if (v->wait_ms > 0 && v->wait_ms <= MINUTE_WAIT_MS)
        phase_note(l->phase, now.ms + v->wait_ms, now.ms);
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        if (v->learned[kind] > 0)
            l->limit[kind] = (struct lane_limit){v->learned[kind], now.ms};
    if (is_old_news(l, sent_ms, v, now))
        return;
    switch (v->why) {
    case KEY_OVER_RPD:
    case KEY_OVER_TPD: cool_day(l, v, wait_ms, now); break;
    case KEY_NO_QUOTA:
        cool(&l->cool, v, NO_QUOTA_MS, now);
        l->cool.probe_after = true;
        break;
    case KEY_OVER_RPM:
    case KEY_OVER_TPM:
        if (is_oversized(v, need))
            break;
        cool(&l->cool, v, wait_ms, now);
        l->cool.told = v->wait_ms > 0;
        l->full_ms = l->cool.until_ms;
        break;
    default: cool_unnamed(l, need, v, now);
    }
}
