/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_signatures.c - what is put is found again, until the cap pushes out what was not used. */
#include "signatures/store.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct str key(char *z, size_t n, unsigned i)
{
    snprintf(z, n, "call_%u", i);
    return str_z(z);
}

static void found_again(void **state)
{
    struct signatures *s = signatures_new(1 << 20);
    struct arena a;
    char z[32];
    char v[32];

    (void)state;
    arena_init(&a, 1 << 20);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(v, sizeof v, "signature-%u", i);
        signatures_put(s, key(z, sizeof z, i), str_z(v));
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(v, sizeof v, "signature-%u", i);
        assert_true(str_eq(signatures_get(s, key(z, sizeof z, i), &a), str_z(v)));
    }
    assert_int_equal(signatures_get(s, S("call_x"), &a).n, 0);
    signatures_put(s, S("call_7"), S("another"));
    assert_true(str_eq(signatures_get(s, S("call_7"), &a), S("another")));
    assert_int_equal(signatures_stats(s).entries, 1000);
    signatures_free(s);
    arena_fini(&a);
    assert_int_equal(mem_counted(), 0);
}

static void longest_unused_goes_first(void **state)
{
    struct signatures *s = signatures_new(10000);
    struct arena a;
    char z[32];
    char v[500] = {0};

    (void)state;
    arena_init(&a, 1 << 20);
    memset(v, 'x', sizeof v);
    signatures_put(s, S("kept"), str_of(v, sizeof v));
    for (unsigned i = 0; i < 100; i++) {
        signatures_put(s, key(z, sizeof z, i), str_of(v, sizeof v));
        assert_int_equal(signatures_get(s, S("kept"), &a).n, sizeof v);
        assert_true(signatures_stats(s).bytes <= 10000);
    }
    assert_int_equal(signatures_get(s, S("call_0"), &a).n, 0);
    assert_int_equal(signatures_get(s, S("call_99"), &a).n, sizeof v);
    assert_true(signatures_stats(s).evicted > 80);
    signatures_free(s);
    arena_fini(&a);
}

static void too_large_is_not_kept(void **state)
{
    struct signatures *s = signatures_new(1 << 20);
    struct arena a;
    static char v[SIGNATURES_ONE_MAX + 1];
    char long_key[SIGNATURES_KEY_MAX + 1];

    (void)state;
    arena_init(&a, 2 << 20);
    memset(v, 'x', sizeof v);
    memset(long_key, 'k', sizeof long_key);
    signatures_put(s, S("a"), str_of(v, SIGNATURES_ONE_MAX));
    signatures_put(s, S("b"), str_of(v, SIGNATURES_ONE_MAX + 1));
    signatures_put(s, str_of(long_key, sizeof long_key), S("v"));
    signatures_put(s, S(""), S("v"));
    assert_int_equal(signatures_get(s, S("a"), &a).n, SIGNATURES_ONE_MAX);
    assert_int_equal(signatures_stats(s).entries, 1);
    signatures_free(s);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_again),
        cmocka_unit_test(longest_unused_goes_first),
        cmocka_unit_test(too_large_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
