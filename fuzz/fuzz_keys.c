/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_keys.c - any sequence of picks, outcomes, reloads and hours. Whatever happens, every lease
 * comes back to its place, nothing stays in flight, and who cannot be served is told why.
 *
 * Three bytes are one act: what, who, how. SHP-3. */
#include "keys/ring.h"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_MAX = 12, HELD_MAX = 16, ACTS_MAX = 2000 };

struct scene {
    struct keys *k;
    struct key_now now;
    struct key_lease held[HELD_MAX];
};

static const char *const MODEL[] = {"gemini-2.5-flash", "gemini-flash-latest", "gemini-2.5-pro",
                                    ""};
static const char *const ID[] = {
    "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
    "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    "GenerateContentInputTokensPerModelPerMinute-FreeTier",
    "GenerateContentInputTokensPerModelPerDay-FreeTier",
    "Spend",
};

static void reload(struct scene *s, unsigned from, unsigned n)
{
    char text[KEYS_MAX][24];
    struct str values[KEYS_MAX];

    for (unsigned i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "fuzzed-key-%04u", (from + i) % 20);
        values[i] = str_z(text[i]);
    }
    keys_set(s->k, values, n);
    assert(keys_count(s->k) == n);
}

static void say(const struct key_wait *w)
{
    struct buf text;

    buf_init(&text, 4096);
    key_wait_say(w, &text);
    assert(text.err == OK && (text.n > 0 || w->n == 0));
    buf_fini(&text);
}

static void pick(struct scene *s, struct key_lease *lease, unsigned how)
{
    struct key_want want = {
        .model = str_z(MODEL[how % 4]),
        .now = s->now,
        .tokens = how * 977 % 300000,
        .extra = how % 5 == 0,
        .affinity = how % 3 == 0 ? how : 0,
        .must = {S("files/a"), S("files/b")},
        .nmust = how % 7 == 0 ? 2 : 0,
        .foreign = how % 11 == 0 ? how : 0,
    };
    struct key_wait wait;

    for (size_t i = 0; i < HELD_MAX && want.ntried < KEYS_TRIED_MAX; i++)
        if (s->held[i].key != NULL && how % 2)
            want.tried[want.ntried++] = s->held[i].key;
    switch (keys_pick(s->k, &want, lease, &wait)) {
    case KEY_PICKED: assert(lease->key != NULL); break;
    case KEY_COOLING:
        assert(wait.wait_ms > 0 && wait.wait_ms <= 26ULL * 3600 * 1000 && wait.n > 0);
        say(&wait);
        break;
    case KEY_SPLIT: assert(want.nmust == 2 && wait.split[0].n > 0 && wait.split[1].n > 0); break;
    case KEY_ABSENT:
        assert(wait.n > 0 || want.foreign != 0 || keys_count(s->k) == 0);
        say(&wait);
        break;
    }
}

static void end(struct scene *s, struct key_lease *lease, unsigned who, unsigned how)
{
    struct key_outcome o = {.result = (enum key_result)(how % 7), .now = s->now};

    o.tokens_in = who * 1237;
    o.failure.message = how % 3 ? S("") : S("Please retry in 21.4s.");
    o.failure.retry_ms = how % 11 ? 0 : 4 * 3600 * 1000;
    o.failure.nv = who % 3;
    for (size_t i = 0; i < o.failure.nv; i++)
        o.failure.v[i] = (struct key_violation){str_z(ID[(who / 3 + i) % 5]),
                                                str_z(MODEL[how / 7 % 4]), who % 4 != 0, how % 23};
    keys_done(s->k, lease, &o);
    assert(lease->key == NULL);
}

static void name_file(struct scene *s, const struct key_lease *lease, unsigned how)
{
    struct str name = how % 2 ? S("files/a") : S("files/b");

    if (how % 8 == 7)
        keys_told_apart(s->k, lease->key, s->held[how % HELD_MAX].key, s->now);
    else if (how / 2 % 4 == 0)
        keys_unpin(s->k, lease->key, name);
    else
        keys_pin(s->k, lease->key, &name, 1, s->now);
}

static void act(struct scene *s, unsigned what, unsigned who, unsigned how)
{
    struct key_lease *lease = &s->held[who % HELD_MAX];

    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        if (lease->key == NULL)
            pick(s, lease, how);
        else
            end(s, lease, who / HELD_MAX, how);
        break;
    case 3: keys_accepted(s->k, lease, s->now); break;
    case 4: s->now.ms += how * 250; break;
    case 5:
        s->now.ms += (uint64_t)who * how * 1500;
        s->now.wall_s += (int64_t)(who * how * 3 / 2);
        break;
    case 6: reload(s, who, how % KEYS_MAX); break;
    case 7:
        if (lease->key != NULL)
            name_file(s, lease, how);
        s->now.wall_s += ((int)how - 128) * 3600; /* somebody sets the clock */
        break;
    }
}

static void everything_is_back(struct scene *s)
{
    static struct lane_status lanes[256];
    struct key_status keys[KEYS_MAX];
    size_t n = keys_status(s->k, s->now, keys, KEYS_MAX);

    for (size_t i = 0; i < n; i++)
        assert(keys[i].in_flight == 0);
    n = keys_lanes(s->k, s->now, lanes, 256);
    for (size_t i = 0; i < n && i < 256; i++)
        assert(lanes[i].in_flight == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene s = {
        .k = keys_new(), .now = {1000000, 1793473200}
    };

    reload(&s, 0, 4);
    for (size_t i = 0; i + 2 < size && i < 3 * ACTS_MAX; i += 3)
        act(&s, data[i], data[i + 1], data[i + 2]);
    for (size_t i = 0; i < HELD_MAX; i++)
        if (s.held[i].key != NULL)
            end(&s, &s.held[i], (unsigned)i, (unsigned)i);
    everything_is_back(&s);
    keys_free(s.k);
    return 0;
}
