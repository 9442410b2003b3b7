/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media_type.h - which types of files Gemini takes, and how a type is found. For gemini/ alone. */
#ifndef GEMINI_MEDIA_TYPE_H
#define GEMINI_MEDIA_TYPE_H

#include "gemini/media.h"

struct gm_type {
    const char *spelled, *google; /* by clients; by Google, or NULL: it is refused */
    enum gm_medium medium;
};

/* Each answers NULL, or with an empty string, when it cannot tell. */
const struct gm_type *gm_type_named(struct str spelled);    /* parameters behind a ; do not count */
const struct gm_type *gm_type_first(enum gm_medium medium); /* what it is taken for otherwise */
const struct gm_type *gm_type_of_head(struct str head);     /* by the first bytes */
struct str gm_type_of_ending(struct str ending);            /* as clients spell it */

#endif
