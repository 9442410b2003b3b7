/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2_guard.c - the price of frames. nghttp2 judges whether a frame is legal; here it is only
 * counted. */
#include "http/server_h2_guard.h"

enum frame {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH,
    PING,
    GOAWAY,
    WINDOW,
    CONTINUATION
};
enum { END_STREAM = 0x1, END_HEADERS = 0x4, PREFACE = 24 };

void budget_init(struct budget *b, uint32_t burst, uint32_t per_s, uint64_t now_ms)
{
    *b = (struct budget){.burst = burst, .per_s = per_s, .at_ms = now_ms};
}

bool budget_spend(struct budget *b, uint64_t now_ms)
{
    uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    uint64_t back = passed < UINT32_MAX ? passed * b->per_s : UINT64_MAX;

    b->spent_milli -= back < b->spent_milli ? back : b->spent_milli;
    b->at_ms = now_ms;
    if (b->spent_milli + 1000 > (uint64_t)b->burst * 1000)
        return false;
    b->spent_milli += 1000;
    return true;
}

void h2_guard_init(struct h2_guard *g, uint64_t now_ms)
{
    *g = (struct h2_guard){.preface = PREFACE};
    budget_init(&g->resets, H2_RESETS_BURST, H2_RESETS_PER_S, now_ms);
    budget_init(&g->glitches, H2_GLITCHES_BURST, H2_GLITCHES_PER_S, now_ms);
}

/* H2-2: the size and number of frames that one header block is made of. */
static bool block_pass(struct h2_guard *g, enum frame type, unsigned flags)
{
    if (type == HEADERS) {
        g->block = 0;
        g->continuations = 0;
    } else if (++g->continuations > H2_CONTINUATIONS_MAX) {
        return false;
    }
    g->block += g->left;
    g->in_block = (flags & END_HEADERS) == 0;
    return g->block <= H2_BLOCK_MAX;
}

/* A frame header is complete. */
static bool frame_pass(struct h2_guard *g, uint64_t now_ms)
{
    unsigned char type = g->head[3], flags = g->head[4];
    bool glitch = false;

    g->left = (uint32_t)g->head[0] << 16 | (uint32_t)g->head[1] << 8 | g->head[2];
    g->word_n = 0;
    switch (type) {
    case RST_STREAM: return budget_spend(&g->resets, now_ms);
    case DATA: glitch = g->left == 0 && (flags & END_STREAM) == 0; break;
    case HEADERS:
    case CONTINUATION:
        if (!block_pass(g, type, flags))
            return false;
        glitch = g->left == 0;
        break;
    case WINDOW: break; /* by its payload */
    default: glitch = true; break;
    }
    return !glitch || budget_spend(&g->glitches, now_ms);
}

/* A WINDOW_UPDATE is complete. */
static bool window_pass(struct h2_guard *g, uint64_t now_ms)
{
    uint32_t step = (uint32_t)(g->word[0] & 0x7f) << 24 | (uint32_t)g->word[1] << 16 |
                    (uint32_t)g->word[2] << 8 | g->word[3];

    return step >= H2_WINDOW_STEP_MIN || budget_spend(&g->glitches, now_ms);
}

/* Bytes of a payload; the first four are kept. */
static size_t payload_take(struct h2_guard *g, struct str rest)
{
    size_t n = g->left < rest.n ? g->left : rest.n;

    for (size_t i = 0; i < n && g->word_n < sizeof g->word; i++)
        g->word[g->word_n++] = (unsigned char)rest.p[i];
    g->left -= (uint32_t)n;
    return n;
}

size_t h2_guard_pass(struct h2_guard *g, struct str bytes, uint64_t now_ms)
{
    size_t at = g->preface < bytes.n ? g->preface : bytes.n;

    g->preface -= at;
    while (at < bytes.n) {
        if (g->left > 0) {
            at += payload_take(g, str_skip(bytes, at));
            if (g->left == 0 && g->head[3] == WINDOW && !window_pass(g, now_ms))
                return at - 1;
            continue;
        }
        g->head[g->head_n++] = (unsigned char)bytes.p[at++];
        if (g->head_n < sizeof g->head)
            continue;
        g->head_n = 0;
        if (!frame_pass(g, now_ms))
            return at - 1;
    }
    return at;
}
