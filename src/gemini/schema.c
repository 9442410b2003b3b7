/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema.c - JSON Schema rewritten, a node at a time: what its references and its allOf bring in,
 * and how far. Which keywords there are is in the other schema_*.c files. Must not know whose
 * schema it is. */
#include "gemini/schema_impl.h"

#include "codec/json_names.h"

#include <assert.h>

/* How deep nodes may stand in each other, and among how many members a reference is looked for. */
enum { LEVELS_MAX = 64, MEMBERS_MAX = 2000 };

/* One step of a JSON pointer: "~1" is a slash, "~0" a tilde. */
static yyjson_val *step(yyjson_val *at, struct str name)
{
    char plain[256];
    size_t n = 0;
    uint64_t index;

    for (size_t i = 0; i < name.n && n < sizeof plain; i++) {
        bool escape = name.p[i] == '~' && i + 1 < name.n;

        plain[n++] = !escape ? name.p[i] : name.p[i + 1] == '1' ? '/' : '~';
        i += escape;
    }
    if (yyjson_get_len(at) > MEMBERS_MAX)
        return NULL;
    if (yyjson_is_arr(at))
        return str_u64(name, SIZE_MAX, &index) ? yyjson_arr_get(at, (size_t)index) : NULL;
    return yyjson_obj_getn(at, plain, n);
}

static yyjson_val *resolve(const struct schema *s, struct str ref)
{
    yyjson_val *at = s->root;

    if (!str_starts(ref, S("#")))
        return NULL;
    ref = str_skip(ref, 1);
    if (str_starts(ref, S("/")))
        ref = str_skip(ref, 1);
    while (ref.n > 0 && at != NULL)
        at = step(at, str_cut(&ref, '/'));
    return yyjson_is_obj(at) ? at : NULL;
}

/* The name of a definition in "#/$defs/Name" or "#/definitions/Name"; empty for other references.
 */
static struct str definition(struct str ref)
{
    struct str name = S("");

    if (str_starts(ref, S("#/$defs/")))
        name = str_skip(ref, 8);
    else if (str_starts(ref, S("#/definitions/")))
        name = str_skip(ref, 14);
    return str_find(name, S("/")) < name.n ? S("") : name;
}

static unsigned times_open(const struct schema *s, yyjson_val *target)
{
    unsigned times = 0;

    for (unsigned i = 0; i < s->nopen; i++)
        times += s->open[i] == target;
    return times;
}

static bool is_dollar(struct str name)
{
    return str_starts(name, S("$")) || str_eq(name, S("definitions"));
}

/* A $ref beside other keywords is not understood: what it names is taken in instead. */
static bool has_siblings(yyjson_val *node)
{
    jr_each_member (key, node)
        if (!is_dollar(jr_text(key)))
            return true;
    return false;
}

static void check_reference(struct schema *s, yyjson_val *node)
{
    static const char *const words[] = {"$ref", "$defs", "definitions"};
    yyjson_val *twice = jr_duplicate(node, words, NELEM(words));

    if (twice != NULL)
        fault_set(s->why, E_FIELD, "is there twice", twice);
}

static bool stays_a_reference(const struct schema *s, yyjson_val *node)
{
    struct str ref = jr_str(node, "$ref");

    if (s->plain || definition(ref).n == 0)
        return false;
    return !has_siblings(node) || times_open(s, resolve(s, ref)) > 0;
}

const char *const KEYWORD_NAME[KW_COUNT] = {
#define KEYWORD_WORD(id, word) word,
    KEYWORDS(KEYWORD_WORD)
#undef KEYWORD_WORD
};
static_assert((int)KW_COUNT <= (int)JN_MAX, "a bit for each keyword");
static struct jn KEYWORD_LIST = JN_LIST(KEYWORD_NAME);

static bool is_own_only(enum kw kw)
{
    return kw == KW_ANY_OF || kw == KW_ONE_OF || kw == KW_NULLABLE;
}

/* `own`: it is no more than what stands beside. */
static void put_node(struct schema *s, struct view *view, yyjson_val *node, bool own)
{
    uint64_t had = 0;

    view->node[view->n] = node;
    view->properties[view->n] = NULL;
    jr_each_member (name, node) {
        int kw = jn_find(&KEYWORD_LIST, name);

        if (kw < 0)
            continue;
        if (had >> kw & 1)
            fault_set(s->why, E_FIELD, "is there twice", name + 1);
        had |= (uint64_t)1 << kw;
        if (yyjson_is_null(name + 1) || (!own && is_own_only((enum kw)kw)))
            continue;
        if (kw == KW_PROPERTIES && view->properties[view->n] == NULL)
            view->properties[view->n] = name + 1;
        if (kw == KW_NULLABLE)
            view->nullable = view->nullable || yyjson_is_true(name + 1);
        if (view->have >> kw & 1)
            continue;
        view->have |= (uint64_t)1 << kw;
        view->is[kw] = name + 1;
    }
    view->n++;
}

static void view_add(struct schema *s, struct view *view, yyjson_val *node)
{
    const uint64_t leads_on = (uint64_t)1 << KW_REF | (uint64_t)1 << KW_ALL_OF;
    yyjson_val *target;

    if (!yyjson_is_obj(node) || view->n == VIEW_MAX)
        return;
    put_node(s, view, node, true);
    if (!(view->have & leads_on))
        return;
    target = resolve(s, jr_str(node, "$ref"));
    if (target != NULL && s->nopen < OPEN_MAX && times_open(s, target) < GM_SCHEMA_CYCLE_MAX) {
        s->open[s->nopen++] = target;
        view_add(s, view, target);
    }
    jr_each (member, jr_get(node, "allOf"))
        view_add(s, view, member);
}

void view_of(struct schema *s, yyjson_val *node, struct view *ret)
{
    ret->have = 0;
    ret->n = 0;
    ret->nullable = false;
    view_add(s, ret, node);
    ret->own = ret->n;
}

yyjson_val *view_alternatives(const struct view *view)
{
    yyjson_val *any = view_get(view, KW_ANY_OF);

    if (any == NULL)
        any = view_get(view, KW_ONE_OF);
    return yyjson_is_arr(any) && yyjson_arr_size(any) > 0 ? any : NULL;
}

/* An alternative together with what stands beside all of them. */
void view_with(struct schema *s, yyjson_val *member, const struct view *base, struct view *ret)
{
    view_of(s, member, ret);
    for (size_t i = 0; i < base->n && ret->n < VIEW_MAX; i++)
        put_node(s, ret, base->node[i], false);
}

static bool spend(struct schema *s)
{
    if (s->level == LEVELS_MAX)
        return false; /* looser from here on */
    if (s->left == 0) {
        fault_set(s->why, E_TOOBIG, "is too large once its references are resolved", s->root);
        return false;
    }
    s->left--;
    return true;
}

void schema_put_view(struct schema *s, const char *key, const struct view *view)
{
    jw_obj(s->w, key);
    if (spend(s)) {
        s->level++;
        if (s->plain)
            put_plain_view(s, view, false);
        else
            put_json_view(s, view);
        s->level--;
    }
    jw_end(s->w);
}

/* Nothing is said, or it would stand in itself for ever. */
static void put_anything(struct schema *s, const char *key, bool object)
{
    jw_obj(s->w, key);
    if (s->plain || object)
        jw_str(s->w, "type", !s->plain ? S("object") : object ? S("OBJECT") : S("STRING"));
    jw_end(s->w);
}

static bool is_endless(const struct schema *s, yyjson_val *node)
{
    yyjson_val *target = resolve(s, jr_str(node, "$ref"));

    return target != NULL && (s->nopen == OPEN_MAX || times_open(s, target) >= GM_SCHEMA_CYCLE_MAX);
}

static void put_reference(struct schema *s, const char *key, yyjson_val *node)
{
    jw_obj(s->w, key);
    jw_str_open(s->w, "$ref");
    jw_str_more(s->w, S("#/$defs/"));
    jw_str_more(s->w, definition(jr_str(node, "$ref")));
    jw_str_close(s->w);
    put_json_definitions(s, node);
    jw_end(s->w);
}

void schema_put(struct schema *s, const char *key, yyjson_val *v)
{
    unsigned depth = s->nopen;
    bool refers = jr_get(v, "$ref") != NULL;
    UNINITIALIZED struct view view;

    if (refers)
        check_reference(s, v);
    if (!yyjson_is_obj(v))
        put_anything(s, key, false);
    else if (refers && stays_a_reference(s, v) && resolve(s, jr_str(v, "$ref")) != NULL)
        put_reference(s, key, v);
    else if (refers && is_endless(s, v))
        put_anything(s, key, true);
    else {
        view_of(s, v, &view);
        schema_put_view(s, key, &view);
    }
    s->nopen = depth;
}

unsigned gm_schema_for(const struct gm_caps *caps)
{
    return (gm_can(caps, GM_CAN_JSON_SCHEMA) ? 0U : GM_PLAIN_DIALECT) |
           (gm_can(caps, GM_CAN_BOUNDS) ? 0U : GM_NO_BOUNDS);
}

void gm_schema_put(struct jw *w, const char *key, yyjson_val *schema, yyjson_val *about,
                   unsigned dialect, struct fault *why)
{
    struct schema s = {.w = w,
                       .root = schema,
                       .plain = dialect & GM_PLAIN_DIALECT,
                       .loose = dialect & GM_NO_BOUNDS,
                       .left = GM_SCHEMA_NODES_MAX,
                       .why = why};
    UNINITIALIZED struct view view;

    view_of(&s, schema, &view); /* never a mere reference: it must say its type */
    if (yyjson_is_obj(about) && view.n < VIEW_MAX)
        put_node(&s, &view, about, false);
    schema_put_view(&s, key, &view);
}

bool gm_schema_is_empty(yyjson_val *schema)
{
    static const char *const says[] = {"$ref",  "allOf", "anyOf", "oneOf", "patternProperties",
                                       "items", "enum",  "const"};
    yyjson_val *more;

    if (!yyjson_is_obj(schema))
        return true;
    if (yyjson_obj_size(jr_get(schema, "properties")) > 0)
        return false; /* as a rule */
    for (size_t i = 0; i < NELEM(says); i++)
        if (jr_get(schema, says[i]) != NULL)
            return false;
    more = jr_get(schema, "additionalProperties");
    return !yyjson_is_obj(more) && !yyjson_is_true(more);
}
