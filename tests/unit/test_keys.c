/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys.c - the set: taking and giving back, reload, keys that are out, what is told. */
#include "keys_play.h"

#include <pthread.h>

static void no_keys(void **state)
{
    struct play p = play_new(0);
    struct key_lease lease = play_pick(&p);

    (void)state;
    assert_null(lease.key);
    assert_int_equal(p.verdict, KEY_ABSENT);
    assert_int_equal(p.wait.keys, 0);
    assert_int_equal(p.wait.n, 0);
    play_served(&p, &lease, 1); /* an empty lease is harmless */
    keys_accepted(p.k, &lease, p.now);
    keys_free(p.k);
    keys_free(NULL);
}

static void doubles_and_empty_ones_are_dropped(void **state)
{
    static const struct str values[] = {S_INIT("key-one-0001"), S_INIT("key-two-0002"), S_INIT(""),
                                        S_INIT("key-two-0002"), S_INIT("key-three-03")};
    struct keys *k = keys_new();

    (void)state;
    keys_set(k, values, NELEM(values));
    assert_int_equal(keys_count(k), 3);
    keys_free(k);
}

/* As many as there may be, each twice; then other ones, with a third of the first among them. */
static void thousands_of_keys(void **state)
{
    enum { MANY = 4096 };
    static char text[2 * MANY][16];
    static struct str values[2 * MANY];
    struct keys *k = keys_new();

    (void)state;
    for (size_t i = 0; i < (size_t)2 * MANY; i++) {
        snprintf(text[i], sizeof text[i], "key-%zu", i / 2);
        values[i] = str_z(text[i]);
    }
    keys_set(k, values, NELEM(values));
    assert_int_equal(keys_count(k), MANY);
    for (size_t i = 0; i < (size_t)2 * MANY; i++)
        snprintf(text[i], sizeof text[i], "key-%04zu", i % MANY * 3 / 2);
    for (size_t i = 0; i < (size_t)2 * MANY; i++)
        values[i] = str_z(text[i]);
    keys_set(k, values, NELEM(values));
    assert_int_equal(keys_count(k), MANY);
    keys_set(k, values, 0);
    assert_int_equal(keys_count(k), 0);
    keys_free(k);
}

static void least_loaded_first(void **state)
{
    struct play p = play_new(3);
    struct key_lease got[6];
    unsigned seen[3] = {0};

    (void)state;
    for (int i = 0; i < 6; i++) {
        got[i] = play_pick(&p);
        seen[number_of(got[i].key)]++;
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i], 2);
    play_served(&p, &got[1], 0);
    play_served(&p, &got[4], 0);
    got[1] = play_pick(&p);
    got[4] = play_pick(&p);
    assert_ptr_equal(got[1].key, got[4].key);
    for (int i = 0; i < 6; i++)
        play_end(&p, &got[i], KEY_BLAMELESS);
    keys_free(p.k);
}

static void tried_keys_come_last(void **state)
{
    struct play p = play_new(3);
    struct key_want want = {.model = FLASH};
    struct key_lease lease;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        lease = play_want(&p, want);
        for (size_t j = 0; j < want.ntried; j++)
            assert_ptr_not_equal(want.tried[j], lease.key);
        want.tried[want.ntried++] = lease.key;
        play_end(&p, &lease, KEY_BLAMELESS);
    }
    lease = play_want(&p, want); /* better than none */
    assert_non_null(lease.key);
    play_end(&p, &lease, KEY_BLAMELESS);
    keys_free(p.k);
}

/* Overload, network faults, refused places, cancelled requests. */
static void blameless_is_not_held_against_a_key(void **state)
{
    struct play p = play_new(1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct key_lease lease = play_pick(&p);

        assert_non_null(lease.key);
        play_end(&p, &lease, i % 2 ? KEY_BLAMELESS : KEY_UNSENT);
    }
    keys_free(p.k);
}

/* SEC-6. */
static void refused_is_out_for_every_model_and_tried_rarely(void **state)
{
    static const struct {
        enum key_result result;
        enum key_why why;
    } rows[] = {
        {KEY_REFUSED_CREDIT,    KEY_NO_CREDIT},
        {KEY_REFUSED_INVALID,   KEY_INVALID  },
        {KEY_REFUSED_FORBIDDEN, KEY_FORBIDDEN},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct play p = play_new(1);
        struct key_lease lease = play_pick(&p);
        unsigned tries = 0;

        play_end(&p, &lease, rows[i].result);
        assert_true(key_is_refused(rows[i].result));
        assert_null(play_want(&p, (struct key_want){.model = S("other")}).key);
        assert_int_equal(p.verdict, KEY_ABSENT);
        assert_int_equal(p.wait.n, 1);
        assert_int_equal(p.wait.lines[0].why, rows[i].why);
        for (int minute = 0; minute < 3 * 24 * 60; minute++) {
            play_pass(&p, 60 * 1000);
            lease = play_pick(&p);
            if (lease.key == NULL)
                continue;
            assert_null(play_pick(&p).key); /* one request asks, no more */
            play_end(&p, &lease, rows[i].result);
            tries++;
        }
        assert_in_range(tries, 3, 8);
        keys_free(p.k);
    }
}

/* SEC-6: one that was reported as leaked will never do again. */
static void leaked_is_out_until_a_reload(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease = play_pick_key(&p, 0, FLASH);
    struct key_status status[2];

    (void)state;
    play_end(&p, &lease, KEY_REFUSED_LEAKED);
    for (int day = 0; day < 1000; day++) {
        play_pass(&p, 24ULL * 3600 * 1000);
        lease = play_pick(&p);
        assert_int_equal(number_of(lease.key), 1);
        play_served(&p, &lease, 0);
    }
    assert_int_equal(keys_status(p.k, p.now, status, 2), 2);
    assert_int_equal(status[0].why, KEY_LEAKED);
    assert_true(status[0].back_ms == KEY_NEVER);
    assert_int_equal(keys_put_out(p.k, KEY_LEAKED), 1);
    play_set(&p, 0, 1);
    lease = play_pick(&p);
    assert_int_equal(number_of(lease.key), 0);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

/* SEC-6, the alarm counter: a key counts when it goes out, not each time that it is tried again. */
static void those_put_out_are_counted(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease[3];

    (void)state;
    for (size_t i = 0; i < NELEM(lease); i++)
        lease[i] = play_pick(&p);
    play_end(&p, &lease[0], KEY_REFUSED_FORBIDDEN);
    play_end(&p, &lease[1], KEY_REFUSED_FORBIDDEN);
    play_pass(&p, 3600 * 1000);
    lease[1] = play_pick(&p);
    play_end(&p, &lease[1], KEY_REFUSED_FORBIDDEN);
    assert_int_equal(keys_put_out(p.k, KEY_FORBIDDEN), 1);
    play_set(&p, 0, 1);
    lease[1] = play_pick(&p);
    play_end(&p, &lease[1], KEY_REFUSED_INVALID);
    assert_int_equal(keys_put_out(p.k, KEY_INVALID), 1);
    play_end(&p, &lease[2], KEY_REFUSED_LEAKED); /* the graver word holds */
    assert_int_equal(keys_put_out(p.k, KEY_LEAKED), 1);
    play_pass(&p, 48ULL * 3600 * 1000);
    assert_null(play_pick(&p).key);
    assert_int_equal(keys_put_out(p.k, KEY_FORBIDDEN), 1);
    assert_int_equal(keys_put_out(p.k, KEY_NO_CREDIT), 0);
    keys_free(p.k);
}

static void refused_comes_back_when_it_is_served(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease = play_pick_key(&p, 0, FLASH);

    (void)state;
    play_end(&p, &lease, KEY_REFUSED_FORBIDDEN);
    play_pass(&p, 3600 * 1000);
    lease = play_pick(&p); /* due: it is tried although another is well */
    assert_int_equal(number_of(lease.key), 0);
    keys_accepted(p.k, &lease, p.now);
    assert_int_equal(play_how_many(&p, FLASH, 4), 4);
    play_served(&p, &lease, 0);
    lease = play_pick_key(&p, 0, FLASH);
    assert_int_equal(number_of(lease.key), 0);
    play_end(&p, &lease, KEY_BLAMELESS);
    keys_free(p.k);
}

/* Requests under way when the key was refused are refused as well: that is one refusal. */
static void one_refusal_counts_once(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease[5];
    struct key_status s;

    (void)state;
    for (int i = 0; i < 5; i++)
        lease[i] = play_pick(&p);
    for (int i = 0; i < 5; i++)
        play_end(&p, &lease[i], KEY_REFUSED_INVALID);
    assert_int_equal(keys_status(p.k, p.now, &s, 1), 1);
    assert_int_equal(s.why, KEY_INVALID);
    assert_in_range(s.back_ms, 1, 10 * 60 * 1000);
    assert_int_equal(s.refused, 5);
    keys_free(p.k);
}

static void reload_keeps_what_is_known(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease = play_pick_key(&p, 1, FLASH);
    struct key_lease out;

    (void)state;
    play_limited(&p, &lease, RPM_ID, 10, 60000);
    out = play_pick_key(&p, 0, S("other"));
    play_set(&p, 1, 2); /* 0 goes, 1 stays, 2 comes */
    assert_int_equal(keys_count(p.k), 2);
    assert_int_equal(number_of(out.key), 0); /* it lives as long as it is held */
    play_served(&p, &out, 10);
    for (int i = 0; i < 4; i++) {
        lease = play_pick(&p);
        assert_int_equal(number_of(lease.key), 2);
        play_served(&p, &lease, 0);
    }
    keys_free(p.k);
}

/* SEC-6: the operator may have mended it. */
static void reload_gives_refused_keys_a_chance(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease = play_pick(&p);

    (void)state;
    play_end(&p, &lease, KEY_REFUSED_INVALID);
    assert_null(play_pick(&p).key);
    play_set(&p, 0, 1);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    play_end(&p, &lease, KEY_BLAMELESS);
    keys_free(p.k);
}

/* A list of models costs nothing of any model's quota. */
static void without_a_model_no_quota_matters(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease = play_pick(&p);

    (void)state;
    play_limited(&p, &lease, RPM_ID, 10, 60000);
    assert_null(play_pick(&p).key);
    lease = play_want(&p, (struct key_want){.model = S("")});
    assert_non_null(lease.key);
    play_limited(&p, &lease, RPM_ID, 10, 60000); /* no lane: nothing to shut */
    keys_free(p.k);
}

/* SEC-1. */
static void status_tells_no_secret(void **state)
{
    struct play p = play_new(3);
    struct key_status s[3];
    struct lane_status lanes[8];
    struct key_lease lease = play_pick_key(&p, 0, FLASH);
    struct key_lease held = play_pick_key(&p, 1, FLASH);

    (void)state;
    keys_done(p.k, &lease,
              &(struct key_outcome){.result = KEY_SERVED,
                                    .now = p.now,
                                    .tokens_in = 800,
                                    .tokens_out = 50,
                                    .tokens_cached = 700});
    lease = play_pick_key(&p, 0, FLASH);
    play_limited(&p, &lease, RPM_ID, 10, 20000);
    lease = play_pick_key(&p, 2, FLASH);
    play_end(&p, &lease, KEY_REFUSED_CREDIT);

    assert_int_equal(keys_status(p.k, p.now, NULL, 0), 3);
    assert_int_equal(keys_status(p.k, p.now, s, 3), 3);
    assert_string_equal(s[0].name.z, "e5c273d9"); /* of "play-key-number-000" */
    assert_int_equal(s[0].why, KEY_WELL);
    assert_int_equal(s[0].served, 1);
    assert_int_equal(s[0].limited, 1);
    assert_int_equal(s[0].tokens_in, 800);
    assert_int_equal(s[0].tokens_out, 50);
    assert_int_equal(s[0].tokens_cached, 700);
    assert_int_equal(s[1].in_flight, 1);
    assert_int_equal(s[2].why, KEY_NO_CREDIT);
    assert_true(s[2].back_ms > 0);
    assert_true(s[0].project != s[1].project);

    assert_int_equal(keys_lanes(p.k, p.now, NULL, 0), 3);
    assert_int_equal(keys_lanes(p.k, p.now, lanes, 8), 3);
    assert_string_equal(lanes[0].model, "gemini-2.5-flash");
    assert_int_equal(lanes[0].project, s[0].project);
    assert_int_equal(lanes[0].why, KEY_OVER_RPM);
    assert_int_equal(lanes[0].back_ms, 21000);
    assert_int_equal(lanes[0].quota[QUOTA_RPM].limit, 10);
    assert_int_equal(lanes[0].quota[QUOTA_RPD].spent, 1);
    assert_int_equal(lanes[0].quota[QUOTA_TPM].spent, 800);
    assert_int_equal(lanes[1].in_flight, 1);
    play_end(&p, &held, KEY_BLAMELESS);
    keys_free(p.k);
}

/* What the client is told who cannot be served. */
static void the_wait_is_explained(void **state)
{
    struct play p = play_new(6);
    struct key_lease lease;
    struct buf text;

    (void)state;
    buf_init(&text, 1024);
    for (unsigned i = 0; i < 2; i++) {
        lease = play_pick_key(&p, i, FLASH);
        play_limited(&p, &lease, RPM_ID, 10, 20500 + i * 1000);
    }
    lease = play_pick_key(&p, 2, FLASH);
    play_limited(&p, &lease, RPD_ID, 250, 3 * 3600 * 1000 + 500);
    lease = play_pick_key(&p, 3, FLASH);
    play_limited(&p, &lease, TPM_ID, 250000, 150500);
    lease = play_pick_key(&p, 4, FLASH);
    play_end(&p, &lease, KEY_REFUSED_INVALID);
    lease = play_pick_key(&p, 5, FLASH);
    play_limited(&p, &lease, NULL, 0, 0);
    assert_null(play_pick(&p).key);
    assert_int_equal(p.verdict, KEY_COOLING);
    assert_int_equal(p.wait.wait_ms, 20500);
    assert_int_equal(p.wait.keys, 6);
    key_wait_say(&p.wait, &text);
    buf_putc(&text, '\0');
    assert_string_equal(text.p, "requests a minute (limit 10): 2 keys, the first back in 21 s; "
                                "requests a day (limit 250): 1 key, back in 12 h 0 min; "
                                "prompt tokens a minute (limit 250000): 1 key, back in 3 min; "
                                "key not valid: 1 key; "
                                "a limit that upstream does not name: 1 key, back in 30 s");
    buf_fini(&text);
    keys_free(p.k);
}

/* Names of models are a client's to invent: tables stay small, and what was learned stays. */
static void many_models_are_no_harm(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease = play_pick(&p);
    char name[32];

    (void)state;
    play_limited(&p, &lease, RPD_ID, 250, 2 * 3600 * 1000);
    for (unsigned i = 0; i < 6000; i++) {
        snprintf(name, sizeof name, "made-up-%u", i);
        lease = play_want(&p, (struct key_want){.model = str_z(name)});
        assert_non_null(lease.key);
        play_served(&p, &lease, 0);
    }
    assert_true(keys_lanes(p.k, p.now, NULL, 0) <= 4096);
    assert_null(play_pick(&p).key);
    keys_free(p.k);
}

static void a_thousand_keys(void **state)
{
    struct play p = play_new(1000);
    struct key_lease lease;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        lease = play_pick(&p);
        assert_non_null(lease.key);
        if (i % 3 == 0)
            play_limited(&p, &lease, RPM_ID, 10, 5000);
        else
            play_served(&p, &lease, 100);
        play_pass(&p, 20);
    }
    play_set(&p, 500, 500);
    assert_int_equal(keys_count(p.k), 500);
    keys_free(p.k);
}

static void *work(void *arg)
{
    struct play p = *(struct play *)arg; /* its own clock, the same keys */

    for (unsigned i = 0; i < 5000; i++) {
        struct key_lease lease =
            play_want(&p, (struct key_want){.model = FLASH, .affinity = i % 7, .tokens = i});

        if (lease.key == NULL) {
            play_pass(&p, 1000);
            continue;
        }
        if (i % 3 == 0)
            keys_accepted(p.k, &lease, p.now);
        if (i % 5 == 0)
            keys_pin(p.k, lease.key, &S("files/a"), 1, p.now);
        if (i % 50 == 0)
            play_limited(&p, &lease, RPM_ID, 1000, 1500);
        else
            play_end(&p, &lease, i % 11 ? KEY_SERVED : KEY_BLAMELESS);
        play_pass(&p, 10);
    }
    return NULL;
}

/* One set for all workers; it may be reloaded at any time. */
static void many_threads(void **state)
{
    struct play p = play_new(6);
    struct key_status s[8];
    pthread_t thread[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &p), 0);
    for (unsigned i = 0; i < 50; i++) {
        play_set(&p, i % 3, 6);
        assert_int_equal(keys_status(p.k, p.now, s, 8), 6);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(keys_status(p.k, p.now, s, 8), 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(s[i].in_flight, 0);
    keys_free(p.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_keys),
        cmocka_unit_test(doubles_and_empty_ones_are_dropped),
        cmocka_unit_test(thousands_of_keys),
        cmocka_unit_test(least_loaded_first),
        cmocka_unit_test(tried_keys_come_last),
        cmocka_unit_test(blameless_is_not_held_against_a_key),
        cmocka_unit_test(refused_is_out_for_every_model_and_tried_rarely),
        cmocka_unit_test(leaked_is_out_until_a_reload),
        cmocka_unit_test(those_put_out_are_counted),
        cmocka_unit_test(refused_comes_back_when_it_is_served),
        cmocka_unit_test(one_refusal_counts_once),
        cmocka_unit_test(reload_keeps_what_is_known),
        cmocka_unit_test(reload_gives_refused_keys_a_chance),
        cmocka_unit_test(without_a_model_no_quota_matters),
        cmocka_unit_test(status_tells_no_secret),
        cmocka_unit_test(the_wait_is_explained),
        cmocka_unit_test(many_models_are_no_harm),
        cmocka_unit_test(a_thousand_keys),
        cmocka_unit_test(many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
