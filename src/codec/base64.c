/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* base64.c - four characters, three bytes. One table knows both alphabets. */
#include "codec/base64.h"
#include "codec/wide.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BAD = 0x80 };

/* The value of a character plus one, so that what is not listed reads as none. */
static const uint8_t VALUE_PLUS_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

/* 0..63, or something with the BAD bit. */
static unsigned value(char c)
{
    return (VALUE_PLUS_1[(unsigned char)c] - 1U) & (BAD | 63U);
}

/* Takes the padding off; false when it is there and wrong, or when the length is no text's. */
static bool strip_padding(struct str *text)
{
    size_t n = text->n;
    size_t pad = 0;

    while (pad < 2 && pad < n && text->p[n - 1 - pad] == '=')
        pad++;
    if (pad > 0 && n % 4 != 0)
        return false;
    text->n = n - pad;
    return text->n % 4 != 1;
}

/* The last two or three characters carry bits that belong to no byte; they must be zero. */
static bool tail_ok(struct str text)
{
    size_t rest = text.n % 4;
    unsigned spare = rest == 2 ? 15 : rest == 3 ? 3 : 0;

    return rest == 0 || (value(text.p[text.n - 1]) & spare) == 0;
}

size_t base64_decoded_len(struct str text)
{
    return text.n / 4 * 3 + text.n % 4;
}

enum err base64_decode(struct str text, struct buf *out)
{
    unsigned bad = 0;
    size_t i = 0;
    uint8_t *to;
    size_t n;

    if (!strip_padding(&text) || !tail_ok(text))
        return E_SYNTAX;
    n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    to = (uint8_t *)buf_reserve(out, n);
    if (out->err != OK)
        return out->err;
    for (; text.n - i >= 4; i += 4) {
        unsigned a = value(text.p[i]);
        unsigned b = value(text.p[i + 1]);
        unsigned c = value(text.p[i + 2]);
        unsigned d = value(text.p[i + 3]);
        unsigned v = a << 18 | b << 12 | c << 6 | d;

        bad |= a | b | c | d;
        *to++ = (uint8_t)(v >> 16);
        *to++ = (uint8_t)(v >> 8);
        *to++ = (uint8_t)v;
    }
    if (i < text.n) {
        unsigned a = value(text.p[i]);
        unsigned b = value(text.p[i + 1]);
        unsigned c = text.n - i == 3 ? value(text.p[i + 2]) : 0;

        bad |= a | b | c;
        *to++ = (uint8_t)(a << 2 | b >> 4);
        if (text.n - i == 3)
            *to++ = (uint8_t)(b << 4 | c >> 2);
    }
    if ((bad & BAD) != 0)
        return E_SYNTAX;
    out->n += n;
    return OK;
}

void base64_encode(struct str bytes, struct buf *out)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t left = bytes.n;
    char *to;

    if (left > SIZE_MAX / 2) {
        out->err = E_TOOBIG;
        return;
    }
    to = buf_reserve(out, (left + 2) / 3 * 4);
    if (to == NULL)
        return;
    out->n += (left + 2) / 3 * 4;
    for (; left >= 3; left -= 3, p += 3) {
        unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];

        *to++ = abc[v >> 18];
        *to++ = abc[v >> 12 & 63];
        *to++ = abc[v >> 6 & 63];
        *to++ = abc[v & 63];
    }
    if (left > 0) {
        unsigned v = (unsigned)p[0] << 8 | (left == 2 ? p[1] : 0);

        *to++ = abc[v >> 10];
        *to++ = abc[v >> 4 & 63];
        *to++ = left == 2 ? abc[v << 2 & 63] : '=';
        *to++ = '=';
    }
}

/* Images of many megabytes are checked, so 16 characters at a time where that is possible. */
#ifdef __SSE2__
static ALWAYS_INLINE __m128i in_range(__m128i v, char first, char last)
{
    __m128i from = _mm_sub_epi8(v, _mm_set1_epi8(first));
    __m128i most = _mm_set1_epi8((char)(last - first));

    return _mm_cmpeq_epi8(_mm_min_epu8(from, most), from);
}

/* 0xff in each byte of the usual alphabet. */
static ALWAYS_INLINE __m128i is_usual(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i letter = in_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i digit = in_range(v, '/', '9'); /* the slash stands before the zero */

    return _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(v, _mm_set1_epi8('+')));
}

/* How many characters at the front are good, looking at whole blocks only. */
static size_t good_blocks(struct str text)
{
    size_t i = wide_base64(text.p, text.n);

    for (; text.n - i >= 64; i += 64) {
        __m128i ab = _mm_and_si128(is_usual(text.p + i), is_usual(text.p + i + 16));
        __m128i cd = _mm_and_si128(is_usual(text.p + i + 32), is_usual(text.p + i + 48));

        if (_mm_movemask_epi8(_mm_and_si128(ab, cd)) != 0xffff)
            break;
    }
    for (; text.n - i >= 16; i += 16) { /* the other alphabet too */
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text.p + i));
        __m128i minus = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));
        __m128i low = _mm_cmpeq_epi8(v, _mm_set1_epi8('_'));
        __m128i good = _mm_or_si128(is_usual(text.p + i), _mm_or_si128(minus, low));

        if (_mm_movemask_epi8(good) != 0xffff)
            break;
    }
    return i;
}
#else
static size_t good_blocks(struct str text)
{
    (void)text;
    return 0;
}
#endif

bool base64_ok(struct str text)
{
    if (!strip_padding(&text) || !tail_ok(text))
        return false;
    for (size_t i = good_blocks(text); i < text.n; i++)
        if ((value(text.p[i]) & BAD) != 0)
            return false;
    return true;
}
