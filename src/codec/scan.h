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
static inline __m128i scan_marks_in(__m128i v)
{
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    return _mm_or_si128(_mm_or_si128(quote, slash), control);
}

static inline __m128i scan_marks(const char *p)
{
    return scan_marks_in(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* 64 bytes. */
struct scan_block {
    __m128i v[4];
};

static inline struct scan_block scan_load(const char *p)
{
    const __m128i *from = (const __m128i *)(const void *)p;

    return (struct scan_block){
        {_mm_loadu_si128(from), _mm_loadu_si128(from + 1), _mm_loadu_si128(from + 2),
         _mm_loadu_si128(from + 3)}
    };
}

static inline void scan_store(char *to, struct scan_block b)
{
    __m128i *into = (__m128i *)(void *)to;

    for (int i = 0; i < 4; i++)
        _mm_storeu_si128(into + i, b.v[i]);
}

static inline int scan_any(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
}

static inline bool scan_is_plain(struct scan_block b)
{
    return scan_any(scan_marks_in(b.v[0]), scan_marks_in(b.v[1]), scan_marks_in(b.v[2]),
                    scan_marks_in(b.v[3])) == 0;
}

/* Passes whole blocks of plain bytes: 64 at a time for long strings, then 16. */
static inline size_t scan_blocks(const char *p, size_t n)
{
    size_t i = 0;

    while (n - i >= 64 && scan_is_plain(scan_load(p + i)))
        i += 64;
    for (; n - i >= 16; i += 16) {
        int marks = _mm_movemask_epi8(scan_marks(p + i));

        if (marks != 0)
            return i + (size_t)__builtin_ctz((unsigned)marks);
    }
    return i;
}

/* scan_plain(); *all_ascii becomes false where a byte that it passes is not. */
static inline size_t scan_ascii(const char *p, size_t n, bool *all_ascii)
{
    unsigned high = 0;
    size_t i = 0;

    for (; n - i >= 64; i += 64) {
        struct scan_block b = scan_load(p + i);

        if (!scan_is_plain(b))
            break;
        high |= (unsigned)scan_any(b.v[0], b.v[1], b.v[2], b.v[3]);
    }
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        unsigned marks = (unsigned)_mm_movemask_epi8(scan_marks_in(v));

        if (marks != 0) { /* the bits below the lowest of them */
            high |= (unsigned)_mm_movemask_epi8(v) & (marks - 1) & ~marks;
            *all_ascii &= high == 0;
            return i + (size_t)__builtin_ctz(marks);
        }
        high |= (unsigned)_mm_movemask_epi8(v);
    }
    if (n - i >= 8) {
        __m128i v = _mm_loadl_epi64((const __m128i *)(const void *)(p + i));
        unsigned marks = (unsigned)_mm_movemask_epi8(scan_marks_in(v)) & 0xff;
        unsigned before = marks != 0 ? (marks - 1) & ~marks : 0xff;

        high |= (unsigned)_mm_movemask_epi8(v) & before;
        if (marks != 0) {
            *all_ascii &= high == 0;
            return i + (size_t)__builtin_ctz(marks);
        }
        i += 8;
    }
    for (; i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20; i++)
        high |= (unsigned char)p[i] & 0x80;
    *all_ascii &= high == 0;
    return i;
}

enum { SCAN_LONG_RUN = 48 };

/* Copies 64 plain bytes at a time, as long as all of them are. */
static inline size_t scan_copy_long(char *to, const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= 64; i += 64) {
        struct scan_block b = scan_load(p + i);

        if (!scan_is_plain(b))
            break;
        scan_store(to + i, b);
    }
    return i;
}

/* scan_plain() that copies what it passes. to[0..n) may be written. The `before` bytes before p
 * may be read: the end of a string is looked at together with what stands before it, and that is
 * written once more where nothing there is special. */
static inline size_t scan_copy(char *to, const char *p, size_t n, size_t before)
{
    size_t i = 0;

    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        int marks = _mm_movemask_epi8(scan_marks_in(v));

        _mm_storeu_si128((__m128i *)(void *)(to + i), v);
        if (marks != 0)
            return i + (size_t)__builtin_ctz((unsigned)marks);
        if (i == SCAN_LONG_RUN) /* lines of code end before: it would be in vain for each of them */
            i += scan_copy_long(to + i + 16, p + i + 16, n - i - 16);
    }
    if (i < n && before + n >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));

        if (_mm_movemask_epi8(scan_marks_in(v)) == 0) {
            _mm_storeu_si128((__m128i *)(void *)(to + n - 16), v);
            return n;
        }
    }
    if (n - i >= 8) {
        __m128i v = _mm_loadl_epi64((const __m128i *)(const void *)(p + i));
        int marks = _mm_movemask_epi8(scan_marks_in(v)) & 0xff;

        _mm_storel_epi64((__m128i *)(void *)(to + i), v);
        if (marks != 0)
            return i + (size_t)__builtin_ctz((unsigned)marks);
        i += 8;
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
static inline size_t scan_ascii(const char *p, size_t n, bool *all_ascii)
{
    size_t plain = scan_plain(p, n);

    for (size_t i = 0; i < plain; i++)
        *all_ascii &= (unsigned char)p[i] < 0x80;
    return plain;
}

static inline size_t scan_copy(char *to, const char *p, size_t n, size_t before)
{
    size_t plain = scan_plain(p, n);

    (void)before;
    memcpy(to, p, plain);
    return plain;
}
#endif

#endif
