/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lane.c - a lane's life, and what was spent on it. Whether it is open is lane_ask.c's to say, what
 * a refusal means lane_limit.c's. Must not know keys, projects or who else has quota left. */
#include "keys/lane.h"

#include "base/mem.h"
#include "keys/pacific.h"

#include <assert.h>
#include <stdio.h>

void lane_set_day_end(struct lane *l, struct key_now now)
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

struct lane *lane_new(uint64_t model, struct str name, struct phase *phase, struct key_now now)
{
    struct lane *l = mem_zalloc(sizeof *l);

    list_init(&l->link);
    list_init(&l->by_use);
    l->refs = 1;
    l->phase = phase;
    lane_rename(l, model, name);
    lane_set_day_end(l, now);
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
    struct lane *l = lane_new(from->model, str_z(from->name), from->phase, now);

    memcpy(l->limit, from->limit, sizeof l->limit);
    return l;
}

uint64_t lane_spent(const struct lane *l, enum quota_kind kind, struct key_now now)
{
    enum spent what = quota_spends(kind);
    uint64_t guard_ms = l->minute.guard * WINDOW_SLOT_MS;
    uint64_t begin_ms;

    if (quota_per_day(kind))
        return l->day.spent[what];
    if (!phase_is_known(l->phase, now.ms))
        return l->minute.sum[what];
    begin_ms = phase_begin(l->phase, now.ms);
    return window_since(&l->minute, what, begin_ms > guard_ms ? begin_ms - guard_ms : 0);
}

bool is_nearly(uint64_t spent, uint64_t limit)
{
    uint64_t slack = limit / 50 > 2 ? limit / 50 : 2;

    return spent + (slack < limit ? slack : limit - 1) >= limit;
}

bool lane_is_full(const struct lane *l, enum quota_kind kind, struct key_now now)
{
    return l->limit[kind].value > 0 && is_nearly(lane_spent(l, kind, now), l->limit[kind].value);
}

void lane_roll(struct lane *l, struct key_now now)
{
    window_roll(&l->minute, now.ms);
    if (now.ms < l->day.ends_ms)
        return;
    l->day = (struct lane_day){.begin_ms = l->day.ends_ms, .whole = true};
    lane_set_day_end(l, now);
    window_set_guard(&l->minute, l->minute.guard / 2);
}

void lane_take(struct lane *l, struct lane_need need, enum lane_gate gate, struct key_now now)
{
    lane_roll(l, now);
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

void lane_served(struct lane *l, struct lane_need need, uint64_t sent_ms, uint32_t tokens,
                 struct key_now now)
{
    land(l, LANE_OPEN);
    lane_roll(l, now);
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

uint64_t lane_headroom(const struct lane *l, struct lane_need need, struct key_now now)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < QUOTA_KINDS; i++) {
        enum quota_kind kind = (enum quota_kind)i;
        uint64_t limit = l->limit[kind].value;
        uint64_t spent = lane_spent(l, kind, now);
        uint64_t one = quota_spends(kind) == SPENT_REQUESTS ? 1 : (need.tokens ? need.tokens : 1);
        uint64_t room = limit > spent ? (limit - spent) / one : 0;

        if (limit > 0 && room < least)
            least = room;
    }
    return least == UINT64_MAX ? LANE_FREE : least;
}
