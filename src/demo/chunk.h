/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chunk.h - a plan spelled out: as one GenerateContentResponse, or as the chunks of a stream. */
#ifndef DEMO_CHUNK_H
#define DEMO_CHUNK_H

#include "demo/plan.h"

/* Where a stream stands. Start with emu_cursor_init. */
struct emu_cursor {
    const struct emu_plan *plan;
    size_t segment;    /* the next to say */
    size_t offset;     /* bytes of its text that were said */
    size_t chunks;     /* written so far */
    uint64_t chars;    /* of what was said, thoughts apart */
    uint64_t tokens;   /* of parts that count by themselves */
    uint64_t thoughts; /* tokens */
    bool done;
};
void emu_cursor_init(struct emu_cursor *c, const struct emu_plan *plan);

/* Append the next chunk as compact JSON; false when there is none left. */
bool emu_chunk_next(struct emu_cursor *c, struct buf *out);

void emu_whole(const struct emu_plan *plan, struct buf *out);

#endif
