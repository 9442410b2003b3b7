/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_config.c - what several members of a request decide together: how hard to think, and how
 * many tokens that leaves for the answer. Must not know what a family can do: caps.c does. */
#include "dialect/openai/chat.h"

/* Up to here a client that says max_tokens expects a short answer, and soon. */
enum { SHORT_ANSWER = 1024 };

static const struct word EFFORT[] = {
    {"none",    GM_EFFORT_NONE   },
    {"minimal", GM_EFFORT_MINIMAL},
    {"low",     GM_EFFORT_LOW    },
    {"medium",  GM_EFFORT_MEDIUM },
    {"high",    GM_EFFORT_HIGH   },
    {"xhigh",   GM_EFFORT_MAX    },
    {"max",     GM_EFFORT_MAX    },
};

static void read_effort(struct chat *c, yyjson_val *v, struct gm_think_want *want)
{
    int effort = WORD(EFFORT, jr_text(v));

    if (v == NULL)
        return;
    if (effort < 0)
        fault_set(c->why, E_FIELD, "must be none, minimal, low, medium, high, xhigh or max", v);
    else
        want->effort = (enum gm_effort)effort;
}

static int64_t read_limit(struct chat *c, const char *key)
{
    yyjson_val *v = jr_get(c->root, key);
    int64_t n = 0;

    if (v != NULL && (!jr_is_num(v) || !jr_int(v, 1, INT64_MAX, &n)))
        fault_set(c->why, E_RANGE, "must be a whole number above 0", v);
    return n;
}

/* Thoughts count against the limit. With max_completion_tokens that is OpenAI's meaning too; who
 * says max_tokens means what is seen, and would get nothing at all from a small number: room for
 * thoughts is added, and for a short answer there is as little thinking as can be. */
static void decide_limit(struct chat *c, const struct gm_think_want *want)
{
    int64_t whole = read_limit(c, "max_completion_tokens");
    int64_t seen = read_limit(c, "max_tokens");
    bool said = want->effort != GM_EFFORT_UNSAID || want->budget != GM_BUDGET_UNSAID;

    if (whole == 0 && seen > 0) {
        if (seen <= SHORT_ANSWER && !said)
            c->think = gm_think_least(c->caps, c->think.show);
        whole = seen < INT32_MAX ? seen + c->think.allowance : seen;
    }
    c->limit = whole < c->caps->out_tokens ? whole : c->caps->out_tokens;
    if ((seen > 0 ? seen : whole) > c->caps->out_tokens)
        oa_ignore_number(c, seen > 0 ? "max_tokens" : "max_completion_tokens", c->limit);
}

void oa_decide(struct chat *c)
{
    struct gm_think_want want = {.budget = GM_BUDGET_UNSAID,
                                 .show = c->env->opts->include_thoughts};

    read_effort(c, jr_get(c->root, "reasoning_effort"), &want);
    c->think = gm_think_for(c->caps, &want);
    decide_limit(c, &want);
}

void oa_put_config(struct chat *c)
{
    jw_obj(&c->g.w, "generationConfig");
    oa_put_config_fields(c);
    if (c->limit > 0)
        jw_int(&c->g.w, "maxOutputTokens", c->limit);
    gm_think_put(&c->g.w, &c->think);
    jw_end(&c->g.w);
}
