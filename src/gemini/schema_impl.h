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

/* Every keyword that is looked at; from minItems on they are bounds. */
#define KEYWORDS(X)                                                                                \
    X(REF, "$ref")                                                                                 \
    X(DEFS, "$defs")                                                                               \
    X(DEFINITIONS, "definitions")                                                                  \
    X(ALL_OF, "allOf")                                                                             \
    X(ANY_OF, "anyOf")                                                                             \
    X(ONE_OF, "oneOf")                                                                             \
    X(NOT, "not")                                                                                  \
    X(TYPE, "type")                                                                                \
    X(NULLABLE, "nullable")                                                                        \
    X(FORMAT, "format")                                                                            \
    X(TITLE, "title")                                                                              \
    X(DESCRIPTION, "description")                                                                  \
    X(ENUM, "enum")                                                                                \
    X(CONST, "const")                                                                              \
    X(DEFAULT, "default")                                                                          \
    X(PROPERTIES, "properties")                                                                    \
    X(REQUIRED, "required")                                                                        \
    X(ORDERING, "propertyOrdering")                                                                \
    X(MORE, "additionalProperties")                                                                \
    X(PATTERNS, "patternProperties")                                                               \
    X(ITEMS, "items")                                                                              \
    X(PREFIX_ITEMS, "prefixItems")                                                                 \
    X(MIN_ITEMS, "minItems")                                                                       \
    X(MAX_ITEMS, "maxItems")                                                                       \
    X(MIN_PROPERTIES, "minProperties")                                                             \
    X(MAX_PROPERTIES, "maxProperties")                                                             \
    X(MIN_LENGTH, "minLength")                                                                     \
    X(MAX_LENGTH, "maxLength")                                                                     \
    X(PATTERN, "pattern")                                                                          \
    X(MINIMUM, "minimum")                                                                          \
    X(MAXIMUM, "maximum")                                                                          \
    X(ABOVE, "exclusiveMinimum")                                                                   \
    X(BELOW, "exclusiveMaximum")
enum kw {
#define KEYWORD_ID(id, word) KW_##id,
    KEYWORDS(KEYWORD_ID)
#undef KEYWORD_ID
        KW_COUNT
};
extern const char *const KEYWORD_NAME[KW_COUNT];

/* A node, what its $ref names and what its allOf holds, all to be taken together: a keyword is that
 * of the first of them that has it. Each node is walked once. */
struct view {
    uint64_t have;            /* a bit for each keyword that is there */
    yyjson_val *is[KW_COUNT]; /* where its bit is set */
    yyjson_val *node[VIEW_MAX];
    yyjson_val *properties[VIEW_MAX]; /* of each node, or NULL */
    size_t n;
    size_t own;    /* how many of them there are without what stands beside an alternative; anyOf,
                      oneOf and nullable are taken of these alone */
    bool nullable; /* one says so */
};

struct schema {
    struct jw *w;
    yyjson_val *root;
    bool plain, loose;
    unsigned left;              /* nodes that may still be written */
    unsigned level;             /* nodes that are being written, one inside the other */
    yyjson_val *open[OPEN_MAX]; /* definitions that are being written */
    unsigned nopen;
    struct fault *why;
};

/* schema.c */
void schema_put(struct schema *s, const char *key, yyjson_val *node);
void schema_put_view(struct schema *s, const char *key, const struct view *view);
void view_of(struct schema *s, yyjson_val *node, struct view *ret);
void view_with(struct schema *s, yyjson_val *member, const struct view *base, struct view *ret);
static inline yyjson_val *view_get(const struct view *view, enum kw kw)
{
    return view->have >> kw & 1 ? view->is[kw] : NULL;
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
