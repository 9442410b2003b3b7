/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_write.h - a cursor that writes compact JSON. Commas, quoting and nesting are its business.
 *
 * Every call takes the key, or NULL inside an array and for the root; an assert catches mixing them
 * up. Failure is sticky in the buffer: check jw_end_all once. */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include "base/buf.h"
#include "base/rope.h"
#include <yyjson.h>

enum { JW_DEPTH_MAX = 256 };

struct jw {
    struct buf *b;
    struct rope *rope; /* where long plain runs of strings are borrowed, not copied; or NULL */
    uint32_t depth;
    bool object;                      /* the innermost level is one */
    bool comma;                       /* the next value needs one before it */
    bool keyed;                       /* its key is written already */
    bool quoted;                      /* inside jw_quoted */
    uint64_t kind[JW_DEPTH_MAX / 64]; /* one bit a level: object or array */
};
void jw_begin(struct jw *w, struct buf *b);
void jw_begin_inside(struct jw *w, struct buf *b); /* of an object with members: jw_end closes it */
void jw_begin_rope(struct jw *w, struct rope *r); /* strings borrowed: they must outlive the rope */

/* A name of our own: its length is known where it is compiled. NULL stays NULL. */
static inline struct str jw_name(const char *key)
{
    return (struct str){key, key != NULL ? strlen(key) : 0};
}

void jw_put_obj(struct jw *w, struct str key);
void jw_put_arr(struct jw *w, struct str key);
static inline void jw_obj(struct jw *w, const char *key)
{
    jw_put_obj(w, jw_name(key));
}
static inline void jw_arr(struct jw *w, const char *key)
{
    jw_put_arr(w, jw_name(key));
}
/* Levels that open at once: `json` is what stands up to there, members and all, `levels` is which
 * of its brackets stay open: S("{\"parts\":["), "{[". */
void jw_put_open(struct jw *w, struct str key, struct str json, const char *levels);
static inline void jw_open(struct jw *w, const char *key, struct str json, const char *levels)
{
    jw_put_open(w, jw_name(key), json, levels);
}
void jw_end(struct jw *w); /* closes the innermost object or array */

/* Text is valid UTF-8; it is escaped as RFC 8259 demands, nothing more. */
void jw_put_str(struct jw *w, struct str key, struct str s);
static inline void jw_str(struct jw *w, const char *key, struct str s)
{
    jw_put_str(w, jw_name(key), s);
}
/* The same for text that was found to need no escape: base64, or what jr_is_plain() says it of. */
void jw_put_plain(struct jw *w, struct str key, struct str s);
static inline void jw_plain(struct jw *w, const char *key, struct str s)
{
    jw_put_plain(w, jw_name(key), s);
}
void jw_str_key(struct jw *w, struct str key, struct str s); /* for keys that are data */
void jw_key(struct jw *w, struct str key); /* the next call takes NULL for its key */
void jw_put_int(struct jw *w, struct str key, int64_t v);
static inline void jw_int(struct jw *w, const char *key, int64_t v)
{
    jw_put_int(w, jw_name(key), v);
}
void jw_put_u64(struct jw *w, struct str key, uint64_t v);
static inline void jw_u64(struct jw *w, const char *key, uint64_t v)
{
    jw_put_u64(w, jw_name(key), v);
}
void jw_num(struct jw *w, const char *key,
            double v); /* short text that reads back the same; null when not finite */
void jw_put_raw(struct jw *w, struct str key, struct str json); /* already JSON */
static inline void jw_raw(struct jw *w, const char *key, struct str json)
{
    jw_put_raw(w, jw_name(key), json);
}
static inline void jw_bool(struct jw *w, const char *key, bool v)
{
    jw_put_raw(w, jw_name(key), v ? S("true") : S("false"));
}
static inline void jw_null(struct jw *w, const char *key)
{
    jw_put_raw(w, jw_name(key), S("null"));
}
/* Values come from json_parse; NULL is written as null. Numbers keep their text. */
void jw_copy(struct jw *w, const char *key, yyjson_val *v);   /* a parsed value, as it was */
void jw_quoted(struct jw *w, const char *key, yyjson_val *v); /* its JSON text, as a string */

/* JSON that the caller writes by hand, `max` bytes at the most, from the place that is returned;
 * NULL: that is more than the cap allows, and nothing is to be written. Not inside of quotes. */
MUST_CHECK char *jw_raw_open(struct jw *w, const char *key, size_t max);
void jw_raw_close(struct jw *w, const char *end); /* where it ended */

/* A string that is written in pieces. */
void jw_str_open(struct jw *w, const char *key);
void jw_str_more(struct jw *w, struct str s);
void jw_plain_more(struct jw *w, struct str s); /* one that needs no escape */
void jw_str_close(struct jw *w);

MUST_CHECK enum err jw_end_all(struct jw *w); /* asserts that every level is closed */

#endif
