/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* mem.h - the heap. Small things end the process when there is none left, in one place; whatever a
 * stranger chose the size of is asked for with mem_try and counted against the memory budget. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/attr.h"
#include <stddef.h>

void *mem_alloc(size_t n);              /* never NULL */
void *mem_zalloc(size_t n);             /* never NULL; zeroed */
void *mem_realloc(void *p, size_t n);   /* never NULL */
char *mem_dup(const void *p, size_t n); /* never NULL; a NUL is put after it */
void mem_free(void *p);                 /* NULL is fine */

/* Counted memory. mem_try_* return NULL when the heap or the budget is exhausted; `was` is the size
 * that the caller had counted for p. Give the size back to mem_drop. Thread-safe. */
MUST_CHECK void *mem_try_realloc(void *p, size_t was, size_t n);
void mem_drop(void *p, size_t n);
size_t mem_counted(void);  /* bytes counted now; of other threads, to 32 KiB each */
void mem_settle(void);     /* the last thing that a thread does, or does for long */
size_t mem_released(void); /* in large blocks, by this thread since mem_rest */
/* From now on freed pages stay with the process, 64 MiB of them at most for each thread: large
 * requests that follow each other find them where they were. mem_rest gives them to the system,
 * but for what is free at the end of the heaps of other threads: each calls mem_rest_end itself. */
void mem_keep(void);
void mem_rest(void);
void mem_rest_end(void);
void mem_set_budget(size_t bytes); /* default 1 GiB */
size_t mem_budget(void);

#endif
