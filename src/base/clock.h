/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* clock.h - the two clocks. Timers use the monotonic one; only what a person reads uses the wall.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_mono_ms(void);
int64_t clock_wall_s(void);  /* seconds since 1970 */
int64_t clock_wall_ms(void); /* milliseconds since 1970, to the last tick of the kernel */

#endif
