/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_window.c - what counts, until when, and when there is room again. */
#include "keys/window.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { T0 = 5000000 };

static uint64_t requests_at(struct window *w, uint64_t now_ms)
{
    window_roll(w, now_ms);
    return w->sum[SPENT_REQUESTS];
}

static void a_minute_and_no_more(void **state)
{
    (void)state;
    for (unsigned guard = 0; guard <= WINDOW_GUARD_MAX; guard++) {
        for (uint64_t at = T0; at < T0 + 1000; at += 37) {
            struct window w = {0};
            uint64_t until = at + 60000 + guard * WINDOW_SLOT_MS;

            window_set_guard(&w, guard);
            window_add(&w, at, SPENT_REQUESTS, 1);
            assert_int_equal(requests_at(&w, until - 1), 1);
            assert_int_equal(requests_at(&w, until + WINDOW_SLOT_MS), 0);
        }
    }
}

/* Against the plainest way to count. */
static void as_if_every_request_was_kept(void **state)
{
    enum { N = 3000 };
    static uint64_t at[N];
    struct window w = {0};
    uint64_t now = T0;
    uint64_t random = 1;

    (void)state;
    for (size_t n = 0; n < N; n++) {
        uint64_t sure = 0;
        uint64_t most = 0;

        random = random * 6364136223846793005U + 1442695040888963407U;
        now += (random >> 33) % (n % 500 == 499 ? 100000 : 1200);
        at[n] = now;
        window_add(&w, now, SPENT_REQUESTS, 1);
        for (size_t i = 0; i <= n; i++) {
            sure += at[i] + 60000 > now;
            most += at[i] + 60000 + WINDOW_SLOT_MS > now;
        }
        assert_in_range(requests_at(&w, now), sure, most);
    }
}

static void taken_back(void **state)
{
    struct window w = {0};

    (void)state;
    window_add(&w, T0, SPENT_TOKENS, 1000);
    window_add(&w, T0 + 30000, SPENT_TOKENS, 500);
    window_sub(&w, T0, SPENT_TOKENS, 1000);
    assert_int_equal(w.sum[SPENT_TOKENS], 500);
    window_sub(&w, T0, SPENT_TOKENS, 1); /* nothing is left there */
    assert_int_equal(w.sum[SPENT_TOKENS], 500);
    window_sub(&w, T0 - 90000, SPENT_TOKENS, 500); /* long over */
    assert_int_equal(w.sum[SPENT_TOKENS], 500);
    window_add(&w, T0 + 200000, SPENT_TOKENS, 7);
    window_add(&w, T0, SPENT_TOKENS, 7); /* long over as well */
    assert_int_equal(w.sum[SPENT_TOKENS], 7);
}

static void a_cell_does_not_run_over(void **state)
{
    struct window w = {0};

    (void)state;
    window_add(&w, T0, SPENT_TOKENS, UINT32_MAX);
    window_add(&w, T0, SPENT_TOKENS, UINT32_MAX);
    assert_int_equal(w.sum[SPENT_TOKENS], UINT32_MAX);
    window_sub(&w, T0, SPENT_TOKENS, UINT32_MAX);
    assert_int_equal(w.sum[SPENT_TOKENS], 0);
}

static void fits_when_it_says(void **state)
{
    struct window w = {0};

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        window_add(&w, T0 + i * 1000, SPENT_REQUESTS, 1);
    for (uint64_t need = 1; need <= 10; need++) {
        struct window later = w;
        uint64_t at = window_fits_at(&w, SPENT_REQUESTS, need, 10);

        window_roll(&later, at - 1);
        assert_true(later.sum[SPENT_REQUESTS] + need > 10);
        window_roll(&later, at);
        assert_true(later.sum[SPENT_REQUESTS] + need <= 10);
    }
    assert_int_equal(window_fits_at(&w, SPENT_REQUESTS, 1, 11), 0);
    assert_int_equal(window_fits_at(&w, SPENT_TOKENS, 5, 5), 0);
    /* More than the limit: into an empty window. */
    window_roll(&w, window_fits_at(&w, SPENT_REQUESTS, 20, 10));
    assert_int_equal(w.sum[SPENT_REQUESTS], 0);
}

static void folded(void **state)
{
    struct window a = {0};
    struct window b = {0};

    (void)state;
    window_set_guard(&a, 3);
    window_add(&a, T0, SPENT_REQUESTS, 2);
    window_add(&a, T0 + 20000, SPENT_REQUESTS, 3);
    window_add(&b, T0 + 40000, SPENT_REQUESTS, 5);
    window_fold(&b, &a);
    assert_int_equal(b.guard, 3);
    assert_int_equal(requests_at(&b, T0 + 40000), 10);
    assert_int_equal(requests_at(&b, T0 + 62500), 8);
    assert_int_equal(requests_at(&b, T0 + 90000), 5);
}

/* A guard that grows finds what has just stopped counting. */
static void guard_grows(void **state)
{
    struct window w = {0};

    (void)state;
    window_add(&w, T0, SPENT_REQUESTS, 1);
    assert_int_equal(requests_at(&w, T0 + 61000), 0);
    window_set_guard(&w, 2);
    assert_int_equal(w.sum[SPENT_REQUESTS], 1);
    window_set_guard(&w, 0);
    assert_int_equal(w.sum[SPENT_REQUESTS], 0);
    window_set_guard(&w, 1000);
    assert_int_equal(w.guard, WINDOW_GUARD_MAX);
}

/* Each loop has its own idea of "now": a step back changes nothing. */
static void time_goes_back_a_little(void **state)
{
    struct window w = {0};

    (void)state;
    window_add(&w, T0 + 3000, SPENT_REQUESTS, 1);
    window_add(&w, T0, SPENT_REQUESTS, 1);
    assert_int_equal(w.sum[SPENT_REQUESTS], 2);
    assert_int_equal(requests_at(&w, T0), 2);
    assert_int_equal(requests_at(&w, T0 + 61000), 1);
}

/* In the first minute after the machine started. */
static void near_zero(void **state)
{
    struct window w = {0};

    (void)state;
    window_add(&w, 0, SPENT_REQUESTS, 1);
    window_add(&w, 700, SPENT_REQUESTS, 1);
    assert_int_equal(requests_at(&w, 59000), 2);
    assert_true(window_fits_at(&w, SPENT_REQUESTS, 1, 2) >= 60000);
    assert_int_equal(requests_at(&w, 60500), 1);
    assert_int_equal(requests_at(&w, 61500), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_and_no_more),
        cmocka_unit_test(as_if_every_request_was_kept),
        cmocka_unit_test(taken_back),
        cmocka_unit_test(a_cell_does_not_run_over),
        cmocka_unit_test(fits_when_it_says),
        cmocka_unit_test(folded),
        cmocka_unit_test(guard_grows),
        cmocka_unit_test(time_goes_back_a_little),
        cmocka_unit_test(near_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
