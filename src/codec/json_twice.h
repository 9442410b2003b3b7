/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_twice.h - members that an object has twice: two readers could take different ones. */
#ifndef CODEC_JSON_TWICE_H
#define CODEC_JSON_TWICE_H

#include "codec/json_read.h"

struct arena;

enum { JSON_TWICE_DEPTH = 8 };

/* The value of a member under v that repeats a name of its object: of one object's the first, NULL
 * when there is none. What stands under a member whose name is one of `opaque` is not looked at,
 * nor what is deeper than JSON_TWICE_DEPTH: it is somebody else's.
 *
 *   units   n log n of the members; 8 bytes of the arena for each of an object that has many, given
 *           back before the return
 *   errors  E_MEMORY when the arena has no room for that
 *   source  DAT-2 */
MUST_CHECK enum err jr_twice(yyjson_val *v, const struct str *opaque, size_t n, struct arena *arena,
                             yyjson_val **ret);

#endif
