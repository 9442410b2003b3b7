/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_sign.c - the names under which signatures are remembered. */
#include "dialect/openai/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct oa_sign name_of(struct str a, struct str b, struct str c)
{
    struct oa_hash hash = {0};

    oa_hash_more(&hash, a);
    oa_hash_more(&hash, b);
    oa_hash_more(&hash, c);
    assert_int_equal(hash.n, a.n + b.n + c.n);
    return oa_sign_text(&hash);
}

static bool same(const struct oa_sign *a, const struct oa_sign *b)
{
    return str_eq(oa_sign_str(a), oa_sign_str(b));
}

static void a_text_has_one_name_however_it_comes(void **state)
{
    static const char text[] = "The magpies gather once a year, \xe5\xa4\x9a and build a bridge.";

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        struct oa_sign whole = name_of(str_of(text, n), S(""), S(""));

        for (size_t i = 0; i <= n; i++)
            for (size_t k = i; k <= n; k++) {
                struct oa_sign cut =
                    name_of(str_of(text, i), str_of(text + i, k - i), str_of(text + k, n - k));

                assert_true(same(&whole, &cut));
            }
    }
}

static void other_texts_have_others(void **state)
{
    static const char zeroes[40];
    static const char *const text[] = {
        "", "a", "b", "ab", "ba", "abcdefgh", "abcdefghi", "iabcdefgh", "abcdefghabcdefgh"};

    (void)state;
    for (size_t i = 0; i < NELEM(text); i++)
        for (size_t k = 0; k < i; k++) {
            struct oa_sign a = name_of(str_z(text[i]), S(""), S(""));
            struct oa_sign b = name_of(str_z(text[k]), S(""), S(""));

            assert_false(same(&a, &b));
        }
    for (size_t n = 1; n < sizeof zeroes; n++) {
        struct oa_sign a = name_of(str_of(zeroes, n), S(""), S(""));
        struct oa_sign b = name_of(str_of(zeroes, n - 1), S(""), S(""));

        assert_false(same(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_one_name_however_it_comes),
        cmocka_unit_test(other_texts_have_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
