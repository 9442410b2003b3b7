/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pacific.c - the calendar of the US Pacific coast, as far as midnight needs it. Must not ask the
 * system for a time zone. */
#include "keys/pacific.h"

enum { HOUR = 3600, DAY = 24 * HOUR, MARCH = 3, NOVEMBER = 11 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970 of a date of the Gregorian calendar; years begin in March here, so that the leap
 * day is the last of its year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097); /* right, or one off */

    while (days_of(year, 1, 1) > days)
        year--;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    return year;
}

/* The nth Sunday of a month, in days since 1970. Day 0 was a Thursday. */
static int64_t sunday(int64_t year, int64_t month, int64_t nth)
{
    int64_t first = days_of(year, month, 1);
    int64_t weekday = first + 4 - floor_div(first + 4, 7) * 7; /* 0: Sunday */

    return first + (7 - weekday) % 7 + (nth - 1) * 7;
}

bool pacific_is_summer(int64_t wall_s)
{
    int64_t year = year_of(floor_div(wall_s, DAY));

    /* 2 a.m. is 10:00 UTC in standard time and 9:00 UTC in daylight saving time. */
    return wall_s >= sunday(year, MARCH, 2) * DAY + 10 * HOUR &&
           wall_s < sunday(year, NOVEMBER, 1) * DAY + 9 * HOUR;
}

static int64_t offset_s(int64_t wall_s)
{
    return (pacific_is_summer(wall_s) ? -7 : -8) * (int64_t)HOUR;
}

int64_t pacific_next_midnight(int64_t wall_s)
{
    int64_t now = offset_s(wall_s);
    int64_t local = (floor_div(wall_s + now, DAY) + 1) * DAY;

    /* The clocks change at 2 a.m., so midnight has the offset that held an hour before it. */
    return local - offset_s(local - now - HOUR);
}
