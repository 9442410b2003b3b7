/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lane_ask.c - may a request be sent, and what it means that one was taken. Must not change what
 * was learned from refusals, but by a probe. */
#include "keys/lane.h"

enum {
    PROBE_POLL_MS = 250,             /* how soon to ask again while a probe is out */
    LIMIT_TRUSTED_MS = 24 * 3600000, /* then it is asked once whether it still holds */
    SPACING_MAX_MS = 250,
    CONTRADICTION_MS = 2000, /* served so much before sixty seconds were over: it is not they */
    DAY_EDGE = 4, /* requests before the end of a day's quota that are sent one at a time */
};

/* A prompt above the whole limit is held to be as large as it: it is sent into an empty window,
 * for the estimate may be wrong. */
static uint64_t cost(const struct lane *l, enum quota_kind kind, struct lane_need need)
{
    uint64_t n = quota_spends(kind) == SPENT_REQUESTS ? 1 : need.tokens;

    return n < l->limit[kind].value ? n : l->limit[kind].value;
}

static bool fits(const struct lane *l, enum quota_kind kind, struct lane_need need,
                 struct key_now now)
{
    return l->limit[kind].value == 0 ||
           lane_spent(l, kind, now) + cost(l, kind, need) <= l->limit[kind].value;
}

/* When the minute will have room for it. */
static uint64_t fits_at(const struct lane *l, enum quota_kind kind, struct lane_need need,
                        struct key_now now)
{
    uint64_t at =
        window_fits_at(&l->minute, quota_spends(kind), cost(l, kind, need), l->limit[kind].value);

    if (!phase_is_known(l->phase, now.ms) || at <= phase_next(l->phase, now.ms))
        return at;
    return phase_next(l->phase, now.ms);
}

static struct lane_answer shut(enum key_why why, uint64_t limit, uint64_t until_ms)
{
    return (struct lane_answer){LANE_SHUT, why, limit, until_ms};
}

struct lane_answer lane_probe(const struct lane *l, enum key_why why, uint64_t limit,
                              struct key_now now)
{
    if (l->probing)
        return shut(KEY_PROBED, 0, now.ms + PROBE_POLL_MS);
    return (struct lane_answer){LANE_PROBE, why, limit, now.ms};
}

/* The day's end is fixed on the monotonic clock when the day begins, so a jump of the wall clock
 * changes nothing (LIM-17). But a machine that slept has a monotonic clock that lags: when the wall
 * clock is past the end, one request asks. */
static struct lane_answer ask_cool(const struct lane *l, const struct lane_cool *c,
                                   struct key_now now)
{
    if (c->why == KEY_WELL)
        return (struct lane_answer){.gate = LANE_OPEN};
    if (now.ms < c->until_ms && (c->until_wall_s == 0 || now.wall_s < c->until_wall_s))
        return shut(c->why, c->limit, c->until_ms);
    if (now.ms < c->until_ms || c->probe_after)
        return lane_probe(l, c->why, c->limit, now);
    return (struct lane_answer){.gate = LANE_OPEN};
}

/* Where requests wait for the minute to pass they would all be sent at once when it has. They are
 * sent a journey to upstream apart, so that a limit that is not known yet, as of the day, refuses
 * one of them and not ten; but never slower than twice what the limit allows. */
static struct lane_answer ask_spacing(const struct lane *l, uint64_t limit, struct key_now now)
{
    uint64_t gap_ms = 30 * 1000 / (limit ? limit : 1);

    if (gap_ms > SPACING_MAX_MS)
        gap_ms = SPACING_MAX_MS;
    if (limit == 0 || l->full_ms == 0 || now.ms > l->full_ms + 60 * 1000 ||
        now.ms >= l->sent_ms + gap_ms)
        return (struct lane_answer){.gate = LANE_OPEN};
    return shut(KEY_OVER_RPM, limit, l->sent_ms + gap_ms);
}

/* Would sixty seconds, without any guard, still be far from over? */
static bool contradicts(const struct lane *l, uint64_t fits_at_ms, uint64_t now_ms)
{
    return fits_at_ms > now_ms + CONTRADICTION_MS + l->minute.guard * WINDOW_SLOT_MS;
}

/* Upstream itself has said when the minute has room again, and nothing was sent since: one request
 * then, whatever was counted, for its minutes may not be ours. */
static bool was_told(const struct lane *l)
{
    return l->cool.why == KEY_OVER_RPM && l->cool.told && l->sent_ms < l->cool.until_ms;
}

static struct lane_answer ask_minute(struct lane *l, enum quota_kind kind, struct lane_need need,
                                     struct key_now now)
{
    const struct lane_limit *limit = &l->limit[kind];
    enum key_why why = (enum key_why)(KEY_OVER_RPM + kind);
    uint64_t at;

    if (fits(l, kind, need, now))
        return kind == QUOTA_RPM ? ask_spacing(l, limit->value, now)
                                 : (struct lane_answer){.gate = LANE_OPEN};
    if (now.ms > l->full_ms)
        l->full_ms = now.ms;
    if (now.ms - limit->learned_ms > LIMIT_TRUSTED_MS)
        return lane_probe(l, why, limit->value, now);
    at = fits_at(l, kind, need, now);
    if (kind == QUOTA_RPM && was_told(l)) {
        if (now.ms < l->cool.until_ms)
            return (struct lane_answer){.gate = LANE_OPEN};
        if (contradicts(l, at, now.ms))
            return lane_probe(l, why, limit->value, now);
    }
    return shut(why, limit->value, at);
}

/* Counted full, but not told so: failures may not have been counted by upstream, and what was sent
 * at midnight was counted on either side of it. From a little before the end on, one request asks
 * at a time, so that a day costs one 429. */
static struct lane_answer ask_day(const struct lane *l, enum quota_kind kind, struct lane_need need,
                                  struct key_now now)
{
    uint64_t limit = l->limit[kind].value;

    if (limit == 0 || lane_spent(l, kind, now) + cost(l, kind, need) * DAY_EDGE <= limit)
        return (struct lane_answer){.gate = LANE_OPEN};
    return lane_probe(l, (enum key_why)(KEY_OVER_RPM + kind), limit, now);
}

/* The gravest of two answers: what is shut longest, then what is to be probed. */
static struct lane_answer worse(struct lane_answer a, struct lane_answer b)
{
    if (a.gate != b.gate)
        return a.gate > b.gate ? a : b;
    return b.until_ms > a.until_ms ? b : a;
}

struct lane_answer lane_ask(struct lane *l, struct lane_need need, struct key_now now)
{
    struct lane_answer a;

    lane_roll(l, now);
    a = ask_cool(l, &l->cool, now);
    if (need.extra)
        a = worse(a, ask_cool(l, &l->cool_extra, now));
    for (int i = 0; i < QUOTA_KINDS; i++) {
        enum quota_kind kind = (enum quota_kind)i;

        a = worse(a, quota_per_day(kind) ? ask_day(l, kind, need, now)
                                         : ask_minute(l, kind, need, now));
    }
    return a;
}

/* A probe was served. Where a day was counted full it is not: the count is taken back by a
 * twentieth, then it is asked again. A minute's limit that was asked after does not hold any
 * more. */
static void believe_probe(struct lane *l, struct key_now now)
{
    for (int i = 0; i < QUOTA_KINDS; i++) {
        enum quota_kind kind = (enum quota_kind)i;
        struct lane_limit *limit = &l->limit[kind];
        uint64_t *spent = &l->day.spent[quota_spends(kind)];

        if (limit->value == 0)
            continue;
        if (quota_per_day(kind) && *spent > limit->value)
            *spent = limit->value - 1 - limit->value / 20;
        if (!quota_per_day(kind) && now.ms - limit->learned_ms > LIMIT_TRUSTED_MS)
            *limit = (struct lane_limit){0};
    }
}

static void end_cool(struct lane_cool *c, uint64_t sent_ms)
{
    if (sent_ms >= c->since_ms)
        *c = (struct lane_cool){0};
}

/* Served at the end of the delay that upstream had named, long before any sixty seconds were over:
 * a minute of upstream's began then. */
static void learn_phase(struct lane *l, uint64_t sent_ms, struct key_now now)
{
    uint64_t limit = l->limit[QUOTA_RPM].value;

    if (l->cool.told && sent_ms >= l->cool.until_ms && limit > 0 &&
        contradicts(l, window_fits_at(&l->minute, SPENT_REQUESTS, 0, limit), sent_ms))
        phase_prove(l->phase, l->cool.until_ms, now.ms);
}

void lane_accepted(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                   struct key_now now)
{
    lane_roll(l, now);
    if (gate == LANE_PROBE && l->cool.why == KEY_OVER_RPM)
        learn_phase(l, sent_ms, now);
    if (sent_ms >= l->cool.since_ms) {
        l->day.suspected = false;
        l->unnamed = 0;
    }
    end_cool(&l->cool, sent_ms);
    if (need.extra)
        end_cool(&l->cool_extra, sent_ms);
    if (gate == LANE_PROBE) {
        l->probing = false;
        believe_probe(l, now);
    }
}
