/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_projects.c - which keys share their quotas, read from who is refused and served when.
 */
#include "keys_play.h"

enum { MINUTE_MS = 60 * 1000, KEYS = 6 };

static unsigned project_of(struct play *p, unsigned number)
{
    struct key_status s[KEYS];

    assert_true(number < keys_status(p->k, p->now, s, KEYS));
    return s[number].project;
}

static bool are_one(struct play *p, unsigned a, unsigned b)
{
    return project_of(p, a) == project_of(p, b);
}

static void serve_key(struct play *p, unsigned number, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct key_lease lease = play_pick_key(p, number, FLASH);

        assert_non_null(lease.key);
        assert_int_equal(number_of(lease.key), number);
        play_served(p, &lease, 0);
    }
}

static void refuse_key(struct play *p, unsigned number, const char *id, uint64_t limit,
                       uint64_t retry_ms)
{
    struct key_lease lease = play_pick_key(p, number, FLASH);

    assert_non_null(lease.key);
    assert_int_equal(number_of(lease.key), number);
    play_limited(p, &lease, id, limit, retry_ms);
}

/* Both spend a little, and both are refused for a limit that neither has reached. */
static void refused_together(struct play *p, unsigned a, unsigned b)
{
    refuse_key(p, a, RPM_ID, 10, 40000);
    play_pass(p, 500);
    refuse_key(p, b, RPM_ID, 10, 39500);
    play_pass(p, 2ULL * MINUTE_MS);
}

static void two_of_a_project(struct play *p)
{
    refused_together(p, 0, 1);
    assert_false(are_one(p, 0, 1)); /* once is chance */
    refused_together(p, 0, 1);
    assert_true(are_one(p, 0, 1));
}

static void always_refused_together(void **state)
{
    struct play p = play_new(3);

    (void)state;
    two_of_a_project(&p);
    assert_false(are_one(&p, 0, 2));
    /* What one spends, the other has spent: 7 and 3. */
    serve_key(&p, 0, 1);
    for (int i = 0; i < 9; i++) {
        play_pass(&p, 1000);
        serve_key(&p, i % 3 == 0, 1);
    }
    play_pass(&p, 1000);
    serve_key(&p, 2, 20);
    for (int i = 0; i < 8; i++) { /* 2 is another project, and has no limit that is known */
        struct key_lease lease = play_pick(&p);

        assert_int_equal(number_of(lease.key), 2);
        play_served(&p, &lease, 0);
    }
    keys_free(p.k);
}

static void a_refusal_of_one_shuts_the_other(void **state)
{
    struct play p = play_new(2);

    (void)state;
    two_of_a_project(&p);
    refuse_key(&p, 1, RPM_ID, 10, 30500);
    assert_null(play_pick(&p).key);
    assert_int_equal(p.wait.lines[0].keys, 2);
    assert_int_equal(p.wait.wait_ms, 30500);
    keys_free(p.k);
}

/* Each has used up its own. */
static void no_sign_when_it_is_explained(void **state)
{
    struct play p = play_new(2);

    (void)state;
    for (int i = 0; i < 5; i++) {
        serve_key(&p, 0, 10);
        serve_key(&p, 1, 10);
        refuse_key(&p, 0, RPM_ID, 10, 40000);
        refuse_key(&p, 1, RPM_ID, 10, 40000);
        play_pass(&p, 25ULL * 3600 * 1000); /* limits are forgotten meanwhile */
    }
    assert_false(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* Another limit, another model or another number: no sign. */
static void no_sign_when_it_is_not_the_same(void **state)
{
    struct play p = play_new(2);

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct key_lease lease;

        refuse_key(&p, 0, RPM_ID, 10, 40000);
        refuse_key(&p, 1, RPM_ID, 15, 40000);
        play_pass(&p, 2ULL * MINUTE_MS);
        refuse_key(&p, 0, RPM_ID, 10, 40000);
        lease = play_pick_key(&p, 1, S("other"));
        play_limited(&p, &lease, RPM_ID, 10, 40000);
        play_pass(&p, 2ULL * MINUTE_MS);
        refuse_key(&p, 0, RPM_ID, 10, 40000);
        refuse_key(&p, 1, TPM_ID, 10, 40000);
        play_pass(&p, 2ULL * MINUTE_MS);
        refuse_key(&p, 0, NULL, 0, 40000);
        refuse_key(&p, 1, NULL, 0, 40000);
        play_pass(&p, 20ULL * MINUTE_MS);
        serve_key(&p, 0, 1);
        serve_key(&p, 1, 1);
    }
    assert_false(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* After a start late in the day every key may have been used up before. */
static void no_sign_in_a_day_that_was_not_counted(void **state)
{
    struct play p = play_new(2);

    (void)state;
    for (int i = 0; i < 4; i++) {
        refuse_key(&p, 0, RPD_ID, 250, 20000);
        refuse_key(&p, 1, RPD_ID, 250, 20000);
        play_pass(&p, 30000);
        serve_key(&p, 0, 1);
        serve_key(&p, 1, 1);
    }
    assert_false(are_one(&p, 0, 1));
    /* From midnight on it is a sign. */
    play_pass(&p, HALF_DAY_MS);
    for (int i = 0; i < 2; i++) {
        refuse_key(&p, 0, RPD_ID, 250, 20000);
        refuse_key(&p, 1, RPD_ID, 250, 20000);
        play_pass(&p, 30000);
        if (i == 0) {
            serve_key(&p, 0, 1);
            serve_key(&p, 1, 1);
        }
    }
    assert_true(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* Served while the other is refused: they are two, whatever comes. */
static void seen_apart(void **state)
{
    struct play p = play_new(2);

    (void)state;
    refuse_key(&p, 0, RPM_ID, 10, 40000);
    play_pass(&p, 100);
    serve_key(&p, 1, 1);
    play_pass(&p, 2ULL * MINUTE_MS);
    for (int i = 0; i < 5; i++)
        refused_together(&p, 0, 1);
    assert_false(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* A small prompt that passes while a large one is refused for its tokens is no sign of two. */
static void a_small_prompt_is_no_sign(void **state)
{
    struct play p = play_new(2);
    struct key_want want = {.model = FLASH, .tokens = 50000};
    struct key_lease lease;

    (void)state;
    for (int i = 0; i < 2; i++) {
        lease = play_want_key(&p, 0, want);
        play_limited(&p, &lease, TPM_ID, 250000, 40000);
        serve_key(&p, 1, 1);
        lease = play_want_key(&p, 1, want);
        play_limited(&p, &lease, TPM_ID, 250000, 40000);
        play_pass(&p, 2ULL * MINUTE_MS);
        if (i == 0)
            serve_key(&p, 0, 1);
    }
    assert_true(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* What was under way is counted when it is known what became of it. */
static void judged_when_it_is_known(void **state)
{
    struct play p = play_new(2);
    struct key_lease under_way[2][6];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (unsigned key = 0; key < 2; key++)
            for (int i = 0; i < 6; i++) {
                under_way[key][i] = play_pick_key(&p, key, FLASH);
                play_pass(&p, 300);
            }
        for (unsigned key = 0; key < 2; key++) /* might be explained by the five others */
            play_limited(&p, &under_way[key][0], RPM_ID, 6, 40000);
        assert_false(are_one(&p, 0, 1));
        for (unsigned key = 0; key < 2; key++) /* it is not: three were not taken either */
            for (int i = 1; i < 6; i++) {
                if (i < 4)
                    play_limited(&p, &under_way[key][i], RPM_ID, 6, 40000);
                else
                    play_served(&p, &under_way[key][i], 0);
            }
        play_pass(&p, 26ULL * 3600 * 1000);
        if (round == 0) {
            assert_false(are_one(&p, 0, 1));
            serve_key(&p, 0, 8); /* the limit is old and gives way */
            serve_key(&p, 1, 8);
            play_pass(&p, 2ULL * MINUTE_MS);
        }
    }
    assert_true(are_one(&p, 0, 1));
    keys_free(p.k);
}

/* Three of one project, one of another that is used up as well at times. */
static void larger_projects(void **state)
{
    struct play p = play_new(4);

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (unsigned key = 0; key < 3; key++) {
            struct key_lease lease = play_pick_key(&p, key, FLASH);

            if (lease.key == NULL || number_of(lease.key) != key) {
                play_end(&p, &lease, KEY_UNSENT);
                continue;
            }
            play_limited(&p, &lease, RPM_ID, 10, 40000);
            play_pass(&p, 300);
            if (i == 0)
                serve_key(&p, 3, 1);
        }
        play_pass(&p, 2ULL * MINUTE_MS);
    }
    assert_true(are_one(&p, 0, 1));
    assert_true(are_one(&p, 0, 2));
    assert_false(are_one(&p, 0, 3));
    keys_free(p.k);
}

/* Joined by chance, as where other programs use the keys too. It is asked, once in a while, when
 * nothing else is to be had; and then they are parted for good. */
static void joined_wrongly(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease;

    (void)state;
    two_of_a_project(&p);
    play_pass(&p, 15ULL * MINUTE_MS);
    refuse_key(&p, 0, RPM_ID, 10, 40000); /* though little was spent */
    play_pass(&p, 300);
    lease = play_pick(&p);
    assert_int_equal(number_of(lease.key), 1);
    assert_null(play_pick(&p).key); /* only one asks */
    play_served(&p, &lease, 0);
    assert_false(are_one(&p, 0, 1));
    play_pass(&p, 300);
    lease = play_pick(&p); /* 0 is refused still */
    assert_int_equal(number_of(lease.key), 1);
    play_served(&p, &lease, 0);
    play_pass(&p, 2ULL * MINUTE_MS);
    for (int i = 0; i < 3; i++)
        refused_together(&p, 0, 1);
    assert_false(are_one(&p, 0, 1));
    keys_free(p.k);
}

static void joined_rightly(void **state)
{
    struct play p = play_new(2);
    unsigned asked = 0;

    (void)state;
    two_of_a_project(&p);
    for (int minute = 0; minute < 24 * 60; minute++) {
        struct key_lease lease = play_pick(&p);

        if (lease.key != NULL) {
            play_limited(&p, &lease, RPM_ID, 10, 50000);
            play_pass(&p, 300);
            lease = play_pick(&p);
            asked += lease.key != NULL;
            if (lease.key != NULL)
                play_limited(&p, &lease, RPM_ID, 10, 50000);
        }
        play_pass(&p, MINUTE_MS);
    }
    assert_true(are_one(&p, 0, 1));
    assert_in_range(asked, 2, 8); /* ever more rarely */
    keys_free(p.k);
}

/* A reload keeps what is known of the keys that stay. */
static void reload(void **state)
{
    struct play p = play_new(2);

    (void)state;
    two_of_a_project(&p);
    play_set(&p, 0, 4);
    assert_true(are_one(&p, 0, 1));
    assert_false(are_one(&p, 0, 2));
    assert_false(are_one(&p, 2, 3));
    play_set(&p, 1, 1);
    refuse_key(&p, 1, RPM_ID, 10, 30500);
    assert_null(play_pick(&p).key);
    keys_free(p.k);
}

/* Who may share a quota that was just refused comes after who surely does not, and one at a time.
 */
static void suspects_come_last(void **state)
{
    struct play p = play_new(3);
    struct key_lease first;
    struct key_lease second;
    struct key_lease third;

    (void)state;
    refuse_key(&p, 0, RPM_ID, 10, 40000);
    play_pass(&p, 100);
    serve_key(&p, 1, 1); /* apart from 0; of 2 nothing is known */
    for (int i = 0; i < 5; i++) {
        first = play_pick(&p);
        assert_int_equal(number_of(first.key), 1);
        play_served(&p, &first, 0);
    }
    refuse_key(&p, 1, RPM_ID, 10, 40000);
    first = play_pick(&p);
    assert_int_equal(number_of(first.key), 2);
    second = play_pick(&p);
    assert_null(second.key);
    assert_int_equal(p.wait.lines[p.wait.n - 1].why, KEY_PROBED);
    keys_accepted(p.k, &first, p.now);
    second = play_pick(&p);
    third = play_pick(&p);
    assert_int_equal(number_of(second.key), 2);
    assert_int_equal(number_of(third.key), 2);
    play_served(&p, &first, 0);
    play_served(&p, &second, 0);
    play_served(&p, &third, 0);
    keys_free(p.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_refused_together),
        cmocka_unit_test(a_refusal_of_one_shuts_the_other),
        cmocka_unit_test(no_sign_when_it_is_explained),
        cmocka_unit_test(no_sign_when_it_is_not_the_same),
        cmocka_unit_test(no_sign_in_a_day_that_was_not_counted),
        cmocka_unit_test(seen_apart),
        cmocka_unit_test(a_small_prompt_is_no_sign),
        cmocka_unit_test(judged_when_it_is_known),
        cmocka_unit_test(larger_projects),
        cmocka_unit_test(joined_wrongly),
        cmocka_unit_test(joined_rightly),
        cmocka_unit_test(reload),
        cmocka_unit_test(suspects_come_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
