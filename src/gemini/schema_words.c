/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema_words.c - types, and the keywords that the dialects have in common. Each puts what it
 * finds in a view; what cannot be said is said in words or left out. */
#include "gemini/schema_impl.h"

bool type_has(yyjson_val *type, struct str name)
{
    jr_each (item, type)
        if (str_eq(jr_text(item), name))
            return true;
    return str_eq(jr_text(type), name);
}

bool type_is_null(yyjson_val *node)
{
    return yyjson_is_str(jr_get(node, "type")) && type_has(jr_get(node, "type"), S("null"));
}

bool view_is_nullable(const struct view *view)
{
    yyjson_val *list = view_get(view, KW_ENUM);

    if (view->nullable)
        return true;
    jr_each (item, list)
        if (yyjson_is_null(item))
            return true;
    return false;
}

static bool is_whole(struct str number)
{
    for (size_t i = 0; i < number.n; i++)
        if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E')
            return false;
    return true;
}

static struct str type_of_value(yyjson_val *v)
{
    if (yyjson_is_bool(v))
        return S("boolean");
    if (jr_is_num(v))
        return is_whole(jr_num_text(v)) ? S("integer") : S("number");
    return S("string");
}

/* What a schema without a type is about. */
struct str view_inferred(const struct view *view)
{
    yyjson_val *list = view_get(view, KW_ENUM);
    yyjson_val *one = view_get(view, KW_CONST);

    if (view_get(view, KW_PROPERTIES) != NULL || view_get(view, KW_MORE) != NULL)
        return S("object");
    if (view->own > 0 && jr_get(view->node[view->own - 1], "$ref") != NULL)
        return S("object"); /* a reference that was not followed, as a rule to what it stands in */
    if (view_get(view, KW_ITEMS) != NULL || view_get(view, KW_PREFIX_ITEMS) != NULL)
        return S("array");
    if (one != NULL)
        return type_of_value(one);
    return type_of_value(yyjson_arr_get_first(list));
}

/* The only type, null left out of account; empty when there are several. */
struct str view_single_type(const struct view *view)
{
    yyjson_val *type = view_get(view, KW_TYPE);
    struct str found = S("");
    size_t n = 0;

    if (yyjson_is_str(type))
        return jr_text(type);
    if (!yyjson_is_arr(type))
        return view_inferred(view);
    jr_each (item, type)
        if (!str_eq(jr_text(item), S("null"))) {
            found = jr_text(item);
            n++;
        }
    return n == 1 ? found : S("");
}

typedef void keyword_f(struct schema *s, const struct view *view, yyjson_val *v);

/* Looked through for each name: a count that nobody needs is refused. */
enum { PROPERTIES_MAX = 2000 };

static bool too_many(struct schema *s, const struct view *view)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n; i++)
        n += yyjson_obj_size(view->properties[i]);
    if (n > PROPERTIES_MAX)
        fault_set(s->why, E_TOOBIG, "has more properties than one object may", view->node[0]);
    return n > PROPERTIES_MAX;
}

static bool is_property(const struct view *view, struct str name, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (yyjson_obj_getn(view->properties[i], name.p, name.n) != NULL)
            return true;
    return false;
}

/* The properties of all nodes; of two with one name the first holds. */
static void put_properties(struct schema *s, const struct view *view, yyjson_val *v)
{
    (void)v;
    if (too_many(s, view))
        return;
    jw_obj(s->w, "properties");
    for (size_t i = 0; i < view->n; i++)
        jr_each_member (name, view->properties[i]) {
            if (is_property(view, jr_text(name), i))
                continue;
            jw_key(s->w, jr_text(name));
            schema_put(s, NULL, name + 1);
        }
    jw_end(s->w);
}

/* A name that no property has is refused by Google, and could not be filled. */
static void put_required(struct schema *s, const struct view *view, yyjson_val *v)
{
    bool any = view_get(view, KW_PROPERTIES) != NULL;

    (void)v;
    if (too_many(s, view) || (s->plain && !any))
        return;
    jw_arr(s->w, "required");
    for (size_t i = 0; i < view->n; i++)
        jr_each (name, jr_get(view->node[i], "required"))
            if (yyjson_is_str(name) && (!any || is_property(view, jr_text(name), view->n)))
                jw_str(s->w, NULL, jr_text(name));
    jw_end(s->w);
}

/* Can the dialect's enum hold it? null is told by the type, and an empty string is refused. */
static bool in_enum(const struct schema *s, yyjson_val *item)
{
    if (yyjson_is_str(item))
        return jr_text(item).n > 0;
    return !s->plain && jr_is_num(item);
}

static void put_enum(struct schema *s, const struct view *view, yyjson_val *list)
{
    bool any = false;

    (void)view;
    jr_each (item, list) {
        if (!in_enum(s, item))
            continue;
        if (!any)
            jw_arr(s->w, "enum");
        any = true;
        jw_copy(s->w, NULL, item);
    }
    if (any)
        jw_end(s->w);
}

static void put_const(struct schema *s, const struct view *view, yyjson_val *v)
{
    if (view_get(view, KW_ENUM) != NULL || !in_enum(s, v))
        return;
    jw_arr(s->w, "enum");
    jw_copy(s->w, NULL, v);
    jw_end(s->w);
}

static void put_value(struct jw *w, yyjson_val *v)
{
    if (yyjson_is_bool(v))
        jw_str_more(w, yyjson_is_true(v) ? S("true") : S("false"));
    else
        jw_str_more(w, yyjson_is_str(v) ? jr_text(v) : jr_num_text(v));
}

/* Values that the dialect's enum cannot hold are told in words. */
static void put_allowed(struct jw *w, yyjson_val *list)
{
    bool first = true;

    jr_each (item, list) {
        jw_str_more(w, first ? S("Allowed values: ") : S(", "));
        put_value(w, item);
        first = false;
    }
    jw_str_more(w, first ? S("") : S("."));
}

static bool enum_needs_words(const struct schema *s, yyjson_val *list)
{
    jr_each (item, list)
        if (yyjson_is_bool(item) || (s->plain && jr_is_num(item)))
            return true;
    return false;
}

void put_description(struct schema *s, const struct view *view)
{
    yyjson_val *text = view_get(view, KW_DESCRIPTION);
    yyjson_val *list = view_get(view, KW_ENUM);
    yyjson_val *one = view_get(view, KW_CONST);
    bool words = enum_needs_words(s, list);
    bool says = yyjson_is_bool(one) || (s->plain && jr_is_num(one));

    if (!yyjson_is_str(text) && !words && !says)
        return;
    jw_str_open(s->w, "description");
    jw_str_more(s->w, jr_text(text));
    if (jr_text(text).n > 0 && (words || says))
        jw_str_more(s->w, S(" "));
    if (words)
        put_allowed(s->w, list);
    if (says) {
        jw_str_more(s->w, S("Always "));
        put_value(s->w, one);
        jw_str_more(s->w, S("."));
    }
    jw_str_close(s->w);
}

/* Above 3 is 4 and more for whole numbers; for others the nearest that can be said is 3 and more.
 */
static void put_bound(struct schema *s, const struct view *view, enum kw kw, enum kw exclusive,
                      int64_t inward)
{
    const char *name = KEYWORD_NAME[kw];
    yyjson_val *v = view_get(view, kw);
    yyjson_val *beyond = view_get(view, exclusive);
    bool whole;
    int64_t n;

    if (v == NULL && beyond == NULL)
        return;
    whole = str_eq(view_single_type(view), S("integer"));
    if (v == NULL && jr_is_num(beyond)) {
        if (whole && jr_int(beyond, INT32_MIN, INT32_MAX, &n))
            jw_int(s->w, name, n + inward);
        else
            jw_copy(s->w, name, beyond);
    } else if (jr_is_num(v))
        jw_copy(s->w, name, v);
}

/* The list form of items (before 2020-12) is what prefixItems is now. */
yyjson_val *view_prefix_items(const struct view *view)
{
    yyjson_val *items = view_get(view, KW_ITEMS);

    return yyjson_is_arr(items) ? items : view_get(view, KW_PREFIX_ITEMS);
}

struct keyword {
    enum kw kw;
    keyword_f *put; /* NULL: copied as it is */
    enum { BOTH, JSON_ONLY } in;
    const char *type; /* the plain dialect refuses it beside another; NULL: beside any */
};

static void put_default(struct schema *s, const struct view *view, yyjson_val *v)
{
    (void)view;
    jw_copy(s->w, "default", v);
}

static void put_items(struct schema *s, const struct view *view, yyjson_val *v)
{
    (void)view;
    if (!yyjson_is_arr(v))
        schema_put(s, "items", v);
}

static void put_more(struct schema *s, const struct view *view, yyjson_val *v)
{
    (void)view;
    if (yyjson_is_bool(v))
        jw_bool(s->w, "additionalProperties", yyjson_is_true(v));
    else
        schema_put(s, "additionalProperties", v);
}

/* Properties by a pattern of their name: what one of them may hold, any of them may. */
static void put_patterns(struct schema *s, const struct view *view, yyjson_val *v)
{
    yyjson_val *more = view_get(view, KW_MORE);

    if (yyjson_obj_size(v) == 1 && (more == NULL || yyjson_is_false(more)))
        schema_put(s, "additionalProperties", unsafe_yyjson_get_first(v) + 1);
}

static void put_more_unless_patterns(struct schema *s, const struct view *view, yyjson_val *v)
{
    if (!yyjson_is_false(v) || yyjson_obj_size(view_get(view, KW_PATTERNS)) != 1)
        put_more(s, view, v);
}

static void put_not(struct schema *s, const struct view *view, yyjson_val *v)
{
    (void)view;
    schema_put(s, "not", v);
}

static const struct keyword KEYWORD[] = {
    {KW_TITLE,          NULL,                     BOTH,      NULL    },
    {KW_ENUM,           put_enum,                 BOTH,      "string"},
    {KW_CONST,          put_const,                BOTH,      "string"},
    {KW_DEFAULT,        put_default,              BOTH,      NULL    },
    {KW_PROPERTIES,     put_properties,           BOTH,      "object"},
    {KW_REQUIRED,       put_required,             BOTH,      "object"},
    {KW_ORDERING,       NULL,                     BOTH,      "object"},
    {KW_MORE,           put_more_unless_patterns, JSON_ONLY, NULL    },
    {KW_PATTERNS,       put_patterns,             JSON_ONLY, NULL    },
    {KW_ITEMS,          put_items,                BOTH,      "array" },
    {KW_MIN_ITEMS,      NULL,                     BOTH,      "array" },
    {KW_MAX_ITEMS,      NULL,                     BOTH,      "array" },
    {KW_MIN_PROPERTIES, NULL,                     BOTH,      "object"},
    {KW_MAX_PROPERTIES, NULL,                     BOTH,      "object"},
    {KW_MIN_LENGTH,     NULL,                     BOTH,      "string"},
    {KW_MAX_LENGTH,     NULL,                     BOTH,      "string"},
    {KW_PATTERN,        NULL,                     BOTH,      "string"},
    {KW_NOT,            put_not,                  JSON_ONLY, NULL    },
};

static bool fits(const struct schema *s, const struct keyword *k, struct str type)
{
    if (s->loose && k->kw >= KW_MIN_ITEMS && k->kw <= KW_PATTERN)
        return false;
    if (!s->plain)
        return true;
    return k->in == BOTH && (k->type == NULL || str_eq_nocase(type, str_z(k->type)));
}

void put_keywords(struct schema *s, const struct view *view, struct str type)
{
    for (size_t i = 0; i < NELEM(KEYWORD); i++) {
        yyjson_val *v = view_get(view, KEYWORD[i].kw);

        if (v == NULL || !fits(s, &KEYWORD[i], type))
            continue;
        if (KEYWORD[i].put != NULL)
            KEYWORD[i].put(s, view, v);
        else
            jw_copy(s->w, KEYWORD_NAME[KEYWORD[i].kw], v);
    }
    if (s->loose ||
        (s->plain && !str_eq_nocase(type, S("number")) && !str_eq_nocase(type, S("integer"))))
        return;
    put_bound(s, view, KW_MINIMUM, KW_ABOVE, 1);
    put_bound(s, view, KW_MAXIMUM, KW_BELOW, -1);
}
