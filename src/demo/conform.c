/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* conform.c - walks a body beside the tables of schema.c, like proto3's JSON parser: camel and
 * snake case, enums in any case or as numbers, numbers as strings, one value for a list of one.
 * Knows no field by name. */
#include "demo/conform.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "demo/fields.h"

enum { PATH_MAX_BYTES = 4096, ECHO_MAX = 200 };
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."

struct walk {
    struct emu_problem *p;
    struct buf path; /* where we are, in snake case */
};

static void violation(struct walk *w, struct str field, struct buf *text)
{
    emu_problem_violation(w->p, field, buf_str(text));
    buf_fini(text);
}

/* A name that is not known, or that cannot hold what was given. */
static void bad_name(struct walk *w, struct str name, const char *why)
{
    struct buf text;

    buf_init(&text, PATH_MAX_BYTES + ECHO_MAX + 200);
    buf_putf(&text, "Invalid JSON payload received. Unknown name \"%.*s\"",
             (int)utf8_floor(name, ECHO_MAX), name.p);
    if (w->path.n > 0)
        buf_putf(&text, " at '%.*s'", S_ARG(buf_str(&w->path)));
    buf_putf(&text, ": %s", why);
    violation(w, buf_str(&w->path), &text);
}

/* The value as Google repeats it: strings quoted, the rest as it was written. */
static void put_echo(struct buf *out, yyjson_val *v)
{
    struct str text = jr_is_num(v) ? jr_num_text(v) : jr_text(v);

    if (yyjson_is_str(v))
        buf_putf(out, "\"%.*s\"", (int)utf8_floor(text, ECHO_MAX), text.p);
    else if (jr_is_num(v))
        buf_put(out, text);
    else
        buf_put(out, yyjson_is_true(v) ? S("true") : S("false"));
}

static void bad_value(struct walk *w, const char *package, const char *type, yyjson_val *v)
{
    struct buf text;

    buf_init(&text, PATH_MAX_BYTES + ECHO_MAX + 200);
    buf_putf(&text, "Invalid value at '%.*s' (%s%s), ", S_ARG(buf_str(&w->path)), package, type);
    put_echo(&text, v);
    violation(w, buf_str(&w->path), &text);
}

static void bad_bytes(struct walk *w, struct str text)
{
    struct buf line;

    buf_init(&line, PATH_MAX_BYTES + ECHO_MAX + 200);
    buf_putf(&line, "Invalid value at '%.*s' (TYPE_BYTES), Base64 decoding failed for \"%.*s\"",
             S_ARG(buf_str(&w->path)), (int)utf8_floor(text, ECHO_MAX), text.p);
    violation(w, buf_str(&w->path), &line);
}

/* An object where a plain value belongs; Google names the parent and the field apart. */
static void bad_object(struct walk *w, const char *name, size_t parent)
{
    struct str path = str_of(w->path.p, parent);
    struct buf text;

    buf_init(&text, PATH_MAX_BYTES + 200);
    buf_putf(&text, "Invalid value at '%.*s' (%s), Starting an object on a scalar field",
             S_ARG(path), name);
    violation(w, path, &text);
}

static bool numeric_text(struct str s)
{
    bool digit = false;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        digit = digit || (c >= '0' && c <= '9');
        if (!((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'))
            return false;
    }
    return digit;
}

static bool known_word(const char *const *words, yyjson_val *v)
{
    int64_t number;

    if (jr_is_num(v))
        return jr_int(v, 0, INT32_MAX, &number);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (str_eq_nocase(jr_text(v), str_z(words[i])))
            return true;
    }
    return false;
}

static bool is_duration(struct str s)
{
    return str_ends(s, S("s")) && numeric_text(str_sub(s, 0, s.n - 1));
}

static bool scalar_ok(enum emu_type type, yyjson_val *v)
{
    int64_t i;
    double d;

    switch (type) {
    case EMU_STRING: return yyjson_is_str(v);
    case EMU_BYTES: return yyjson_is_str(v);
    case EMU_BOOL:
        return yyjson_is_bool(v) || str_eq(jr_text(v), S("true")) || str_eq(jr_text(v), S("false"));
    case EMU_INT32: return jr_int(v, INT32_MIN, INT32_MAX, &i);
    case EMU_INT64: return jr_int(v, INT64_MIN, INT64_MAX, &i);
    case EMU_FLOAT:
    case EMU_DOUBLE: return jr_num(v, &d) || numeric_text(jr_text(v));
    case EMU_DURATION: return is_duration(jr_text(v));
    case EMU_TIMESTAMP: return jr_text(v).n >= 20;
    case EMU_ENUM:
    case EMU_MESSAGE:
    case EMU_MAP:
    case EMU_STRING_MAP:
    case EMU_STRUCT:
    case EMU_VALUE: break;
    }
    return true;
}

static const char *const TYPE_WORDS[] = {
    [EMU_STRING] = "TYPE_STRING",
    [EMU_BYTES] = "TYPE_BYTES",
    [EMU_BOOL] = "TYPE_BOOL",
    [EMU_INT32] = "TYPE_INT32",
    [EMU_INT64] = "TYPE_INT64",
    [EMU_FLOAT] = "TYPE_FLOAT",
    [EMU_DOUBLE] = "TYPE_DOUBLE",
    [EMU_MAP] = "Map",
    [EMU_STRING_MAP] = "Map",
    [EMU_STRUCT] = "type.googleapis.com/google.protobuf.Struct",
    [EMU_VALUE] = "type.googleapis.com/google.protobuf.Value",
    [EMU_DURATION] = "type.googleapis.com/google.protobuf.Duration",
    [EMU_TIMESTAMP] = "type.googleapis.com/google.protobuf.Timestamp",
};

static void walk_message(struct walk *w, const struct emu_message *m, yyjson_val *obj);

static void walk_scalar(struct walk *w, const struct emu_field *f, yyjson_val *v, size_t parent)
{
    if (yyjson_is_obj(v)) {
        bad_object(w, f->name, parent);
    } else if (f->type == EMU_ENUM) {
        if (!known_word(f->words, v))
            bad_value(w, PACKAGE, f->enum_name, v);
    } else if (!scalar_ok(f->type, v)) {
        bad_value(w, "", TYPE_WORDS[f->type], v);
    } else if (f->type == EMU_BYTES && !base64_ok(jr_text(v))) {
        bad_bytes(w, jr_text(v));
    }
}

/* Maps go by position in Google's paths: properties[0].value. */
static void walk_map(struct walk *w, const struct emu_field *f, yyjson_val *v)
{
    size_t from = w->path.n;
    size_t i = 0;

    jr_each_member (key, v) {
        buf_putf(&w->path, "[%zu].value", i++);
        if (f->type == EMU_STRING_MAP && !yyjson_is_str(key + 1))
            bad_value(w, "", TYPE_WORDS[EMU_STRING], key + 1);
        else if (f->type == EMU_MAP)
            walk_message(w, f->of, key + 1);
        buf_cut(&w->path, from);
    }
}

/* One value of the field; w->path ends in its name, and began there at `parent`. */
static void walk_value(struct walk *w, const struct emu_field *f, yyjson_val *v, size_t parent)
{
    switch (f->type) {
    case EMU_VALUE: return;
    case EMU_MESSAGE: walk_message(w, f->of, v); return;
    case EMU_STRUCT:
    case EMU_MAP:
    case EMU_STRING_MAP:
        if (!yyjson_is_obj(v))
            bad_value(w, "", TYPE_WORDS[f->type], v);
        else if (f->type != EMU_STRUCT)
            walk_map(w, f, v);
        return;
    default: walk_scalar(w, f, v, parent); return;
    }
}

static void walk_field(struct walk *w, const struct emu_field *f, struct str given, yyjson_val *v)
{
    size_t parent = w->path.n;
    struct emu_each e = emu_each(v);
    yyjson_val *item;

    if (yyjson_is_arr(v) && !(f->flags & EMU_REPEATED) && f->type != EMU_VALUE) {
        bad_name(w, given, "Proto field is not repeating, cannot start list.");
        return;
    }
    buf_putf(&w->path, "%s%s", parent > 0 ? "." : "", f->name);
    if (!(f->flags & EMU_REPEATED)) {
        walk_value(w, f, v, parent);
    } else {
        size_t named = w->path.n;

        while ((item = emu_next(&e)) != NULL) {
            if (yyjson_is_arr(v))
                buf_putf(&w->path, "[%zu]", e.index);
            walk_value(w, f, item, parent);
            buf_cut(&w->path, named);
        }
    }
    buf_cut(&w->path, parent);
}

static const struct emu_field *find_field(const struct emu_message *m, struct str name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (emu_name_is(name, m->fields[i].name))
            return &m->fields[i];
    }
    return NULL;
}

static void second_data(struct walk *w, struct str given)
{
    struct buf text;

    buf_init(&text, PATH_MAX_BYTES + ECHO_MAX + 200);
    buf_putf(&text,
             "Invalid value at '%.*s' (oneof), oneof field 'data' is already set. Cannot set "
             "'%.*s'",
             S_ARG(buf_str(&w->path)), S_ARG(given));
    violation(w, buf_str(&w->path), &text);
}

static void walk_members(struct walk *w, const struct emu_message *m, yyjson_val *obj)
{
    bool data = false;

    jr_each_member (key, obj) {
        const struct emu_field *f = find_field(m, jr_text(key));

        if (f == NULL) {
            bad_name(w, jr_text(key), "Cannot find field.");
            continue;
        }
        if (yyjson_is_null(key + 1))
            continue;
        if ((f->flags & EMU_DATA) && data)
            second_data(w, jr_text(key));
        data = data || (f->flags & EMU_DATA);
        walk_field(w, f, jr_text(key), key + 1);
    }
}

static void walk_message(struct walk *w, const struct emu_message *m, yyjson_val *obj)
{
    if (yyjson_is_obj(obj)) {
        walk_members(w, m, obj);
        return;
    }
    if (yyjson_is_arr(obj)) { /* a list in a list */
        bad_name(w, S(""), "Proto field is not repeating, cannot start list.");
        return;
    }
    if (!yyjson_is_null(obj))
        bad_value(w, PACKAGE, m->name, obj);
}

void emu_conform(const struct emu_message *m, yyjson_val *body, struct emu_problem *p)
{
    struct walk w = {.p = p};

    buf_init(&w.path, PATH_MAX_BYTES);
    if (yyjson_is_obj(body))
        walk_members(&w, m, body);
    else
        bad_name(&w, S(""), "Root element must be a message.");
    buf_fini(&w.path);
}
