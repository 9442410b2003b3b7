/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* instance.h - a JSON value that a schema allows: structured output, and arguments of calls. */
#ifndef DEMO_INSTANCE_H
#define DEMO_INSTANCE_H

#include "codec/json_read.h"
#include "codec/json_write.h"

/* What to fill in where it fits; all may be empty. */
struct emu_hints {
    struct str text;    /* what the user said: words of an enum and numbers are taken from it */
    struct str place;   /* for strings called city, location, ... */
    bool required_only; /* leave optional members out, when some are required */
};

/* Write an instance of the schema, JSON Schema or Google's subset, under the key. Recursion ends in
 * null or in an empty list; `pattern` is not looked at.
 *
 *   shape  schema may be any JSON; what is not understood allows anything */
void emu_instance(yyjson_val *schema, const struct emu_hints *h, struct jw *w, const char *key);

#endif
