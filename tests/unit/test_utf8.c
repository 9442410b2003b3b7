/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_utf8.c - validity over all code points, cutting, cleaning. */
#include "base/mem.h"
#include "codec/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The general form of 1 to 4 bytes, whether or not the code point may be written so. */
static struct str spell(uint32_t c, size_t n, char out[4])
{
    static const uint8_t lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(lead[n] | c);
    return str_of(out, n);
}

static void every_code_point(void **state)
{
    char tmp[4];

    (void)state;
    for (uint32_t c = 0; c < 0x200000; c++) {
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        bool good = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

        if (utf8_ok(spell(c, n, tmp)) != good)
            fail_msg("U+%04X", (unsigned)c);
        for (size_t longer = n + 1; longer <= 4; longer++)
            assert_false(utf8_ok(spell(c, longer, tmp)));
        if (n > 1)
            assert_false(utf8_ok(spell(c, n, tmp).n ? str_of(tmp, n - 1) : S("")));
    }
}

/* All pairs of bytes, alone and with ASCII around them to reach each path. */
static void every_pair(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char text[20] = "0123456789abcdefghi";
            bool good =
                (a < 0x80 && b < 0x80) || (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf);

            text[9] = (char)a;
            text[10] = (char)b;
            assert_int_equal(utf8_ok(str_of(text + 9, 2)), good);
            assert_int_equal(utf8_ok(str_of(text, sizeof text)), good);
        }
    }
}

static bool between(unsigned c, unsigned lo, unsigned hi)
{
    return c >= lo && c <= hi;
}

/* Unicode, table 3-7, behind another sequence of three and before one. */
static void every_three(void **state)
{
    char text[9] = "\xe4\xbd\xa0...\xe5\xa5\xbd";

    (void)state;
    for (unsigned i = 0; i < 16 * 65536; i++) {
        unsigned lead = 0xe0 | i >> 16, second = i >> 8 & 0xff, third = i & 0xff;
        bool good = between(second, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) &&
                    between(third, 0x80, 0xbf);

        text[3] = (char)lead;
        text[4] = (char)second;
        text[5] = (char)third;
        if (utf8_ok(str_of(text, sizeof text)) != good)
            fail_msg("%02x %02x %02x", lead, second, third);
    }
}

static void counts_and_cuts(void **state)
{
    struct str s = S("a\xc3\xa9\xe9\xb9\x8a\xf0\x9f\x98\x80z");
    static const size_t floors[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};

    (void)state;
    assert_int_equal(utf8_count(s), 5);
    assert_int_equal(utf8_count(S("")), 0);
    for (size_t n = 0; n < NELEM(floors); n++) {
        assert_int_equal(utf8_floor(s, n), floors[n]);
        assert_true(utf8_ok(str_sub(s, 0, utf8_floor(s, n))));
    }
    assert_int_equal(utf8_floor(S(""), 5), 0);
    assert_int_equal(utf8_floor(S("\x80\x80\x80\x80\x80\x80"), 5), 5);
    assert_int_equal(utf8_floor(S("\x80\x80"), 1), 1);
}

static void cleans(void **state)
{
    static const struct {
        struct str in, out;
    } rows[] = {
#define BAD "\xef\xbf\xbd"
        {S_INIT(""),                         S_INIT("")                    },
        {S_INIT("plain"),                    S_INIT("plain")               },
        {S_INIT("\xe9\xb9\x8a"),             S_INIT("\xe9\xb9\x8a")        },
        {S_INIT("a\0b"),                     S_INIT("a\0b")                },
        {S_INIT("\x80"),                     S_INIT(BAD)                   },
        {S_INIT("\xff\xfe"),                 S_INIT(BAD BAD)               },
        {S_INIT("a\xc3"),                    S_INIT("a" BAD)               },
        {S_INIT("a\xc3z"),                   S_INIT("a" BAD "z")           },
        {S_INIT("\xe2\x82"),                 S_INIT(BAD)                   },
        {S_INIT("\xe2\x82z"),                S_INIT(BAD "z")               },
        {S_INIT("\xf0\x9f\x98"),             S_INIT(BAD)                   },
        {S_INIT("\xf0\x9f\x98\xe9\xb9\x8a"), S_INIT(BAD "\xe9\xb9\x8a")    },
        {S_INIT("\xf0\x9f\xf0\x9f\x98\x80"), S_INIT(BAD "\xf0\x9f\x98\x80")},
        {S_INIT("\xed\xa0\x80"),             S_INIT(BAD BAD BAD)           },
        {S_INIT("\xc0\xaf"),                 S_INIT(BAD BAD)               },
        {S_INIT("\xe0\x80\xaf"),             S_INIT(BAD BAD BAD)           },
        {S_INIT("\xf4\x90\x80\x80"),         S_INIT(BAD BAD BAD BAD)       },
        {S_INIT("12345678\xff"
                "12345678"),
                                  S_INIT("12345678" BAD "12345678")                                 },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        for (size_t cap = 0; cap <= rows[i].out.n; cap++) {
            struct buf b;

            buf_init(&b, cap);
            utf8_put_clean(&b, rows[i].in);
            assert_int_equal(b.err, cap < rows[i].out.n ? E_TOOBIG : OK);
            assert_true(b.err != OK || str_eq(buf_str(&b), rows[i].out));
            assert_true(b.err != OK || utf8_ok(buf_str(&b)));
            buf_fini(&b);
        }
    }
    assert_int_equal(mem_counted(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point), cmocka_unit_test(every_pair),
        cmocka_unit_test(every_three),      cmocka_unit_test(counts_and_cuts),
        cmocka_unit_test(cleans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
