/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_allowance.c - retries stay a small part of what is sent (UPS-1). */
#include "proxy/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Everything fails, and every failure would be sent again. */
static void ups_1_no_more_than_a_fifth(void **state)
{
    struct allowance b;
    unsigned again = 0;

    (void)state;
    allowance_init(&b, &ALLOW_RETRIES);
    for (unsigned i = 0; i < 10000; i++) {
        allowance_earn(&b);
        again += allowance_spend(&b, 5000); /* no time passes */
    }
    assert_in_range(again, 2000, 2000 + ALLOW_RETRIES.most / 1000);
}

static void a_quiet_server_can_retry(void **state)
{
    struct allowance b;

    (void)state;
    allowance_init(&b, &ALLOW_RETRIES);
    while (allowance_spend(&b, 1000))
        ;
    assert_false(allowance_spend(&b, 2900));
    assert_true(allowance_spend(&b, 3100));
    assert_false(allowance_spend(&b, 3100));
    for (uint64_t at_ms = 10000; at_ms < 100000; at_ms += 2000)
        assert_true(allowance_spend(&b, at_ms));
}

/* A clock that leaps or stands still gives nothing that is not due. */
static void never_more_than_the_most(void **state)
{
    struct allowance b;
    unsigned n = 0;

    (void)state;
    allowance_init(&b, &ALLOW_RETRIES);
    for (unsigned i = 0; i < 1000; i++)
        allowance_earn(&b);
    while (allowance_spend(&b, UINT64_MAX))
        n++;
    assert_int_equal(n, ALLOW_RETRIES.most / 1000);
    assert_false(allowance_spend(&b, 0));
}

static void hedges_are_rarer_still(void **state)
{
    struct allowance b;
    unsigned sent = 0;

    (void)state;
    allowance_init(&b, &ALLOW_HEDGES);
    for (uint64_t i = 0; i < 10000; i++) {
        allowance_earn(&b);
        sent += allowance_spend(&b, i * 1000);
    }
    assert_in_range(sent, 500, 500 + ALLOW_HEDGES.most / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ups_1_no_more_than_a_fifth),
        cmocka_unit_test(a_quiet_server_can_retry),
        cmocka_unit_test(never_more_than_the_most),
        cmocka_unit_test(hedges_are_rarer_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
