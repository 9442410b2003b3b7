/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema_impl.h - a schema on its way; shared by the schema*.c files alone.
 *
 *   schema.c        nodes, references, views
 *   schema_words.c  types and keywords that both dialects have
 *   schema_json.c   JSON Schema, cleaned
 *   schema_plain.c  OpenAPI's dialect */
#ifndef GEMINI_SCHEMA_IMPL_H
#define GEMINI_SCHEMA_IMPL_H

#include "gemini/schema.h"

enum { VIEW_MAX = 16, OPEN_MAX = 64 };

/* A node, what its $ref names and what its allOf holds, all to be taken together: a keyword is
 * looked up in the first of them that has it. */
struct view {
    uint64_t marks; /* jr_marks() of all nodes */
    yyjson_val *node[VIEW_MAX];
    size_t n;
    size_t own; /* anyOf and nullable are looked up in the first so many alone */
};

struct schema {
    struct jw *w;
    yyjson_val *root;
    bool plain;
    unsigned left;              /* nodes that may still be written */
    unsigned level;             /* nodes that are being written, one inside the other */
    yyjson_val *open[OPEN_MAX]; /* definitions that are being written */
    unsigned nopen;
    struct fault *why;
};

/* schema.c */
void schema_put(struct schema *s, const char *key, yyjson_val *node);
void schema_put_view(struct schema *s, const char *key, const struct view *view);
struct view view_of(struct schema *s, yyjson_val *node);
struct view view_with(struct schema *s, yyjson_val *member, const struct view *base);
yyjson_val *view_look(const struct view *view, size_t n, struct str name);
static inline yyjson_val *view_find_in(const struct view *view, size_t n, struct str name)
{
    return view->marks & jr_mark(name) ? view_look(view, n, name) : NULL;
}
static inline yyjson_val *view_find(const struct view *view, const char *name)
{
    return view_find_in(view, view->n, (struct str){name, strlen(name)});
}
yyjson_val *view_alternatives(const struct view *view); /* anyOf or oneOf, or NULL */

/* schema_words.c */
bool type_has(yyjson_val *type, struct str name);
bool type_is_null(yyjson_val *node);
bool view_is_nullable(const struct view *view);       /* said by nullable, or by a null in enum */
struct str view_inferred(const struct view *view);    /* what a schema without a type is about */
struct str view_single_type(const struct view *view); /* empty when there are several */
yyjson_val *view_prefix_items(const struct view *view);
void put_description(struct schema *s, const struct view *view);
/* In the plain dialect only those that go with the type. */
void put_keywords(struct schema *s, const struct view *view, struct str type);

/* schema_json.c, schema_plain.c: the members of a node */
void put_json_view(struct schema *s, const struct view *view);
void put_json_definitions(struct schema *s, yyjson_val *node);
void put_plain_view(struct schema *s, const struct view *view, bool nullable);

#endif
