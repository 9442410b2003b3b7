/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lesson.h - what refusals have taught about models: the remedies (gemini/error.h) without which
 * the next request would be refused as well. Forgotten after a day, for Google mends its models,
 * too. Pure; each worker has its own. */
#ifndef PROXY_LESSON_H
#define PROXY_LESSON_H

#include "base/str.h"

enum {
    LESSONS_MAX = 128, /* models; the oldest makes room */
    LESSON_NAME = 64,  /* bytes of a name; nothing is remembered of longer ones */
    LESSON_MS = 24 * 3600 * 1000,
};

struct lesson {
    char model[LESSON_NAME];
    size_t n;
    uint64_t since_ms;
    unsigned remedies;
};
/* Zeroed is empty. */
struct lessons {
    struct lesson v[LESSONS_MAX];
    size_t n; /* places that were ever used, from the front: nearly always none */
};

void lesson_learn(struct lessons *l, struct str model, unsigned remedy, uint64_t now_ms);
unsigned lesson_recall(const struct lessons *l, struct str model, uint64_t now_ms);

#endif
