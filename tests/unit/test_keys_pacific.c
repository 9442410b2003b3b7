/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_pacific.c - midnight US Pacific, across the changes of the clocks. */
#include "keys/pacific.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static void dates(void **state)
{
    /* Worked out with the tz database, 2026a. */
    static const struct {
        const char *name;
        int64_t wall_s;
        bool summer;
        int64_t midnight_s;
    } rows[] = {
        {"a summer's noon",                           1782932400, true,  1782975600},
        {"a winter's noon",                           1768507200, false, 1768550400},
        {"a second before midnight in summer",        1782975599, true,  1782975600},
        {"midnight in summer begins the next day",    1782975600, true,  1783062000},
        {"a second before midnight in winter",        1768550399, false, 1768550400},
        {"midnight in winter begins the next day",    1768550400, false, 1768636800},
        {"before the day of 23 hours",                1772956799, false, 1772956800},
        {"the day of 23 hours has begun",             1772956800, false, 1773039600},
        {"the last second of standard time",          1772963999, false, 1773039600},
        {"the first of daylight saving time",         1772964000, true,  1773039600},
        {"the day of 25 hours has begun",             1793516400, true,  1793606400},
        {"1 a.m. comes twice",                        1793521800, true,  1793606400},
        {"the last second of daylight saving time",   1793523599, true,  1793606400},
        {"the first of standard time",                1793523600, false, 1793606400},
        {"New Year's Eve in UTC is not there",        1798761599, false, 1798790400},
        {"the year's last second",                    1798790399, false, 1798790400},
        {"a leap day",                                1835467200, false, 1835510400},
        {"a March that begins on a Sunday",           1772395200, false, 1772438400},
        {"the earliest change in March",              1425808800, true,  1425884400},
        {"just before the latest change in March",    1615715999, false, 1615791600},
        {"just before the latest change in November", 1636275599, true,  1636358400},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        if (pacific_is_summer(rows[i].wall_s) != rows[i].summer)
            fail_msg("%s: the wrong half of the year", rows[i].name);
        if (pacific_next_midnight(rows[i].wall_s) != rows[i].midnight_s)
            fail_msg("%s: %lld", rows[i].name, (long long)pacific_next_midnight(rows[i].wall_s));
    }
}

/* From 2007 on, midnight follows midnight by 24 hours, but for one day of 23 and one of 25 each
 * year. */
static void every_day_of_a_century(void **state)
{
    int64_t at = pacific_next_midnight(1167638400); /* 2007-01-01 */
    unsigned shorter = 0;
    unsigned longer = 0;

    (void)state;
    for (int day = 0; day < 365 * 100 + 24; day++) {
        int64_t next = pacific_next_midnight(at);
        int64_t hours = (next - at) / HOUR;

        assert_int_equal((next - at) % HOUR, 0);
        assert_in_range(hours, 23, 25);
        shorter += hours == 23;
        longer += hours == 25;
        assert_int_equal(pacific_next_midnight(at - 1), at);
        assert_int_equal(pacific_next_midnight(next - 1), next);
        at = next;
    }
    assert_int_equal(shorter, 100);
    assert_int_equal(longer, 100);
}

/* A clock that was never set, or set wrongly, still gives a time within a day or so. */
static void odd_clocks(void **state)
{
    static const int64_t odd[] = {0, -1, -86400 * 365 * 200LL, 4102444800, 253402300799};

    (void)state;
    for (size_t i = 0; i < NELEM(odd); i++) {
        assert_true(pacific_next_midnight(odd[i]) > odd[i]);
        assert_true(pacific_next_midnight(odd[i]) <= odd[i] + DAY + HOUR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(every_day_of_a_century),
        cmocka_unit_test(odd_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
