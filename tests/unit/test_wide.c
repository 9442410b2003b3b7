/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_wide.c - what is looked at 128 bytes at a time, against one byte after the other. */
#include "base/str.h"
#include "codec/wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef size_t wide_f(const char *p, size_t n);
typedef bool good_f(char c);

static bool is_plain(char c)
{
    return c >= ' ' && c != '"' && c != '\\';
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("+/-_", c) != NULL);
}

/* All of the whole blocks before the first bad byte, or none where the CPU cannot. */
static void agrees(wide_f *wide, good_f *good, const char *p, size_t n, bool can)
{
    size_t first = 0;
    size_t got = wide(p, n);

    while (first < n && good(p[first]))
        first++;
    assert_int_equal(got, can ? first / WIDE_BLOCK * WIDE_BLOCK : 0);
}

static void every_byte_everywhere(wide_f *wide, good_f *good)
{
    enum { N = 3 * WIDE_BLOCK + 7 };
    char *p = malloc(N);
    bool can;

    assert_non_null(p);
    memset(p, 'A', N);
    can = wide(p, N) > 0;
    for (size_t n = 0; n <= N; n++)
        agrees(wide, good, p + N - n, n, can); /* the sanitizer sees what lies behind */
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < N; at++) {
            p[at] = (char)c;
            agrees(wide, good, p, N, can);
            p[at] = 'A';
        }
        memset(p, c, N);
        agrees(wide, good, p, N, can);
        memset(p, 'A', N);
    }
    free(p);
}

static void plain_text(void **state)
{
    (void)state;
    every_byte_everywhere(wide_plain, is_plain);
}

static void characters_of_base64(void **state)
{
    (void)state;
    every_byte_everywhere(wide_base64, is_base64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text),
        cmocka_unit_test(characters_of_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
