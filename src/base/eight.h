/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* eight.h - is there a byte of some kind in these bytes? Eight of them at once, as one word; what
 * finds them says so by the top bit of each byte that it means, exactly. */
#ifndef BASE_EIGHT_H
#define BASE_EIGHT_H

#include "base/str.h"

enum { EIGHT = 8 };
#define EIGHT_ONES 0x0101010101010101U
#define EIGHT_TOPS 0x8080808080808080U

static inline uint64_t eight_below(uint64_t v, unsigned least) /* least <= 0x80 */
{
    return ~((v | EIGHT_TOPS) - EIGHT_ONES * least) & ~v & EIGHT_TOPS;
}

static inline uint64_t eight_equal(uint64_t v, unsigned byte)
{
    uint64_t x = v ^ EIGHT_ONES * byte;

    return ~((x & ~EIGHT_TOPS) + ~EIGHT_TOPS) & ~x & EIGHT_TOPS;
}

static inline uint64_t eight_load(const char *p)
{
    uint64_t v;

    memcpy(&v, p, EIGHT);
    return v;
}

/* Fewer than eight bytes, some of them twice; all others are 'x'. */
static inline uint64_t eight_few(struct str s)
{
    uint64_t v = EIGHT_ONES * 'x';
    uint32_t half[2];
    uint16_t quarter[2];

    if (s.n >= 4) {
        memcpy(&half[0], s.p, 4);
        memcpy(&half[1], s.p + s.n - 4, 4);
        v = (uint64_t)half[1] << 32 | half[0];
    } else if (s.n >= 2) {
        memcpy(&quarter[0], s.p, 2);
        memcpy(&quarter[1], s.p + s.n - 2, 2);
        v = v << 32 | (uint32_t)quarter[1] << 16 | quarter[0];
    } else if (s.n == 1) {
        v = v << 8 | (unsigned char)s.p[0];
    }
    return v;
}

/* What `kind` finds in s. The last word reaches back into the one before; fewer bytes than a word
 * stand with 'x', which no kind may mean. */
static ALWAYS_INLINE bool eight_any(struct str s, uint64_t (*kind)(uint64_t))
{
    uint64_t found = 0;

    if (s.n < EIGHT)
        return kind(eight_few(s)) != 0;
    for (size_t i = 0; s.n - i > EIGHT; i += EIGHT)
        found |= kind(eight_load(s.p + i));
    return (found | kind(eight_load(s.p + s.n - EIGHT))) != 0;
}

#endif
