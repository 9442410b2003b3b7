/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* priority.h - which of the process's threads waits for which, when they want the same core. Both
 * speak of the thread that calls; where the system says no, everything stays as it was. */
#ifndef NET_PRIORITY_H
#define NET_PRIORITY_H

void priority_prompt(void); /* little to do each time, and soon: a loop */
void priority_yield(void);  /* long computing, which others are waiting behind: once a thread */

#endif
