/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* keys_observer.h - what somebody knows who sees when requests are sent and what is answered, and
 * nothing else; and so which refusals nobody need have asked for.
 *
 * A 429 is wasted when, as it was sent, a refusal had been received that told it: of the same
 * project, model and quota, of a window that was not over yet when the request came to upstream,
 * and given to a key known to be of the same project. A refusal for tokens tells it of requests
 * that are as large. A key is known to be of its own project, and two keys are known to be of one
 * when both were refused for the same limit in two windows: in one it may be chance, for other
 * projects run full in the same minute.
 *
 * Every other refusal taught something: it was the first of its window, or on its way when that
 * came back, or the first sign that its key shares what another had used up. Must not know who
 * chooses the keys. */
#ifndef TESTS_KEYS_OBSERVER_H
#define TESTS_KEYS_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

enum { OBSERVED_KEYS = 10, OBSERVED_MODELS = 3, OBSERVED_KINDS = 3, SIGHTINGS = 2 };

enum lesson {
    LESSON_FIRST,     /* nothing was refused in this window */
    LESSON_UNDER_WAY, /* sent before a refusal of this window came back, or after its end */
    LESSON_STRANGER,  /* of a key of which it was not known whose project it is */
    LESSON_WASTED,
    LESSONS
};

/* A refusal, of one key for one quota: such requests will be refused until then. */
struct told {
    uint64_t until_ms, limit;
    uint32_t tokens; /* by a quota of tokens: those that are as large */
};
struct observer {
    const unsigned *project_of; /* the truth, to judge by */
    struct told told[OBSERVED_KEYS][OBSERVED_MODELS][OBSERVED_KINDS];
    unsigned together[OBSERVED_KEYS][OBSERVED_KEYS];   /* windows */
    uint64_t counted_ms[OBSERVED_KEYS][OBSERVED_KEYS]; /* the end of the last of them */
};
struct observed_request {
    unsigned key, model;
    int kind;
    uint32_t tokens; /* 0: the quota does not count them */
};

/* Until when it is sure to be refused, as far as was told: by what is known, and by the truth of
 * who shares a project. 0: nothing was told. */
struct foresight {
    uint64_t known_ms, true_ms;
};

static inline struct foresight observer_foresee(const struct observer *o,
                                                const struct observed_request *r)
{
    struct foresight f = {0};

    for (unsigned other = 0; other < OBSERVED_KEYS; other++) {
        const struct told *told = &o->told[other][r->model][r->kind];
        bool known = other == r->key || o->together[r->key][other] >= SIGHTINGS;

        if (o->project_of[other] != o->project_of[r->key] || r->tokens < told->tokens)
            continue;
        if (told->until_ms > f.true_ms)
            f.true_ms = told->until_ms;
        if (known && told->until_ms > f.known_ms)
            f.known_ms = told->until_ms;
    }
    return f;
}

static inline enum lesson observer_judge(struct foresight f, uint64_t arrived_ms, bool is_first)
{
    if (arrived_ms < f.known_ms)
        return LESSON_WASTED;
    if (arrived_ms < f.true_ms)
        return LESSON_STRANGER;
    return is_first ? LESSON_FIRST : LESSON_UNDER_WAY;
}

static inline void observer_compare(struct observer *o, const struct observed_request *r,
                                    uint64_t limit, uint64_t arrived_ms)
{
    for (unsigned other = 0; other < OBSERVED_KEYS; other++) {
        const struct told *told = &o->told[other][r->model][r->kind];

        if (other == r->key || told->until_ms <= arrived_ms || told->limit != limit ||
            arrived_ms < o->counted_ms[r->key][other])
            continue;
        o->counted_ms[r->key][other] = o->counted_ms[other][r->key] = told->until_ms;
        o->together[other][r->key] = ++o->together[r->key][other];
    }
}

/* A refusal is received that was given at arrived_ms, for a limit of a window that ends. */
static inline void observer_refused(struct observer *o, const struct observed_request *r,
                                    uint64_t limit, uint64_t arrived_ms, uint64_t until_ms)
{
    struct told *told = &o->told[r->key][r->model][r->kind];

    observer_compare(o, r, limit, arrived_ms);
    if (told->until_ms <= arrived_ms || r->tokens < told->tokens)
        told->tokens = r->tokens;
    if (until_ms > told->until_ms)
        told->until_ms = until_ms;
    told->limit = limit;
}

#endif
