/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema_json.c - the members of a node in JSON Schema, as parametersJsonSchema and
 * responseJsonSchema take it. Source: mapping 2.7, B. */
#include "gemini/schema_impl.h"

static void put_list(struct schema *s, const char *key, yyjson_val *list)
{
    jw_arr(s->w, key);
    jr_each (item, list)
        schema_put(s, NULL, item);
    jw_end(s->w);
}

static void put_json_type(struct schema *s, const struct view *view)
{
    yyjson_val *type = view_get(view, KW_TYPE);
    bool null_too = view_is_nullable(view);
    struct str one = yyjson_is_str(type) ? jr_text(type) : S("");

    if (!yyjson_is_arr(type) && one.n == 0 &&
        (view_get(view, KW_PROPERTIES) || view_get(view, KW_ITEMS) || view_get(view, KW_ENUM) ||
         view_get(view, KW_CONST)))
        one = view_inferred(view);
    if (one.n > 0 && !null_too) {
        jw_str(s->w, "type", one);
        return;
    }
    if (one.n == 0 && !yyjson_is_arr(type))
        return;
    jw_arr(s->w, "type");
    if (one.n > 0)
        jw_str(s->w, NULL, one);
    jr_each (item, type)
        jw_str(s->w, NULL, jr_text(item));
    if (null_too && !type_has(type, S("null")))
        jw_str(s->w, NULL, S("null"));
    jw_end(s->w);
}

void put_json_definitions(struct schema *s, yyjson_val *node)
{
    yyjson_val *now = jr_get(node, "$defs");
    yyjson_val *before = jr_get(node, "definitions");

    if (!yyjson_is_obj(now) && !yyjson_is_obj(before))
        return;
    jw_obj(s->w, "$defs");
    jr_each_member (name, now) {
        jw_key(s->w, jr_text(name));
        schema_put(s, NULL, name + 1);
    }
    jr_each_member (name, before) {
        if (yyjson_obj_getn(now, jr_text(name).p, jr_text(name).n) != NULL)
            continue;
        jw_key(s->w, jr_text(name));
        schema_put(s, NULL, name + 1);
    }
    jw_end(s->w);
}

void put_json_view(struct schema *s, const struct view *view)
{
    yyjson_val *format = view_get(view, KW_FORMAT);

    put_json_type(s, view);
    put_description(s, view);
    if (format != NULL && !s->loose)
        jw_copy(s->w, "format", format);
    put_keywords(s, view, S(""));
    if (yyjson_is_arr(view_prefix_items(view)))
        put_list(s, "prefixItems", view_prefix_items(view));
    if (view_alternatives(view) != NULL)
        put_list(s, "anyOf", view_alternatives(view));
    if (view_get(view, KW_DEFS) != NULL || view_get(view, KW_DEFINITIONS) != NULL)
        put_json_definitions(s, view->node[0]);
}
