/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* plan.c - builds the list of segments, and cuts it where the request's limits say. */
#include "demo/plan.h"
#include "codec/utf8.h"
#include "demo/fields.h"
#include "demo/signature.h"

#include <assert.h>

void emu_plan_init(struct emu_plan *plan, const struct emu_ask *ask, struct arena *a)
{
    *plan = (struct emu_plan){
        .ask = ask,
        .arena = a,
        .finish = S("STOP"),
        .candidates = 1,
        .signature_bytes = EMU_SIGNATURE_BYTES,
    };
    plan->finish_message = plan->blocked = S("");
}

struct emu_segment *emu_plan_add(struct emu_plan *plan, enum emu_segment_kind kind, struct str text)
{
    struct emu_segment *s;

    if (plan->n == EMU_SEGMENTS_MAX)
        return NULL;
    s = &plan->segment[plan->n++];
    *s = (struct emu_segment){.kind = kind, .text = arena_dup(plan->arena, text)};
    s->name = s->id = S("");
    if (kind == EMU_S_THOUGHT)
        plan->thought_tokens += emu_tokens(emu_segment_chars(s));
    return s;
}

void emu_plan_extra(struct emu_plan *plan, const char *key, struct str json)
{
    assert(plan->extras < NELEM(plan->extra));
    plan->extra[plan->extras++] = (struct emu_extra){key, arena_dup(plan->arena, json)};
}

uint64_t emu_segment_chars(const struct emu_segment *s)
{
    switch (s->kind) {
    case EMU_S_THOUGHT:
    case EMU_S_TEXT: return utf8_count(s->text);
    case EMU_S_CALL: return utf8_count(s->name) + utf8_count(s->text);
    case EMU_S_PART: break;
    }
    return s->tokens > 0 ? 0 : utf8_count(s->text);
}

/* Where the first of the stop sequences begins; s.n when none does. */
static size_t stop_at(struct str s, yyjson_val *stops)
{
    struct emu_each e = emu_each(stops);
    size_t at = s.n;
    yyjson_val *stop;

    while ((stop = emu_next(&e)) != NULL) {
        size_t found = jr_text(stop).n > 0 ? str_find(s, jr_text(stop)) : s.n;

        at = found < at ? found : at;
    }
    return at;
}

static void limit_stops(struct emu_plan *plan, yyjson_val *stops)
{
    for (size_t i = 0; i < plan->n; i++) {
        struct emu_segment *s = &plan->segment[i];
        size_t at;

        if (s->kind != EMU_S_TEXT)
            continue;
        at = stop_at(s->text, stops);
        if (at < s->text.n) {
            s->text.n = at;
            plan->n = i + 1;
            return;
        }
    }
}

/* The first n characters of valid text. */
static struct str first_chars(struct str s, uint64_t n)
{
    size_t i = 0;

    for (; i < s.n; i++) {
        bool starts = ((unsigned char)s.p[i] & 0xc0) != 0x80;

        if (starts && n-- == 0)
            break;
    }
    return str_sub(s, 0, i);
}

/* Nothing is left for the answer: all tokens went into thoughts. */
static void only_thoughts(struct emu_plan *plan, uint64_t max)
{
    plan->n = 0;
    plan->thought_tokens = max - 1;
    plan->finish = S("MAX_TOKENS");
    plan->finish_message = S("");
    plan->extras = 0;
}

static void limit_tokens(struct emu_plan *plan, uint64_t max)
{
    uint64_t left;

    if (plan->thought_tokens >= max) {
        only_thoughts(plan, max);
        return;
    }
    left = 4 * (max - plan->thought_tokens);
    for (size_t i = 0; i < plan->n; i++) {
        struct emu_segment *s = &plan->segment[i];
        uint64_t chars = emu_segment_chars(s);

        if (s->kind == EMU_S_THOUGHT)
            continue;
        if (chars <= left) {
            left -= chars;
            continue;
        }
        if (s->kind == EMU_S_TEXT)
            s->text = first_chars(s->text, left);
        plan->n = s->kind == EMU_S_TEXT ? i + 1 : i; /* calls are never cut in two */
        plan->finish = S("MAX_TOKENS");
        plan->finish_message = S("");
        return;
    }
}

void emu_plan_limit(struct emu_plan *plan, yyjson_val *config)
{
    int64_t max;

    limit_stops(plan, emu_get(config, "stop_sequences"));
    if (jr_int(emu_get(config, "max_output_tokens"), 1, INT32_MAX, &max))
        limit_tokens(plan, (uint64_t)max);
}
