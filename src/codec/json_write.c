/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_write.c - appends JSON text. Commas and quoting are decided in start_value(),
 * before_slowly() and emit(), nowhere else.
 *
 * Inside jw_quoted() everything is written one level deeper: structure passes emit(), which escapes
 * it once, and what a string needs escaped is escaped twice. Must not know what is written. */
#include "codec/json_write.h"
#include "codec/json_read.h"
#include "codec/scan.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ESCAPE_MAX = 7, /* \\u0000 */
    PIECE = 1024,   /* bytes escaped with one look at the room */
};

void jw_begin(struct jw *w, struct buf *b)
{
    *w = (struct jw){.b = b};
}

void jw_begin_inside(struct jw *w, struct buf *b)
{
    *w = (struct jw){.b = b, .depth = 1, .object = true, .comma = true, .kind = {1}};
}

void jw_begin_rope(struct jw *w, struct rope *r)
{
    *w = (struct jw){.b = &r->text, .rope = r};
}

/* Is the innermost level an object, as far as levels are kept? */
static bool is_object(const struct jw *w)
{
    uint32_t level = w->depth - 1;

    return w->depth > 0 && level < JW_DEPTH_MAX && (w->kind[level / 64] >> level % 64 & 1) != 0;
}

static ALWAYS_INLINE void put_char(struct jw *w, char c)
{
    struct buf *b = w->b;

    if (b->err == OK && b->n < b->room && b->n < b->max)
        b->p[b->n++] = c; /* NOLINT(clang-analyzer-core.NullDereference): no p, no room */
    else
        buf_putc(b, c);
}

/* The escape of a byte, as RFC 8259 spells it; `twice` when that text is itself put into a string.
 * Returns its length. */
static size_t spell_escape(unsigned char c, bool twice, char out[ESCAPE_MAX])
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "btn\0fr"; /* from U+0008 on */
    size_t n = 0;

    out[n++] = '\\';
    if (twice)
        out[n++] = '\\';
    if (c == '"' || c == '\\') {
        if (twice)
            out[n++] = '\\';
        out[n++] = (char)c;
    } else if (c >= '\b' && c <= '\r' && c != '\v') {
        out[n++] = shorts[c - '\b'];
    } else {
        memcpy(out + n, "u00", 3);
        out[n + 3] = hex[c >> 4];
        out[n + 4] = hex[c & 15];
        n += 5;
    }
    return n;
}

/* The second byte of an escape of two. */
static const char SHORT[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

static ALWAYS_INLINE char *put_escape(char *to, unsigned char c, bool twice)
{
    if (twice || SHORT[c] == 0)
        return to + spell_escape(c, twice, to);
    to[0] = '\\';
    to[1] = SHORT[c];
    return to + 2;
}

/* Into memory that has room for every byte to be escaped. Returns the end. */
static char *escape_into(char *to, struct str s, bool twice)
{
    const char *p = s.p, *end = s.p + s.n;

    for (;;) {
        size_t plain = scan_copy(to, p, (size_t)(end - p), (size_t)(p - s.p));

        to += plain;
        p += plain;
        if (p == end)
            return to;
        to = put_escape(to, (unsigned char)*p++, twice);
    }
}

/* Few bytes, with room for all of them to be escaped. */
static void escape_fast(struct buf *b, struct str s, bool twice)
{
    char *start = buf_reserve(b, s.n * ESCAPE_MAX);

    if (start != NULL)
        b->n += (size_t)(escape_into(start, s, twice) - start);
}

/* Near the cap: each byte counts. */
static void escape_exactly(struct buf *b, struct str s, bool twice)
{
    char out[ESCAPE_MAX];

    for (;;) {
        size_t plain = scan_plain(s.p, s.n);

        buf_put(b, str_sub(s, 0, plain));
        if (plain == s.n)
            return;
        buf_put(b, str_of(out, spell_escape((unsigned char)s.p[plain], twice, out)));
        s = str_skip(s, plain + 1);
    }
}

static void put_escaped(struct jw *w, struct str s, bool twice)
{
    while (s.n > 0) {
        struct buf *b = w->b;
        struct str piece = str_sub(s, 0, PIECE);

        if (w->rope != NULL && s.n >= ROPE_SPAN_MIN) {
            size_t plain = scan_plain(s.p, s.n);

            if (plain >= ROPE_SPAN_MIN) {
                rope_borrow(w->rope, str_sub(s, 0, plain));
                s = str_skip(s, plain);
                continue;
            }
        }
        if (piece.n * ESCAPE_MAX <= b->max - b->n)
            escape_fast(b, piece, twice);
        else
            escape_exactly(b, piece, twice);
        s = str_skip(s, piece.n);
    }
}

/* JSON text, whatever it is: as it stands, or escaped where it goes into a string. */
static void emit(struct jw *w, struct str json)
{
    if (w->quoted)
        put_escaped(w, json, false);
    else
        buf_put(w->b, json);
}

/* The text of a string without its quotes. */
static void put_text(struct jw *w, struct str s)
{
    put_escaped(w, s, w->quoted);
}

static void put_quote(struct jw *w)
{
    if (w->quoted)
        put_char(w, '\\');
    put_char(w, '"');
}

static void put_string(struct jw *w, struct str s)
{
    put_quote(w);
    put_text(w, s);
    put_quote(w);
}

static ALWAYS_INLINE void check_place(const struct jw *w, struct str key)
{
    assert((w->keyed ? key.p == NULL : w->depth > JW_DEPTH_MAX || w->object == (key.p != NULL)) &&
           "a key in an object that has not been given yet, none elsewhere");
    assert((w->keyed || w->depth > 0 || !w->comma) && "one root");
}

/* Room for `n` bytes that are written by hand; NULL near the cap, where each byte counts, and
 * inside of quotes: then it is done piece by piece. */
static ALWAYS_INLINE char *room_for(struct jw *w, size_t n)
{
    struct buf *b = w->b;

    if (w->quoted || b->err != OK || n > b->max - b->n)
        return NULL;
    return n <= b->room - b->n ? b->p + b->n : buf_reserve(b, n);
}

static ALWAYS_INLINE void written(struct jw *w, const char *end)
{
    w->b->n = (size_t)(end - w->b->p);
}

/* What stands before a value, by hand, with room for `n` bytes of the value. */
static ALWAYS_INLINE char *start_value(struct jw *w, struct str key, size_t n)
{
    char *to = room_for(w, key.n + sizeof ",\"\":" + n);

    check_place(w, key);
    if (to == NULL)
        return NULL;
    if (!w->keyed && w->comma)
        *to++ = ',';
    if (key.p != NULL) {
        *to++ = '"';
        to = str_put(to, key); /* a name of our own: nothing needs an escape */
        memcpy(to, "\":", 2);
        to += 2;
    }
    w->keyed = false;
    w->comma = true;
    return to;
}

/* The same piece by piece. */
static void before_slowly(struct jw *w, struct str key)
{
    check_place(w, key);
    if (!w->keyed && w->comma)
        put_char(w, ',');
    if (key.p != NULL) {
        put_string(w, key);
        put_char(w, ':');
    }
    w->keyed = false;
    w->comma = true;
}

static void before(struct jw *w, struct str key)
{
    char *to = start_value(w, key, 0);

    if (to != NULL)
        written(w, to);
    else
        before_slowly(w, key);
}

void jw_key(struct jw *w, struct str key)
{
    char *to = key.n <= PIECE ? room_for(w, key.n * ESCAPE_MAX + sizeof ",\"\":") : NULL;

    assert((w->depth > JW_DEPTH_MAX || w->object) && !w->keyed && "keys belong into objects");
    if (to != NULL) {
        if (w->comma)
            *to++ = ',';
        *to++ = '"';
        to = escape_into(to, key, false);
        memcpy(to, "\":", 2);
        written(w, to + 2);
    } else {
        if (w->comma)
            put_char(w, ',');
        put_string(w, key);
        put_char(w, ':');
    }
    w->comma = true;
    w->keyed = true;
}

static ALWAYS_INLINE bool push_level(struct jw *w, bool object)
{
    uint32_t level = w->depth++;
    uint64_t bit = (uint64_t)1 << level % 64;
    uint64_t *kind;

    w->comma = false;
    w->object = object && level < JW_DEPTH_MAX;
    if (level >= JW_DEPTH_MAX) {
        w->b->err = w->b->err ? w->b->err : E_TOOBIG;
        return false;
    }
    kind = &w->kind[level / 64];
    *kind = object ? *kind | bit : *kind & ~bit;
    return true;
}

static ALWAYS_INLINE void open_level(struct jw *w, struct str key, bool object)
{
    char *to = start_value(w, key, 1);

    if (to == NULL)
        before_slowly(w, key);
    if (!push_level(w, object))
        return;
    if (to != NULL) {
        *to = object ? '{' : '[';
        written(w, to + 1);
    } else {
        put_char(w, object ? '{' : '[');
    }
}

void jw_put_obj(struct jw *w, struct str key)
{
    open_level(w, key, true);
}

void jw_put_arr(struct jw *w, struct str key)
{
    open_level(w, key, false);
}

void jw_put_open(struct jw *w, struct str key, struct str json, const char *levels)
{
    char last = json.p[json.n - 1];

    jw_put_raw(w, key, json);
    for (; *levels != '\0'; levels++)
        push_level(w, *levels == '{');
    w->comma = last != '{' && last != '[';
}

void jw_end(struct jw *w)
{
    assert(w->depth > 0 && !w->keyed && "nothing is open, or a key waits for its value");
    put_char(w, w->object ? '}' : ']');
    w->depth--;
    w->object = is_object(w);
    w->comma = true;
}

void jw_put_str(struct jw *w, struct str key, struct str s)
{
    char *to = s.n <= PIECE ? start_value(w, key, s.n * ESCAPE_MAX + 2) : NULL;

    if (to != NULL) {
        *to = '"';
        to = escape_into(to + 1, s, false);
        *to = '"';
        written(w, to + 1);
    } else {
        before_slowly(w, key);
        put_string(w, s);
    }
}

void jw_put_plain(struct jw *w, struct str key, struct str s)
{
    bool borrowed = w->rope != NULL && s.n >= ROPE_SPAN_MIN;
    char *to = borrowed ? NULL : start_value(w, key, s.n + 2);

    if (to != NULL) {
        *to = '"';
        to = str_put(to + 1, s);
        *to = '"';
        written(w, to + 1);
        return;
    }
    before(w, key);
    put_quote(w);
    if (borrowed)
        rope_borrow(w->rope, s);
    else
        put_text(w, s);
    put_quote(w);
}

void jw_str_key(struct jw *w, struct str key, struct str s)
{
    jw_key(w, key);
    jw_str(w, NULL, s);
}

void jw_put_raw(struct jw *w, struct str key, struct str json)
{
    char *to = json.n <= PIECE ? start_value(w, key, json.n) : NULL;

    if (to != NULL) {
        written(w, str_put(to, json));
    } else {
        before_slowly(w, key);
        emit(w, json);
    }
}

/* Digits, written backwards from `end`. */
static char *spell_u64(char *end, uint64_t v)
{
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return end;
}

void jw_put_u64(struct jw *w, struct str key, uint64_t v)
{
    UNINITIALIZED char digits[20];
    char *end = digits + sizeof digits;
    char *at = spell_u64(end, v);

    jw_put_raw(w, key, str_of(at, (size_t)(end - at)));
}

void jw_put_int(struct jw *w, struct str key, int64_t v)
{
    UNINITIALIZED char digits[20];
    char *end = digits + sizeof digits;
    char *at = spell_u64(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

    if (v < 0)
        *--at = '-';
    jw_put_raw(w, key, str_of(at, (size_t)(end - at)));
}

void jw_num(struct jw *w, const char *key, double v)
{
    char z[32];

    if (!isfinite(v)) {
        jw_null(w, key);
        return;
    }
    before(w, jw_name(key));
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(z, sizeof z, "%.*g", digits, v);
        if (strtod(z, NULL) == v)
            break;
    }
    buf_put(w->b, str_z(z));
}

static void put_scalar(struct jw *w, struct str key, yyjson_val *v)
{
    if (jr_is_plain(v))
        jw_put_plain(w, key, jr_text(v));
    else if (yyjson_is_str(v))
        jw_put_str(w, key, jr_text(v));
    else if (jr_is_num(v))
        jw_put_raw(w, key, jr_num_text(v));
    else if (yyjson_is_bool(v))
        jw_put_raw(w, key, unsafe_yyjson_get_bool(v) ? S("true") : S("false"));
    else
        jw_put_raw(w, key, S("null"));
}

/* One step a value and no recursion: end[] says where each open container stops. */
static void put_value(struct jw *w, yyjson_val *v)
{
    UNINITIALIZED yyjson_val *end[JSON_DEPTH_MAX];
    size_t depth = 0;
    uint32_t outer = w->depth;

    if (!yyjson_is_ctn(v)) {
        put_scalar(w, jw_name(NULL), v);
        return;
    }
    do {
        if (depth > 0 && w->object)
            jw_key(w, jr_text(v++));
        if (yyjson_is_ctn(v)) {
            assert(depth < JSON_DEPTH_MAX && "json_parse lets nothing deeper in");
            open_level(w, jw_name(NULL), yyjson_is_obj(v));
            end[depth++] = unsafe_yyjson_get_next(v);
        } else {
            put_scalar(w, jw_name(NULL), v);
        }
        v++;
        while (depth > 0 && v == end[depth - 1]) {
            jw_end(w);
            depth--;
        }
    } while (w->depth > outer);
}

void jw_copy(struct jw *w, const char *key, yyjson_val *v)
{
    if (!yyjson_is_ctn(v)) {
        put_scalar(w, jw_name(key), v);
        return;
    }
    before(w, jw_name(key));
    w->keyed = true; /* the value itself comes without key or comma */
    put_value(w, v);
}

void jw_quoted(struct jw *w, const char *key, yyjson_val *v)
{
    assert(!w->quoted);
    before(w, jw_name(key));
    w->keyed = true;
    put_char(w, '"');
    w->quoted = true;
    put_value(w, v);
    w->quoted = false;
    put_char(w, '"');
}

char *jw_raw_open(struct jw *w, const char *key, size_t max)
{
    assert(!w->quoted);
    before(w, jw_name(key));
    return buf_reserve(w->b, max);
}

void jw_raw_close(struct jw *w, const char *end)
{
    written(w, end);
}

void jw_str_open(struct jw *w, const char *key)
{
    before(w, jw_name(key));
    put_quote(w);
}

void jw_str_more(struct jw *w, struct str s)
{
    put_text(w, s);
}

void jw_plain_more(struct jw *w, struct str s)
{
    emit(w, s);
}

void jw_str_close(struct jw *w)
{
    put_quote(w);
}

enum err jw_end_all(struct jw *w)
{
    assert(w->depth == 0 && !w->keyed && "a level is open");
    return w->b->err;
}
