/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* utf8.c - one decoder of one sequence; everything else is a loop over it. ASCII goes 8 at a time.
 */
#include "codec/utf8.h"

enum { WORD = sizeof(uint64_t) };

/* How many bytes at the front are ASCII, rounded down to whole words. */
static size_t ascii_words(const char *p, size_t n)
{
    size_t i = 0;
    uint64_t v;

    for (; n - i >= WORD; i += WORD) {
        memcpy(&v, p + i, WORD);
        if ((v & 0x8080808080808080U) != 0)
            break;
    }
    return i;
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the sequence at p (n > 0), or 0 when it is none: Unicode, table 3-7. */
static size_t sequence(const char *at, size_t n)
{
    const unsigned char *p = (const unsigned char *)at;
    unsigned char c = p[0];

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4 || n < 2)
        return 0;
    if (c < 0xe0)
        return is_tail(p[1]) ? 2 : 0;
    if (c < 0xf0) {
        unsigned char lo = c == 0xe0 ? 0xa0 : 0x80;
        unsigned char hi = c == 0xed ? 0x9f : 0xbf;

        return n >= 3 && p[1] >= lo && p[1] <= hi && is_tail(p[2]) ? 3 : 0;
    }
    unsigned char lo = c == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = c == 0xf4 ? 0x8f : 0xbf;

    return n >= 4 && p[1] >= lo && p[1] <= hi && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
}

/* The usual sequence of three bytes, which is most of Chinese: one that begins with E1 to EC, EE or
 * EF has no rules but the shape of its bytes. */
static size_t usual_threes(const char *p, size_t n)
{
    const unsigned char *at = (const unsigned char *)p;
    const unsigned char *end = at + n;

    while (end - at >= 3 && (at[0] & 0xf0) == 0xe0 && at[0] != 0xe0 && at[0] != 0xed &&
           (((unsigned)at[1] | (unsigned)at[2] << 8) & 0xc0c0) == 0x8080)
        at += 3;
    return n - (size_t)(end - at);
}

/* How many bytes at the front are valid. */
static size_t valid_run(struct str s)
{
    size_t i = 0;

    while (i < s.n) {
        size_t k;

        if ((unsigned char)s.p[i] < 0x80) {
            k = ascii_words(s.p + i, s.n - i);
            i += k ? k : 1;
            continue;
        }
        i += usual_threes(s.p + i, s.n - i);
        if (i == s.n)
            break;
        k = sequence(s.p + i, s.n - i);
        if (k == 0)
            break;
        i += k;
    }
    return i;
}

bool utf8_ok(struct str s)
{
    return valid_run(s) == s.n;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.n; i++)
        count += !is_tail((unsigned char)s.p[i]);
    return count;
}

size_t utf8_floor(struct str s, size_t n)
{
    if (n >= s.n)
        return s.n;
    for (size_t back = 0; back < 4 && back <= n; back++)
        if (!is_tail((unsigned char)s.p[n - back]))
            return n - back;
    return n; /* not UTF-8: any cut is as good */
}

void utf8_copy(char *to, size_t room, struct str s)
{
    size_t n = s.n < room ? s.n : utf8_floor(s, room - 1);

    memcpy(to, s.p, n);
    to[n] = '\0';
}

/* One U+FFFD for each maximal part of a sequence, as the WHATWG Encoding Standard decodes. */
static size_t bad_run(const char *at, size_t n)
{
    const unsigned char *p = (const unsigned char *)at;
    unsigned char c = p[0];
    unsigned char lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

    if (c < 0xe0 || c > 0xf4 || n < 2 || p[1] < lo || p[1] > hi)
        return 1;
    return c >= 0xf0 && n >= 3 && is_tail(p[2]) ? 3 : 2;
}

void utf8_put_clean(struct buf *b, struct str s)
{
    for (;;) {
        size_t good = valid_run(s);

        buf_put(b, str_sub(s, 0, good));
        s = str_skip(s, good);
        if (s.n == 0)
            return;
        buf_lit(b, "\xef\xbf\xbd");
        s = str_skip(s, bad_run(s.p, s.n));
    }
}
