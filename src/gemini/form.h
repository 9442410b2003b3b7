/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* form.h - private to gemini/: what the last event of a stream, or the last whole answer, looked
 * like. Most are one text and counts, in the same words each time (codec/json_form.h). */
#ifndef GEMINI_FORM_H
#define GEMINI_FORM_H

#include "gemini/usage.h"

enum { GM_TAG_TEXT = GM_USAGE_TAGS, GM_TAG_SIGNATURE, GM_TAG_ID, GM_TAG_MODEL, GM_TAGS };

/* What a chunk tells that is plain. */
struct gm_plain {
    yyjson_val *text, *signature;
    bool thought;
    bool counted;      /* there are counts in */
    yyjson_val *usage; /* the metadata */
    yyjson_val *id, *model;
};

struct gm_form {
    struct json_form json;
    bool whole;            /* of whole answers: whose it is and why it ended is told each time */
    bool thought;          /* the text is one */
    bool counted;          /* there were counts: */
    struct gm_usage usage; /* these */
    unsigned tags;         /* what is blank: a bit each */
    enum gm_finish finish; /* of a whole answer */
    char finish_word[GM_WORD_MAX];
};

void gm_read_id(char *to, struct str id); /* into GM_ID_MAX bytes; an empty one says nothing */

/* Before a chunk is parsed. False: there is nothing to be learned from it. */
MUST_CHECK bool gm_form_keep(struct gm_form *f, struct str chunk);

/* The chunk that was kept is plain, and was read.
 *
 *   base   where its bytes began; the values point into them */
void gm_form_learn(struct gm_form *f, const char *base, const struct gm_plain *plain,
                   const struct gm_reader *r);

/* What reading a chunk that fills the form does to the reader. What its part says is left to be
 * told. False: it is no JSON. */
MUST_CHECK bool gm_form_apply(const struct gm_form *f, const struct json_entry *entries,
                              struct gm_reader *r, struct str *ret_text, struct str *ret_signature);

#endif
