/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* instance.c - makes up a value for a schema. Deterministic: the same schema and hints give the
 * same value. Must not know what the value is for. */
#include "demo/instance.h"
#include "codec/utf8.h"
#include "demo/fields.h"

#include <math.h>

enum { DEPTH_MAX = 12, NODES_MAX = 4000, NAMES_MAX = 1000, ITEMS_MAX = 16, STRING_MAX = 4096 };

struct maker {
    struct jw *w;
    yyjson_val *root; /* where $ref points into */
    const struct emu_hints *h;
    struct str numbers; /* what is left of the text to take numbers from */
    size_t depth;
    size_t nodes;
};

static void make(struct maker *m, const char *key, yyjson_val *s, struct str name);

static bool tired(const struct maker *m)
{
    return m->depth >= DEPTH_MAX || m->nodes >= NODES_MAX;
}

/* One step of a JSON pointer: ~1 is a slash, ~0 a tilde. */
static bool step_is(struct str name, struct str step)
{
    size_t i = 0;

    for (size_t k = 0; k < step.n; k++, i++) {
        char c = step.p[k];

        if (c == '~' && k + 1 < step.n)
            c = step.p[++k] == '1' ? '/' : '~';
        if (i >= name.n || name.p[i] != c)
            return false;
    }
    return i == name.n;
}

static yyjson_val *member(yyjson_val *obj, struct str step)
{
    jr_each_member (key, obj) {
        if (step_is(jr_text(key), step))
            return key + 1;
    }
    return NULL;
}

/* "#/$defs/x"; NULL when it leads nowhere. */
static yyjson_val *follow(yyjson_val *root, struct str ref)
{
    yyjson_val *v = root;

    if (!str_starts(ref, S("#")))
        return NULL;
    ref = str_skip(ref, 1);
    while (v != NULL && ref.n > 0) {
        struct str step;

        ref = str_skip(ref, 1);
        step = str_cut(&ref, '/');
        if (ref.n > 0) { /* str_cut took the slash */
            ref.p--;
            ref.n++;
        }
        v = yyjson_is_arr(v) ? yyjson_arr_get_first(v) : member(v, step);
    }
    return v;
}

static yyjson_val *resolve(const struct maker *m, yyjson_val *s)
{
    for (int hops = 0; hops < 8 && jr_str(s, "$ref").n > 0; hops++)
        s = follow(m->root, jr_str(s, "$ref"));
    return s;
}

enum kind { K_ANY, K_STRING, K_NUMBER, K_INTEGER, K_BOOLEAN, K_ARRAY, K_OBJECT, K_NULL };
static const struct word KINDS[] = {
    {"string",  K_STRING },
    {"number",  K_NUMBER },
    {"integer", K_INTEGER},
    {"boolean", K_BOOLEAN},
    {"array",   K_ARRAY  },
    {"object",  K_OBJECT },
    {"null",    K_NULL   },
};

static enum kind kind_word(struct str s)
{
    for (size_t i = 0; i < NELEM(KINDS); i++) {
        if (str_eq_nocase(s, str_z(KINDS[i].name)))
            return (enum kind)KINDS[i].value;
    }
    return K_ANY;
}

/* Of several types the first that is not null. */
static enum kind kind_of(yyjson_val *s)
{
    struct emu_each types = emu_each(jr_get(s, "type"));
    enum kind kind = K_ANY;
    yyjson_val *t;

    while ((t = emu_next(&types)) != NULL) {
        if (kind == K_ANY || kind == K_NULL)
            kind = kind_word(jr_text(t));
    }
    if (kind != K_ANY)
        return kind;
    if (jr_get(s, "properties") || jr_get(s, "allOf") || jr_get(s, "additionalProperties"))
        return K_OBJECT;
    if (jr_get(s, "items") || jr_get(s, "prefixItems"))
        return K_ARRAY;
    return K_STRING;
}

static double bound(yyjson_val *s, const char *name, double otherwise)
{
    double d;
    int64_t i;

    if (jr_num(emu_get(s, name), &d))
        return d;
    return jr_int(emu_get(s, name), 0, INT32_MAX, &i) ? (double)i : otherwise;
}

static size_t count_bound(yyjson_val *s, const char *name, size_t otherwise)
{
    double d = bound(s, name, (double)otherwise);

    return d >= 0 && d <= STRING_MAX ? (size_t)d : otherwise;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next number in the text, "3" or "-2.5", is cut off it. */
static bool take_number(struct str *text, double *ret)
{
    double v = 0;
    double scale = 0;
    size_t from = 0;
    size_t i;

    while (from < text->n && !is_digit(text->p[from]))
        from++;
    for (i = from; i < text->n; i++) {
        bool point = text->p[i] == '.' && scale == 0 && i + 1 < text->n && is_digit(text->p[i + 1]);

        if (is_digit(text->p[i]) && scale == 0)
            v = v * 10 + (text->p[i] - '0');
        else if (is_digit(text->p[i]))
            v += (text->p[i] - '0') * scale;
        else if (!point)
            break;
        scale = point ? 0.1 : scale / 10;
    }
    if (i == from)
        return false;
    *ret = from > 0 && text->p[from - 1] == '-' ? -v : v;
    *text = str_skip(*text, i);
    return true;
}

/* Whole numbers by conversion: the mathematics library is not linked. */
static double whole_below(double v)
{
    double whole = v > -9e15 && v < 9e15 ? (double)(int64_t)v : v;

    return whole > v ? whole - 1 : whole;
}

/* Within the bounds of the schema. */
static double fit(yyjson_val *s, double v, double step)
{
    double low = bound(s, "minimum", -INFINITY);
    double high = bound(s, "maximum", INFINITY);
    double above = bound(s, "exclusive_minimum", -INFINITY);
    double below = bound(s, "exclusive_maximum", INFINITY);
    double multiple = bound(s, "multiple_of", 0);

    v = v < low ? low : v;
    v = v <= above ? above + step : v;
    v = v > high ? high : v;
    v = v >= below ? below - step : v;
    return multiple > 0 ? -whole_below(-v / multiple) * multiple : v;
}

static void make_number(struct maker *m, const char *key, yyjson_val *s, bool whole)
{
    double v = 1;

    if (take_number(&m->numbers, &v) && whole)
        v = whole_below(v);
    v = fit(s, v, whole ? 1 : 0.5);
    if (whole && v > -9e15 && v < 9e15)
        jw_int(m->w, key, (int64_t)-whole_below(-v));
    else
        jw_num(m->w, key, isfinite(v) ? v : 0);
}

static const struct {
    const char *format, *text;
} FORMATS[] = {
    {"date-time", "2026-11-23T09:30:00Z"                },
    {"date",      "2026-11-23"                          },
    {"time",      "09:30:00Z"                           },
    {"duration",  "PT1M"                                },
    {"email",     "magpie@example.com"                  },
    {"uri",       "https://example.com/"                },
    {"url",       "https://example.com/"                },
    {"hostname",  "example.com"                         },
    {"ipv4",      "192.0.2.1"                           },
    {"ipv6",      "2001:db8::1"                         },
    {"uuid",      "00000000-0000-4000-8000-000000000001"},
};

static bool is_place(struct str name)
{
    static const char *const words[] = {"city", "location", "place", "town", "destination"};

    for (size_t i = 0; i < NELEM(words); i++) {
        if (str_contains_nocase(name, str_z(words[i])))
            return true;
    }
    return false;
}

/* What to call it, cut or filled up to the length that the schema wants (ASCII only is filled). */
static void make_string(struct maker *m, const char *key, yyjson_val *s, struct str name)
{
    size_t lowest = count_bound(s, "min_length", 0);
    size_t highest = count_bound(s, "max_length", STRING_MAX);
    struct buf text;

    buf_init(&text, STRING_MAX + 256);
    for (size_t i = 0; i < NELEM(FORMATS); i++) {
        if (str_eq(jr_str(s, "format"), str_z(FORMATS[i].format)))
            buf_put(&text, str_z(FORMATS[i].text));
    }
    if (text.n == 0 && m->h->place.n > 0 && is_place(name))
        buf_put(&text, m->h->place);
    else if (text.n == 0 && m->h->required_only)
        buf_put(&text, str_sub(m->h->text, 0, utf8_floor(m->h->text, STRING_MAX)));
    if (text.n == 0)
        buf_putf(&text, "emulated %.*s", S_ARG(name.n > 0 ? name : S("text")));
    while (utf8_count(buf_str(&text)) < lowest && text.err == OK)
        buf_putc(&text, '.');
    while (utf8_count(buf_str(&text)) > highest)
        buf_cut(&text, utf8_floor(buf_str(&text), text.n - 1));
    jw_str(m->w, key, buf_str(&text));
    buf_fini(&text);
}

/* A word that the user said too, else the first. */
static yyjson_val *choose(const struct maker *m, yyjson_val *list)
{
    struct emu_each words = emu_each(list);
    yyjson_val *v;

    while ((v = emu_next(&words)) != NULL) {
        if (jr_text(v).n > 1 && str_contains_nocase(m->h->text, jr_text(v)))
            return v;
    }
    words = emu_each(list);
    return emu_next(&words);
}

static void make_array(struct maker *m, const char *key, yyjson_val *s)
{
    struct emu_each first = emu_each(jr_get(s, "prefixItems"));
    size_t lowest = count_bound(s, "min_items", 0);
    size_t want = lowest > 0 ? lowest : count_bound(s, "max_items", 1) > 0;
    size_t n = 0;
    yyjson_val *item;

    if (tired(m))
        want = 0;
    jw_arr(m->w, key);
    while (!tired(m) && (item = emu_next(&first)) != NULL) {
        make(m, NULL, item, S("item"));
        n++;
    }
    for (; n < want && n < ITEMS_MAX; n++)
        make(m, NULL, jr_get(s, "items"), S("item"));
    jw_end(m->w);
}

static bool is_required(yyjson_val *s, struct str name)
{
    struct emu_each names = emu_each(jr_get(s, "required"));
    yyjson_val *v;

    while ((v = emu_next(&names)) != NULL && names.index < NAMES_MAX) {
        if (str_eq(jr_text(v), name))
            return true;
    }
    return false;
}

static void make_member(struct maker *m, yyjson_val *s, yyjson_val *key)
{
    bool some_required = emu_len(jr_get(s, "required")) > 0;
    bool needed = is_required(s, jr_text(key));

    if (!needed && (tired(m) || m->depth > DEPTH_MAX / 2 || (m->h->required_only && some_required)))
        return;
    jw_key(m->w, jr_text(key));
    make(m, NULL, key + 1, jr_text(key));
}

static yyjson_val *member_key(yyjson_val *obj, struct str name)
{
    jr_each_member (key, obj) {
        if (str_eq(jr_text(key), name))
            return key;
    }
    return NULL;
}

/* In the order that propertyOrdering asks for, the rest as the schema lists it. */
static void make_members(struct maker *m, yyjson_val *s)
{
    yyjson_val *properties = jr_get(s, "properties");
    yyjson_val *order = emu_get(s, "property_ordering");
    struct emu_each names = emu_each(order);
    yyjson_val *name;

    while ((name = emu_next(&names)) != NULL && names.index < NAMES_MAX) {
        yyjson_val *key = member_key(properties, jr_text(name));

        if (key != NULL)
            make_member(m, s, key);
    }
    jr_each_member (key, properties) {
        bool done = false;

        if (m->nodes > NODES_MAX)
            return;
        names = emu_each(order);
        while ((name = emu_next(&names)) != NULL && names.index < NAMES_MAX)
            done = done || str_eq(jr_text(name), jr_text(key));
        if (!done)
            make_member(m, s, key);
    }
}

static void make_object(struct maker *m, const char *key, yyjson_val *s)
{
    yyjson_val *others = jr_get(s, "additionalProperties");
    struct emu_each all = emu_each(jr_get(s, "allOf"));
    yyjson_val *branch;

    jw_obj(m->w, key);
    make_members(m, s);
    while ((branch = emu_next(&all)) != NULL)
        make_members(m, resolve(m, branch));
    if (yyjson_is_obj(others) && jr_get(s, "properties") == NULL && !tired(m))
        make(m, "key", others, S("value"));
    jw_end(m->w);
}

/* The branch of anyOf or oneOf to take: the first that is not null. NULL when there is none. */
static yyjson_val *branch_of(const struct maker *m, yyjson_val *s)
{
    yyjson_val *list = emu_get(s, "any_of");
    struct emu_each branches = emu_each(list != NULL ? list : jr_get(s, "oneOf"));
    yyjson_val *v;
    yyjson_val *last = NULL;

    if (jr_get(s, "properties") != NULL) /* the branches only narrow it */
        return NULL;
    while ((v = emu_next(&branches)) != NULL) {
        last = resolve(m, v);
        if (kind_of(last) != K_NULL)
            return last;
    }
    return last;
}

static void make_kind(struct maker *m, const char *key, yyjson_val *s, struct str name)
{
    switch (kind_of(s)) {
    case K_ANY:
    case K_STRING: make_string(m, key, s, name); return;
    case K_NUMBER: make_number(m, key, s, false); return;
    case K_INTEGER: make_number(m, key, s, true); return;
    case K_BOOLEAN: jw_bool(m->w, key, true); return;
    case K_ARRAY: make_array(m, key, s); return;
    case K_OBJECT: make_object(m, key, s); return;
    case K_NULL: jw_null(m->w, key); return;
    }
}

static void make(struct maker *m, const char *key, yyjson_val *s, struct str name)
{
    yyjson_val *branch;

    m->depth++;
    m->nodes++;
    s = resolve(m, s);
    branch = branch_of(m, s);
    if (m->depth > 2 * DEPTH_MAX || m->nodes > 2 * NODES_MAX)
        jw_null(m->w, key);
    else if (yyjson_obj_get(s, "const") != NULL)
        jw_copy(m->w, key, yyjson_obj_get(s, "const"));
    else if (emu_len(jr_get(s, "enum")) > 0)
        jw_copy(m->w, key, choose(m, jr_get(s, "enum")));
    else if (branch != NULL)
        make(m, key, branch, name);
    else
        make_kind(m, key, s, name);
    m->depth--;
}

void emu_instance(yyjson_val *schema, const struct emu_hints *h, struct jw *w, const char *key)
{
    struct maker m = {.w = w, .root = schema, .h = h, .numbers = h->text};

    make(&m, key, schema, S(""));
}
