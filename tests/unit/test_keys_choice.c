/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_choice.c - which key of those that are well: conversations keep theirs, load is shared
 * by what limits leave. */
#include "keys_play.h"

#include "keys/model.h"

static struct key_lease talk(struct play *p, uint64_t conversation)
{
    return play_want(p, (struct key_want){.model = FLASH, .affinity = conversation});
}

static unsigned key_of(struct play *p, uint64_t conversation)
{
    struct key_lease lease = talk(p, conversation);
    unsigned number = number_of(lease.key);

    play_served(p, &lease, 0);
    return number;
}

/* As an exchange makes them: a hash, whatever the text. */
static uint64_t conversation(unsigned i)
{
    return model_hash(str_of((const char *)&i, sizeof i));
}

static void a_conversation_keeps_its_key(void **state)
{
    struct play p = play_new(8);
    struct play other = play_new(8);
    unsigned share[8] = {0};

    (void)state;
    for (unsigned i = 0; i < 800; i++) {
        unsigned key = key_of(&p, conversation(i));

        share[key]++;
        assert_int_equal(key_of(&p, conversation(i)), key);
        assert_int_equal(key_of(&other, conversation(i)), key); /* in every process */
    }
    for (unsigned i = 0; i < 8; i++)
        assert_in_range(share[i], 60, 145);
    keys_free(p.k);
    keys_free(other.k);
}

/* A key that comes takes its share, and nobody else's conversations move. */
static void few_move_when_keys_change(void **state)
{
    struct play p = play_new(8);
    static unsigned before[800];
    unsigned moved = 0;

    (void)state;
    for (unsigned i = 0; i < 800; i++)
        before[i] = key_of(&p, conversation(i));
    play_set(&p, 0, 9);
    for (unsigned i = 0; i < 800; i++) {
        unsigned key = key_of(&p, conversation(i));

        assert_true(key == before[i] || key == 8);
        moved += key != before[i];
    }
    assert_in_range(moved, 50, 140);
    play_set(&p, 1, 8); /* 0 goes */
    for (unsigned i = 0; i < 800; i++) {
        unsigned key = key_of(&p, conversation(i));

        assert_true(key == before[i] || key == 8 || before[i] == 0);
    }
    keys_free(p.k);
}

/* Everybody has the same system prompt: it must not all be one key's. */
static void a_popular_prefix_is_spread(void **state)
{
    enum { AT_ONCE = 100, KEYS = 5 };
    struct play p = play_new(KEYS);
    struct key_lease lease[AT_ONCE];
    unsigned share[KEYS] = {0};

    (void)state;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        lease[i] = talk(&p, conversation(7));
        share[number_of(lease[i].key)]++;
    }
    for (unsigned i = 0; i < KEYS; i++)
        assert_in_range(share[i], 0, AT_ONCE / KEYS * 5 / 4 + 1);
    for (unsigned i = 0; i < AT_ONCE; i++)
        play_served(&p, &lease[i], 0);
    keys_free(p.k);
}

/* A few at once are no reason to leave the cache. */
static void a_little_load_does_not_move_it(void **state)
{
    struct play p = play_new(5);
    struct key_lease lease[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        lease[i] = talk(&p, conversation(7));
    for (int i = 1; i < 4; i++)
        assert_ptr_equal(lease[i].key, lease[0].key);
    for (int i = 0; i < 4; i++)
        play_served(&p, &lease[i], 0);
    keys_free(p.k);
}

static void it_comes_back_to_its_key(void **state)
{
    struct play p = play_new(4);
    unsigned home = key_of(&p, conversation(3));
    struct key_lease lease = talk(&p, conversation(3));
    unsigned away;

    (void)state;
    play_limited(&p, &lease, RPM_ID, 10, 30500);
    away = key_of(&p, conversation(3));
    assert_true(away != home);
    assert_int_equal(key_of(&p, conversation(3)), away);
    play_pass(&p, 62000);
    assert_int_equal(key_of(&p, conversation(3)), home);
    keys_free(p.k);
}

static void a_file_outweighs_the_conversation(void **state)
{
    struct play p = play_new(8);
    unsigned home = key_of(&p, conversation(3));
    unsigned other = (home + 1) % 8;
    struct key_lease lease = play_pick_key(&p, other, FLASH);

    (void)state;
    keys_pin(p.k, lease.key, &S("files/a"), 1, p.now);
    play_served(&p, &lease, 0);
    lease = play_want(
        &p, (struct key_want){
                .model = FLASH, .affinity = conversation(3), .must = {S("files/a")}, .nmust = 1});
    assert_int_equal(number_of(lease.key), other);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

/* Of a limit of 100 and one of 10 the first carries most. */
static void load_follows_the_limits(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease[44];
    unsigned share[2] = {0};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        lease[i] = play_pick_key(&p, i, FLASH);
        play_limited(&p, &lease[i], RPM_ID, i == 0 ? 100 : 10, 1500);
        play_pass(&p, 100000);
    }
    for (int i = 0; i < 44; i++) {
        lease[i] = play_pick(&p);
        share[number_of(lease[i].key)]++;
        play_pass(&p, 300);
    }
    assert_in_range(share[0], 36, 43);
    assert_in_range(share[1], 1, 8);
    for (int i = 0; i < 44; i++)
        play_served(&p, &lease[i], 0);
    keys_free(p.k);
}

/* Without any knowledge: evenly, the longest unused first. */
static void turns_are_taken(void **state)
{
    struct play p = play_new(5);

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        struct key_lease lease = play_pick(&p);

        assert_int_equal(number_of(lease.key), i % 5);
        play_served(&p, &lease, 0);
    }
    keys_free(p.k);
}

/* The last requests of a day's quota are not spent first. */
static void what_is_nearly_used_up_is_spared(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease = play_pick_key(&p, 0, FLASH);
    unsigned share[2] = {0};

    (void)state;
    play_limited(&p, &lease, RPD_ID, 20, 1500);
    play_pass(&p, HALF_DAY_MS);
    for (int i = 0; i < 40; i++) {
        lease = play_pick(&p);
        share[number_of(lease.key)]++;
        play_served(&p, &lease, 0);
        play_pass(&p, 300);
    }
    assert_true(share[0] < share[1]);
    keys_free(p.k);
}

static struct key_lease beside(struct play *p, const struct key_lease *first)
{
    return play_want(p, (struct key_want){.model = FLASH, .apart = first->key});
}

/* A second request beside the first goes to another key that is surely well, or nowhere. */
static void a_rival_is_apart(void **state)
{
    struct play p = play_new(2);
    struct play alone = play_new(1);
    struct key_lease first = play_pick_key(&p, 0, FLASH);
    struct key_lease rival = beside(&p, &first);

    (void)state;
    assert_int_equal(number_of(rival.key), 1);
    play_limited(&p, &rival, RPM_ID, 10, 21000);
    rival = beside(&p, &first);
    assert_null(rival.key);
    assert_int_equal(p.verdict, KEY_COOLING);
    play_served(&p, &first, 0);
    keys_free(p.k);

    first = play_pick(&alone);
    rival = beside(&alone, &first);
    assert_null(rival.key);
    play_served(&alone, &first, 0);
    keys_free(alone.k);
}

/* A key whose way out leads nowhere is last, but better than none. */
static void ways_that_lead_nowhere(void **state)
{
    static const struct str values[] = {S_INIT("play-key-number-000"),
                                        S_INIT("play-key-number-001"),
                                        S_INIT("play-key-number-002")};
    static const unsigned ways[] = {0, 7, 9};
    struct play p = play_new(0);
    struct key_want want = {
        .model = FLASH, .shut = {7, 0},
             .nshut = 2
    };
    unsigned seen = 0;

    (void)state;
    keys_set_ways(p.k, values, ways, 3);
    for (unsigned i = 0; i < 50; i++) {
        struct key_lease lease;

        want.affinity = conversation(i);
        lease = play_want(&p, want);
        assert_int_equal(number_of(lease.key), 2);
        assert_int_equal(lease.way, 9);
        play_served(&p, &lease, 0);
    }
    want.shut[want.nshut++] = 9;
    for (unsigned i = 0; i < 50; i++) {
        struct key_lease lease = play_want(&p, want);

        assert_int_equal(lease.way, ways[number_of(lease.key)]);
        seen |= 1U << number_of(lease.key);
        play_served(&p, &lease, 0);
    }
    assert_int_equal(seen, 7);
    keys_set(p.k, values, 3); /* a reload without ways */
    want.nshut = 0;
    for (unsigned i = 0; i < 9; i++) {
        struct key_lease lease = play_want(&p, want);

        assert_int_equal(lease.way, 0);
        play_served(&p, &lease, 0);
    }
    keys_free(p.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_keeps_its_key),
        cmocka_unit_test(ways_that_lead_nowhere),
        cmocka_unit_test(few_move_when_keys_change),
        cmocka_unit_test(a_popular_prefix_is_spread),
        cmocka_unit_test(a_little_load_does_not_move_it),
        cmocka_unit_test(it_comes_back_to_its_key),
        cmocka_unit_test(a_file_outweighs_the_conversation),
        cmocka_unit_test(load_follows_the_limits),
        cmocka_unit_test(turns_are_taken),
        cmocka_unit_test(what_is_nearly_used_up_is_spared),
        cmocka_unit_test(a_rival_is_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
