/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wide.c - images of many megabytes are read twice, for JSON and for base64: here is what both
 * spend their time with. The program runs on any x86-64, so the CPU is asked first. Must not know
 * what the bytes are for. */
#include "codec/wide.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* 0xff in each byte that ends a run. */
AVX2 static inline __m256i marks(__m256i v)
{
    __m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
    __m256i slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
    __m256i other = _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), v); /* above ASCII, too: signed */

    return _mm256_or_si256(_mm256_or_si256(quote, slash), other);
}

AVX2 static size_t plain(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= WIDE_BLOCK; i += WIDE_BLOCK) {
        __m256i ab = _mm256_or_si256(marks(load(p + i)), marks(load(p + i + 32)));
        __m256i cd = _mm256_or_si256(marks(load(p + i + 64)), marks(load(p + i + 96)));

        if (_mm256_movemask_epi8(_mm256_or_si256(ab, cd)) != 0)
            break;
    }
    return i;
}

/* A character is looked up by its halves: a bit for each row of the ASCII table that holds some
 * (4 and 6 hold the same), and the rows in which the lower half is one. Zero: it is none. A byte
 * above ASCII looks up zero by itself. */
AVX2 static inline __m256i letters(__m256i v)
{
    enum { R2 = 1, R3 = 2, R46 = 4, R5 = 8, R7 = 16, DIGIT = R3 | R46 | R5 | R7 };
    const __m256i row = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, R2, R3, R46, R5, R46, R7, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i low = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(R3 | R5 | R7, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
                      R46 | R5 | R7, R2 | R46, R46, R2 | R46, R46, R2 | R46 | R5));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));

    return _mm256_and_si256(_mm256_shuffle_epi8(low, v), _mm256_shuffle_epi8(row, high));
}

AVX2 static size_t base64(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= WIDE_BLOCK; i += WIDE_BLOCK) {
        __m256i ab = _mm256_min_epu8(letters(load(p + i)), letters(load(p + i + 32)));
        __m256i cd = _mm256_min_epu8(letters(load(p + i + 64)), letters(load(p + i + 96)));
        __m256i none = _mm256_cmpeq_epi8(_mm256_min_epu8(ab, cd), _mm256_setzero_si256());

        if (_mm256_movemask_epi8(none) != 0)
            break;
    }
    return i;
}

size_t wide_plain(const char *p, size_t n)
{
    return n >= WIDE_BLOCK && __builtin_cpu_supports("avx2") ? plain(p, n) : 0;
}

size_t wide_base64(const char *p, size_t n)
{
    return n >= WIDE_BLOCK && __builtin_cpu_supports("avx2") ? base64(p, n) : 0;
}
#else
size_t wide_plain(const char *p, size_t n)
{
    (void)p, (void)n;
    return 0;
}

size_t wide_base64(const char *p, size_t n)
{
    (void)p, (void)n;
    return 0;
}
#endif
