/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_limits.c - limits that were learned are kept, and what is not certain is asked once. */
#include "keys_play.h"

#include "keys/model.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* n requests, one after the other, 300 ms apart. */
static void serve(struct play *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct key_lease lease = play_pick(p);

        assert_non_null(lease.key);
        play_served(p, &lease, 0);
        play_pass(p, 300);
    }
}

/* How many are taken within the time, if one is offered every 300 ms. */
static unsigned taken_within(struct play *p, uint64_t ms)
{
    unsigned n = 0;

    for (uint64_t t = 0; t < ms; t += 300) {
        struct key_lease lease = play_pick(p);

        n += lease.key != NULL;
        play_served(p, &lease, 0);
        play_pass(p, 300);
    }
    return n;
}

static void refuse(struct play *p, const char *id, uint64_t value, uint64_t retry_ms)
{
    struct key_lease lease = play_pick(p);

    assert_non_null(lease.key);
    play_limited(p, &lease, id, value, retry_ms);
}

static void shut_for(struct play *p, enum key_why why, uint64_t wait_ms)
{
    assert_null(play_pick(p).key);
    assert_int_equal(p->verdict, KEY_COOLING);
    assert_int_equal(p->wait.lines[0].why, why);
    assert_int_equal(p->wait.wait_ms, wait_ms);
}

static void unlimited_until_it_is_learned(void **state)
{
    struct play p = play_new(1);

    (void)state;
    serve(&p, 500);
    keys_free(p.k);
}

static void requests_a_minute(void **state)
{
    struct play p = play_new(1);

    (void)state;
    serve(&p, 10);
    refuse(&p, RPM_ID, 10, 20500);
    shut_for(&p, KEY_OVER_RPM, 20500);
    play_pass(&p, 61000);
    for (int minute = 0; minute < 10; minute++) {
        assert_int_equal(taken_within(&p, 59000), 10);
        play_pass(&p, 2500);
    }
    keys_free(p.k);
}

/* Upstream's minutes, once they are known: all of the limit as soon as one has begun. */
static void minutes_of_upstreams_clock(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;
    uint64_t refused_ms;

    (void)state;
    serve(&p, 10);
    refuse(&p, RPM_ID, 10, 20500);
    refused_ms = p.now.ms;
    play_pass(&p, 20500);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    assert_null(play_pick(&p).key);
    keys_accepted(p.k, &lease, p.now);
    play_pass(&p, 300);
    serve(&p, 9);
    play_served(&p, &lease, 0);
    /* Ten in this minute; the next begins sixty seconds after this one did. */
    assert_null(play_pick(&p).key);
    assert_int_equal(p.now.ms + p.wait.wait_ms, refused_ms + 20500 + 60000);
    play_pass(&p, 40000); /* late in it */
    assert_null(play_pick(&p).key);
    play_pass(&p, p.wait.wait_ms);
    assert_int_equal(taken_within(&p, 30000), 10);
    /* A refusal that names another end: any sixty seconds again. */
    play_pass(&p, 40000);
    refuse(&p, RPM_ID, 10, 5500);
    play_pass(&p, 5500);
    assert_int_equal(play_how_many(&p, FLASH, 9), 1);
    keys_free(p.k);
}

/* Never more than the limit in any sixty seconds, whenever the requests come. */
static void any_sixty_seconds(void **state)
{
    enum { LIMIT = 7, N = 4000 };
    static uint64_t at[N];
    struct play p = play_new(1);
    size_t n = 0;
    uint64_t random = 99;

    (void)state;
    refuse(&p, RPM_ID, LIMIT, 1000);
    play_pass(&p, 5000);
    for (int i = 0; i < 20000; i++) {
        struct key_lease lease;

        random = random * 6364136223846793005U + 1442695040888963407U;
        play_pass(&p, (random >> 40) % (i % 100 < 50 ? 700 : 12000));
        lease = play_pick(&p);
        if (lease.key != NULL && n < N)
            at[n++] = p.now.ms;
        play_served(&p, &lease, 0);
    }
    assert_int_equal(n, N);
    for (size_t i = LIMIT; i < n; i++)
        assert_true(at[i] - at[i - LIMIT] >= MINUTE_MS);
    keys_free(p.k);
}

static void tokens_a_minute(void **state)
{
    struct play p = play_new(1);
    struct key_want want = {.model = FLASH, .tokens = 40000};
    struct key_lease lease;

    (void)state;
    refuse(&p, TPM_ID, 100000, 1500);
    play_pass(&p, 3000);
    for (int i = 0; i < 2; i++) {
        lease = play_want(&p, want);
        play_served(&p, &lease, 40000);
    }
    assert_null(play_want(&p, want).key); /* 120,000 */
    assert_int_equal(p.wait.lines[0].why, KEY_OVER_TPM);
    want.tokens = 10000;
    lease = play_want(&p, want); /* a smaller one fits */
    assert_non_null(lease.key);
    play_served(&p, &lease, 1000); /* it was smaller still */
    lease = play_want(&p, want);
    assert_non_null(lease.key);
    play_served(&p, &lease, 10000);
    play_pass(&p, 61000);
    want.tokens = 90000;
    lease = play_want(&p, want);
    assert_non_null(lease.key);
    play_end(&p, &lease, KEY_UNSENT); /* never arrived: nothing was spent */
    lease = play_want(&p, want);
    assert_non_null(lease.key);
    play_end(&p, &lease, KEY_BLAMELESS);
    keys_free(p.k);
}

/* A prompt that is larger than the limit, by an estimate that may be wrong: into an empty minute. A
 * refusal of it is no sign for anybody else. */
static void a_prompt_above_the_limit(void **state)
{
    struct play p = play_new(1);
    struct key_want huge = {.model = FLASH, .tokens = 900000};
    struct key_lease lease;

    (void)state;
    refuse(&p, TPM_ID, 100000, 1500);
    play_pass(&p, 3000);
    lease = play_want(&p, huge);
    assert_non_null(lease.key);
    play_limited(&p, &lease, TPM_ID, 100000, 40000);
    lease = play_want(&p, (struct key_want){.model = FLASH, .tokens = 1000});
    assert_non_null(lease.key);
    play_served(&p, &lease, 1000);
    assert_null(play_want(&p, huge).key);
    keys_free(p.k);
}

static void estimates_are_corrected(void **state)
{
    static struct models models;
    struct model *m = model_at(&models, S("models/gemini-2.5-flash"));

    (void)state;
    assert_ptr_equal(model_at(&models, S("gemini-2.5-flash")), m);
    assert_int_equal(model_expect(m, 1000), 1000);
    assert_int_equal(model_expect(m, 0), 0);
    for (int i = 0; i < 60; i++)
        model_learn(m, 1000, 2000);
    assert_in_range(model_expect(m, 1000), 1950, 2200);
    assert_in_range(model_expect(m, 0), 1990, 2000);
    for (int i = 0; i < 60; i++) /* now and then twice as much: rather too many */
        model_learn(m, 1000, i % 4 ? 1000 : 2000);
    assert_in_range(model_expect(m, 1000), 1500, 2500);
    model_learn(m, 1, UINT32_MAX);
    model_learn(m, UINT32_MAX, 1);
    assert_true(model_expect(m, UINT32_MAX) > 0);
    for (unsigned i = 0; i < 1000; i++)
        model_at(&models, str_of((const char *)&i, sizeof i));
    assert_int_equal(models.n, MODELS_MAX);
}

/* A refusal for the day with a short delay is asked after once. */
static void the_day_is_doubted_once(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    refuse(&p, RPD_ID, 250, 21400);
    shut_for(&p, KEY_OVER_RPD, 21400);
    play_pass(&p, 21400);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    assert_null(play_pick(&p).key); /* one asks, the others wait */
    assert_int_equal(p.wait.lines[0].why, KEY_PROBED);
    play_limited(&p, &lease, RPD_ID, 250, 30000);
    shut_for(&p, KEY_OVER_RPD, HALF_DAY_MS - 21000);
    play_pass(&p, HALF_DAY_MS - 22000);
    assert_null(play_pick(&p).key);
    play_pass(&p, 1000);
    serve(&p, 3); /* a new day */
    keys_free(p.k);
}

static void the_doubt_was_right(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    refuse(&p, RPD_ID, 250, 21400);
    play_pass(&p, 21400);
    lease = play_pick(&p);
    keys_accepted(p.k, &lease, p.now); /* its answer may take long */
    serve(&p, 5);
    play_served(&p, &lease, 0);
    refuse(&p, RPD_ID, 250, 21400); /* doubted again */
    shut_for(&p, KEY_OVER_RPD, 21400);
    keys_free(p.k);
}

/* Requests that were under way when the first was refused are no second opinion. */
static void refused_together_is_refused_once(void **state)
{
    struct play p = play_new(1);
    struct key_lease day[3];
    struct key_lease unnamed[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        day[i] = play_pick(&p);
        unnamed[i] = play_want(&p, (struct key_want){.model = S("other")});
    }
    play_pass(&p, 100);
    for (int i = 0; i < 3; i++) {
        play_limited(&p, &day[i], RPD_ID, 250, 21400);
        play_limited(&p, &unnamed[i], NULL, 0, 0);
    }
    shut_for(&p, KEY_OVER_RPD, 21400);
    assert_null(play_want(&p, (struct key_want){.model = S("other")}).key);
    assert_int_equal(p.wait.wait_ms, 30000);
    keys_free(p.k);
}

static void a_day_that_was_counted_is_believed(void **state)
{
    struct play p = play_new(1);

    (void)state;
    serve(&p, 20);
    refuse(&p, RPD_ID, 20, 36400);
    shut_for(&p, KEY_OVER_RPD, HALF_DAY_MS - 6000);
    keys_free(p.k);
}

static void a_delay_of_hours_is_believed(void **state)
{
    struct play p = play_new(1);

    (void)state;
    refuse(&p, RPD_ID, 250, 2ULL * HOUR_MS + 500);
    shut_for(&p, KEY_OVER_RPD, HALF_DAY_MS);
    keys_free(p.k);
}

/* The limit is known: the whole of it is used, and one request asks whether it was all. */
static void the_second_day_costs_one_refusal(void **state)
{
    struct play p = play_new(1);
    unsigned served = 0;
    unsigned refused = 0;

    (void)state;
    serve(&p, 20);
    refuse(&p, RPD_ID, 20, 36400);
    play_pass(&p, HALF_DAY_MS);
    for (int i = 0; i < 500; i++) {
        struct key_lease lease = play_pick(&p);

        play_pass(&p, 300);
        if (lease.key == NULL)
            continue;
        if (served == 20) {
            refused++;
            play_limited(&p, &lease, RPD_ID, 20, 36400);
        } else {
            served++;
            play_served(&p, &lease, 0);
        }
    }
    assert_int_equal(served, 20);
    assert_int_equal(refused, 1);
    assert_int_equal(p.wait.lines[0].why, KEY_OVER_RPD);
    keys_free(p.k);
}

/* Failures that upstream did not count are found out. */
static void a_day_counted_too_high_goes_on(void **state)
{
    struct play p = play_new(1);

    (void)state;
    serve(&p, 100);
    refuse(&p, RPD_ID, 100, 36400);
    play_pass(&p, HALF_DAY_MS);
    for (int i = 0; i < 90; i++) {
        struct key_lease lease = play_pick(&p);

        assert_non_null(lease.key);
        play_end(&p, &lease, KEY_BLAMELESS); /* overloaded */
        play_pass(&p, 300);
    }
    serve(&p, 100);
    refuse(&p, RPD_ID, 100, 36400);
    assert_null(play_pick(&p).key);
    assert_true(p.wait.wait_ms > HOUR_MS);
    keys_free(p.k);
}

/* The last requests of a day go one at a time: those that upstream counted before midnight and we
 * after it, or the other way round, must not cost several refusals. */
static void the_edge_of_a_day_is_walked_slowly(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    serve(&p, 20);
    refuse(&p, RPD_ID, 20, 36400);
    play_pass(&p, HALF_DAY_MS);
    serve(&p, 17);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    assert_null(play_pick(&p).key);
    keys_accepted(p.k, &lease, p.now);
    play_pass(&p, 300);
    serve(&p, 1);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

static void days_of_23_and_25_hours(void **state)
{
    static const struct {
        int64_t wall_s;
        uint64_t hours;
    } rows[] = {
        {1772956800 + 60, 23},
        {1793516400 + 60, 25},
        {1782975600 + 60, 24},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct play p = play_new(1);

        p.now.wall_s = rows[i].wall_s;
        refuse(&p, RPD_ID, 250, 2ULL * HOUR_MS + 500);
        shut_for(&p, KEY_OVER_RPD, rows[i].hours * HOUR_MS - MINUTE_MS);
        keys_free(p.k);
    }
}

/* LIM-17: a wall clock that jumps by an hour or a year changes no state; forward past the end of a
 * day it lets one request ask, for the machine may have slept. */
static void the_wall_clock_jumps(void **state)
{
    static const int64_t jumps_s[] = {3600, -3600, 365 * 86400, -365 * 86400};

    (void)state;
    for (size_t i = 0; i < NELEM(jumps_s); i++) {
        struct play p = play_new(2);
        struct key_lease lease = play_pick_key(&p, 0, FLASH);

        play_limited(&p, &lease, RPM_ID, 10, 45500);
        lease = play_pick_key(&p, 1, FLASH);
        play_limited(&p, &lease, RPD_ID, 250, 2ULL * HOUR_MS + 500);
        p.now.wall_s += jumps_s[i];
        lease = play_pick(&p);
        if (jumps_s[i] == 365 * 86400) {
            assert_int_equal(number_of(lease.key), 1);
            play_limited(&p, &lease, RPD_ID, 250, 30000);
            lease = play_pick(&p);
        }
        assert_null(lease.key);
        assert_int_equal(p.wait.wait_ms, 45500);
        play_pass(&p, 45500);
        lease = play_pick(&p);
        assert_int_equal(number_of(lease.key), 0);
        play_served(&p, &lease, 0);
        keys_free(p.k);
    }
}

static void the_machine_slept(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    serve(&p, 20);
    refuse(&p, RPD_ID, 20, 36400);
    p.now.wall_s += 13 * 3600; /* and the monotonic clock stood still */
    lease = play_pick(&p);
    assert_non_null(lease.key);
    assert_null(play_pick(&p).key);
    play_served(&p, &lease, 0);
    play_pass(&p, 300);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

/* "Resource has been exhausted (e.g. check quota)." */
static void a_refusal_that_names_nothing(void **state)
{
    static const uint64_t waits_s[] = {30, 60, 120, 240, 480, 600, 600};
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < NELEM(waits_s); i++) {
            refuse(&p, NULL, 0, 0);
            shut_for(&p, KEY_OVER_UNNAMED, waits_s[i] * 1000);
            play_pass(&p, waits_s[i] * 1000);
        }
        lease = play_pick(&p);
        assert_non_null(lease.key);
        assert_null(play_pick(&p).key); /* one asks */
        play_served(&p, &lease, 0);
        serve(&p, 3); /* forgiven, and forgotten */
    }
    refuse(&p, NULL, 0, 5500); /* a delay that was told holds */
    shut_for(&p, KEY_OVER_UNNAMED, 5500);
    keys_free(p.k);
}

static void a_model_without_quota(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    refuse(&p, RPD_ID, 0, 59500);
    shut_for(&p, KEY_NO_QUOTA, HOUR_MS);
    lease = play_want(&p, (struct key_want){.model = S("other")});
    assert_non_null(lease.key);
    play_served(&p, &lease, 0);
    play_pass(&p, HOUR_MS);
    refuse(&p, RPD_ID, 0, 59500);
    shut_for(&p, KEY_NO_QUOTA, HOUR_MS);
    keys_free(p.k);
}

/* Searches have a quota of their own, and a 429 for it names nothing: who does not search is not
 * kept waiting. */
static void extras_are_metered_apart(void **state)
{
    struct play p = play_new(1);
    struct key_want search = {.model = FLASH, .extra = true};
    struct key_lease lease = play_want(&p, search);

    (void)state;
    play_limited(&p, &lease, NULL, 0, 0);
    assert_null(play_want(&p, search).key);
    serve(&p, 3);
    assert_null(play_want(&p, search).key);
    play_pass(&p, 30000);
    lease = play_want(&p, search);
    play_limited(&p, &lease, RPM_ID, 10, 20500); /* but this is everybody's */
    assert_null(play_pick(&p).key);
    keys_free(p.k);
}

/* A limit that was raised is found out within a day or so. */
static void a_limit_does_not_hold_for_ever(void **state)
{
    struct play p = play_new(1);
    struct key_lease lease;

    (void)state;
    refuse(&p, RPM_ID, 5, 1500);
    play_pass(&p, 3000);
    assert_int_equal(taken_within(&p, 30000), 5);
    play_pass(&p, 25ULL * HOUR_MS);
    serve(&p, 5);
    lease = play_pick(&p);
    assert_non_null(lease.key);
    assert_null(play_pick(&p).key);
    play_served(&p, &lease, 0);
    serve(&p, 50);
    keys_free(p.k);
}

static void a_limit_is_told_anew(void **state)
{
    struct play p = play_new(1);

    (void)state;
    refuse(&p, RPM_ID, 5, 1500);
    play_pass(&p, 3000);
    serve(&p, 3);
    refuse(&p, RPM_ID, 20, 1500);
    play_pass(&p, 3000);
    assert_in_range(taken_within(&p, 30000), 16, 17);
    keys_free(p.k);
}

static void limited_as(struct play *p, struct key_lease *lease, const char *model, uint64_t limit)
{
    struct key_outcome o = {.result = KEY_LIMITED, .now = p->now};

    o.failure.message = S("");
    o.failure.retry_ms = 1500;
    o.failure.nv = 1;
    o.failure.v[0] = (struct key_violation){S(RPM_ID), str_z(model), true, limit};
    keys_done(p->k, lease, &o);
}

/* "gemini-flash-latest" spends the quota of "gemini-2.5-flash". */
static void two_names_for_one_quota(void **state)
{
    struct play p = play_new(1);
    struct key_want latest = {.model = S("gemini-flash-latest")};
    struct key_lease lease;
    struct lane_status lanes[4];

    (void)state;
    serve(&p, 4);
    for (int i = 0; i < 3; i++) {
        lease = play_want(&p, latest);
        play_served(&p, &lease, 0);
    }
    lease = play_want(&p, latest);
    limited_as(&p, &lease, "gemini-2.5-flash", 8);
    assert_int_equal(keys_lanes(p.k, p.now, lanes, 4), 1);
    assert_string_equal(lanes[0].model, "gemini-2.5-flash");
    assert_int_equal(lanes[0].quota[QUOTA_RPM].spent, 7);
    play_pass(&p, 3000);
    lease = play_want(&p, latest);
    assert_non_null(lease.key);
    play_served(&p, &lease, 0);
    play_pass(&p, 300);
    assert_null(play_pick(&p).key); /* eight of both together */
    assert_null(play_want(&p, latest).key);

    /* One day "latest" is another model. */
    play_pass(&p, 61000);
    lease = play_want(&p, latest);
    limited_as(&p, &lease, "gemini-3-flash", 50);
    assert_int_equal(keys_lanes(p.k, p.now, lanes, 4), 2);
    serve(&p, 8);
    assert_null(play_pick(&p).key);
    lease = play_want(&p, latest);
    assert_non_null(lease.key);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlimited_until_it_is_learned),
        cmocka_unit_test(requests_a_minute),
        cmocka_unit_test(minutes_of_upstreams_clock),
        cmocka_unit_test(any_sixty_seconds),
        cmocka_unit_test(tokens_a_minute),
        cmocka_unit_test(a_prompt_above_the_limit),
        cmocka_unit_test(estimates_are_corrected),
        cmocka_unit_test(the_day_is_doubted_once),
        cmocka_unit_test(the_doubt_was_right),
        cmocka_unit_test(refused_together_is_refused_once),
        cmocka_unit_test(a_day_that_was_counted_is_believed),
        cmocka_unit_test(a_delay_of_hours_is_believed),
        cmocka_unit_test(the_second_day_costs_one_refusal),
        cmocka_unit_test(a_day_counted_too_high_goes_on),
        cmocka_unit_test(the_edge_of_a_day_is_walked_slowly),
        cmocka_unit_test(days_of_23_and_25_hours),
        cmocka_unit_test(the_wall_clock_jumps),
        cmocka_unit_test(the_machine_slept),
        cmocka_unit_test(a_refusal_that_names_nothing),
        cmocka_unit_test(a_model_without_quota),
        cmocka_unit_test(extras_are_metered_apart),
        cmocka_unit_test(a_limit_does_not_hold_for_ever),
        cmocka_unit_test(a_limit_is_told_anew),
        cmocka_unit_test(two_names_for_one_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
