/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_lesson.c - what is remembered about a model, and for how long. */
#include "proxy/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_day(void **state)
{
    static struct lessons l;

    (void)state;
    assert_int_equal(lesson_recall(&l, S("a"), 0), 0);
    lesson_learn(&l, S("a"), 1, 1000);
    lesson_learn(&l, S("b"), 4, 2000);
    lesson_learn(&l, S("a"), 2, 3000);
    assert_int_equal(lesson_recall(&l, S("a"), 3000), 3);
    assert_int_equal(lesson_recall(&l, S("b"), 3000), 4);
    assert_int_equal(lesson_recall(&l, S(""), 3000), 0);
    assert_int_equal(lesson_recall(&l, S("a"), 1000 + LESSON_MS - 1), 3);
    assert_int_equal(lesson_recall(&l, S("a"), 1000 + LESSON_MS), 0);
    lesson_learn(&l, S("a"), 8, 1000 + LESSON_MS);
    assert_int_equal(lesson_recall(&l, S("a"), 1000 + LESSON_MS), 8);
    assert_int_equal(lesson_recall(&l, S("b"), 1999 + LESSON_MS), 4);
}

/* What is not remembered whole is not remembered. */
static void long_names(void **state)
{
    static struct lessons l;
    char name[LESSON_NAME + 1];

    (void)state;
    memset(name, 'm', sizeof name);
    lesson_learn(&l, str_of(name, LESSON_NAME + 1), 1, 1000);
    assert_int_equal(lesson_recall(&l, str_of(name, LESSON_NAME + 1), 1000), 0);
    assert_int_equal(lesson_recall(&l, str_of(name, LESSON_NAME), 1000), 0);
    lesson_learn(&l, str_of(name, LESSON_NAME), 2, 1000);
    assert_int_equal(lesson_recall(&l, str_of(name, LESSON_NAME), 1000), 2);
    assert_int_equal(lesson_recall(&l, str_of(name, LESSON_NAME - 1), 1000), 0);
    assert_int_equal(lesson_recall(&l, str_of(name, LESSON_NAME + 1), 1000), 0);
}

/* Names are the clients' to invent: the oldest lesson makes room. */
static void more_models_than_places(void **state)
{
    static struct lessons l;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 3 * LESSONS_MAX; i++) {
        snprintf(name, sizeof name, "model-%u", i);
        lesson_learn(&l, str_z(name), 1 + i, 1000 + i);
        assert_int_equal(lesson_recall(&l, str_z(name), 1000 + i), 1 + i);
    }
    for (unsigned i = 0; i < 3 * LESSONS_MAX; i++) {
        snprintf(name, sizeof name, "model-%u", i);
        assert_int_equal(lesson_recall(&l, str_z(name), 5000), i < 2 * LESSONS_MAX ? 0 : 1 + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day),
        cmocka_unit_test(long_names),
        cmocka_unit_test(more_models_than_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
