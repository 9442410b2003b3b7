/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_msg.c - which bytes may stand where in a head: every byte, at every place, in every length
 * that the eight at once are cut into differently. */
#include "http/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LONGEST = 35 };

static bool value_byte(unsigned c)
{
    return c == 9 || (c >= 32 && c != 127);
}

static bool visible_byte(unsigned c)
{
    return c >= 33 && c <= 126;
}

static bool name_byte(unsigned c)
{
    return c != 0 && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", (int)c) != NULL;
}

static const struct {
    const char *name;
    bool (*whole)(struct str);
    bool (*byte)(unsigned);
    bool empty;
} rows[] = {
    {"value",   http_value_ok, value_byte,   true },
    {"visible", http_visible,  visible_byte, false},
    {"name",    http_name_ok,  name_byte,    false},
};

static void every_byte_everywhere(void **state)
{
    char s[LONGEST];

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        for (size_t n = 0; n <= LONGEST; n++) {
            memset(s, 'x', sizeof s);
            assert_int_equal(rows[i].whole((struct str){s, n}), n > 0 || rows[i].empty);
            for (size_t at = 0; at < n; at++)
                for (unsigned c = 0; c < 256; c++) {
                    s[at] = (char)c;
                    if (rows[i].whole((struct str){s, n}) != rows[i].byte(c))
                        fail_msg("%s: byte %u at %zu of %zu", rows[i].name, c, at, n);
                    s[at] = 'x';
                }
        }
}

/* What one byte does must not hide what its neighbour is. */
static void pairs(void **state)
{
    char s[LONGEST];

    (void)state;
    memset(s, 'x', sizeof s);
    for (size_t i = 0; i < NELEM(rows); i++)
        for (unsigned c = 0; c < 256 * 256; c++) {
            s[12] = (char)(c >> 8);
            s[13] = (char)(c & 255);
            if (rows[i].whole((struct str){s, sizeof s}) !=
                (rows[i].byte(c >> 8) && rows[i].byte(c & 255)))
                fail_msg("%s: bytes %u %u", rows[i].name, c >> 8, c & 255);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_everywhere),
        cmocka_unit_test(pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
