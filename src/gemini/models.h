/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* models.h - which models there are: the ids that go into a path, upstream's list, and ours for
 * when upstream cannot be asked. */
#ifndef GEMINI_MODELS_H
#define GEMINI_MODELS_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/json_read.h"

enum { GM_MODEL_ID_MAX = 128, GM_MODELS_MAX = 1000 };

/* A client's spelling of a model as an id for upstream's path: "models/", "google/" and "gemini/"
 * before it are forgiven, "%2F" too. "tunedModels/x" keeps its folder.
 *
 *   shape   *ret is borrowed from name
 *   errors  E_FIELD when empty; E_RANGE when too long or with a byte that does not belong there */
MUST_CHECK enum err gm_model_id(struct str name, struct str *ret, struct fault *why);

/* The path segments before ":generateContent": "models/x", or "tunedModels/x". */
void gm_model_path(struct buf *out, struct str id);

enum gm_serves {
    GM_GENERATES = 1 << 0, /* generateContent, and with it streamGenerateContent */
    GM_EMBEDS = 1 << 1,
    GM_COUNTS = 1 << 2,
    GM_PREDICTS = 1 << 3,
    GM_SPEAKS_LIVE = 1 << 4,
};
struct gm_model {
    char id[72];
    char name[72]; /* for people; valid UTF-8 */
    uint32_t in_tokens, out_tokens;
    uint16_t serves; /* enum gm_serves */
    bool thinking;
};
struct gm_models {
    struct gm_model *row; /* in upstream's order */
    size_t n, room;
};
void gm_models_init(struct gm_models *m); /* allocates nothing yet */
void gm_models_fini(struct gm_models *m);

/* Add one page of GET v1beta/models.
 *
 *   shape   *ret_next: the token of the next page, borrowed from the page; empty at the last
 *   errors  E_UPSTREAM when it is no such page; past GM_MODELS_MAX rows the rest is left out and
 *           there is no next page
 *   source  mapping 4.1 */
MUST_CHECK enum err gm_models_page(struct gm_models *m, yyjson_val *page, struct str *ret_next,
                                   struct fault *why);

/* The families that are current, for when upstream cannot be asked. Static; never fini it. */
const struct gm_models *gm_models_builtin(void);

const struct gm_model *gm_models_find(const struct gm_models *m, struct str id);

#endif
