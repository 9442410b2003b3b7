/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quick.c - heads that are as usual, sixteen bytes at once and more. */
#include "http/quick.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PIECE = 16, BLOCK = 64 };

#ifdef __SSE2__
static ALWAYS_INLINE __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A bit for each byte that is not of 0x20..0x7e. */
static ALWAYS_INLINE uint64_t marks(const char *p)
{
    __m128i v = load(p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' ')); /* signed: from 0x80 on as well */
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}
#else
static uint64_t marks(const char *p)
{
    uint64_t m = 0;

    for (unsigned i = 0; i < PIECE; i++)
        m |= (uint64_t)((unsigned char)p[i] < ' ' || (unsigned char)p[i] >= 0x7f) << i;
    return m;
}
#endif

static ALWAYS_INLINE uint64_t marks_of_block(const char *p)
{
    return marks(p) | marks(p + PIECE) << PIECE | marks(p + 2 * PIECE) << 2 * PIECE |
           marks(p + 3 * PIECE) << 3 * PIECE;
}

/* The same of a block that is not all there. */
static uint64_t marks_of_tail(const char *p, size_t n)
{
    UNINITIALIZED char tail[BLOCK];

    memset(tail, ' ', sizeof tail);
    memcpy(tail, p, n);
    return marks_of_block(tail);
}

/* Every mark is the CR of a CRLF, up to the empty line. */
bool quick_lines(struct str in, struct quick_lines *x)
{
    size_t from = 0; /* of the line that is not finished */
    size_t n = 0;

    in = str_sub(in, 0, QUICK_MAX);
    for (size_t at = 0; at < in.n; at += BLOCK) {
        size_t left = in.n - at;
        uint64_t m = left < BLOCK ? marks_of_tail(in.p + at, left) : marks_of_block(in.p + at);

        if (at + 1 == from)
            m &= ~(uint64_t)1; /* the LF of the CRLF in front of the block */
        while (m != 0) {
            size_t i = at + (size_t)__builtin_ctzll(m);

            if (in.n - i < 2 || memcmp(in.p + i, "\r\n", 2) != 0)
                return false;
            if (i == from) {
                x->n = n;
                x->bytes = i + 2;
                return n > 0;
            }
            if (n == QUICK_LINES_MAX)
                return false;
            x->end[n++] = (uint16_t)i;
            from = i + 2;
            m &= m - 1;
            m &= m - 1; /* its LF, unless that begins the next block */
        }
    }
    return false;
}

static ALWAYS_INLINE struct str trim(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    while (end > p && end[-1] == ' ')
        end--;
    return (struct str){p, (size_t)(end - p)};
}

#ifdef __SSE2__
/* Lower-cases letters in front of the first byte that is neither letter nor hyphen, all of them in
 * the PIECE bytes at p, which may be written; returns how many bytes that were. */
static ALWAYS_INLINE size_t lower_piece(char *p)
{
    static const unsigned char FRONT[2 * PIECE] = {32, 32, 32, 32, 32, 32, 32, 32,
                                                   32, 32, 32, 32, 32, 32, 32, 32};
    __m128i v = load(p);
    __m128i low = _mm_or_si128(v, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
    __m128i plain = _mm_or_si128(letter, _mm_cmpeq_epi8(v, _mm_set1_epi8('-')));
    unsigned other = ~(unsigned)_mm_movemask_epi8(plain) & 0xffff;
    size_t n = other != 0 ? (size_t)__builtin_ctz(other) : PIECE;
    __m128i front = load((const char *)FRONT + PIECE - n);

    _mm_storeu_si128((__m128i *)(void *)p, _mm_or_si128(v, _mm_and_si128(letter, front)));
    return n;
}
#endif

bool quick_field(char *p, size_t n, struct http_header *ret)
{
    size_t i = 0;

#ifdef __SSE2__
    while (n - i >= PIECE) {
        size_t more = lower_piece(p + i);

        i += more;
        if (more < PIECE)
            break;
    }
#endif
    for (unsigned char c; p[i] != ':' && (c = TOKEN_LOWER[(unsigned char)p[i]]) != 0; i++)
        p[i] = (char)c; /* the CR is no token, nor is the colon */
    if (i == 0 || p[i] != ':')
        return false;
    ret->name = (struct str){p, i};
    ret->value = trim(p + i + 1, p + n);
    return true;
}
