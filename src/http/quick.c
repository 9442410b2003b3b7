/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quick.c - heads that are as usual, sixteen bytes at once. */
#include "http/quick.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 16 };

/* A bit for each of 16 bytes that is not of 0x20..0x7e. */
static unsigned marks(const char *p)
{
#ifdef __SSE2__
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' ')); /* signed: from 0x80 on as well */
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
#else
    unsigned m = 0;

    for (unsigned i = 0; i < BLOCK; i++)
        m |= (unsigned)((unsigned char)p[i] < ' ' || (unsigned char)p[i] >= 0x7f) << i;
    return m;
#endif
}

/* Every mark is the CR of a CRLF, up to the empty line. */
bool quick_lines(struct str in, struct quick_lines *x)
{
    size_t from = 0; /* of the line that is not finished */

    in = str_sub(in, 0, QUICK_MAX);
    x->n = x->bytes = 0;
    for (size_t at = 0; at < in.n; at += BLOCK) {
        char tail[BLOCK];
        const char *block = in.p + at;
        unsigned m;

        if (in.n - at < BLOCK) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, block, in.n - at);
            block = tail;
        }
        for (m = marks(block); m != 0; m &= m - 1) {
            size_t i = at + (size_t)__builtin_ctz(m);

            if (i + 1 == from)
                continue; /* the LF of the CRLF before */
            if (in.p[i] != '\r' || in.n - i < 2 || in.p[i + 1] != '\n')
                return false;
            if (i == from) {
                x->bytes = i + 2;
                return x->n > 0;
            }
            if (x->n == QUICK_LINES_MAX)
                return false;
            x->end[x->n++] = (uint16_t)i;
            from = i + 2;
        }
    }
    return false;
}

static struct str trim(struct str v)
{
    while (v.n > 0 && v.p[0] == ' ')
        v = str_skip(v, 1);
    while (v.n > 0 && v.p[v.n - 1] == ' ')
        v.n--;
    return v;
}

bool quick_field(char *p, size_t n, struct http_header *ret)
{
    size_t i = 0;

    for (unsigned char c; (c = TOKEN_LOWER[(unsigned char)p[i]]) != 0; i++)
        p[i] = (char)c; /* the CR is no token, nor is the colon */
    if (i == 0 || p[i] != ':')
        return false;
    ret->name = (struct str){p, i};
    ret->value = trim((struct str){p + i + 1, n - i - 1});
    return true;
}
