/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media.h - pictures and sounds: reading their size, and making small ones. */
#ifndef DEMO_MEDIA_H
#define DEMO_MEDIA_H

#include "base/buf.h"

/* Width and height of a PNG or JPEG, from its first bytes; false for anything else. */
bool emu_picture_size(struct str bytes, unsigned *ret_width, unsigned *ret_height);

/* A PNG of one colour, which the seed picks. */
void emu_make_png(unsigned width, unsigned height, uint64_t seed, struct buf *out);

/* A tone as 16-bit little-endian PCM, mono, 24000 samples a second. */
void emu_make_tone(unsigned ms, struct buf *out);

#endif
