/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_phase.c - when upstream's minute begins, how surely, and for how long that is known. */
#include "keys/phase.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { AT = 9000000, MINUTE = 60000, HOUR = 60 * MINUTE };

static void minutes(void **state)
{
    static const struct {
        uint64_t now_ms, begin_ms, next_ms; /* begin: with a second for the way */
    } rows[] = {
        {AT,                     AT - 1000,              AT + MINUTE         },
        {AT + 1,                 AT - 1000,              AT + MINUTE         },
        {AT + MINUTE - 1,        AT - 1000,              AT + MINUTE         },
        {AT + MINUTE + 3,        AT + MINUTE - 1000,     AT + 2 * MINUTE     },
        {AT - 1,                 AT - MINUTE - 1000,     AT                  },
        {AT + 5 * MINUTE + 4321, AT + 5 * MINUTE - 1015, AT + 6 * MINUTE + 15},
    };
    struct phase p = {0};

    (void)state;
    assert_false(phase_is_known(&p, AT));
    phase_prove(&p, AT, AT);
    for (size_t i = 0; i < NELEM(rows); i++) {
        assert_true(phase_is_known(&p, rows[i].now_ms));
        /* A clock drifts: 50 ms in a thousand seconds are reckoned with. */
        assert_in_range(phase_begin(&p, rows[i].now_ms), rows[i].begin_ms - 20,
                        rows[i].begin_ms + 20);
        assert_in_range(phase_next(&p, rows[i].now_ms), rows[i].next_ms, rows[i].next_ms + 20);
    }
}

/* Whatever the time: what runs has begun, what is next comes within a minute and a bit. */
static void always_in_order(void **state)
{
    struct phase p = {0};

    (void)state;
    phase_prove(&p, AT, AT);
    for (uint64_t now = AT; now < AT + 11ULL * HOUR; now += 997) {
        assert_true(phase_begin(&p, now) < now);
        assert_true(phase_next(&p, now) > now);
        assert_true(phase_next(&p, now) <= now + MINUTE + 2500);
        assert_true(now - phase_begin(&p, now) <= MINUTE + 6000);
    }
    assert_false(phase_is_known(&p, AT + 13ULL * HOUR));
}

static void noted(void **state)
{
    static const struct {
        uint64_t at_ms, now_ms;
        int known;
    } rows[] = {
        {AT + MINUTE,              AT + 1000,         1},
        {AT + MINUTE + 1400,       AT + 1000,         1},
        {AT + MINUTE - 1400,       AT + 1000,         1},
        {AT + MINUTE + 1600,       AT + 1000,         0},
        {AT + MINUTE - 1600,       AT + 1000,         0},
        {AT + MINUTE / 2,          AT + 1000,         0},
        {AT + 10ULL * HOUR + 3000, AT + 10ULL * HOUR, 1}, /* it may have drifted */
        {AT + 10ULL * HOUR + 4000, AT + 10ULL * HOUR, 0},
    };
    struct phase unknown = {0};

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct phase p = {0};

        phase_prove(&p, AT, AT);
        phase_note(&p, rows[i].at_ms, rows[i].now_ms);
        assert_int_equal(phase_is_known(&p, rows[i].now_ms), rows[i].known);
    }
    phase_note(&unknown, AT, AT); /* being told is no proof */
    assert_false(phase_is_known(&unknown, AT));
}

/* In the first minute after the machine started. */
static void near_zero(void **state)
{
    struct phase p = {0};

    (void)state;
    phase_prove(&p, 45000, 1000);
    assert_int_equal(phase_begin(&p, 30000), 0);
    assert_true(phase_next(&p, 30000) > 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minutes),
        cmocka_unit_test(always_in_order),
        cmocka_unit_test(noted),
        cmocka_unit_test(near_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
