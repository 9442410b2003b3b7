/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* unescape.h - private to codec/: the text of a JSON string that was not parsed. */
#ifndef CODEC_UNESCAPE_H
#define CODEC_UNESCAPE_H

#include "base/str.h"

/* Read the escapes in p[0..n), which stood between quotes, in place. Half of a surrogate pair reads
 * as U+FFFD, as with json_parse_lenient(). Other bytes are left as they are.
 *
 *   after  false: a bad escape, and p holds rubbish */
MUST_CHECK bool unescape(char *p, size_t n, struct str *ret);

int escape_unit(const char *p, size_t n); /* the code unit of \uXXXX at p, or -1 */

#endif
