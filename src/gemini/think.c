/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* think.c - effort words and token budgets, put into the levels or budgets of a family. */
#include "gemini/think.h"

#include <assert.h>
#include <stdio.h>

/* Source: mapping 2.6, "Recommended for the proxy". */
static const struct {
    int budget;
    enum gm_level level;
} EFFORT[] = {
    [GM_EFFORT_UNSAID] = {GM_BUDGET_DYNAMIC, GM_MEDIUM },
    [GM_EFFORT_NONE] = {0,                 GM_MINIMAL},
    [GM_EFFORT_MINIMAL] = {1024,              GM_MINIMAL},
    [GM_EFFORT_LOW] = {1024,              GM_LOW    },
    [GM_EFFORT_MEDIUM] = {8192,              GM_MEDIUM },
    [GM_EFFORT_HIGH] = {24576,             GM_HIGH   },
    [GM_EFFORT_MAX] = {32768,             GM_HIGH   },
};
static_assert(NELEM(EFFORT) == GM_EFFORTS, "every effort needs a budget and a level");

static const struct {
    const char *name;
    const char *google;
    int allowance; /* tokens; from recorded usage, rounded up */
} LEVEL[] = {
    [GM_MINIMAL] = {"minimal", "MINIMAL", 512  },
    [GM_LOW] = {"low",     "LOW",     2048 },
    [GM_MEDIUM] = {"medium",  "MEDIUM",  8192 },
    [GM_HIGH] = {"high",    "HIGH",    24576},
};
static_assert(NELEM(LEVEL) == GM_LEVELS, "every level needs its words");

/* The nearest level that is offered, the higher one first. */
static enum gm_level offered(unsigned levels, enum gm_level wanted)
{
    for (unsigned l = wanted; l < GM_LEVELS; l++)
        if (levels & 1U << l)
            return (enum gm_level)l;
    for (unsigned l = wanted; l > 0; l--)
        if (levels & 1U << (l - 1))
            return (enum gm_level)(l - 1);
    return wanted;
}

/* The level whose usual thinking is nearest. */
static enum gm_level level_of_budget(int64_t budget)
{
    if (budget <= 0)
        return GM_MINIMAL;
    if (budget <= 4096)
        return GM_LOW;
    return budget <= 16384 ? GM_MEDIUM : GM_HIGH;
}

static int clamp_budget(const struct gm_thinking *t, int64_t budget)
{
    if (budget == GM_BUDGET_DYNAMIC || (budget == 0 && t->off))
        return (int)budget;
    if (budget < t->budget_min)
        return t->budget_min;
    return budget < t->budget_max ? (int)budget : t->budget_max;
}

static void as_budget(struct gm_think *t, const struct gm_thinking *can, int64_t wanted)
{
    t->control = GM_BUDGET;
    t->budget = clamp_budget(can, wanted);
    t->changed = t->budget != wanted;
    t->allowance = t->budget == GM_BUDGET_DYNAMIC ? can->by_default : t->budget;
}

static void as_level(struct gm_think *t, const struct gm_thinking *can, enum gm_level wanted)
{
    t->control = GM_LEVEL;
    t->level = offered(can->levels, wanted);
    t->changed = t->level != wanted;
    t->allowance = LEVEL[t->level].allowance;
}

struct gm_think gm_think_for(const struct gm_caps *caps, const struct gm_think_want *want)
{
    const struct gm_thinking *can = &caps->thinking;
    bool has_budget = want->budget != GM_BUDGET_UNSAID;
    bool said = has_budget ? want->budget != GM_BUDGET_DYNAMIC : want->effort != GM_EFFORT_UNSAID;
    struct gm_think t = {.show = want->show && can->control != GM_NO_CONTROL,
                         .allowance = can->by_default};

    if (!said)
        return t;
    switch (can->control) {
    case GM_NO_CONTROL: t.changed = want->effort != GM_EFFORT_NONE && want->budget != 0; break;
    case GM_BUDGET:
        as_budget(&t, can, has_budget ? want->budget : EFFORT[want->effort].budget);
        break;
    case GM_LEVEL:
        as_level(&t, can, has_budget ? level_of_budget(want->budget) : EFFORT[want->effort].level);
        t.changed = t.changed || has_budget || want->effort == GM_EFFORT_NONE ||
                    want->effort == GM_EFFORT_MAX;
        break;
    }
    return t;
}

struct gm_think gm_think_least(const struct gm_caps *caps, bool show)
{
    struct gm_think_want want = {GM_EFFORT_NONE, GM_BUDGET_UNSAID, show};

    return gm_think_for(caps, &want);
}

void gm_think_put(struct jw *w, const struct gm_think *t)
{
    if (t->control == GM_NO_CONTROL && !t->show)
        return;
    jw_obj(w, "thinkingConfig");
    if (t->show)
        jw_bool(w, "includeThoughts", true);
    if (t->control == GM_BUDGET)
        jw_int(w, "thinkingBudget", t->budget);
    if (t->control == GM_LEVEL)
        jw_str(w, "thinkingLevel", str_z(LEVEL[t->level].google));
    jw_end(w);
}

struct str gm_think_word(const struct gm_think *t, char room[16])
{
    int n;

    if (t->control == GM_LEVEL)
        return str_z(LEVEL[t->level].name);
    if (t->control == GM_NO_CONTROL)
        return S("none");
    n = snprintf(room, 16, "%d", t->budget);
    return str_of(room, (size_t)n);
}
