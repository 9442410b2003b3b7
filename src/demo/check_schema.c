/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_schema.c - Google's Schema, the OpenAPI subset of parameters and responseSchema, beyond its
 * field names. */
#include "demo/check.h"
#include "demo/fields.h"

enum { PATH_ROOM = 4096, NAMES_MAX = 1000 };

static void check(yyjson_val *s, struct buf *path, struct emu_problem *p);

static bool is_type(yyjson_val *s, const char *word)
{
    return emu_word(s, "type", word);
}

static bool has_property(yyjson_val *s, struct str name)
{
    jr_each_member (key, emu_get(s, "properties")) {
        if (str_eq(jr_text(key), name))
            return true;
    }
    return false;
}

static void check_required(yyjson_val *s, struct buf *path, struct emu_problem *p)
{
    struct emu_each e = emu_each(emu_get(s, "required"));
    yyjson_val *name;

    if (emu_len(emu_get(s, "required")) > NAMES_MAX) {
        emu_rule(p, "%.*s.required: has too many names", S_ARG(buf_str(path)));
        return;
    }
    while ((name = emu_next(&e)) != NULL) {
        if (!has_property(s, jr_text(name)))
            emu_rule(p, "%.*s.required[%zu]: property is not defined", S_ARG(buf_str(path)),
                     e.index);
    }
}

static void check_enum(yyjson_val *s, struct buf *path, struct emu_problem *p)
{
    struct emu_each e = emu_each(emu_get(s, "enum"));
    yyjson_val *word;

    if (emu_len(emu_get(s, "enum")) > 0 && !is_type(s, "STRING"))
        emu_rule(p, "%.*s.enum: only allowed for STRING type", S_ARG(buf_str(path)));
    while ((word = emu_next(&e)) != NULL) {
        if (jr_text(word).n == 0)
            emu_rule(p, "%.*s.enum[%zu]: cannot be empty", S_ARG(buf_str(path)), e.index);
    }
}

static void check_inside(yyjson_val *s, struct buf *path, struct emu_problem *p)
{
    struct emu_each e = emu_each(emu_get(s, "any_of"));
    size_t from = path->n;
    yyjson_val *branch;

    jr_each_member (key, emu_get(s, "properties")) {
        buf_putf(path, ".properties[%.*s]", S_ARG(jr_text(key)));
        check(key + 1, path, p);
        buf_cut(path, from);
    }
    if (emu_get(s, "items") != NULL) {
        buf_lit(path, ".items");
        check(emu_get(s, "items"), path, p);
        buf_cut(path, from);
    }
    while ((branch = emu_next(&e)) != NULL) {
        buf_putf(path, ".any_of[%zu]", e.index);
        check(branch, path, p);
        buf_cut(path, from);
    }
}

static void check(yyjson_val *s, struct buf *path, struct emu_problem *p)
{
    if (emu_get(s, "type") == NULL && emu_get(s, "any_of") == NULL)
        emu_rule(p, "%.*s.type: must be specified", S_ARG(buf_str(path)));
    if (is_type(s, "ARRAY") && emu_get(s, "items") == NULL)
        emu_rule(p, "%.*s.items: missing field.", S_ARG(buf_str(path)));
    if (emu_get(s, "properties") != NULL && !is_type(s, "OBJECT"))
        emu_rule(p, "%.*s.properties: only allowed for OBJECT type", S_ARG(buf_str(path)));
    check_enum(s, path, p);
    check_required(s, path, p);
    check_inside(s, path, p);
}

void emu_rules_schema(yyjson_val *schema, struct str path, bool parameters, struct emu_problem *p)
{
    struct buf where;

    if (schema == NULL)
        return;
    buf_init(&where, PATH_ROOM);
    buf_put(&where, path);
    if (parameters && !is_type(schema, "OBJECT"))
        emu_rule(p, "%.*s.type: must be OBJECT", S_ARG(path));
    check(schema, &where, p);
    buf_fini(&where);
}
