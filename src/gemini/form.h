/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* form.h - private to gemini/: what the last event of a stream looked like. Most are one text and
 * counts, in the same words each time (codec/json_form.h). */
#ifndef GEMINI_FORM_H
#define GEMINI_FORM_H

#include "gemini/usage.h"

enum { GM_TAG_TEXT = GM_USAGE_TAGS, GM_TAGS };

struct gm_form {
    struct json_form json;
    bool thought;          /* the text is one */
    bool counted;          /* there were counts: */
    struct gm_usage usage; /* these */
    unsigned tags;         /* and some of them are blanks: a bit each */
};

/* The event that was kept has nothing to tell but `text`, and the counts in `metadata`.
 *
 *   base   where its bytes began; the values point into them
 *   usage  what was read of metadata; NULL: nothing */
void gm_form_learn(struct gm_form *f, const char *base, yyjson_val *text, bool thought,
                   yyjson_val *metadata, const struct gm_usage *usage);

#endif
