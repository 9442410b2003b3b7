/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lane.c - counting, learning limits, shutting and opening again. Must not know keys, projects or
 * who else has quota left. */
#include "keys/lane.h"

#include "base/mem.h"
#include "keys/pacific.h"

#include <assert.h>
#include <stdio.h>

enum {
    UNKNOWN_WAIT_MS = 30 * 1000, /* UPS-2: where upstream names no sensible delay */
    UNNAMED_MAX_MS = 10 * 60 * 1000,
    NO_QUOTA_MS = 3600 * 1000,
    PROBE_POLL_MS = 250,             /* how soon to ask again while a probe is out */
    LIMIT_TRUSTED_MS = 24 * 3600000, /* then it is asked once whether it still holds */
    SPACING_MAX_MS = 250,
    DAY_EDGE = 4, /* requests before the end of a day's quota that are sent one at a time */
    LONG_WAIT_MS = 3600 * 1000, /* a delay that itself means the day */
};

/* Of each kind of limit: what it counts, and in which window. */
static const struct {
    enum spent what;
    bool day;
} KIND[] = {
    [QUOTA_RPM] = {SPENT_REQUESTS, false},
    [QUOTA_TPM] = {SPENT_TOKENS,   false},
    [QUOTA_RPD] = {SPENT_REQUESTS, true },
    [QUOTA_TPD] = {SPENT_TOKENS,   true },
};
static_assert(NELEM(KIND) == QUOTA_KINDS, "every kind of limit needs a row");

static void set_day_end(struct lane *l, struct key_now now)
{
    l->day.ends_wall_s = pacific_next_midnight(now.wall_s);
    l->day.ends_ms = now.ms + (uint64_t)(l->day.ends_wall_s - now.wall_s) * 1000;
}

void lane_rename(struct lane *l, uint64_t model, struct str name)
{
    l->model = model;
    snprintf(l->name, sizeof l->name, "%.*s", S_ARG(str_sub(name, 0, LANE_NAME_MAX - 1)));
}

bool lane_is_blank(const struct lane *l)
{
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        if (l->limit[kind].value > 0)
            return false;
    return l->cool.why == KEY_WELL && l->cool_extra.why == KEY_WELL;
}

struct lane *lane_new(uint64_t model, struct str name, struct key_now now)
{
    struct lane *l = mem_zalloc(sizeof *l);

    list_init(&l->link);
    list_init(&l->by_use);
    l->refs = 1;
    lane_rename(l, model, name);
    set_day_end(l, now);
    return l;
}

void lane_ref(struct lane *l)
{
    l->refs++;
}

void lane_unref(struct lane *l)
{
    while (l != NULL && --l->refs == 0) {
        struct lane *into = l->into;

        assert(list_empty(&l->link) && list_empty(&l->by_use));
        mem_free(l);
        l = into;
    }
}

struct lane *lane_now(struct lane *l)
{
    while (l->into != NULL)
        l = l->into;
    return l;
}

static bool is_later(const struct lane_cool *a, const struct lane_cool *b)
{
    return a->until_ms > b->until_ms;
}

void lane_fold(struct lane *from, struct lane *to)
{
    window_fold(&to->minute, &from->minute);
    for (int i = 0; i < SPENT_KINDS; i++)
        to->day.spent[i] += from->day.spent[i];
    to->day.whole = to->day.whole && from->day.whole;
    to->day.suspected = to->day.suspected || from->day.suspected;
    for (int i = 0; i < QUOTA_KINDS; i++)
        if (from->limit[i].learned_ms > to->limit[i].learned_ms)
            to->limit[i] = from->limit[i];
    if (is_later(&from->cool, &to->cool))
        to->cool = from->cool;
    if (is_later(&from->cool_extra, &to->cool_extra))
        to->cool_extra = from->cool_extra;
    to->probing = to->probing || from->probing;
    to->in_flight += from->in_flight;
    to->under_way += from->under_way;
    from->into = to;
    lane_ref(to);
}

struct lane *lane_copy_limits(const struct lane *from, struct key_now now)
{
    struct lane *l = lane_new(from->model, str_z(from->name), now);

    memcpy(l->limit, from->limit, sizeof l->limit);
    return l;
}

uint64_t lane_spent(const struct lane *l, enum quota_kind kind)
{
    return KIND[kind].day ? l->day.spent[KIND[kind].what] : l->minute.sum[KIND[kind].what];
}

bool is_nearly(uint64_t spent, uint64_t limit)
{
    uint64_t slack = limit / 50 > 2 ? limit / 50 : 2;

    return spent + (slack < limit ? slack : limit - 1) >= limit;
}

static bool is_full(const struct lane *l, enum quota_kind kind)
{
    return l->limit[kind].value > 0 && is_nearly(lane_spent(l, kind), l->limit[kind].value);
}

static void roll(struct lane *l, struct key_now now)
{
    window_roll(&l->minute, now.ms);
    if (now.ms < l->day.ends_ms)
        return;
    l->day = (struct lane_day){.begin_ms = l->day.ends_ms, .whole = true};
    set_day_end(l, now);
    window_set_guard(&l->minute, l->minute.guard / 2);
}

/* A prompt above the whole limit is held to be as large as it: it is sent into an empty window,
 * for the estimate may be wrong. */
static uint64_t cost(const struct lane *l, enum quota_kind kind, struct lane_need need)
{
    uint64_t n = KIND[kind].what == SPENT_REQUESTS ? 1 : need.tokens;

    return n < l->limit[kind].value ? n : l->limit[kind].value;
}

static bool fits(const struct lane *l, enum quota_kind kind, struct lane_need need)
{
    return l->limit[kind].value == 0 ||
           lane_spent(l, kind) + cost(l, kind, need) <= l->limit[kind].value;
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

static struct lane_answer ask_minute(struct lane *l, enum quota_kind kind, struct lane_need need,
                                     struct key_now now)
{
    const struct lane_limit *limit = &l->limit[kind];
    enum key_why why = (enum key_why)(KEY_OVER_RPM + kind);

    if (fits(l, kind, need))
        return kind == QUOTA_RPM ? ask_spacing(l, limit->value, now)
                                 : (struct lane_answer){.gate = LANE_OPEN};
    if (now.ms > l->full_ms)
        l->full_ms = now.ms;
    if (now.ms - limit->learned_ms > LIMIT_TRUSTED_MS)
        return lane_probe(l, why, limit->value, now);
    return shut(why, limit->value,
                window_fits_at(&l->minute, KIND[kind].what, cost(l, kind, need), limit->value));
}

/* Counted full, but not told so: failures may not have been counted by upstream, and what was sent
 * at midnight was counted on either side of it. From a little before the end on, one request asks
 * at a time, so that a day costs one 429. */
static struct lane_answer ask_day(const struct lane *l, enum quota_kind kind, struct lane_need need,
                                  struct key_now now)
{
    uint64_t limit = l->limit[kind].value;

    if (limit == 0 || lane_spent(l, kind) + cost(l, kind, need) * DAY_EDGE <= limit)
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

    roll(l, now);
    a = ask_cool(l, &l->cool, now);
    if (need.extra)
        a = worse(a, ask_cool(l, &l->cool_extra, now));
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        enum quota_kind k = (enum quota_kind)kind;

        a = worse(a, KIND[k].day ? ask_day(l, k, need, now) : ask_minute(l, k, need, now));
    }
    return a;
}

void lane_take(struct lane *l, struct lane_need need, enum lane_gate gate, struct key_now now)
{
    roll(l, now);
    window_add(&l->minute, now.ms, SPENT_REQUESTS, 1);
    window_add(&l->minute, now.ms, SPENT_TOKENS, need.tokens);
    l->in_flight++;
    l->under_way++;
    l->sent_ms = now.ms;
    if (gate == LANE_PROBE)
        l->probing = true;
    l->day.spent[SPENT_REQUESTS]++;
    l->day.spent[SPENT_TOKENS] += need.tokens;
}

void lane_resolved(struct lane *l)
{
    assert(l->under_way > 0);
    l->under_way--;
}

static void land(struct lane *l, enum lane_gate gate)
{
    assert(l->in_flight > 0);
    l->in_flight--;
    if (gate == LANE_PROBE)
        l->probing = false;
}

static void day_take_back(struct lane *l, uint64_t sent_ms, enum spent what, uint64_t amount)
{
    if (sent_ms < l->day.begin_ms)
        return;
    l->day.spent[what] -= amount < l->day.spent[what] ? amount : l->day.spent[what];
}

static void take_back(struct lane *l, struct lane_need need, uint64_t sent_ms)
{
    window_sub(&l->minute, sent_ms, SPENT_REQUESTS, 1);
    window_sub(&l->minute, sent_ms, SPENT_TOKENS, need.tokens);
    day_take_back(l, sent_ms, SPENT_REQUESTS, 1);
    day_take_back(l, sent_ms, SPENT_TOKENS, need.tokens);
}

static void correct_tokens(struct lane *l, struct lane_need need, uint64_t sent_ms, uint32_t tokens)
{
    window_sub(&l->minute, sent_ms, SPENT_TOKENS, need.tokens);
    window_add(&l->minute, sent_ms, SPENT_TOKENS, tokens);
    day_take_back(l, sent_ms, SPENT_TOKENS, need.tokens);
    if (sent_ms >= l->day.begin_ms)
        l->day.spent[SPENT_TOKENS] += tokens;
}

/* A probe was served. Where a day was counted full it is not: the count is taken back by a
 * twentieth, then it is asked again. A minute's limit that was asked after does not hold any
 * more. */
static void believe_probe(struct lane *l, struct key_now now)
{
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        struct lane_limit *limit = &l->limit[kind];
        uint64_t *spent = &l->day.spent[KIND[kind].what];

        if (limit->value == 0)
            continue;
        if (KIND[kind].day && *spent > limit->value)
            *spent = limit->value - 1 - limit->value / 20;
        if (!KIND[kind].day && now.ms - limit->learned_ms > LIMIT_TRUSTED_MS)
            *limit = (struct lane_limit){0};
    }
}

static void end_cool(struct lane_cool *c, uint64_t sent_ms)
{
    if (sent_ms >= c->since_ms)
        *c = (struct lane_cool){0};
}

void lane_accepted(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                   struct key_now now)
{
    roll(l, now);
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

void lane_served(struct lane *l, struct lane_need need, uint64_t sent_ms, uint32_t tokens,
                 struct key_now now)
{
    land(l, LANE_OPEN);
    roll(l, now);
    if (tokens > 0)
        correct_tokens(l, need, sent_ms, tokens);
}

void lane_ended(struct lane *l, enum lane_gate gate)
{
    land(l, gate);
}

void lane_unsent(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms)
{
    lane_ended(l, gate);
    take_back(l, need, sent_ms);
}

/* Was the day really lost? When it was counted, when upstream names hours, or when one more request
 * after a short delay was refused as well. */
static bool day_is_lost(const struct lane *l, const struct quota_verdict *v)
{
    return l->day.suspected || v->wait_ms >= LONG_WAIT_MS ||
           (v->over[QUOTA_RPD] && is_full(l, QUOTA_RPD)) ||
           (v->over[QUOTA_TPD] && is_full(l, QUOTA_TPD));
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
    if (!day_is_lost(l, v)) {
        cool(&l->cool, v, wait_ms, now);
        l->cool.probe_after = true;
        l->day.suspected = true;
        return;
    }
    set_day_end(l, now); /* again: the two clocks may have parted */
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
static void widen_guard(struct lane *l, const struct quota_verdict *v)
{
    bool known = l->limit[QUOTA_RPM].value > 0 && l->limit[QUOTA_RPM].value == v->limit;

    if (v->why == KEY_OVER_RPM && known && is_full(l, QUOTA_RPM))
        window_set_guard(&l->minute, l->minute.guard + 1);
}

void lane_limited(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                  const struct quota_verdict *v, struct key_now now)
{
    uint64_t wait_ms = v->wait_ms ? v->wait_ms : UNKNOWN_WAIT_MS;

    land(l, gate);
    roll(l, now);
    take_back(l, need, sent_ms);
    widen_guard(l, v);
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
        l->full_ms = l->cool.until_ms;
        break;
    default: cool_unnamed(l, need, v, now);
    }
}

uint64_t lane_headroom(const struct lane *l, struct lane_need need)
{
    uint64_t least = UINT64_MAX;

    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        uint64_t limit = l->limit[kind].value;
        uint64_t spent = lane_spent(l, (enum quota_kind)kind);
        uint64_t one = KIND[kind].what == SPENT_REQUESTS ? 1 : (need.tokens ? need.tokens : 1);
        uint64_t room = limit > spent ? (limit - spent) / one : 0;

        if (limit > 0 && room < least)
            least = room;
    }
    return least == UINT64_MAX ? LANE_FREE : least;
}
