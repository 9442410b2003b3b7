/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* secret.h - keys and tokens. No accessor prints any of one: logs and reports name a secret by its
 * digest (sha256_name). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

struct secret {
    char *p; /* own memory, wiped on fini; a NUL is put after it */
    size_t n;
};

void secret_init(struct secret *s, struct str bytes); /* copies */
void secret_fini(struct secret *s);                   /* wipes */
void secret_wipe(void *p, size_t n);                  /* a memset that the compiler keeps */

/* Constant time in the bytes; an empty secret equals nothing. */
bool secret_eq(const struct secret *s, struct str candidate);
bool secret_eq_str(struct str a, struct str b);

static inline struct str secret_str(const struct secret *s) /* for the wire only */
{
    return str_of(s->p, s->n);
}

#endif
