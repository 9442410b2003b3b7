/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quota.h - what projects may spend of a model: requests and tokens a minute, requests a day.
 *
 * Time is an argument: the wall clock, which tests move. Must not know the gateway's own idea of
 * quotas (keys/): a shared mistake would be an invisible one. */
#ifndef DEMO_QUOTA_H
#define DEMO_QUOTA_H

#include "demo/ask.h"
#include "demo/problem.h"

enum emu_limit { EMU_RPM, EMU_TPM, EMU_RPD, EMU_LIMITS };

struct emu_quotas;
struct emu_quotas *emu_quotas_new(void);
void emu_quotas_free(struct emu_quotas *q);

/* Replace all rules, and forget what was spent:
 *
 *     {"minutes": "calendar",                      or "sliding": any sixty seconds
 *      "projects": [{"name": "one", "keys": ["k1", "k2"], "paid": false,
 *                    "holds": ["files/abc", "cachedContents/x"],
 *                    "models": {"gemini-2.5-flash": {"rpm": 10, "tpm": 250000, "rpd": 250},
 *                               "*": {"rpm": 5}}}]}
 *
 * "*" is every model that is not named; each still has a quota of its own. A key in no project, a
 * model without a row and a limit that is left out have no limit; 0 is a limit. Files and caches
 * are there for the keys of the project that holds them alone.
 *
 *   errors  E_FIELD, E_RANGE, E_TOOBIG; the old rules stay then */
MUST_CHECK enum err emu_quotas_set(struct emu_quotas *q, yyjson_val *rules, struct fault *why);
void emu_quotas_forget(struct emu_quotas *q); /* what was spent, not the rules */

/* What the key's project holds, until the rules change. */
struct emu_held emu_quotas_held(const struct emu_quotas *q, struct str key);

/* One request with that many tokens: counted, or refused with Google's 429 in *p. */
bool emu_quotas_admit(struct emu_quotas *q, struct str key, struct str model, uint64_t tokens,
                      int64_t wall_ms, struct emu_problem *p);

/* {"minutes":...,"meters":[{"project","model","minute":{"requests","tokens"},"day","served",
 * "refused":{"rpm","tpm","rpd"},"windows":{...},"worst":{...}}]}. windows: how many windows of that
 * limit refused something; worst: the most refusals in one of them. */
void emu_quotas_put(struct emu_quotas *q, int64_t wall_ms, struct buf *out);

/* One limit that a request would break, and the 429 that names all of them. */
struct emu_over {
    enum emu_limit limit;
    uint64_t value;
    bool paid;
};
void emu_refuse_quota(struct emu_problem *p, struct str model, const struct emu_over *over,
                      size_t n, uint64_t retry_us);

/* A number for each day of the US Pacific coast, whose midnight renews the quotas of the day. */
int64_t emu_pacific_day(int64_t wall_ms);

#endif
