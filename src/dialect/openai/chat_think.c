/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_think.c - how hard to think, and how many tokens that leaves for the answer. Clients say the
 * former in five ways; what a family makes of it is gemini/think.h's business. */
#include "dialect/openai/chat.h"

#include <inttypes.h>
#include <stdio.h>

/* Up to here a client that says max_tokens expects a short answer, and soon. */
enum { SHORT_ANSWER = 1024 };

/* The last two are front-ends' words for what happens when nothing is said. */
static const struct word EFFORT[] = {
    {"none",    GM_EFFORT_NONE   },
    {"minimal", GM_EFFORT_MINIMAL},
    {"low",     GM_EFFORT_LOW    },
    {"medium",  GM_EFFORT_MEDIUM },
    {"high",    GM_EFFORT_HIGH   },
    {"xhigh",   GM_EFFORT_MAX    },
    {"max",     GM_EFFORT_MAX    },
    {"auto",    GM_EFFORT_UNSAID },
    {"default", GM_EFFORT_UNSAID },
};

static void read_effort(struct chat *c, yyjson_val *v, struct gm_think_want *want)
{
    struct str text = jr_text(v);
    char lower[16];
    int effort;

    if (v == NULL || (yyjson_is_str(v) && text.n == 0))
        return;
    for (size_t i = 0; i < text.n && i < sizeof lower; i++)
        lower[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32 : text.p[i]);
    effort = text.n < sizeof lower ? WORD(EFFORT, str_of(lower, text.n)) : -1;
    if (effort < 0)
        fault_set(c->why, E_FIELD, "must be none, minimal, low, medium, high, xhigh or max", v);
    else
        want->effort = (enum gm_effort)effort;
}

static void read_budget(struct chat *c, yyjson_val *v, struct gm_think_want *want)
{
    if (v != NULL && !jr_int(v, GM_BUDGET_DYNAMIC, INT32_MAX, &want->budget))
        fault_set(c->why, E_RANGE, "must be a number of tokens, or -1", v);
}

static void read_show(yyjson_val *v, bool when, struct gm_think_want *want)
{
    if (yyjson_is_bool(v))
        want->show = yyjson_is_true(v) == when;
}

/* As OpenRouter has it: {"effort":..} or {"max_tokens":..}, "exclude", "enabled". */
static void read_reasoning(struct chat *c, yyjson_val *v, struct gm_think_want *want)
{
    if (v == NULL)
        return;
    want->show = true;
    read_effort(c, jr_get(v, "effort"), want);
    read_budget(c, jr_get(v, "max_tokens"), want);
    read_show(jr_get(v, "exclude"), false, want);
    if (yyjson_is_false(jr_get(v, "enabled"))) {
        want->effort = GM_EFFORT_NONE;
        want->show = false;
    }
}

/* As Anthropic has it: {"type":"enabled","budget_tokens":..}. */
static void read_thinking(struct chat *c, yyjson_val *v, struct gm_think_want *want)
{
    struct str type = jr_str(v, "type");

    if (v == NULL)
        return;
    read_budget(c, jr_get(v, "budget_tokens"), want);
    if (str_eq(type, S("disabled")))
        want->effort = GM_EFFORT_NONE;
    else
        want->show = true;
}

/* As Qwen has it: two members of the request itself. */
static void read_enable(struct chat *c, struct gm_think_want *want)
{
    yyjson_val *v = oa_get(c, "enable_thinking");

    if (yyjson_is_true(v))
        want->show = true;
    if (yyjson_is_false(v))
        want->effort = GM_EFFORT_NONE;
    read_budget(c, oa_get(c, "thinking_budget"), want);
}

/* As Google has it, in both of its spellings. It goes before all others. */
static void read_google(struct chat *c, struct gm_think_want *want)
{
    yyjson_val *v = oa_google_member(c->google, "thinking_config", "thinkingConfig");
    yyjson_val *level = oa_google_member(v, "thinking_level", "thinkingLevel");
    yyjson_val *budget = oa_google_member(v, "thinking_budget", "thinkingBudget");

    if (level != NULL || budget != NULL) {
        want->effort = GM_EFFORT_UNSAID;
        want->budget = GM_BUDGET_UNSAID;
    }
    read_effort(c, level, want);
    read_budget(c, budget, want);
    read_show(jr_get(v, "include_thoughts"), true, want);
    read_show(jr_get(v, "includeThoughts"), true, want);
}

static int64_t read_limit(struct chat *c, yyjson_val *v)
{
    int64_t n = 0;

    if (v != NULL && (!jr_is_num(v) || !jr_int(v, 1, INT64_MAX, &n)))
        fault_set(c->why, E_RANGE, "must be a whole number above 0", v);
    return n;
}

static void note_limit(struct chat *c, const char *key)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRId64, c->limit);

    oa_ignore(c, str_z(key), str_of(digits, (size_t)n));
}

/* Thoughts count against the limit. With max_completion_tokens that is OpenAI's meaning too; who
 * says max_tokens means what is seen, and would get nothing at all from a small number: room for
 * thoughts is added, and for a short answer there is as little thinking as can be. */
static void decide_limit(struct chat *c, bool said)
{
    int64_t whole = read_limit(c, oa_get(c, "max_completion_tokens"));
    int64_t seen = read_limit(c, oa_get(c, "max_tokens"));
    int64_t most = c->caps->out_tokens;

    if (whole == 0 && seen > 0) {
        if (seen <= SHORT_ANSWER && !said)
            c->think = gm_think_least(c->caps, c->think.show);
        c->limit = seen < most ? seen + c->think.allowance : seen;
        c->limit = c->limit < most ? c->limit : most;
        if (seen > most)
            note_limit(c, "max_tokens");
        return;
    }
    c->limit = whole < most ? whole : most;
    if (whole > most)
        note_limit(c, "max_completion_tokens");
}

/* The member that a client used is the one that it is told about. */
static const char *member_said(struct chat *c)
{
    static const char *const member[] = {"reasoning_effort", "reasoning", "thinking",
                                         "thinking_budget", "enable_thinking"};

    for (size_t i = 0; i < NELEM(member); i++)
        if (jr_get(c->root, member[i]) != NULL)
            return member[i];
    return "thinking_config";
}

void oa_read_thinking(struct chat *c)
{
    struct gm_think_want want = {.budget = GM_BUDGET_UNSAID,
                                 .show = c->env->opts->include_thoughts};
    char room[16];
    bool said;

    read_show(oa_get(c, "include_reasoning"), true, &want);
    read_enable(c, &want);
    read_thinking(c, oa_get(c, "thinking"), &want);
    read_reasoning(c, oa_get(c, "reasoning"), &want);
    read_effort(c, oa_get(c, "reasoning_effort"), &want);
    read_google(c, &want);
    said = want.effort != GM_EFFORT_UNSAID || want.budget != GM_BUDGET_UNSAID;
    c->think = gm_think_for(c->caps, &want);
    c->answer->hide_thoughts = !want.show;
    if (c->think.changed)
        oa_ignore(c, str_z(member_said(c)), gm_think_word(&c->think, room));
    decide_limit(c, said);
    if (c->limit > 0 && (c->remedies & GM_DROP_LIMIT)) {
        oa_ignore(c, S("max_tokens"), S(""));
        c->limit = 0;
    }
}
