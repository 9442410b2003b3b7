/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* form.c - which values of an event the next one may have changed. */
#include "gemini/form.h"

struct gm_form *gm_form_new(struct arena *a)
{
    struct gm_form *f = arena_alloc(a, sizeof *f);

    if (f != NULL)
        f->json.kept = f->json.blanks = 0;
    return f;
}

void gm_form_learn(struct gm_form *f, const char *base, yyjson_val *text, bool thought,
                   yyjson_val *metadata, const struct gm_usage *usage)
{
    struct json_blank blanks[JSON_BLANKS_MAX];
    size_t n = gm_usage_blanks(metadata, blanks, JSON_BLANKS_MAX - 1);

    f->thought = thought;
    f->counted = usage != NULL;
    if (usage != NULL)
        f->usage = *usage;
    f->tags = 0;
    for (size_t i = 0; i < n; i++)
        f->tags |= 1U << blanks[i].tag;
    blanks[n] = (struct json_blank){text, GM_TAG_TEXT};
    json_form_cut(&f->json, base, blanks, n + 1);
}
