/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_read.h - reading JSON: a strict, capped parse in place, and total accessors.
 *
 * Readers are total: an absent member or a wrong type reads as empty, so translators stay straight.
 * A JSON null reads as absent. */
#ifndef CODEC_JSON_READ_H
#define CODEC_JSON_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include <yyjson.h>

enum { JSON_DEPTH_MAX = 128, JSON_VALUES_MAX = 1000000, JSON_NUMBER_MAX = 256, JSON_PAD = 8 };

/* Parsed JSON. Strings point into the caller's bytes, which the parse changes in place, or into the
 * json itself. */
struct json {
    yyjson_doc *doc;
    yyjson_val *root; /* NULL after json_fini */
    /* private: where values live; kept between parses so that parsing an event allocates nothing */
    void *pool;
    size_t pool_room;
    size_t pool_bytes; /* of them on the heap: all, or none where they are the arena's */
    char *copy;        /* of json_parse_copy */
    size_t copy_bytes;
    char *rest; /* the text without its long strings, when there were some */
    size_t rest_bytes;
    struct arena *arena;
};
void json_init(struct json *j);
/* The same for one that is parsed once: what it needs is the arena's as long as it is small. */
void json_init_in(struct json *j, struct arena *arena);
void json_fini(struct json *j);

/* Parse n bytes at p in place: RFC 8259, valid UTF-8, no lone surrogate escapes, nothing after the
 * value; a byte order mark in front is skipped. Numbers keep their text: yyjson calls them raw, so
 * ask jr_is_num() and not yyjson_is_num(). May be called again on the same j; the earlier values
 * are gone then.
 *
 *   shape   p[n .. n + JSON_PAD) must be writable. p lives as long as the values
 *   units   JSON_VALUES_MAX counts names of members as well
 *   errors  E_SYNTAX; E_TOOBIG for depth, count of values or a number's length; E_MEMORY;
 *           why->at is NULL, *ret_at (may be NULL) is the byte offset of the trouble
 *   after   on error j->root is NULL and p holds rubbish; j may be used again
 *   source  RFC 8259; limits: LIM-5 */
MUST_CHECK enum err json_parse(struct json *j, char *p, size_t n, size_t *ret_at,
                               struct fault *why);
/* The same, but a lone surrogate escape reads as U+FFFD: upstream cuts text between the halves. */
MUST_CHECK enum err json_parse_lenient(struct json *j, char *p, size_t n, size_t *ret_at,
                                       struct fault *why);
/* For tests and small own things: parses a copy that lives in the json. */
MUST_CHECK enum err json_parse_copy(struct json *j, struct str text, size_t *ret_at,
                                    struct fault *why);

/* The value of the first member that repeats one of `names` (at most 256), NULL when none does. */
yyjson_val *jr_duplicate(yyjson_val *obj, const char *const *names, size_t n);

/* The first eight bytes of a name as a number: names are nearly always told apart by it and their
 * length. Of a word of our own both are known where it is compiled. */
static ALWAYS_INLINE uint64_t jr_head(struct str name)
{
    uint64_t head = 0;

    memcpy(&head, name.p, name.n < sizeof head ? name.n : sizeof head);
    return head;
}
/* What jr_find does where there is a value; `head` is jr_head(key). The names are of json_parse:
 * JSON_PAD bytes after each may be read. */
yyjson_val *jr_find_head(yyjson_val *obj, struct str key, uint64_t head);
/* NULL when absent, null, or obj is none */
static ALWAYS_INLINE yyjson_val *jr_find(yyjson_val *obj, struct str key)
{
    return obj != NULL ? jr_find_head(obj, key, jr_head(key)) : NULL;
}
/* The same, for a word of our own. */
static ALWAYS_INLINE yyjson_val *jr_get(yyjson_val *obj, const char *key)
{
    return jr_find(obj, (struct str){key, strlen(key)});
}
/* Nearly all names that are looked for are absent from nearly all objects: most are told so by one
 * bit of what jr_marks() gives for the object. */
static ALWAYS_INLINE uint64_t jr_mark(struct str name)
{
    unsigned ends =
        name.n > 0 ? 5U * (unsigned char)name.p[0] + 2U * (unsigned char)name.p[name.n - 1] : 0;

    return (uint64_t)1 << ((name.n + ends) & 63);
}
/* Of all names of an object, 0 when it is none. *ret_twice (may be NULL): two of them have one bit,
 * and may be the same. */
uint64_t jr_marks(yyjson_val *obj, bool *ret_twice);
/* jr_get(obj, key), marks being those of the object. */
static ALWAYS_INLINE yyjson_val *jr_marked(yyjson_val *obj, uint64_t marks, const char *key)
{
    return marks & jr_mark((struct str){key, strlen(key)}) ? jr_get(obj, key) : NULL;
}
/* Many members in one walk: ret[i] is what jr_get gives for names[i]. For hot paths. */
void jr_members(yyjson_val *obj, const struct str *names, size_t n, yyjson_val **ret);
/* A string's text, else empty. */
static ALWAYS_INLINE struct str jr_text(yyjson_val *v)
{
    return yyjson_is_str(v) ? str_of(unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)) : S("");
}
/* A string that is known to need no escape when it is written: as it was parsed it had none. */
static ALWAYS_INLINE bool jr_is_plain(yyjson_val *v)
{
    return v != NULL && (uint8_t)v->tag == (YYJSON_TYPE_STR | YYJSON_SUBTYPE_NOESC);
}
static ALWAYS_INLINE struct str jr_str(yyjson_val *obj, const char *key) /* of a member */
{
    return jr_text(jr_get(obj, key));
}
static inline bool jr_bool(yyjson_val *obj, const char *key, bool otherwise)
{
    yyjson_val *v = jr_get(obj, key);

    return yyjson_is_bool(v) ? unsafe_yyjson_get_bool(v) : otherwise;
}
static inline bool jr_is_num(yyjson_val *v)
{
    return yyjson_is_raw(v);
}
struct str jr_num_text(yyjson_val *v); /* a number as it was written, else empty */
/* An integer (also as a string of digits, as proto3 spells int64, or 1.0): true and *ret. */
MUST_CHECK bool jr_int(yyjson_val *v, int64_t lowest, int64_t highest, int64_t *ret);
uint64_t jr_count(yyjson_val *obj,
                  const char *key); /* a count; 0 when absent, negative or not one */
MUST_CHECK bool jr_num(yyjson_val *v, double *ret); /* a finite number */

/* Walk the items of an array; nothing when it is none. The item is a yyjson_val *. */
#define jr_each(item, arr)                                                                         \
    for (yyjson_val *item##_arr = (arr), *item = yyjson_arr_get_first(item##_arr),                 \
                    *item##_end = item##_arr ? unsafe_yyjson_get_next(item##_arr) : NULL;          \
         item != NULL && item < item##_end; item = unsafe_yyjson_get_next(item))

/* Walk the members of an object: `key` is the member's name, key + 1 its value. */
#define jr_each_member(key, obj)                                                                   \
    for (yyjson_val *key##_obj = yyjson_is_obj(obj) ? (obj) : NULL,                                \
                    *key = key##_obj && yyjson_obj_size(key##_obj) ? key##_obj + 1 : NULL,         \
                    *key##_end = key##_obj ? unsafe_yyjson_get_next(key##_obj) : NULL;             \
         key != NULL && key < key##_end; key = unsafe_yyjson_get_next(key + 1))

/* Where `at` (a value or a member's name) stands under root, as messages[3].content[0]; names that
 * are no plain words are quoted: a["b c"]. Appends nothing for the root, a stranger or NULL. */
void jr_path(yyjson_val *root, const void *at, struct buf *out);

#endif
