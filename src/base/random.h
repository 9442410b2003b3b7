/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* random.h - unpredictable bytes for ids and tokens. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n); /* from the kernel; ends the process when it has none */

/* n characters of [A-Za-z0-9] into out, no NUL. Cheap: drawn from a pool of each thread's own. */
void random_id(char *out, size_t n);

#endif
