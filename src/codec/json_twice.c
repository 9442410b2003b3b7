/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_twice.c - a walk over the objects that somebody interprets. Must not know what they are. */
#include "codec/json_twice.h"
#include "base/arena.h"

#include <stdlib.h>

/* As many members are compared with each other one by one. */
enum { FEW = 64 };

struct walk {
    const struct str *opaque;
    size_t n;
    struct arena *arena;
    yyjson_val *found;
    enum err err;
};

static bool is_opaque(const struct walk *w, struct str name)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->opaque[i], name))
            return true;
    return false;
}

static yyjson_val *among_few(yyjson_val *obj)
{
    UNINITIALIZED struct str seen[FEW];
    size_t n = 0;

    jr_each_member (key, obj) {
        struct str name = jr_text(key);

        for (size_t i = 0; i < n; i++)
            if (str_eq(seen[i], name))
                return key + 1;
        seen[n++] = name;
    }
    return NULL;
}

/* By name, and of one name as they came. */
static int by_name(const void *a, const void *b)
{
    yyjson_val *const x = *(yyjson_val *const *)a, *const y = *(yyjson_val *const *)b;
    struct str l = jr_text(x), r = jr_text(y);
    int order = l.n != r.n ? (l.n > r.n) - (l.n < r.n) : memcmp(l.p, r.p, l.n);

    return order != 0 ? order : (x > y) - (x < y);
}

static yyjson_val *among_many(struct walk *w, yyjson_val *obj)
{
    struct arena_mark mark = arena_mark(w->arena);
    yyjson_val **keys = arena_alloc(w->arena, yyjson_obj_size(obj) * sizeof(yyjson_val *));
    yyjson_val *first = NULL;
    size_t n = 0;

    if (keys == NULL) {
        w->err = E_MEMORY;
        return NULL;
    }
    jr_each_member (key, obj)
        keys[n++] = key;
    qsort(keys, n, sizeof(yyjson_val *), by_name);
    for (size_t i = 1; i < n; i++)
        if (str_eq(jr_text(keys[i - 1]), jr_text(keys[i])) && (first == NULL || keys[i] < first))
            first = keys[i];
    arena_reset(w->arena, mark);
    return first != NULL ? first + 1 : NULL;
}

static yyjson_val *in_object(struct walk *w, yyjson_val *obj)
{
    bool twice;

    jr_marks(obj, &twice);
    if (!twice)
        return NULL;
    return yyjson_obj_size(obj) <= FEW ? among_few(obj) : among_many(w, obj);
}

static void under(struct walk *w, yyjson_val *v, unsigned depth)
{
    if (!yyjson_is_ctn(v) || depth == 0)
        return;
    jr_each (item, v)
        if (w->found == NULL && yyjson_is_ctn(item))
            under(w, item, depth - 1);
    if (yyjson_is_obj(v))
        w->found = in_object(w, v);
    jr_each_member (key, v)
        if (w->found == NULL && yyjson_is_ctn(key + 1) && !is_opaque(w, jr_text(key)))
            under(w, key + 1, depth - 1);
}

enum err jr_twice(yyjson_val *v, const struct str *opaque, size_t n, struct arena *arena,
                  yyjson_val **ret)
{
    struct walk w = {.opaque = opaque, .n = n, .arena = arena, .err = OK};

    under(&w, v, JSON_TWICE_DEPTH);
    if (w.err == OK)
        *ret = w.found;
    return w.err;
}
