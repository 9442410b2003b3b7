/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys.c - choice, cooling and reload on a clock of the test's own. */
#include "keys/ring.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct keys *three(void)
{
    static const struct str values[] = {S_INIT("key-one-0001"), S_INIT("key-two-0002"), S_INIT(""),
                                        S_INIT("key-two-0002"), S_INIT("key-three-03")};
    struct keys *k = keys_new();

    keys_set(k, values, NELEM(values));
    return k;
}

static struct key *pick(struct keys *k, const char *model, uint64_t now_ms)
{
    struct key_want want = {.model = str_z(model), .now_ms = now_ms};
    struct key *key = NULL;
    uint64_t wait_ms = 0;

    return keys_pick(k, &want, &key, &wait_ms) == KEY_PICKED ? key : NULL;
}

static void least_loaded_first(void **state)
{
    struct keys *k = three();
    struct key *got[6];

    (void)state;
    assert_int_equal(keys_count(k), 3);
    for (int i = 0; i < 6; i++)
        got[i] = pick(k, "m", 1);
    for (int i = 0; i < 3; i++)
        for (int j = i + 1; j < 3; j++)
            assert_ptr_not_equal(got[i], got[j]);
    keys_done(k, got[1], S("m"), KEY_SERVED, 0, 1);
    assert_ptr_equal(pick(k, "m", 1), got[1]);
    for (int i = 0; i < 6; i++)
        keys_done(k, got[i], S("m"), KEY_BLAMELESS, 0, 1);
    keys_free(k);
}

static void cools_for_the_model_alone(void **state)
{
    struct keys *k = three();
    struct key_want want = {.model = S("a"), .now_ms = 1000};
    struct key *key;
    uint64_t wait_ms = 0;

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        key = pick(k, "a", 1000);
        assert_non_null(key);
        keys_done(k, key, S("a"), KEY_LIMITED, 5000 + i * 1000, 1000);
    }
    assert_int_equal(keys_pick(k, &want, &key, &wait_ms), KEY_COOLING);
    assert_int_equal(wait_ms, 5000);
    key = pick(k, "b", 1000);
    assert_non_null(key);
    keys_done(k, key, S("b"), KEY_SERVED, 0, 1000);
    key = pick(k, "a", 6000);
    assert_non_null(key);
    keys_done(k, key, S("a"), KEY_SERVED, 0, 6000);
    keys_free(k);
}

static void refused_is_out_for_every_model(void **state)
{
    static const struct str one[] = {S_INIT("only-key-0001")};
    struct keys *k = keys_new();
    struct key_want want = {.model = S("b"), .now_ms = 10};
    struct key *key;
    uint64_t wait_ms;

    (void)state;
    keys_set(k, one, 1);
    keys_done(k, pick(k, "a", 10), S("a"), KEY_REFUSED, 0, 10);
    assert_int_equal(keys_pick(k, &want, &key, &wait_ms), KEY_NONE);
    key = pick(k, "b", 10 + 3600 * 1000);
    assert_non_null(key);
    keys_done(k, key, S("b"), KEY_SERVED, 0, 10);
    keys_free(k);
}

static void tried_keys_come_last(void **state)
{
    struct keys *k = three();
    struct key_want want = {.model = S("a"), .now_ms = 1};
    struct key *key;
    uint64_t wait_ms;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(keys_pick(k, &want, &key, &wait_ms), KEY_PICKED);
        for (size_t j = 0; j < want.ntried; j++)
            assert_ptr_not_equal(want.tried[j], key);
        want.tried[want.ntried++] = key;
        keys_done(k, key, S("a"), KEY_BLAMELESS, 0, 1);
    }
    assert_int_equal(keys_pick(k, &want, &key, &wait_ms), KEY_PICKED);
    keys_done(k, key, S("a"), KEY_BLAMELESS, 0, 1);
    keys_free(k);
}

static void reload_keeps_what_is_known(void **state)
{
    static const struct str next[] = {S_INIT("key-two-0002"), S_INIT("key-four-004")};
    struct keys *k = three();
    struct key *out;

    (void)state;
    for (int i = 0; i < 3; i++)
        keys_done(k, pick(k, "a", 1), S("a"), KEY_LIMITED, 60000, 1);
    out = pick(k, "b", 1);
    keys_set(k, next, NELEM(next));
    assert_int_equal(keys_count(k), 2);
    assert_true(key_secret(out)->n > 0);
    keys_done(k, out, S("b"), KEY_SERVED, 0, 1);
    out = pick(k, "a", 2);
    assert_true(secret_eq(key_secret(out), S("key-four-004")));
    keys_done(k, out, S("a"), KEY_LIMITED, 0, 2);
    assert_null(pick(k, "a", 3));
    keys_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_loaded_first),
        cmocka_unit_test(cools_for_the_model_alone),
        cmocka_unit_test(refused_is_out_for_every_model),
        cmocka_unit_test(tried_keys_come_last),
        cmocka_unit_test(reload_keeps_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
