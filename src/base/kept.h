/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* kept.h - blocks of the heap that this thread gave back and will ask for again at once. glibc
 * keeps seven of a size for a thread, none above 1 KiB, and joins and splits the others: a turn of
 * the loop in which 64 requests begin or end met that for nearly each block. For base/mem.c alone.
 */
#ifndef BASE_KEPT_H
#define BASE_KEPT_H

#include <stdbool.h>
#include <stddef.h>

enum { KEPT_ARENA = 4096, KEPT_ROOM = 2048 }; /* sizes kept besides all up to 1 KiB */

void *kept_take(size_t n); /* of n bytes or more, from malloc; NULL: none is kept */
bool kept_give(void *p);   /* p is not NULL; false: it is still the caller's, who frees it */
void kept_clear(void);     /* all of this thread's go to free, as they do when it ends */

#endif
