/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* layout.h - compact JSON in the two layouts that Google sends. */
#ifndef DEMO_LAYOUT_H
#define DEMO_LAYOUT_H

#include "base/buf.h"

/* Valid compact JSON in, the same value out.
 *   line    one line, a space after each colon and none after commas: events of a stream
 *   pretty  indented by two spaces: single answers and arrays */
void emu_layout_line(struct str json, struct buf *out);
void emu_layout_pretty(struct str json, struct buf *out);

#endif
