/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema_plain.c - the members of a node in OpenAPI's dialect, as parameters and responseSchema
 * take it: no references, one type a node, null as a flag. Source: mapping 2.7, A. */
#include "gemini/schema_impl.h"

/* Each alternative together with what stands beside them all: where anyOf is set, nothing else may
 * be. null is a flag and no alternative. */
static void put_alternatives(struct schema *s, const struct view *view, yyjson_val *list)
{
    jw_arr(s->w, "anyOf");
    jr_each (member, list) {
        unsigned nopen = s->nopen;
        UNINITIALIZED struct view one;

        if (type_is_null(member))
            continue;
        view_with(s, member, view, &one);
        schema_put_view(s, NULL, &one);
        s->nopen = nopen;
    }
    jw_end(s->w);
}

static void put_prefix_items(struct schema *s, yyjson_val *list)
{
    jw_arr(s->w, "anyOf");
    jr_each (item, list)
        schema_put(s, NULL, item);
    jw_end(s->w);
}

static const struct {
    const char *json, *google;
    const char *format[3]; /* the formats that are taken */
} TYPE[] = {
    {"string",  "STRING",  {"date-time", "enum"}},
    {"number",  "NUMBER",  {"float", "double"}  },
    {"integer", "INTEGER", {"int32", "int64"}   },
    {"boolean", "BOOLEAN", {NULL}               },
    {"array",   "ARRAY",   {NULL}               },
    {"object",  "OBJECT",  {NULL}               },
    {"null",    "NULL",    {NULL}               },
};

static void put_plain_type(struct schema *s, const struct view *view, struct str type)
{
    struct str format = jr_text(view_get(view, KW_FORMAT));
    size_t row = 0;

    for (size_t i = 0; i < NELEM(TYPE); i++)
        if (str_eq_nocase(type, str_z(TYPE[i].json)))
            row = i;
    jw_str(s->w, "type", str_z(TYPE[row].google));
    for (size_t i = 0; i < NELEM(TYPE[row].format); i++)
        if (format.n > 0 && !s->loose && str_eq(format, str_z(TYPE[row].format[i])))
            jw_str(s->w, "format", format);
    if (str_eq(str_z(TYPE[row].json), S("array")) && !yyjson_is_obj(view_get(view, KW_ITEMS))) {
        jw_obj(s->w, "items"); /* an array without items is refused */
        if (yyjson_is_arr(view_prefix_items(view)))
            put_prefix_items(s, view_prefix_items(view));
        else
            jw_str(s->w, "type", S("STRING"));
        jw_end(s->w);
    }
}

static void put_plain_single(struct schema *s, const struct view *view, struct str type,
                             bool nullable)
{
    put_plain_type(s, view, type);
    put_description(s, view);
    if (nullable)
        jw_bool(s->w, "nullable", true);
    put_keywords(s, view, type);
}

static void put_plain_types(struct schema *s, const struct view *view, yyjson_val *types)
{
    jw_arr(s->w, "anyOf");
    jr_each (type, types) {
        if (str_eq(jr_text(type), S("null")))
            continue;
        jw_obj(s->w, NULL);
        put_plain_single(s, view, jr_text(type), false);
        jw_end(s->w);
    }
    jw_end(s->w);
}

/* How many alternatives there are besides null, and the last of them. */
static size_t real_alternatives(yyjson_val *list, yyjson_val **ret_last)
{
    size_t n = 0;

    jr_each (member, list)
        if (!type_is_null(member)) {
            *ret_last = member;
            n++;
        }
    return n;
}

/* Is null one of the types, or one of the alternatives? */
static bool has_null(const struct view *view)
{
    yyjson_val *type = view_get(view, KW_TYPE);

    jr_each (member, view_alternatives(view))
        if (type_is_null(member))
            return true;
    return yyjson_is_arr(type) && type_has(type, S("null"));
}

void put_plain_view(struct schema *s, const struct view *view, bool nullable)
{
    yyjson_val *list = view_alternatives(view);
    yyjson_val *only = NULL;
    size_t n = real_alternatives(list, &only);

    nullable = nullable || view_is_nullable(view) || has_null(view);
    if (n == 1) {
        UNINITIALIZED struct view one;

        view_with(s, only, view, &one);
        put_plain_view(s, &one, nullable);
    } else if (n > 1) {
        put_description(s, view);
        if (nullable)
            jw_bool(s->w, "nullable", true);
        put_alternatives(s, view, list);
    } else if (view_single_type(view).n == 0) {
        if (nullable)
            jw_bool(s->w, "nullable", true);
        put_plain_types(s, view, view_get(view, KW_TYPE));
    } else
        put_plain_single(s, view, view_single_type(view), nullable);
}
