/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fallback.h - which model answers in place of one that cannot: QUEQIAO_FALLBACK_MODELS. Pure. */
#ifndef PROXY_FALLBACK_H
#define PROXY_FALLBACK_H

#include "base/err.h"
#include "base/str.h"

enum { FALLBACKS_MAX = 64 };

struct fallbacks {
    struct {
        struct str model, instead; /* upstream's ids */
    } v[FALLBACKS_MAX];
    size_t n;
};

/* "a=b, b=c": b answers for a, and c for b, when these cannot. Blank text is an empty table.
 *
 *   shape   borrows from text
 *   errors  E_SYNTAX, E_FIELD for what is no model's name, E_TOOBIG; E_RANGE when a model stands on
 *           two left sides, or leads back to itself */
MUST_CHECK enum err fallbacks_parse(struct str text, struct fallbacks *ret, struct fault *why);

struct str fallback_of(const struct fallbacks *f, struct str model); /* empty: there is none */

#endif
