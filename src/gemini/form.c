/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* form.c - which values of a chunk the next one may have changed, and what they change then. */
#include "gemini/form.h"

#include "base/mem.h"
#include "codec/utf8.h"

struct gm_form *gm_form_new(struct arena *a)
{
    struct gm_form *f = arena_alloc(a, sizeof *f);

    if (f != NULL) {
        json_form_init(&f->json, NULL, 0, a);
        f->whole = false;
    }
    return f;
}

struct gm_form *gm_form_of_wholes(void)
{
    struct gm_form *f = mem_alloc(sizeof *f + JSON_FORM_MAX);

    json_form_init(&f->json, (char *)(f + 1), JSON_FORM_MAX, NULL);
    f->whole = true;
    return f;
}

/* A stream forgets what it knew with every chunk that is read otherwise, for that may have changed
 * what a form does not tell. Whole answers depend on none before them. */
bool gm_form_keep(struct gm_form *f, struct str chunk)
{
    if (chunk.n > JSON_FORM_MAX && f->whole)
        return false;
    json_form_keep(&f->json, chunk);
    return chunk.n <= JSON_FORM_MAX;
}

static size_t put_blank(struct json_blank *blanks, size_t n, yyjson_val *v, unsigned tag)
{
    if (yyjson_is_str(v))
        blanks[n++] = (struct json_blank){v, tag};
    return n;
}

void gm_form_learn(struct gm_form *f, const char *base, const struct gm_plain *plain,
                   const struct gm_reader *r)
{
    enum { STRINGS = 4 };
    struct json_blank blanks[JSON_BLANKS_MAX];
    size_t n = gm_usage_blanks(plain->usage, blanks, JSON_BLANKS_MAX - STRINGS);

    n = put_blank(blanks, n, plain->text, GM_TAG_TEXT);
    n = put_blank(blanks, n, plain->signature, GM_TAG_SIGNATURE);
    if (f->whole) {
        n = put_blank(blanks, n, plain->id, GM_TAG_ID);
        n = put_blank(blanks, n, plain->model, GM_TAG_MODEL);
        f->finish = r->finish;
        utf8_copy(f->finish_word, sizeof f->finish_word, str_z(r->finish_word));
    }
    f->thought = plain->thought;
    f->counted = plain->counted;
    if (plain->counted)
        f->usage = r->usage;
    f->tags = 0;
    for (size_t i = 0; i < n; i++)
        f->tags |= 1U << blanks[i].tag;
    json_form_cut(&f->json, base, blanks, n);
}

static bool text_of(const struct gm_form *f, const struct json_entry *entries, unsigned tag,
                    struct str *ret)
{
    *ret = S("");
    return (f->tags & 1U << tag) == 0 || json_entry_text(&entries[tag], ret);
}

static bool apply_whole(const struct gm_form *f, const struct json_entry *entries,
                        struct gm_reader *r)
{
    struct str id, model;

    if (!text_of(f, entries, GM_TAG_ID, &id) || !text_of(f, entries, GM_TAG_MODEL, &model))
        return false;
    r->any_chunk = true;
    gm_read_id(r->response_id, id);
    gm_read_id(r->model_version, model);
    if (f->finish != GM_NONE) {
        r->finish = f->finish;
        memcpy(r->finish_word, f->finish_word, sizeof r->finish_word);
    }
    return true;
}

bool gm_form_apply(const struct gm_form *f, const struct json_entry *entries, struct gm_reader *r,
                   struct str *ret_text, struct str *ret_signature)
{
    if (!text_of(f, entries, GM_TAG_TEXT, ret_text) ||
        !text_of(f, entries, GM_TAG_SIGNATURE, ret_signature) ||
        (f->whole && !apply_whole(f, entries, r)))
        return false;
    if (f->counted) {
        r->usage = f->usage;
        gm_usage_fill(&r->usage, entries, f->tags);
    }
    return true;
}
