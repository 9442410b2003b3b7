/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* scan.h - private to codec/: how far a string runs before a byte that JSON treats specially. */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* 0xff in each byte that is a quote, a backslash or a control byte. */
static inline __m128i scan_marks(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    return _mm_or_si128(_mm_or_si128(quote, slash), control);
}

/* Passes whole blocks of plain bytes: 64 at a time for long strings, then 16. */
static inline size_t scan_blocks(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= 64; i += 64) {
        __m128i a = _mm_or_si128(scan_marks(p + i), scan_marks(p + i + 16));
        __m128i b = _mm_or_si128(scan_marks(p + i + 32), scan_marks(p + i + 48));

        if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0)
            break;
    }
    for (; n - i >= 16; i += 16) {
        int marks = _mm_movemask_epi8(scan_marks(p + i));

        if (marks != 0)
            return i + (size_t)__builtin_ctz((unsigned)marks);
    }
    return i;
}

/* scan_plain() that copies what it passes. to[0..n) may be written. */
static inline size_t scan_copy(char *to, const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= 16; i += 16) {
        int marks = _mm_movemask_epi8(scan_marks(p + i));

        memcpy(to + i, p + i, 16);
        if (marks != 0)
            return i + (size_t)__builtin_ctz((unsigned)marks);
    }
    for (; i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20; i++)
        to[i] = p[i];
    return i;
}
#else
/* The high bit of each byte that is equal to c, exact for the lowest such byte at least. */
static inline uint64_t scan_equal(uint64_t v, unsigned char c)
{
    const uint64_t ones = 0x0101010101010101U;
    uint64_t x = v ^ (ones * c);

    return (x - ones) & ~x & (ones << 7);
}

/* Passes whole blocks of 8 plain bytes. */
static inline size_t scan_blocks(const char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101U;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t v;
        uint64_t control;

        memcpy(&v, p + i, 8);
        control = (v - ones * 0x20) & ~v & (ones << 7);
        if ((scan_equal(v, '"') | scan_equal(v, '\\') | control) != 0)
            break;
    }
    return i;
}
#endif

/* How many bytes at the front of p[0..n) are neither a quote, a backslash nor below U+0020. */
static inline size_t scan_plain(const char *p, size_t n)
{
    size_t i = n >= 16 ? scan_blocks(p, n) : 0;

    while (i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20)
        i++;
    return i;
}

#ifndef __SSE2__
static inline size_t scan_copy(char *to, const char *p, size_t n)
{
    size_t plain = scan_plain(p, n);

    memcpy(to, p, plain);
    return plain;
}
#endif

struct scan_facts {
    size_t opens; /* at least the brackets that open, those inside of strings counted too */
    bool slash;   /* a backslash is there */
    bool digits;  /* a number of 224 bytes or more may be there; one of 256 never escapes */
};

#ifdef __SSE2__
/* All 16 bytes could stand in a number: + , - . / 0-9, and e or E. */
static inline bool scan_is_number(__m128i v, __m128i lower)
{
    __m128i range = _mm_sub_epi8(v, _mm_set1_epi8('+'));
    __m128i inside = _mm_cmpeq_epi8(_mm_min_epu8(range, _mm_set1_epi8('9' - '+')), range);
    __m128i exponent = _mm_cmpeq_epi8(lower, _mm_set1_epi8('e'));

    return _mm_movemask_epi8(_mm_or_si128(inside, exponent)) == 0xffff;
}
#endif

/* One look at short text, to tell whether the walk over it can be spared. */
static inline struct scan_facts scan_facts(const char *p, size_t n)
{
    struct scan_facts f = {0};
    size_t run = 0;
    size_t i = 0;

#ifdef __SSE2__
    __m128i slashes = _mm_setzero_si128();

    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20)); /* '[' becomes '{' */
        int open = _mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('{')));

        slashes = _mm_or_si128(slashes, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        for (; open != 0; open &= open - 1) /* few, and popcount is no instruction of every x86 */
            f.opens++;
        run = scan_is_number(v, lower) ? run + 16 : 0;
        f.digits |= run >= 224;
    }
    f.slash = _mm_movemask_epi8(slashes) != 0;
#endif
    for (; i < n; i++) {
        f.opens += p[i] == '[' || p[i] == '{';
        f.slash |= p[i] == '\\';
        run = (p[i] >= '+' && p[i] <= '9') || (p[i] | 0x20) == 'e' ? run + 1 : 0;
        f.digits |= run >= 224;
    }
    return f;
}

#endif
