/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fields.h - reading a request body as Google does: every field under its two spellings, a lone
 * value where a list is expected. */
#ifndef DEMO_FIELDS_H
#define DEMO_FIELDS_H

#include "codec/json_read.h"

/* Is `given` the field whose proto name is `snake`: generation_config or generationConfig? */
bool emu_name_is(struct str given, const char *snake);

/* The member with that proto name; NULL when absent, null, or obj is none. */
yyjson_val *emu_get(yyjson_val *obj, const char *snake);
struct str emu_str(yyjson_val *obj, const char *snake); /* a string member's text, else empty */
bool emu_true(yyjson_val *obj, const char *snake);      /* a true member */
bool emu_word(yyjson_val *obj, const char *snake, const char *word); /* an enum, in any case */

/* Walk a repeated field. Google takes one value for a list of one.
 *     struct emu_each e = emu_each(list);
 *     while ((v = emu_next(&e)) != NULL) */
struct emu_each {
    yyjson_val *v, *end;
    size_t index; /* of the value that emu_next gave last */
};
struct emu_each emu_each(yyjson_val *list);
yyjson_val *emu_next(struct emu_each *e);
size_t emu_len(yyjson_val *list);

#endif
