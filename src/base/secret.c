/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* secret.c - holding, comparing and forgetting credentials. */
#include "base/secret.h"
#include "base/mem.h"

void secret_wipe(void *p, size_t n)
{
    if (p != NULL)
        explicit_bzero(p, n);
}

void secret_init(struct secret *s, struct str bytes)
{
    s->p = mem_dup(bytes.p, bytes.n);
    s->n = bytes.n;
}

void secret_fini(struct secret *s)
{
    if (s == NULL || s->p == NULL)
        return;
    secret_wipe(s->p, s->n);
    mem_free(s->p);
    *s = (struct secret){0};
}

bool secret_eq_str(struct str a, struct str b)
{
    /* Time depends on the candidate's length alone, which its sender knows. */
    unsigned char diff = a.n != b.n || a.n == 0;

    for (size_t i = 0; i < b.n; i++)
        diff |= (unsigned char)(b.p[i] ^ a.p[a.n ? i % a.n : 0]);
    return diff == 0;
}

bool secret_eq(const struct secret *s, struct str candidate)
{
    return secret_eq_str(str_of(s->p, s->n), candidate);
}
