/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_base64.c - both alphabets, padding, what is refused, caps. */
#include "base/mem.h"
#include "codec/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    struct str text, bytes;
} GOOD[] = {
    {S_INIT(""),         S_INIT("")                        },
    {S_INIT("Zg=="),     S_INIT("f")                       },
    {S_INIT("Zg"),       S_INIT("f")                       },
    {S_INIT("Zm8="),     S_INIT("fo")                      },
    {S_INIT("Zm8"),      S_INIT("fo")                      },
    {S_INIT("Zm9v"),     S_INIT("foo")                     },
    {S_INIT("Zm9vYmFy"), S_INIT("foobar")                  },
    {S_INIT("AAAA"),     S_INIT("\0\0\0")                  },
    {S_INIT("////"),     S_INIT("\xff\xff\xff")            },
    {S_INIT("____"),     S_INIT("\xff\xff\xff")            },
    {S_INIT("+-/_"),     S_INIT("\xfb\xef\xff")            },
    {S_INIT("-_8="),     S_INIT("\xfb\xff")                },
    {S_INIT("6bmK5qGl"), S_INIT("\xe9\xb9\x8a\xe6\xa1\xa5")},
};

static const struct str BAD[] = {
    S_INIT("="),
    S_INIT("=="),
    S_INIT("===="),
    S_INIT("Z"),
    S_INIT("Z==="),
    S_INIT("Zg="),
    S_INIT("Zg==="),
    S_INIT("Zm8=="),
    S_INIT("Zm9v="),
    S_INIT("Zm9v===="),
    S_INIT("Zm9vZ"),
    S_INIT("Zg==Zg=="),
    S_INIT("Z=g="),
    S_INIT("=Zg="),
    S_INIT("Zm 8"),
    S_INIT("Zm8\n"),
    S_INIT("Zm9v\n"),
    S_INIT(" Zm9v"),
    S_INIT("Zm9v Zm9v"),
    S_INIT("Zm9\0"),
    S_INIT("Zm9*"),
    S_INIT("Zm9,"),
    S_INIT("Zm9."),
    S_INIT("Zm\xc3\xa9"),
    S_INIT("Zm9\x80"),
    S_INIT("Zh=="),
    S_INIT("Zh"),
    S_INIT("Zm9="),
    S_INIT("Zm9"),
    S_INIT("Zm9v%3D"),
    S_INIT("data:;base64,Zm9v"),
};

/* DAT-9. */
static void decodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(GOOD); i++) {
        assert_true(base64_ok(GOOD[i].text));
        assert_true(base64_decoded_len(GOOD[i].text) >= GOOD[i].bytes.n);
        for (size_t cap = 0; cap <= GOOD[i].bytes.n; cap++) {
            struct buf out;
            enum err rc;

            buf_init(&out, cap);
            rc = base64_decode(GOOD[i].text, &out);
            assert_int_equal(rc, cap < GOOD[i].bytes.n ? E_TOOBIG : OK);
            assert_true(rc != OK || str_eq(buf_str(&out), GOOD[i].bytes));
            assert_true(rc == OK || out.n == 0);
            buf_fini(&out);
        }
    }
    assert_int_equal(mem_counted(), 0);
}

/* DAT-9. */
static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(BAD); i++) {
        struct buf out;

        buf_init(&out, 100);
        buf_lit(&out, "before");
        if (base64_ok(BAD[i]) || base64_decode(BAD[i], &out) != E_SYNTAX)
            fail_msg("accepted: %.*s", S_ARG(BAD[i]));
        assert_true(str_eq(buf_str(&out), S("before")));
        assert_int_equal(out.err, OK);
        buf_fini(&out);
    }
}

/* All bytes, at each length around the blocks, there and back; and one bad character anywhere. */
static void round_trips(void **state)
{
    struct buf text;
    struct buf back;

    (void)state;
    buf_init(&text, 10000);
    buf_init(&back, 10000);
    for (size_t n = 0; n <= 200; n++) {
        char *bytes = malloc(n + 1);

        assert_non_null(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n * 101);
        buf_reset(&text);
        buf_reset(&back);
        base64_encode(str_of(bytes, n), &text);
        assert_int_equal(text.n, (n + 2) / 3 * 4);
        assert_true(base64_ok(buf_str(&text)));
        assert_int_equal(base64_decode(buf_str(&text), &back), OK);
        assert_true(str_eq(buf_str(&back), str_of(bytes, n)));
        for (size_t at = 0; at < text.n; at++) {
            static const char odd[] = "!=.*@[`{:\x7f\x80\xff";
            char was = text.p[at];

            text.p[at] = odd[(at + n) % (sizeof odd - 1)];
            if (text.p[at] != '=' || at + 2 < text.n)
                assert_false(base64_ok(buf_str(&text)));
            text.p[at] = was;
        }
        free(bytes);
    }
    buf_fini(&text);
    buf_fini(&back);
}

static void encodes(void **state)
{
    (void)state;
    for (size_t cap = 0; cap <= 8; cap++) {
        struct buf out;

        buf_init(&out, cap);
        base64_encode(S("fooba"), &out);
        assert_int_equal(out.err, cap < 8 ? E_TOOBIG : OK);
        assert_true(str_eq(buf_str(&out), cap < 8 ? S("") : S("Zm9vYmE=")));
        buf_fini(&out);
    }
}

/* Each of the 256 characters is in an alphabet for all three functions or for none. */
static void every_character(void **state)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    char text[128];

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool ok = memchr(abc, c, sizeof abc - 1) != NULL;
        struct buf out;

        memset(text, 'A', sizeof text);
        text[20] = (char)c;
        buf_init(&out, 1000);
        assert_int_equal(base64_ok(str_of(text, sizeof text)), ok);
        assert_int_equal(base64_ok(str_of(text, 24)), ok);
        assert_int_equal(base64_decode(str_of(text, sizeof text), &out), ok ? OK : E_SYNTAX);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes), cmocka_unit_test(refuses),         cmocka_unit_test(round_trips),
        cmocka_unit_test(encodes), cmocka_unit_test(every_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
