/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* target.c - paths and queries. Must not know what an endpoint does. */
#include "proxy/target.h"

#include "base/eight.h"

static const struct word PREFIX[] = {
    {"v1",      1},
    {"v1beta",  1},
    {"v1alpha", 1},
    {"v2",      1},
    {"openai",  1},
    {"api",     1},
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Percent-decoding. plus: a `+` is a space, as in queries. */
static enum err decode(struct str s, bool plus, struct arena *arena, struct str *ret)
{
    char *out;
    size_t n = 0;

    if (memchr(s.p, '%', s.n) == NULL && !(plus && memchr(s.p, '+', s.n))) {
        *ret = s;
        return OK;
    }
    out = arena_alloc(arena, s.n);
    if (out == NULL)
        return E_TOOBIG;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
            continue;
        }
        if (s.n - i < 3 || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
            return E_SYNTAX;
        out[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
        i += 2;
    }
    *ret = str_of(out, n);
    return OK;
}

static ALWAYS_INLINE uint64_t unsafe(uint64_t v)
{
    return eight_below(v, ' ') | eight_equal(v, 0x7f) | eight_equal(v, '\\');
}

static bool is_safe(struct str segment)
{
    return !str_eq(segment, S(".")) && !str_eq(segment, S("..")) && !eight_any(segment, unsafe);
}

static bool is_pasted_endpoint(const struct target *t)
{
    return t->n > 2 && target_is(t, 0, "chat") && target_is(t, 1, "completions");
}

static void drop_front(struct target *t, size_t n)
{
    t->n -= n;
    memmove(t->v, t->v + n, t->n * sizeof *t->v);
}

static void forgive(struct target *t)
{
    for (;;) {
        if (t->n > 0 && WORD(PREFIX, t->v[0]) > 0)
            drop_front(t, 1);
        else if (is_pasted_endpoint(t))
            drop_front(t, 2);
        else
            return;
    }
}

enum err target_parse(struct str path, struct arena *arena, struct target *ret)
{
    bool coded = memchr(path.p, '%', path.n) != NULL;

    ret->n = 0;
    while (path.n > 0) {
        struct str segment = str_cut(&path, '/');
        enum err err = OK;

        if (segment.n == 0)
            continue;
        if (ret->n == TARGET_SEGMENTS_MAX)
            return E_TOOBIG;
        if (coded)
            err = decode(segment, false, arena, &segment);
        if (err != OK)
            return err;
        ret->v[ret->n] = segment;
        if (!is_safe(ret->v[ret->n]))
            return E_SYNTAX;
        ret->n++;
    }
    forgive(ret);
    return OK;
}

bool target_is(const struct target *t, size_t at, const char *segment)
{
    return at < t->n && str_eq(t->v[at], str_z(segment));
}

struct str target_rest(const struct target *t, size_t at, struct arena *arena)
{
    size_t n = 0;
    char *out;

    if (at + 1 == t->n)
        return t->v[at];
    for (size_t i = at; i < t->n; i++)
        n += t->v[i].n + 1;
    out = n ? arena_alloc(arena, n) : NULL;
    if (out == NULL)
        return S("");
    n = 0;
    for (size_t i = at; i < t->n; i++) {
        if (i > at)
            out[n++] = '/';
        memcpy(out + n, t->v[i].p, t->v[i].n);
        n += t->v[i].n;
    }
    return str_of(out, n);
}

struct str target_query_get(struct str query, struct str name, struct arena *arena)
{
    while (query.n > 0) {
        struct str pair = str_cut(&query, '&');
        struct str key = str_cut(&pair, '=');
        struct str value;

        if (str_eq(key, name) && decode(pair, true, arena, &value) == OK)
            return value;
    }
    return S("");
}
