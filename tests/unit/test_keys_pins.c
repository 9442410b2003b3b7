/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_pins.c - files and caches, which one project has: where who names them is sent, and
 * what that says of projects. */
#include "keys_play.h"

static void files_go_back_to_their_key(void **state)
{
    static const char *const names[] = {
        "files/abc", "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "https://host/v1beta/files/abc?alt=media", "/v1beta/files/abc"};
    struct play p = play_new(4);
    struct key_lease lease = play_pick_key(&p, 2, FLASH);

    (void)state;
    keys_pin(p.k, lease.key, (struct str[]){S("files/abc"), S("")}, 2, p.now);
    play_served(&p, &lease, 0);
    for (size_t i = 0; i < NELEM(names); i++) {
        lease =
            play_want(&p, (struct key_want){.model = FLASH, .must = {str_z(names[i])}, .nmust = 1});
        assert_int_equal(number_of(lease.key), 2);
        play_served(&p, &lease, 0);
    }
    /* It cools: no other will do, and that is said. */
    lease = play_pick_key(&p, 2, FLASH);
    play_limited(&p, &lease, RPM_ID, 10, 30000);
    assert_null(
        play_want(&p, (struct key_want){.model = FLASH, .must = {S("files/abc")}, .nmust = 1}).key);
    assert_int_equal(p.verdict, KEY_COOLING);
    assert_int_equal(p.wait.wait_ms, 31000);
    lease =
        play_want(&p, (struct key_want){.model = FLASH, .must = {S("files/unknown")}, .nmust = 1});
    assert_non_null(lease.key);
    play_served(&p, &lease, 0);
    play_pass(&p, 49ULL * 3600 * 1000); /* files live 48 hours */
    for (int i = 0; i < 4; i++) {
        struct key_want want = {.model = FLASH, .must = {S("files/abc")}, .nmust = 1};

        lease = play_want(&p, want);
        assert_non_null(lease.key);
        play_end(&p, &lease, KEY_BLAMELESS);
    }
    keys_free(p.k);
}

/* Where upstream says that a project has not what was named, none of its keys is asked again, but
 * those of the others are; and who is served is remembered for all names at once. */
static void files_are_looked_for(void **state)
{
    struct play p = play_new(3);
    struct key_want want = {
        .model = FLASH, .must = {S("files/a"), S("cachedContents/b")},
             .nmust = 2
    };
    struct key_lease lease;
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        lease = play_want(&p, want);
        assert_non_null(lease.key);
        seen |= 1U << number_of(lease.key);
        want.foreign |= 1U << want.ntried;
        want.tried[want.ntried++] = lease.key;
        play_end(&p, &lease, KEY_SERVED);
    }
    assert_int_equal(seen, 7);
    assert_null(play_want(&p, want).key);
    assert_int_equal(p.verdict, KEY_ABSENT); /* and it does not wait */
    lease = play_pick_key(&p, 1, FLASH);
    keys_pin(p.k, lease.key, want.must, want.nmust, p.now);
    play_served(&p, &lease, 0);
    for (size_t i = 0; i < 2; i++) {
        lease =
            play_want(&p, (struct key_want){
                              .model = FLASH, .must = {S("files/new"), want.must[i]},
                                   .nmust = 2
        });
        assert_int_equal(number_of(lease.key), 1);
        play_end(&p, &lease, KEY_BLAMELESS);
    }
    keys_free(p.k);
}

/* Files end: what a project has no more it is not asked for; what is another's stays. */
static void stale_pins_are_dropped(void **state)
{
    struct play p = play_new(3);
    struct key_want want = {.model = FLASH, .must = {S("files/a")}, .nmust = 1};
    struct key_lease owner = play_pick_key(&p, 1, FLASH);
    struct key_lease other = play_pick_key(&p, 2, FLASH);
    struct key_lease lease;
    unsigned seen = 0;

    (void)state;
    keys_unpin(p.k, owner.key, S("files/a")); /* nothing was pinned yet */
    keys_pin(p.k, owner.key, want.must, 1, p.now);
    keys_unpin(p.k, other.key, S("files/a"));
    keys_unpin(p.k, owner.key, S("files/b"));
    lease = play_want(&p, want);
    assert_int_equal(number_of(lease.key), 1);
    play_end(&p, &lease, KEY_BLAMELESS);
    keys_unpin(p.k, owner.key, S("https://host/v1beta/files/a"));
    for (int i = 0; i < 3; i++) {
        lease = play_want(&p, want);
        seen |= 1U << number_of(lease.key);
        want.tried[want.ntried++] = lease.key;
        play_end(&p, &lease, KEY_BLAMELESS);
    }
    assert_int_equal(seen, 7);
    play_end(&p, &owner, KEY_BLAMELESS);
    play_end(&p, &other, KEY_BLAMELESS);
    keys_free(p.k);
}

static void pins_go_with_their_key_and_are_capped(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease = play_pick_key(&p, 0, FLASH);
    char name[32];

    (void)state;
    keys_pin(p.k, lease.key, &S("cachedContents/first"), 1, p.now);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "files/%u", i);
        keys_pin(p.k, lease.key, &(struct str){name, strlen(name)}, 1, p.now);
    }
    play_served(&p, &lease, 0);
    for (int i = 0; i < 2; i++) { /* it was the oldest: nobody must serve it now */
        lease = play_pick_key(&p, (unsigned)i, FLASH);
        assert_int_equal(number_of(lease.key), i);
        play_served(&p, &lease, 0);
    }
    lease = play_want(&p, (struct key_want){.model = FLASH, .must = {S("files/4999")}, .nmust = 1});
    assert_int_equal(number_of(lease.key), 0);
    play_served(&p, &lease, 0);
    play_set(&p, 1, 1);
    lease = play_want(&p, (struct key_want){.model = FLASH, .must = {S("files/4999")}, .nmust = 1});
    assert_int_equal(number_of(lease.key), 1);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

/* A request that names two of them. */
static struct key_want naming(const char *one, const char *other)
{
    return (struct key_want){
        .model = FLASH, .must = {str_z(one), str_z(other)},
             .nmust = 2
    };
}

static void pin(struct play *p, unsigned number, const char *name)
{
    struct key_lease lease = play_pick_key(p, number, FLASH);
    struct str what = str_z(name);

    assert_int_equal(number_of(lease.key), number);
    keys_pin(p->k, lease.key, &what, 1, p->now);
    play_served(p, &lease, 0);
}

/* The key that the request goes to has not what is called `what`. */
static void is_refused(struct play *p, struct key_want *want, unsigned number, struct str what)
{
    struct key_lease lease = play_want(p, *want);

    assert_non_null(lease.key);
    assert_int_equal(number_of(lease.key), number);
    want->foreign |= 1U << want->ntried;
    want->tried[want->ntried++] = lease.key;
    keys_unpin(p->k, lease.key, what);
    play_end(p, &lease, KEY_SERVED);
}

static unsigned goes_to(struct play *p, struct key_want want)
{
    struct key_lease lease = play_want(p, want);
    unsigned number;

    assert_non_null(lease.key);
    number = number_of(lease.key);
    play_end(p, &lease, KEY_BLAMELESS);
    return number;
}

static void is_split(struct play *p, struct key_want want, const char *one, const char *other)
{
    assert_null(play_want(p, want).key);
    assert_int_equal(p->verdict, KEY_SPLIT);
    assert_true(str_eq(p->wait.split[0], str_z(one)));
    assert_true(str_eq(p->wait.split[1], str_z(other)));
}

static unsigned project_of(struct play *p, unsigned number)
{
    struct key_status s[8];

    assert_true(number < keys_status(p->k, p->now, s, NELEM(s)));
    return s[number].project;
}

/* As long as it is not known that the keys are of two projects one of them is asked, and no third
 * one, which cannot have both. What the one refuses and the other serves again parts them: from
 * then on nobody is asked. */
static void two_projects_files_are_refused(void **state)
{
    struct play p = play_new(3);
    struct key_want want = naming("files/a", "https://host/v1beta/files/b?key=secret");

    (void)state;
    pin(&p, 0, "files/a");
    pin(&p, 1, "files/b");
    is_refused(&p, &want, 0, S("files/b"));
    assert_null(play_want(&p, want).key);
    assert_int_equal(p.verdict, KEY_ABSENT); /* upstream's refusal stands */
    pin(&p, 0, "files/a");
    assert_int_equal(goes_to(&p, naming("files/a", "files/new")), 0);
    pin(&p, 1, "files/b");
    want.ntried = 0;
    want.foreign = 0;
    is_split(&p, want, "files/a", "files/b");
    is_split(&p, naming("files/b", "files/a"), "files/b", "files/a");
    play_set(&p, 1, 2); /* the key that had the one goes: who knows where it is now */
    assert_int_equal(goes_to(&p, want), 1);
    keys_free(p.k);
}

/* Whoever looks for a file learns of those who have it not. */
static void asking_around_tells_projects_apart(void **state)
{
    struct play p = play_new(3);
    struct key_want want = {.model = FLASH, .must = {S("files/a")}, .nmust = 1};
    struct key_lease none = play_want(&p, want);
    struct key_lease owner = play_want_key(&p, 1, want);

    (void)state;
    keys_pin(p.k, owner.key, want.must, 1, p.now);
    keys_told_apart(p.k, owner.key, none.key, p.now);
    keys_told_apart(p.k, owner.key, owner.key, p.now); /* says nothing */
    keys_told_apart(p.k, owner.key, NULL, p.now);      /* it has gone */
    keys_pin(p.k, none.key, &S("cachedContents/c"), 1, p.now);
    is_split(&p, naming("cachedContents/c", "files/a"), "cachedContents/c", "files/a");
    play_served(&p, &none, 0);
    play_served(&p, &owner, 0);
    keys_free(p.k);
}

static void keys_of_one_project_serve_each_other(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease;

    (void)state;
    pin(&p, 0, "files/a");
    pin(&p, 1, "files/b");
    for (int i = 0; i < 4; i++) { /* both have both: whoever serves them has them from then on */
        struct key_want want = naming("files/a", "files/b");

        lease = play_want(&p, want);
        assert_non_null(lease.key);
        keys_pin(p.k, lease.key, want.must, 2, p.now);
        play_served(&p, &lease, 0);
    }
    keys_free(p.k);
}

/* They were refused for quota at the same times, by chance. */
static void a_file_parts_what_was_joined(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease, other;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        lease = play_pick_key(&p, i % 2, FLASH);
        play_limited(&p, &lease, RPM_ID, 10, i % 2 ? 39500 : 40000);
        play_pass(&p, i % 2 ? 120000 : 500);
    }
    assert_int_equal(project_of(&p, 0), project_of(&p, 1));
    pin(&p, 0, "files/a");
    lease = play_pick_key(&p, 1, FLASH);
    other = play_pick_key(&p, 0, FLASH);
    keys_told_apart(p.k, other.key, lease.key, p.now);
    assert_int_not_equal(project_of(&p, 0), project_of(&p, 1));
    play_served(&p, &other, 0);
    play_served(&p, &lease, 0);
    keys_free(p.k);
}

/* Gone from the one and made anew in the other: that says nothing of them. */
static void a_file_that_moved_tells_nothing(void **state)
{
    struct play p = play_new(2);
    struct key_lease lease;

    (void)state;
    pin(&p, 0, "files/a");
    lease = play_pick_key(&p, 1, FLASH);
    keys_unpin(p.k, lease.key, S("files/a")); /* refused, but it may be gone altogether */
    play_end(&p, &lease, KEY_SERVED);
    pin(&p, 1, "files/a");
    pin(&p, 0, "files/b");
    pin(&p, 1, "files/a");
    goes_to(&p, naming("files/a", "files/b"));
    keys_free(p.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_go_back_to_their_key),
        cmocka_unit_test(files_are_looked_for),
        cmocka_unit_test(stale_pins_are_dropped),
        cmocka_unit_test(pins_go_with_their_key_and_are_capped),
        cmocka_unit_test(two_projects_files_are_refused),
        cmocka_unit_test(asking_around_tells_projects_apart),
        cmocka_unit_test(keys_of_one_project_serve_each_other),
        cmocka_unit_test(a_file_parts_what_was_joined),
        cmocka_unit_test(a_file_that_moved_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
