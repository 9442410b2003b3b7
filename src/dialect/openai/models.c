/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* models.c - model objects as OpenAI's clients know them, and a few members that they may like. */
#include "dialect/openai/models.h"

#include "codec/json_write.h"

enum {
    CREATED = 1735689600
}; /* Gemini tells no time: a fixed one, so that answers can be cached */

static void put_model(struct jw *w, const struct gm_model *m)
{
    jw_obj(w, NULL);
    jw_str(w, "id", str_z(m->id));
    jw_str(w, "object", S("model"));
    jw_int(w, "created", CREATED);
    jw_str(w, "owned_by", S("google"));
    if (m->name[0] != '\0')
        jw_str(w, "display_name", str_z(m->name));
    if (m->in_tokens > 0)
        jw_u64(w, "context_length", m->in_tokens);
    if (m->out_tokens > 0)
        jw_u64(w, "max_output_tokens", m->out_tokens);
    jw_end(w);
}

void oa_models_list(const struct gm_models *models, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_str(&w, "object", S("list"));
    jw_arr(&w, "data");
    for (size_t i = 0; i < models->n; i++)
        put_model(&w, &models->row[i]);
    jw_end(&w);
    jw_end(&w);
}

bool oa_model_one(const struct gm_models *models, struct str id, bool any, struct buf *out)
{
    struct gm_model unknown = {.id = ""};
    const struct gm_model *m;
    struct jw w;

    if (gm_model_id(id, &id, NULL) != OK)
        return false;
    m = gm_models_find(models, id);
    if (m == NULL && any && id.n < sizeof unknown.id) {
        memcpy(unknown.id, id.p, id.n);
        m = &unknown;
    }
    if (m == NULL)
        return false;
    jw_begin(&w, out);
    put_model(&w, m);
    return jw_end_all(&w) == OK;
}
