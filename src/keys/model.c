/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* model.c - a small table by name. Must not know keys, nor what a limit is. */
#include "keys/model.h"

enum {
    ONE = 1024, /* of ratio */
    RATIO_MIN = ONE / 8,
    RATIO_MAX = ONE * 8,
    SMOOTH = 8, /* the newest prompt's share is an eighth */
};

uint64_t model_hash(struct str name)
{
    uint64_t h = str_hash(str_starts(name, S("models/")) ? str_skip(name, 7) : name);

    return h ? h : 1;
}

struct model *model_find(struct models *m, uint64_t name)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->v[i].name == name)
            return &m->v[i];
    return NULL;
}

static struct model *make_room(struct models *m)
{
    struct model *oldest = &m->v[0];

    if (m->n < MODELS_MAX)
        return &m->v[m->n++];
    for (size_t i = 1; i < m->n; i++)
        if (m->v[i].used < oldest->used)
            oldest = &m->v[i];
    return oldest;
}

struct model *model_at(struct models *m, struct str name)
{
    uint64_t hash = model_hash(name);
    struct model *found = model_find(m, hash);

    if (found == NULL) {
        found = make_room(m);
        *found = (struct model){.name = hash, .quota = hash, .ratio = ONE};
    }
    found->used = ++m->uses;
    return found;
}

uint32_t model_expect(const struct model *m, uint32_t estimate)
{
    uint64_t tokens = (uint64_t)estimate * (m->ratio + 2 * (uint64_t)m->error) / ONE;

    if (estimate == 0)
        return m->average;
    return tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
}

static uint32_t towards(uint32_t old, uint64_t sample)
{
    return (uint32_t)(((uint64_t)old * (SMOOTH - 1) + sample) / SMOOTH);
}

void model_learn(struct model *m, uint32_t estimate, uint32_t real)
{
    uint64_t ratio;

    m->average = m->average ? towards(m->average, real) : real;
    if (estimate == 0)
        return;
    ratio = (uint64_t)real * ONE / estimate;
    if (ratio < RATIO_MIN)
        ratio = RATIO_MIN;
    if (ratio > RATIO_MAX)
        ratio = RATIO_MAX;
    m->error = towards(m->error, ratio > m->ratio ? ratio - m->ratio : m->ratio - ratio);
    m->ratio = towards(m->ratio, ratio);
}
