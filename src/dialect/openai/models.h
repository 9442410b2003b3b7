/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* models.h - GET /v1/models and GET /v1/models/{id}, printed from Gemini's list. */
#ifndef DIALECT_OPENAI_MODELS_H
#define DIALECT_OPENAI_MODELS_H

#include "gemini/models.h"

/* {"object":"list","data":[...]} */
void oa_models_list(const struct gm_models *models, struct buf *out);

/* The object of one model; false when the list lacks it. With `any` the list is not the last word
 * (it is our own, upstream could not be asked) and every well-formed id has an object. The id may
 * be spelled as gm_model_id forgives. */
MUST_CHECK bool oa_model_one(const struct gm_models *models, struct str id, bool any,
                             struct buf *out);

#endif
