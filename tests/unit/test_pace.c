/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_pace.c - the usual time to the first byte. */
#include "proxy/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint32_t UNKNOWN = UINT32_MAX - 1; /* ms */

static uint32_t p95(const struct pace *p, uint64_t kind)
{
    uint32_t ms;

    return pace_p95(p, kind, &ms) ? ms : UNKNOWN;
}

static void a_few_tell_nothing(void **state)
{
    static struct pace p;

    (void)state;
    assert_int_equal(p95(&p, 0), UNKNOWN);
    for (unsigned i = 1; i < PACE_LEAST; i++)
        pace_note(&p, 7, 100);
    assert_int_equal(p95(&p, 7), UNKNOWN);
    pace_note(&p, 7, 100);
    assert_int_equal(p95(&p, 7), 100);
    assert_int_equal(p95(&p, 8), UNKNOWN);
}

/* An upstream next door takes no whole millisecond: that is known as well. */
static void nothing_is_a_time_too(void **state)
{
    static struct pace p;

    (void)state;
    for (unsigned i = 0; i < PACE_LEAST; i++)
        pace_note(&p, 7, 0);
    assert_int_equal(p95(&p, 7), 0);
}

/* In any order; the rare slow one is beyond it, and what is old is forgotten. */
static void ninety_five_in_a_hundred(void **state)
{
    static struct pace p;

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        pace_note(&p, 1, (i * 7) % 20 + 1); /* 1 .. 20 */
    assert_int_equal(p95(&p, 1), 19);
    for (unsigned i = 0; i < 1000; i++)
        pace_note(&p, 1, i % 32 == 0 ? 100000 : 500);
    assert_int_equal(p95(&p, 1), 500);
    for (unsigned i = 0; i < PACE_SAMPLES; i++)
        pace_note(&p, 1, UINT64_MAX);
    assert_int_equal(p95(&p, 1), UINT32_MAX);
}

static void the_longest_unused_makes_room(void **state)
{
    static struct pace p;

    (void)state;
    for (uint64_t kind = 1; kind <= 3 * PACE_KINDS_MAX; kind++)
        for (unsigned i = 0; i < PACE_LEAST; i++) {
            pace_note(&p, kind, kind);
            pace_note(&p, 1, 1); /* used all the time */
        }
    assert_int_equal(p95(&p, 1), 1);
    assert_int_equal(p95(&p, 2), UNKNOWN);
    assert_int_equal(p95(&p, 3 * PACE_KINDS_MAX), 3 * PACE_KINDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_tell_nothing),
        cmocka_unit_test(nothing_is_a_time_too),
        cmocka_unit_test(ninety_five_in_a_hundred),
        cmocka_unit_test(the_longest_unused_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
