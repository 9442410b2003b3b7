/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* keys_play.h - a set of keys, a clock and short words for what happens to them. */
#ifndef TESTS_KEYS_PLAY_H
#define TESTS_KEYS_PLAY_H

#include "keys/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Noon, US Pacific, in summer: the day of quota ends twelve hours later. */
enum { NOON_WALL_S = 1782932400, NOON_MS = 7000000, HALF_DAY_MS = 12 * 3600 * 1000 };

static const struct str FLASH = S_INIT("gemini-2.5-flash");

struct play {
    struct keys *k;
    struct key_now now;
    struct key_wait wait; /* of the last pick that found none */
    enum key_verdict verdict;
};

/* n keys, named "play-key-number-000" and so on. */
static inline void play_set(struct play *p, unsigned from, unsigned n)
{
    static char text[1200][24];
    static struct str values[1200];

    for (unsigned i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "play-key-number-%03u", from + i);
        values[i] = str_z(text[i]);
    }
    keys_set(p->k, values, n);
}

static inline struct play play_new(unsigned n)
{
    struct play p = {
        .k = keys_new(), .now = {NOON_MS, NOON_WALL_S}
    };

    play_set(&p, 0, n);
    return p;
}

static inline void play_pass(struct play *p, uint64_t ms)
{
    p->now.wall_s += (int64_t)((p->now.ms + ms) / 1000 - p->now.ms / 1000);
    p->now.ms += ms;
}

static inline unsigned number_of(const struct key *key)
{
    struct str s = secret_str(key_secret(key));
    uint64_t n = 0;

    assert_true(str_u64(str_skip(s, s.n - 3), 999, &n));
    return (unsigned)n;
}

/* lease.key is NULL when none was to be had: p->verdict and p->wait say why. */
static inline struct key_lease play_want(struct play *p, struct key_want want)
{
    struct key_lease lease = {0};

    want.now = p->now;
    p->verdict = keys_pick(p->k, &want, &lease, &p->wait);
    return lease;
}

static inline struct key_lease play_pick(struct play *p)
{
    return play_want(p, (struct key_want){.model = FLASH});
}

/* The key with this number: all others count as tried. */
static inline struct key_lease play_want_key(struct play *p, unsigned number, struct key_want want)
{
    struct key_lease lease;

    while ((lease = play_want(p, want)).key != NULL && number_of(lease.key) != number &&
           want.ntried < KEYS_TRIED_MAX) {
        want.tried[want.ntried++] = lease.key;
        keys_done(p->k, &lease, &(struct key_outcome){.result = KEY_UNSENT, .now = p->now});
    }
    return lease;
}

static inline struct key_lease play_pick_key(struct play *p, unsigned number, struct str model)
{
    return play_want_key(p, number, (struct key_want){.model = model});
}

static inline void play_end(struct play *p, struct key_lease *lease, enum key_result result)
{
    keys_done(p->k, lease, &(struct key_outcome){.result = result, .now = p->now});
}

static inline void play_served(struct play *p, struct key_lease *lease, uint32_t tokens)
{
    keys_done(p->k, lease,
              &(struct key_outcome){.result = KEY_SERVED, .now = p->now, .tokens_in = tokens});
}

/* A 429 with one violation; id NULL: with none. */
static inline void play_limited(struct play *p, struct key_lease *lease, const char *id,
                                uint64_t value, uint64_t retry_ms)
{
    struct key_outcome o = {.result = KEY_LIMITED, .now = p->now};

    o.failure.message = S("");
    o.failure.retry_ms = retry_ms;
    if (id != NULL) {
        o.failure.nv = 1;
        o.failure.v[0] = (struct key_violation){str_z(id), S(""), true, value};
    }
    keys_done(p->k, lease, &o);
}

#define RPM_ID "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
#define RPD_ID "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
#define TPM_ID "GenerateContentInputTokensPerModelPerMinute-FreeTier"

/* How many requests are taken at once; they are served. */
static inline unsigned play_how_many(struct play *p, struct str model, unsigned most)
{
    struct key_lease lease[64];
    unsigned n = 0;

    while (n < most && n < 64) {
        lease[n] = play_want(p, (struct key_want){.model = model});
        if (lease[n].key == NULL)
            break;
        n++;
    }
    for (unsigned i = 0; i < n; i++)
        play_served(p, &lease[i], 0);
    return n;
}

#endif
