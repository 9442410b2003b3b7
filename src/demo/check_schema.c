/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_schema.c - Google's Schema, the OpenAPI subset of parameters and responseSchema, beyond its
 * field names; and how much of a schema can be enforced. */
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

/* Google's words for the cause: long property and enum names, long limits of arrays above all when
 * nested, bounds of numbers, formats of strings. How it counts nobody knows: this grows by the same
 * causes, and the most is above every recorded request that was taken. */
enum { STATES_MAX = 100000, MATCHER_STATES = 64 };

static uint64_t times(uint64_t a, uint64_t b)
{
    return a > STATES_MAX || b > STATES_MAX ? STATES_MAX + 1 : a * b;
}

static uint64_t states_of(yyjson_val *s);

static uint64_t states_of_all(yyjson_val *list)
{
    struct emu_each e = emu_each(list);
    uint64_t n = 0;
    yyjson_val *v;

    while (n <= STATES_MAX && (v = emu_next(&e)) != NULL)
        n += yyjson_is_str(v) ? jr_text(v).n : states_of(v);
    return n;
}

static uint64_t states_of_members(yyjson_val *obj)
{
    uint64_t n = 0;

    jr_each_member (key, obj)
        n += jr_text(key).n + states_of(key + 1);
    return n;
}

static uint64_t states_of(yyjson_val *s)
{
    bool matches = emu_get(s, "minimum") || emu_get(s, "maximum") || emu_str(s, "format").n > 0;
    int64_t items = 1;
    uint64_t n = 1 + (matches ? MATCHER_STATES : 0);

    if (!yyjson_is_obj(s))
        return 0;
    n += states_of_members(emu_get(s, "properties")) + states_of_members(emu_get(s, "$defs"));
    n += states_of_all(emu_get(s, "enum")) + states_of_all(emu_get(s, "any_of"));
    if (!jr_int(emu_get(s, "max_items"), 0, INT64_MAX, &items))
        items = 1;
    n += times((uint64_t)items, states_of(emu_get(s, "items")));
    return n < STATES_MAX ? n : STATES_MAX + 1;
}

static yyjson_val *schema_in(yyjson_val *obj, const char *plain, const char *json)
{
    yyjson_val *v = emu_get(obj, plain);

    return v != NULL ? v : emu_get(obj, json);
}

void emu_check_states(yyjson_val *body, struct emu_problem *p)
{
    struct emu_each tools = emu_each(emu_get(body, "tools"));
    uint64_t n = states_of(
        schema_in(emu_get(body, "generation_config"), "response_schema", "response_json_schema"));
    yyjson_val *tool;
    yyjson_val *f;

    while ((tool = emu_next(&tools)) != NULL) {
        struct emu_each functions = emu_each(emu_get(tool, "function_declarations"));

        while ((f = emu_next(&functions)) != NULL)
            n += states_of(schema_in(f, "parameters", "parameters_json_schema"));
    }
    if (n > STATES_MAX)
        emu_refuse(p, 400,
                   "The specified schema produces a constraint that has too many states for "
                   "serving.  Typical causes of this error are schemas with lots of text (for "
                   "example, very long property or enum names), schemas with long array length "
                   "limits (especially when nested), or schemas using complex value matchers (for "
                   "example, integers or numbers with minimum/maximum bounds or strings with "
                   "complex formats like date-time)");
}
