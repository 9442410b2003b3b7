/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* str.c - searching, cutting and comparing borrowed bytes. Allocates nothing. */
#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_starts_nocase(a, b);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++)
        if (lower(s.p[i]) != lower(prefix.p[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t str_find(struct str s, struct str needle)
{
    const char *at = memmem(s.p, s.n, needle.p, needle.n);

    return at ? (size_t)(at - s.p) : s.n;
}

bool str_contains_nocase(struct str s, struct str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (str_starts_nocase(str_skip(s, i), needle))
            return true;
    return false;
}

struct str str_cut(struct str *s, char sep)
{
    const char *at = memchr(s->p, sep, s->n);
    struct str head = *s;

    if (at == NULL) {
        *s = str_skip(*s, s->n);
        return head;
    }
    head.n = (size_t)(at - s->p);
    *s = str_skip(*s, head.n + 1);
    return head;
}

bool str_u64(struct str s, uint64_t max, uint64_t *ret)
{
    enum { SURE = 19 }; /* digits that any uint64_t has room for */
    uint64_t v = 0;

    if (s.n == 0 || s.n > SURE + 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t d = (unsigned char)s.p[i] - (uint64_t)'0'; /* what is below is huge */

        if (d > 9 || (i == SURE && v > (UINT64_MAX - d) / 10))
            return false;
        v = v * 10 + d;
    }
    if (v > max)
        return false;
    *ret = v;
    return true;
}

size_t str_join(char *out, size_t room, const struct str *pieces, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (pieces[i].n > room - at)
            return 0;
        if (pieces[i].n > 0)
            memcpy(out + at, pieces[i].p, pieces[i].n);
        at += pieces[i].n;
    }
    return at;
}

void str_to_z(char *out, size_t room, struct str s)
{
    s = str_sub(s, 0, room - 1);
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

size_t str_put_u64(char *out, uint64_t v)
{
    size_t n = 1;

    if (v < 10) { /* most are */
        *out = (char)('0' + v);
        return 1;
    }
    for (uint64_t more = 10; n < STR_U64_MAX && v >= more; more *= 10)
        n++;
    for (size_t at = n; at > 0; v /= 10)
        out[--at] = (char)('0' + v % 10);
    return n;
}

uint64_t str_hash(struct str s)
{
    uint64_t h = 14695981039346656037U;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211U;
    return h;
}

int word_find(const struct word *table, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++)
        if ((s.n == 0 || table[i].name[0] == s.p[0]) && str_eq(str_z(table[i].name), s))
            return table[i].value;
    return -1;
}
