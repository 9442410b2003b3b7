/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* model.h - what is known of a model whoever's key is used: under which name upstream counts its
 * quota, and how large prompts turn out to be. Private to the room. */
#ifndef KEYS_MODEL_H
#define KEYS_MODEL_H

#include "base/str.h"

enum { MODELS_MAX = 256 }; /* the one unused for longest makes room */

struct model {
    uint64_t name;    /* hash of the name asked for */
    uint64_t quota;   /* hash of the name that 429s speak of; `name` until one did */
    uint32_t ratio;   /* tokens counted by upstream for 1024 estimated */
    uint32_t error;   /* by how much that is off, on the average, in 1024ths as well */
    uint32_t average; /* of a prompt, in tokens; 0: none was counted yet */
    uint64_t used;
};
struct models {
    struct model v[MODELS_MAX];
    size_t n;
    uint64_t uses;
};

uint64_t model_hash(struct str name); /* without "models/"; never 0 */
struct model *model_at(struct models *m, struct str name);
struct model *model_find(struct models *m, uint64_t name); /* or NULL */

/* Tokens to set aside for a prompt estimated at `estimate`, 0 where there is no estimate: rather
 * too many, for they are corrected when the true number is told. */
uint32_t model_expect(const struct model *m, uint32_t estimate);
/* Upstream counted `real`. */
void model_learn(struct model *m, uint32_t estimate, uint32_t real);

#endif
