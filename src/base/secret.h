/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* secret.h - keys and tokens. No accessor prints more than the last four characters. */
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

/* The last four characters for logs: "..3f2a"; shorter secrets than 12 show nothing. */
struct secret_tail {
    char z[8];
};
struct secret_tail secret_tail(const struct secret *s);

static inline struct str secret_str(const struct secret *s) /* for the wire only */
{
    return str_of(s->p, s->n);
}

#endif
