/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* allowance.h - how much may be sent beyond what clients asked for: a bucket of tokens.
 *
 * Each request earns a share of one; so does time, a little, that a quiet server can afford one as
 * well. A retry, or a hedge, costs a whole one. When upstream is in trouble everything fails, and
 * without this everything would be sent again. Pure; one of a kind for each worker. */
#ifndef PROXY_ALLOWANCE_H
#define PROXY_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

/* All in thousandths of a token. */
struct allowance_rule {
    uint32_t per_request, per_s, most;
};
/*   source  UPS-1: "retries <= 20 % of traffic" */
extern const struct allowance_rule ALLOW_RETRIES, ALLOW_HEDGES;

struct allowance {
    const struct allowance_rule *rule;
    uint64_t milli;
    uint64_t at_ms;
};
void allowance_init(struct allowance *b, const struct allowance_rule *rule); /* full */

void allowance_earn(struct allowance *b);                   /* for a request that was sent first */
bool allowance_spend(struct allowance *b, uint64_t now_ms); /* false: there is nothing left */

#endif
