/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* platform.h - what the surroundings say: the port that a platform gave, the cores that it grants.
 */
#ifndef APP_PLATFORM_H
#define APP_PLATFORM_H

#include "base/err.h"
#include "net/listen.h"

/* Where to listen, in the order of function-compute.md 1.3: the option, then FC_SERVER_PORT,
 * FC_CUSTOM_LISTEN_PORT, AWS_LWA_PORT and PORT on all addresses, then 127.0.0.1:8080. */
MUST_CHECK enum err platform_listen(struct str option, struct listen_addr *ret, struct fault *why);
bool platform_is_loopback(const struct listen_addr *a);

unsigned platform_cores(void); /* what affinity and the cgroup's quota leave; at least 1 */

/* No core dumps, no ptrace by strangers, as many descriptors as allowed: keys live in this memory.
 */
void platform_harden(void);

#endif
