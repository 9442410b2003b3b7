/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2_guard.h - reads HTTP/2 frame headers before nghttp2 does, and says when a client has
 * sent too many frames of the kinds that cost more than they carry (H2-2, H2-4, H2-5). Pure; the
 * time is an argument.
 *
 *   preface --24 bytes--> header --9 bytes--> payload --its length--> header ... */
#ifndef HTTP_SERVER_H2_GUARD_H
#define HTTP_SERVER_H2_GUARD_H

#include "base/str.h"

enum {
    H2_RESETS_BURST = 200,
    H2_RESETS_PER_S = 20,
    H2_GLITCHES_BURST = 1000,
    H2_GLITCHES_PER_S = 100,
    H2_BLOCK_MAX = 64 * 1024, /* bytes of one header block on the wire */
    H2_CONTINUATIONS_MAX = 8,
    H2_WINDOW_STEP_MIN = 256, /* a smaller WINDOW_UPDATE is a glitch */
};

/* A token bucket that starts full. */
struct budget {
    uint64_t spent_milli; /* thousandths of a token that are out */
    uint64_t at_ms;
    uint32_t burst, per_s;
};
void budget_init(struct budget *b, uint32_t burst, uint32_t per_s, uint64_t now_ms);
MUST_CHECK bool budget_spend(struct budget *b, uint64_t now_ms); /* false: there was none left */

struct h2_guard {
    struct budget resets, glitches;
    size_t preface; /* bytes of it to come */
    unsigned char head[9];
    size_t head_n;
    uint32_t left; /* payload bytes to come */
    unsigned char word[4];
    size_t word_n; /* the first bytes of the payload */
    bool in_block; /* a header block has begun and not ended */
    size_t block;  /* bytes of it announced so far */
    unsigned continuations;
};
void h2_guard_init(struct h2_guard *g, uint64_t now_ms);

/* Look at bytes that are about to be given to nghttp2.
 *
 *   returns how many of them may be given: all, or those in front of the last byte of a header (or
 *           of a WINDOW_UPDATE) that is one too many. Nothing behind it is to be interpreted
 * (H2-9). */
size_t h2_guard_pass(struct h2_guard *g, struct str bytes, uint64_t now_ms);

#endif
