/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_coalesce.c - how often a loop sleeps before it looks at its sockets. */
#include "net/coalesce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Sleeps in so many turns, each of which writes to as many sockets as given. */
static uint32_t sleeps(struct coalesce *c, unsigned turns, uint32_t written, uint32_t load)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < turns; i++)
        n += coalesce_turn(c, written, load);
    return n;
}

static void few_requests_never_wait(void **state)
{
    struct coalesce c = {0};

    (void)state;
    assert_int_equal(sleeps(&c, 10000, 1, 1), 0);
    assert_int_equal(sleeps(&c, 10000, COALESCE_WORTH, COALESCE_LOAD - 1), 0);
}

static void a_sleep_that_gathers_is_repeated(void **state)
{
    struct coalesce c = {0};

    (void)state;
    assert_int_equal(sleeps(&c, 1000, COALESCE_WORTH, COALESCE_LOAD), 1000);
    assert_int_equal(sleeps(&c, 1000, COALESCE_ENOUGH - 1, 10000), 1000);
}

static void full_turns_need_none(void **state)
{
    struct coalesce c = {0};

    (void)state;
    assert_int_equal(sleeps(&c, 1000, COALESCE_ENOUGH, 10000), 0);
}

/* Many streams, an event now and then. */
static void sleeps_in_vain_become_rare(void **state)
{
    struct coalesce c = {0};

    (void)state;
    assert_in_range(sleeps(&c, 1024, COALESCE_WORTH - 1, 10000), 8, 11);
    assert_in_range(sleeps(&c, 100 * 1024, COALESCE_WORTH - 1, 10000), 98, 102);
    assert_in_range(sleeps(&c, 100 * 1024, 0, 10000), 98, 102);
}

static void load_is_noticed_again(void **state)
{
    struct coalesce c = {0};

    (void)state;
    sleeps(&c, 100 * 1024, 0, 10000);
    assert_true(sleeps(&c, COALESCE_RARELY + 1, COALESCE_WORTH, 10000) >= 1);
    assert_int_equal(sleeps(&c, 1000, COALESCE_WORTH, 10000), 1000);
}

/* A turn that was full after its sleep shows that sleeping helps, and one after which nobody is
 * left ends it. */
static void what_a_sleep_brought_counts_once(void **state)
{
    struct coalesce c = {0};

    (void)state;
    assert_true(coalesce_turn(&c, 1, 100));
    assert_false(coalesce_turn(&c, 0, 0));
    assert_false(coalesce_turn(&c, 1, 100)); /* the price of the one in vain */
    assert_true(coalesce_turn(&c, 1, 100));
    assert_false(coalesce_turn(&c, 100, 100));
    assert_true(coalesce_turn(&c, 1, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_requests_never_wait),
        cmocka_unit_test(a_sleep_that_gathers_is_repeated),
        cmocka_unit_test(full_turns_need_none),
        cmocka_unit_test(sleeps_in_vain_become_rare),
        cmocka_unit_test(load_is_noticed_again),
        cmocka_unit_test(what_a_sleep_brought_counts_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
