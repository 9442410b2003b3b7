/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_fallback.c - the table of models that answer for others. */
#include "proxy/fallback.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void tables(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        size_t n;
    } rows[] = {
        {"",                      OK,       0},
        {" , ",                   OK,       0},
        {"a=b",                   OK,       1},
        {" a = b , b = c,\nc=d,", OK,       3},
        {"a=c,b=c",               OK,       2},
        {"models/a=google/b",     OK,       1},
        {"a",                     E_SYNTAX, 0},
        {"a=",                    E_SYNTAX, 0},
        {"=b",                    E_SYNTAX, 0},
        {"a=b=c",                 E_FIELD,  0},
        {"a=../b",                E_FIELD,  0},
        {"a b=c",                 E_FIELD,  0},
        {"a=b,a=c",               E_RANGE,  0},
        {"a=b,models/a=c",        E_RANGE,  0},
        {"a=a",                   E_RANGE,  0},
        {"a=b,b=a",               E_RANGE,  0},
        {"a=b,b=c,c=d,d=b",       E_RANGE,  0},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fallbacks f = {.n = 99};
        struct fault why = {0};

        if (fallbacks_parse(str_z(rows[i].text), &f, &why) != rows[i].err)
            fail_msg("\"%s\": %s", rows[i].text, why.what ? why.what : "taken");
        assert_int_equal(f.n, rows[i].err == OK ? rows[i].n : 99);
        assert_int_equal(why.what != NULL, rows[i].err != OK);
    }
}

static void lookups(void **state)
{
    struct fallbacks f;

    (void)state;
    assert_int_equal(fallbacks_parse(S("models/a=b, b=c"), &f, NULL), OK);
    assert_true(str_eq(fallback_of(&f, S("a")), S("b")));
    assert_true(str_eq(fallback_of(&f, S("b")), S("c")));
    assert_int_equal(fallback_of(&f, S("c")).n, 0);
    assert_int_equal(fallback_of(&f, S("")).n, 0);
}

static void no_more_than_the_cap(void **state)
{
    struct fallbacks f;
    struct buf text;

    (void)state;
    buf_init(&text, 64 << 10);
    for (unsigned i = 0; i < FALLBACKS_MAX; i++)
        buf_putf(&text, "m%u=m%u,", i, i + 1);
    assert_int_equal(fallbacks_parse(buf_str(&text), &f, NULL), OK);
    assert_int_equal(f.n, FALLBACKS_MAX);
    buf_lit(&text, "x=y");
    assert_int_equal(fallbacks_parse(buf_str(&text), &f, NULL), E_TOOBIG);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(lookups),
        cmocka_unit_test(no_more_than_the_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
