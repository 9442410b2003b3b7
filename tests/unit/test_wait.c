/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_wait.c - lines of requests that wait for quota, on a clock of the test's own. */
#include "proxy/wait.h"

#include "fake_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { KIND = 7, OTHER = 8 };

static struct loop *loop;
static struct waits all;
static unsigned quota;   /* how many may go now */
static uint64_t back_ms; /* when there is more, as the keys say */
static char order[64];   /* of those that were served */
static char refused[64]; /* and of those whose time was over */

struct guest {
    struct waiter w;
    char name;
    struct guest *takes_along; /* leaves when this one is served: another leg of one exchange */
};

static void note(char *list, char name)
{
    size_t n = strlen(list);

    assert_true(n + 1 < sizeof order);
    list[n] = name;
    list[n + 1] = '\0';
}

static bool asked(struct waiter *w, uint64_t *ret_ms)
{
    struct guest *g = CONTAINER(w, struct guest, w);

    if (quota == 0 && loop_now_ms(loop) < w->until_ms) {
        *ret_ms = back_ms > loop_now_ms(loop) ? back_ms - loop_now_ms(loop) : 1;
        return true;
    }
    wait_leave(&all, w);
    if (g->takes_along != NULL)
        wait_leave(&all, &g->takes_along->w);
    if (quota == 0) {
        note(refused, g->name);
        return false;
    }
    quota--;
    note(order, g->name);
    return false;
}

static int begin(void **state)
{
    (void)state;
    loop = fake_loop();
    waits_init(&all, loop);
    quota = 0;
    back_ms = UINT64_MAX / 2;
    order[0] = refused[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(all.n, 0);
    assert_true(list_empty(&all.lines));
    assert_int_equal(loop->ntimers, 0);
    fake_free(loop);
    return 0;
}

static void come(struct guest *g, char name, uint64_t kind, uint64_t patience_ms)
{
    g->name = name;
    g->w.asked = asked;
    g->w.until_ms = loop_now_ms(loop) + patience_ms;
    assert_true(wait_join(&all, &g->w, kind, 5000));
}

static void first_come_first_served(void **state)
{
    struct guest g[6] = {0};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(wait_is_line(&all, KIND), i > 0);
        come(&g[i], (char)('a' + i), KIND, 60000);
    }
    fake_wait(loop, 3000);
    assert_string_equal(order, "");
    quota = 2; /* nobody said so; it is noticed within a second */
    fake_wait(loop, 1000);
    assert_string_equal(order, "ab");
    quota = 3;
    wait_ask_all(&all);
    fake_wait(loop, 1);
    assert_string_equal(order, "abcde");
    quota = 9;
    fake_wait(loop, 1000);
    assert_string_equal(order, "abcdef");
    assert_string_equal(refused, "");
}

/* Asked at the time that the keys told, not up to a second later. */
static void punctual(void **state)
{
    struct guest g = {0};

    (void)state;
    come(&g, 'a', KIND, 60000);
    back_ms = loop_now_ms(loop) + 1250;
    fake_wait(loop, 1249);
    quota = 1;
    assert_string_equal(order, "");
    fake_wait(loop, 1);
    assert_string_equal(order, "a");
}

/* Refused once more after it was let go: its old place. */
static void a_place_is_kept(void **state)
{
    struct guest g[4] = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        come(&g[i], (char)('a' + i), KIND, 60000);
    quota = 1;
    fake_wait(loop, 1000);
    come(&g[3], 'd', KIND, 60000);
    come(&g[0], 'a', KIND, 60000);
    quota = 4;
    fake_wait(loop, 1000);
    assert_string_equal(order, "aabcd");
}

static void lines_do_not_hinder_each_other(void **state)
{
    struct guest a = {0}, b = {0};

    (void)state;
    come(&a, 'a', KIND, 2000);
    come(&b, 'b', OTHER, 60000);
    fake_wait(loop, 3000);
    assert_string_equal(refused, "a");
    assert_false(wait_is_line(&all, KIND));
    assert_true(wait_is_line(&all, OTHER));
    quota = 1;
    fake_wait(loop, 1000);
    assert_string_equal(order, "b");
}

/* One behind the front whose patience is over is told, within a second. */
static void patience_ends_anywhere(void **state)
{
    struct guest g[4] = {0};

    (void)state;
    come(&g[0], 'a', KIND, 60000);
    come(&g[1], 'b', KIND, 1500);
    come(&g[2], 'c', KIND, 60000);
    come(&g[3], 'd', KIND, 1500);
    fake_wait(loop, 1400);
    assert_string_equal(refused, "");
    fake_wait(loop, 1100);
    assert_string_equal(refused, "bd");
    quota = 2;
    fake_wait(loop, 1000);
    assert_string_equal(order, "ac");
}

static void whoever_leaves_makes_room(void **state)
{
    struct guest g[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        come(&g[i], (char)('a' + i), KIND, 60000);
    wait_leave(&all, &g[2].w);
    wait_leave(&all, &g[2].w);
    wait_leave(&all, &g[0].w); /* the front: the next one is asked at once */
    quota = 1;
    fake_wait(loop, 1);
    assert_string_equal(order, "b");
    wait_leave(&all, &g[3].w);
    assert_int_equal(all.n, 0);
}

/* What one does when it is asked may end others, the last of the line among them. */
static void leaving_while_the_line_is_asked(void **state)
{
    struct guest g[3] = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        come(&g[i], (char)('a' + i), KIND, 1000);
    g[0].takes_along = &g[1];
    fake_wait(loop, 1000);
    assert_string_equal(refused, "ac");
}

static void no_more_than_the_cap(void **state)
{
    struct guest *g = calloc(WAITERS_MAX + 1, sizeof *g);

    (void)state;
    assert_non_null(g);
    for (size_t i = 0; i < WAITERS_MAX; i++)
        come(&g[i], 'x', i % 2 ? KIND : OTHER, 60000);
    g[WAITERS_MAX].w.asked = asked;
    assert_false(wait_join(&all, &g[WAITERS_MAX].w, KIND, 1));
    wait_leave(&all, &g[WAITERS_MAX].w);
    assert_int_equal(all.n, WAITERS_MAX);
    for (size_t i = 0; i < WAITERS_MAX; i++)
        wait_leave(&all, &g[i].w);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_come_first_served, begin, end),
        cmocka_unit_test_setup_teardown(punctual, begin, end),
        cmocka_unit_test_setup_teardown(a_place_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(lines_do_not_hinder_each_other, begin, end),
        cmocka_unit_test_setup_teardown(patience_ends_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(whoever_leaves_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(leaving_while_the_line_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(no_more_than_the_cap, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
