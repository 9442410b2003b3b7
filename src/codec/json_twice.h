/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_twice.h - members that an object has twice: two readers could take different ones. */
#ifndef CODEC_JSON_TWICE_H
#define CODEC_JSON_TWICE_H

#include "codec/json_read.h"

/* Of an object the first members are compared with each other; no API has objects with more. */
enum { JSON_TWICE_NAMES = 64, JSON_TWICE_DEPTH = 8 };

/* The value of the first member under v that repeats a name of its object, NULL when none does.
 * What stands under a member whose name is one of `opaque` is not looked at, nor what is deeper
 * than JSON_TWICE_DEPTH: it is somebody else's.
 *
 *   source  DAT-2 */
yyjson_val *jr_twice(yyjson_val *v, const struct str *opaque, size_t n);

#endif
