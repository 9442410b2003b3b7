/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wide.h - private to codec/: very long runs of good bytes, passed 128 at a time where the CPU has
 * AVX2. Where it has not, nothing is passed, and whoever asks looks by itself. */
#ifndef CODEC_WIDE_H
#define CODEC_WIDE_H

#include <stddef.h>

enum { WIDE_BLOCK = 128 };

/* How many bytes at the front of p[0..n), in whole blocks, are printable ASCII (or DEL) and neither
 * quote nor backslash. */
size_t wide_plain(const char *p, size_t n);
/* The same for characters of base64, in either alphabet, without padding. */
size_t wide_base64(const char *p, size_t n);

#endif
