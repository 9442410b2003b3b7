/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* think.h - how hard the model is to think, put into what its family takes, and how much room that
 * needs: thoughts are counted against maxOutputTokens. */
#ifndef GEMINI_THINK_H
#define GEMINI_THINK_H

#include "codec/json_write.h"
#include "gemini/caps.h"

enum gm_effort {
    GM_EFFORT_UNSAID,
    GM_EFFORT_NONE,
    GM_EFFORT_MINIMAL,
    GM_EFFORT_LOW,
    GM_EFFORT_MEDIUM,
    GM_EFFORT_HIGH,
    GM_EFFORT_MAX,
    GM_EFFORTS
};
enum { GM_BUDGET_UNSAID = -2, GM_BUDGET_DYNAMIC = -1 };

/* What a client wants. A budget, where there is one, goes before the effort. */
struct gm_think_want {
    enum gm_effort effort;
    int64_t budget; /* tokens, or one of the two above */
    bool show;      /* thought summaries */
};
/* What the family gets. */
struct gm_think {
    enum gm_control control; /* GM_NO_CONTROL: nothing is written but the wish for summaries */
    int budget;
    enum gm_level level;
    bool show;
    bool changed;  /* it is not quite what was wanted */
    int allowance; /* tokens that thinking may take; a guess where the model decides */
};

/* Never fails: what the family does not offer becomes the nearest that it does.
 *
 *   source  mapping 2.6 */
struct gm_think gm_think_for(const struct gm_caps *caps, const struct gm_think_want *want);

/* The same with as little thinking as the family offers. */
struct gm_think gm_think_least(const struct gm_caps *caps, bool show);

/* thinkingConfig, unless there is nothing to say. */
void gm_think_put(struct jw *w, const struct gm_think *t);

/* "low" for what was chosen, or "1024" for a budget; for notes. */
struct str gm_think_word(const struct gm_think *t, char room[16]);

#endif
