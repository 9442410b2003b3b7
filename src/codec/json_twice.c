/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_twice.c - a walk over the objects that somebody interprets. Must not know what they are. */
#include "codec/json_twice.h"

struct names {
    const struct str *v;
    size_t n;
};

static bool holds(const struct names *names, struct str name)
{
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->v[i], name))
            return true;
    return false;
}

static yyjson_val *in_object(yyjson_val *obj)
{
    UNINITIALIZED struct str seen[JSON_TWICE_NAMES];
    size_t n = 0;
    bool twice;

    jr_marks(obj, &twice);
    if (!twice)
        return NULL;
    jr_each_member (key, obj) {
        struct str name = jr_text(key);

        for (size_t i = 0; i < n; i++)
            if (str_eq(seen[i], name))
                return key + 1;
        if (n == JSON_TWICE_NAMES)
            return NULL;
        seen[n++] = name;
    }
    return NULL;
}

static yyjson_val *under(yyjson_val *v, const struct names *opaque, unsigned depth)
{
    yyjson_val *found = NULL;

    if (!yyjson_is_ctn(v) || depth == 0)
        return NULL;
    jr_each (item, v)
        if (found == NULL && yyjson_is_ctn(item))
            found = under(item, opaque, depth - 1);
    if (yyjson_is_obj(v))
        found = in_object(v);
    jr_each_member (key, v)
        if (found == NULL && yyjson_is_ctn(key + 1) && !holds(opaque, jr_text(key)))
            found = under(key + 1, opaque, depth - 1);
    return found;
}

yyjson_val *jr_twice(yyjson_val *v, const struct str *opaque, size_t n)
{
    const struct names names = {opaque, n};

    return under(v, &names, JSON_TWICE_DEPTH);
}
