/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* name.h - private to codec/: is a member's name this one? Eight bytes at a time, for the usual one
 * is short, and a call of memcmp costs more than that. */
#ifndef CODEC_NAME_H
#define CODEC_NAME_H

#include "codec/json_read.h"

static ALWAYS_INLINE uint64_t name_eight(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Of n bytes, more than eight, of which the first eight are known to be the same. */
static ALWAYS_INLINE bool name_same_rest(const char *a, const char *b, size_t n)
{
    for (size_t i = 8; i + 8 < n; i += 8)
        if (name_eight(a + i) != name_eight(b + i))
            return false;
    return name_eight(a + n - 8) == name_eight(b + n - 8);
}

/* How far to shift away what is read beyond the end of a name of n bytes, when eight are read. */
static ALWAYS_INLINE unsigned name_shift(size_t n)
{
    return n < sizeof(uint64_t) ? 8 * (unsigned)(sizeof(uint64_t) - n) : 0;
}

/* jr_head() of a parsed name: JSON_PAD bytes after it may be read. */
static ALWAYS_INLINE uint64_t name_head(const char *text, size_t n)
{
    unsigned shift = name_shift(n);

    if (n == 0)
        return 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return name_eight(text) >> shift << shift;
#else
    return name_eight(text) << shift >> shift;
#endif
}

/* Is the text of a parsed name, which is as long as `name`, the same? `head` is jr_head(name),
 * `shift` name_shift(name.n). JSON_PAD bytes after it may be read. */
static ALWAYS_INLINE bool name_is(const char *text, struct str name, uint64_t head, unsigned shift)
{
    if (name.n > sizeof head)
        return name_eight(text) == head && name_same_rest(text, name.p, name.n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return name.n == 0 || (name_eight(text) ^ head) >> shift == 0;
#else
    return name.n == 0 || (name_eight(text) ^ head) << shift == 0;
#endif
}

#endif
