/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* utf8.h - validity, counting and cutting of UTF-8. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include "base/buf.h"

bool utf8_ok(struct str s);                /* no overlongs, no surrogates, up to U+10FFFF */
size_t utf8_count(struct str s);           /* code points in valid text */
size_t utf8_floor(struct str s, size_t n); /* largest cut <= n that splits no code point */
void utf8_copy(char *to, size_t room, struct str s); /* as much as fits, and a NUL */
void utf8_put_clean(struct buf *b, struct str s);    /* append with bad bytes as U+FFFD */

#endif
