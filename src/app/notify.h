/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* notify.h - telling systemd how we are. Without NOTIFY_SOCKET every call does nothing.
 *
 *   source  sd_notify(3), sd_watchdog_enabled(3) */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

#include "base/attr.h"
#include <stdint.h>

/* Reads the variables, and removes them so that no child inherits them. */
void notify_open(void);
void notify_say(const char *fmt, ...) PRINTF_LIKE(1, 2); /* "READY=1\nSTATUS=..." */
uint64_t notify_watchdog_ms(void); /* say WATCHDOG=1 this often; 0: nobody waits for it */

#endif
