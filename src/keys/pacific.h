/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pacific.h - when a day of quota ends: midnight where Google's quotas are counted. Pure. */
#ifndef KEYS_PACIFIC_H
#define KEYS_PACIFIC_H

#include <stdbool.h>
#include <stdint.h>

/* Is it daylight saving time on the US Pacific coast?
 *
 *   units   seconds since 1970
 *   source  Energy Policy Act of 2005, sec. 110: since 2007 from 2 a.m. of March's second Sunday to
 *           2 a.m. of November's first. No database of zones is read: the binary is static, and
 *           such hosts have none. */
bool pacific_is_summer(int64_t wall_s);

/* The first midnight US Pacific that lies after wall_s: 23, 24 or 25 hours after the one before. */
int64_t pacific_next_midnight(int64_t wall_s);

#endif
