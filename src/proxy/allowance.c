/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* allowance.c - earning and spending. Must not know what is bought. */
#include "proxy/allowance.h"

enum { RETRIES_SAVED = 20, HEDGES_SAVED = 5 };

const struct allowance_rule ALLOW_RETRIES = {
    .per_request = 200, .per_s = 500, .most = RETRIES_SAVED * 1000};
const struct allowance_rule ALLOW_HEDGES = {
    .per_request = 50, .per_s = 0, .most = HEDGES_SAVED * 1000};

void allowance_init(struct allowance *b, const struct allowance_rule *rule)
{
    *b = (struct allowance){.rule = rule, .milli = rule->most};
}

static void add(struct allowance *b, uint64_t milli)
{
    b->milli = milli < b->rule->most - b->milli ? b->milli + milli : b->rule->most;
}

void allowance_earn(struct allowance *b)
{
    add(b, b->rule->per_request);
}

bool allowance_spend(struct allowance *b, uint64_t now_ms)
{
    uint64_t full_ms = (uint64_t)3600 * 1000; /* more would only overflow */
    uint64_t gone_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

    add(b, (gone_ms < full_ms ? gone_ms : full_ms) * b->rule->per_s / 1000);
    b->at_ms = now_ms;
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}
