/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* str.h - borrowed bytes with a length. Nothing in queqiao depends on a NUL at the end. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* never NULL */
    size_t n;
};
#define S_INIT(lit)                                                                                \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }
#define S(lit)   ((struct str)S_INIT(lit))
#define S_ARG(s) (int)((s).n > 4096 ? 4096 : (s).n), (s).p /* for "%.*s" */

static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){p ? p : "", p ? n : 0};
}
static inline struct str str_z(const char *z)
{
    return str_of(z, z ? strlen(z) : 0);
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); /* empty ones may be NULL */
}
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}
static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}
/* The bytes from `at` on, at most n of them; both are cut to what is there. */
static inline struct str str_sub(struct str s, size_t at, size_t n)
{
    if (at > s.n)
        at = s.n;
    return (struct str){at > 0 ? s.p + at : s.p, n < s.n - at ? n : s.n - at};
}
static inline struct str str_skip(struct str s, size_t n)
{
    return str_sub(s, n, SIZE_MAX);
}

/* s copied to `to`, which has room; returns the end. For short ones, of whatever length: a call of
 * memcpy costs more than they do. */
static ALWAYS_INLINE char *str_put(char *to, struct str s)
{
    if (s.n >= 16) {
        memcpy(to, s.p, s.n);
    } else if (s.n >= 8) { /* two pieces that overlap */
        memcpy(to, s.p, 8);
        memcpy(to + s.n - 8, s.p + s.n - 8, 8);
    } else if (s.n >= 4) {
        memcpy(to, s.p, 4);
        memcpy(to + s.n - 4, s.p + s.n - 4, 4);
    } else {
        for (size_t i = 0; i < s.n; i++)
            to[i] = s.p[i];
    }
    return to + s.n;
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts_nocase(struct str s, struct str prefix);
struct str str_trim(struct str s);                /* SP and HTAB, CR and LF at both ends */
size_t str_find(struct str s, struct str needle); /* offset, or s.n when absent */
bool str_contains_nocase(struct str s, struct str needle);

/* Cut s at the first `sep`: what stood before it is returned, what follows stays in *s. Without a
 * `sep` all of *s is returned and *s becomes empty. */
struct str str_cut(struct str *s, char sep);

/* All of s as a decimal number, digits only.
 *
 *   errors  false when empty, not all digits, or over max; *ret is untouched then */
MUST_CHECK bool str_u64(struct str s, uint64_t max, uint64_t *ret);

/* The pieces one behind the other, without a NUL. 0 when they are more than `room` bytes. */
size_t str_join(char *out, size_t room, const struct str *pieces, size_t n);
/* s with a NUL, cut to what has room. */
void str_to_z(char *out, size_t room, struct str s);

/* v in decimal to out, which has room for STR_U64_MAX bytes; how many it took. */
enum { STR_U64_MAX = 20 };
size_t str_put_u64(char *out, uint64_t v);

uint64_t str_hash(struct str s); /* FNV-1a; not for input chosen by an attacker to collide */

/* A row of a table of words, and its lookup: the value, or -1. */
struct word {
    const char *name;
    int value;
};
int word_find(const struct word *table, size_t n, struct str s);
#define WORD(table, s) word_find(table, NELEM(table), s)

#endif
