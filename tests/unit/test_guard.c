/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_guard.c - LIM-1, LIM-15, LIM-16: what one stranger may have, to the last one allowed and one
 * more; and the digest that tells credentials apart (AUT-3). */
#include "guard/failures.h"
#include "guard/guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint64_t HOME = (uint64_t)1 << 32 | 0xc0000201,
                      NEXT_DOOR = (uint64_t)1 << 32 | 0xc0000202;

static void lim_1_connections(void **state)
{
    struct guard *g = guard_new(&(struct guard_limits){.connections = 5, .per_address = 3});
    struct guard_ticket *t[5];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_non_null(t[i] = guard_enter(g, HOME));
    assert_null(guard_enter(g, HOME)); /* the limit plus one */
    assert_non_null(t[3] = guard_enter(g, NEXT_DOOR));
    assert_non_null(t[4] = guard_enter(g, 0)); /* loopback: counted in all alone */
    assert_null(guard_enter(g, 0));
    assert_null(guard_enter(g, NEXT_DOOR));
    assert_int_equal(guard_stats(g).per_address, 1);
    assert_int_equal(guard_stats(g).connections, 2);
    guard_leave(g, t[0]);
    assert_non_null(t[0] = guard_enter(g, HOME));
    for (size_t i = 0; i < 5; i++)
        guard_leave(g, t[i]);
    guard_free(g);
}

static void lim_1_addresses_without_end(void **state)
{
    enum { MANY = 5000 };
    static struct guard_ticket *t[MANY];
    struct guard *g = guard_new(&(struct guard_limits){.connections = MANY, .per_address = 1});

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        t[i] = guard_enter(g, (i + 1) << 32);
        assert_non_null(t[i]);
    }
    assert_null(guard_enter(g, 1));
    for (size_t i = 0; i < MANY; i++)
        guard_leave(g, t[i]);
    assert_non_null(t[0] = guard_enter(g, (uint64_t)1 << 32)); /* nothing of them is remembered */
    guard_leave(g, t[0]);
    guard_free(g);
}

static void lim_16_seats(void **state)
{
    struct guard *g = guard_new(&(struct guard_limits){.connections = 1});
    struct sha256 a = sha256_of(S("token-a")), b = sha256_of(S("token-b"));
    struct guard_seat *first, *second, *other;

    (void)state;
    assert_non_null(first = guard_sit(g, &a, 2));
    assert_non_null(second = guard_sit(g, &a, 2));
    assert_null(guard_sit(g, &a, 2));
    assert_non_null(other = guard_sit(g, &b, 1)); /* somebody else is not concerned */
    guard_rise(g, first);
    assert_null(guard_sit(g, &a, 1)); /* a reload has lowered it */
    assert_non_null(first = guard_sit(g, &a, 2));
    guard_rise(g, first);
    guard_rise(g, second);
    guard_rise(g, other);
    assert_int_equal(guard_stats(g).per_token, 2);
    guard_free(g);
}

/* 0 is no limit, everywhere but for the connections in all. */
static void limits_that_are_off(void **state)
{
    struct guard *g = guard_new(&(struct guard_limits){.connections = 1000});
    struct sha256 who = sha256_of(S("token-a"));

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        struct guard_seat *seat = guard_sit(g, &who, 0);
        struct guard_ticket *ticket = guard_enter(g, HOME);

        assert_non_null(seat);
        assert_non_null(ticket);
        assert_int_equal(guard_failed(g, HOME, 1000), 0);
        guard_rise(g, seat);
        guard_leave(g, ticket);
    }
    guard_free(g);
}

static void lim_15_failures(void **state)
{
    enum { BURST = 20 };
    struct guard *g = guard_new(&(struct guard_limits){.failures = BURST});
    uint64_t now = 5000;

    (void)state;
    for (size_t i = 0; i < BURST; i++)
        assert_int_equal(guard_failed(g, HOME, now), 0);
    assert_int_equal(guard_failed(g, HOME, now), 3);
    assert_int_equal(guard_failed(g, HOME, now + 1), 3); /* asking does not make it longer */
    assert_int_equal(guard_failed(g, HOME, now + 2500), 1);
    assert_int_equal(guard_failed(g, NEXT_DOOR, now), 0);
    assert_int_equal(guard_failed(g, HOME, now + 3000), 0);
    assert_int_equal(guard_failed(g, HOME, now + 3000), 3);
    now += 3600000; /* refilled, and not beyond the burst */
    for (size_t i = 0; i < BURST; i++)
        assert_int_equal(guard_failed(g, HOME, now), 0);
    assert_int_equal(guard_failed(g, HOME, now), 3);
    assert_int_equal(guard_stats(g).failures, 5);
    guard_free(g);
}

/* However many addresses come, the table stays; who failed most is not the one that is forgotten.
 */
static void lim_15_table_is_capped(void **state)
{
    struct failures f;

    (void)state;
    failures_init(&f);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(failures_note(&f, HOME, 20, 1000), 0);
    for (uint64_t i = 1; i <= (uint64_t)FAILURES_MAX * 10; i++)
        assert_int_equal(failures_note(&f, i << 33, 20, 1000), 0);
    assert_int_equal(failures_note(&f, HOME, 20, 1000), 3);
    failures_fini(&f);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *worker(void *guard)
{
    struct guard *g = guard;
    struct sha256 who = sha256_of(S("token-a"));

    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct guard_ticket *t = guard_enter(g, HOME + i % 7);
        struct guard_seat *s = guard_sit(g, &who, 2);

        if (guard_failed(g, i % 100 + 1, i) > 60)
            return guard;
        if (t != NULL)
            guard_leave(g, t);
        if (s != NULL)
            guard_rise(g, s);
    }
    return NULL;
}

/* Workers share it; guard_free asserts that everything came back. */
static void from_several_threads(void **state)
{
    struct guard *g =
        guard_new(&(struct guard_limits){.connections = 3, .per_address = 2, .failures = 20});
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, g), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    guard_free(g);
}

/* AUT-3. FIPS 180-4's examples, and the lengths around the end of a block. */
static void aut_3_digest(void **state)
{
    static const struct {
        const char *in, *hex;
    } rows[] = {
        {"",                                                         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc",                                                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"                                                            },
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnop"
         "qrsmnopqrstnopqrstu",                             "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char many[200];
    struct sha256 seen[sizeof many];

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct sha256 d = sha256_of(str_z(rows[i].in));
        char hex[65];

        for (size_t j = 0; j < sizeof d.b; j++)
            snprintf(hex + 2 * j, 3, "%02x", d.b[j]);
        assert_string_equal(hex, rows[i].hex);
    }
    memset(many, 'a', sizeof many);
    for (size_t n = 0; n < sizeof many; n++) {
        seen[n] = sha256_of(str_of(many, n));
        for (size_t i = 0; i < n; i++)
            assert_false(sha256_eq(&seen[i], &seen[n]));
    }
}

/* Whatever was asked before, of whatever length, the digest is that of these bytes. */
static void aut_3_digest_again(void **state)
{
    static const size_t LENGTHS[] = {0, 1, 2, 7, 8, 63, 64, 65, 127, 128, 129, 200};
    struct sha256_memo memo = {0};
    char many[200];

    (void)state;
    for (size_t i = 0; i < NELEM(LENGTHS); i++)
        for (size_t j = 0; j < NELEM(LENGTHS); j++)
            for (char last = 'a'; last < 'd'; last++) {
                struct str a = str_of(many, LENGTHS[i]), b = str_of(many, LENGTHS[j]);
                struct sha256 want, got;

                memset(many, last < 'c' ? 'a' : 0, sizeof many);
                got = sha256_again(&memo, a);
                want = sha256_of(a);
                assert_true(sha256_eq(&got, &want));
                if (b.n > 0)
                    many[b.n - 1] = last;
                want = sha256_of(b);
                for (int k = 0; k < 2; k++) {
                    got = sha256_again(&memo, b);
                    assert_true(sha256_eq(&got, &want));
                }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lim_1_connections),    cmocka_unit_test(lim_1_addresses_without_end),
        cmocka_unit_test(lim_16_seats),         cmocka_unit_test(limits_that_are_off),
        cmocka_unit_test(lim_15_failures),      cmocka_unit_test(lim_15_table_is_capped),
        cmocka_unit_test(from_several_threads), cmocka_unit_test(aut_3_digest),
        cmocka_unit_test(aut_3_digest_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
