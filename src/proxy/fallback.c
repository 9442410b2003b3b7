/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fallback.c - the operator's table of models, checked when it is read. Must not know why a model
 * cannot answer. */
#include "proxy/fallback.h"

#include "gemini/models.h"

struct str fallback_of(const struct fallbacks *f, struct str model)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->v[i].model, model))
            return f->v[i].instead;
    return S("");
}

/* Does the walk from this model end? */
static bool ends(const struct fallbacks *f, struct str model)
{
    for (size_t steps = 0; steps <= f->n; steps++) {
        model = fallback_of(f, model);
        if (model.n == 0)
            return true;
    }
    return false;
}

static enum err read_pair(struct str pair, struct fallbacks *f, struct fault *why)
{
    struct str left = str_trim(str_cut(&pair, '='));
    struct str right = str_trim(pair);
    struct str model, instead;

    if (left.n == 0 || right.n == 0)
        return fault_set(why, E_SYNTAX, "must be a list like model=other-model,third=fourth", NULL);
    if (f->n == FALLBACKS_MAX)
        return fault_set(why, E_TOOBIG, "may have 64 models at most", NULL);
    if (gm_model_id(left, &model, NULL) != OK || gm_model_id(right, &instead, NULL) != OK)
        return fault_set(why, E_FIELD, "has a name that no model can have", NULL);
    if (fallback_of(f, model).n > 0)
        return fault_set(why, E_RANGE, "names two models that answer for the same one", NULL);
    f->v[f->n].model = model;
    f->v[f->n].instead = instead;
    f->n++;
    return OK;
}

enum err fallbacks_parse(struct str text, struct fallbacks *ret, struct fault *why)
{
    struct fallbacks f = {.n = 0};

    while (text.n > 0) {
        struct str pair = str_trim(str_cut(&text, ','));
        enum err err = pair.n > 0 ? read_pair(pair, &f, why) : OK;

        if (err != OK)
            return err;
    }
    for (size_t i = 0; i < f.n; i++)
        if (!ends(&f, f.v[i].model))
            return fault_set(why, E_RANGE, "leads from a model back to itself", NULL);
    *ret = f;
    return OK;
}
