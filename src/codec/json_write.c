/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_write.c - appends JSON text. Commas and quoting are decided in before() and emit(), nowhere
 * else.
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

void jw_begin_rope(struct jw *w, struct rope *r)
{
    *w = (struct jw){.b = &r->text, .rope = r};
}

static bool in_object(const struct jw *w)
{
    uint32_t level = w->depth - 1;

    return w->depth > 0 && level < JW_DEPTH_MAX && (w->kind[level / 8] >> level % 8 & 1) != 0;
}

static void put_char(struct jw *w, char c)
{
    struct buf *b = w->b;

    if (b->err == OK && b->n < b->room && b->n < b->max)
        b->p[b->n++] = c;
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

/* Into memory that has room for every byte to be escaped. Returns the end. */
static char *escape_into(char *to, struct str s, bool twice)
{
    for (;;) {
        size_t plain = scan_copy(to, s.p, s.n);
        unsigned char c;

        to += plain;
        if (plain == s.n)
            return to;
        c = (unsigned char)s.p[plain];
        if (!twice && SHORT[c] != 0) {
            *to++ = '\\';
            *to++ = SHORT[c];
        } else {
            to += spell_escape(c, twice, to);
        }
        s = str_skip(s, plain + 1);
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
    struct buf *b = w->b;
    char *start, *to;

    if (w->quoted || s.n > PIECE || s.n * ESCAPE_MAX + 2 > b->max - b->n) {
        put_quote(w);
        put_text(w, s);
        put_quote(w);
        return;
    }
    start = buf_reserve(b, s.n * ESCAPE_MAX + 2); /* short: with one look at the room */
    if (start == NULL)
        return;
    *start = '"';
    to = escape_into(start + 1, s, false);
    *to++ = '"';
    b->n += (size_t)(to - start);
}

/* A comma where there must be one, and a name of our own, in which nothing needs an escape. */
static void put_name(struct jw *w, struct str name)
{
    size_t n = name.n + 3 + w->comma;
    char *to;

    if (w->quoted) {
        if (w->comma)
            put_char(w, ',');
        put_string(w, name);
        put_char(w, ':');
        return;
    }
    to = buf_reserve(w->b, n);
    if (to == NULL)
        return;
    w->b->n += n;
    if (w->comma)
        *to++ = ',';
    *to++ = '"';
    memcpy(to, name.p, name.n);
    memcpy(to + name.n, "\":", 2);
}

/* What stands before a value: a comma, and the key if there is one. */
static void before(struct jw *w, const char *key)
{
    if (w->keyed) {
        assert(key == NULL && "the key was given already");
        w->keyed = false;
        return;
    }
    assert((w->depth > JW_DEPTH_MAX || in_object(w) == (key != NULL)) &&
           "a key in an object, none elsewhere");
    assert((w->depth > 0 || !w->comma) && "one root");
    if (key != NULL)
        put_name(w, str_z(key));
    else if (w->comma)
        put_char(w, ',');
    w->comma = true;
}

void jw_key(struct jw *w, struct str key)
{
    assert((w->depth > JW_DEPTH_MAX || in_object(w)) && !w->keyed && "keys belong into objects");
    if (w->comma)
        put_char(w, ',');
    put_string(w, key);
    put_char(w, ':');
    w->comma = true;
    w->keyed = true;
}

static void open_level(struct jw *w, const char *key, bool object)
{
    uint32_t level = w->depth;

    before(w, key);
    w->depth++;
    w->comma = false;
    if (level >= JW_DEPTH_MAX) {
        w->b->err = w->b->err ? w->b->err : E_TOOBIG;
        return;
    }
    w->kind[level / 8] = (uint8_t)(w->kind[level / 8] & ~(1U << level % 8));
    w->kind[level / 8] = (uint8_t)(w->kind[level / 8] | (unsigned)object << level % 8);
    put_char(w, object ? '{' : '[');
}

void jw_obj(struct jw *w, const char *key)
{
    open_level(w, key, true);
}

void jw_arr(struct jw *w, const char *key)
{
    open_level(w, key, false);
}

void jw_end(struct jw *w)
{
    assert(w->depth > 0 && !w->keyed && "nothing is open, or a key waits for its value");
    put_char(w, in_object(w) ? '}' : ']');
    w->depth--;
    w->comma = true;
}

void jw_str(struct jw *w, const char *key, struct str s)
{
    before(w, key);
    put_string(w, s);
}

void jw_base64(struct jw *w, const char *key, struct str s)
{
    if (w->rope == NULL || s.n < ROPE_SPAN_MIN) {
        jw_str(w, key, s);
        return;
    }
    before(w, key);
    put_quote(w);
    rope_borrow(w->rope, s);
    put_quote(w);
}

void jw_str_key(struct jw *w, struct str key, struct str s)
{
    jw_key(w, key);
    jw_str(w, NULL, s);
}

void jw_u64(struct jw *w, const char *key, uint64_t v)
{
    before(w, key);
    buf_put_u64(w->b, v);
}

void jw_int(struct jw *w, const char *key, int64_t v)
{
    before(w, key);
    if (v < 0)
        put_char(w, '-');
    buf_put_u64(w->b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void jw_num(struct jw *w, const char *key, double v)
{
    char z[32];

    if (!isfinite(v)) {
        jw_null(w, key);
        return;
    }
    before(w, key);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(z, sizeof z, "%.*g", digits, v);
        if (strtod(z, NULL) == v)
            break;
    }
    buf_put(w->b, str_z(z));
}

void jw_bool(struct jw *w, const char *key, bool v)
{
    before(w, key);
    buf_put(w->b, v ? S("true") : S("false"));
}

void jw_null(struct jw *w, const char *key)
{
    before(w, key);
    buf_lit(w->b, "null");
}

void jw_raw(struct jw *w, const char *key, struct str json)
{
    before(w, key);
    emit(w, json);
}

static void put_scalar(struct jw *w, yyjson_val *v)
{
    switch (yyjson_get_tag(v)) {
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE: jw_bool(w, NULL, true); return;
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE: jw_bool(w, NULL, false); return;
    default: break;
    }
    if (yyjson_is_str(v))
        jw_str(w, NULL, jr_text(v));
    else if (jr_is_num(v))
        jw_raw(w, NULL, jr_num_text(v));
    else
        jw_null(w, NULL);
}

/* One step a value and no recursion: end[] says where each open container stops. */
static void put_value(struct jw *w, yyjson_val *v)
{
    UNINITIALIZED yyjson_val *end[JSON_DEPTH_MAX];
    size_t depth = 0;
    uint32_t outer = w->depth;

    if (!yyjson_is_ctn(v)) {
        put_scalar(w, v);
        return;
    }
    do {
        if (depth > 0 && in_object(w))
            jw_key(w, jr_text(v++));
        if (yyjson_is_ctn(v)) {
            assert(depth < JSON_DEPTH_MAX && "json_parse lets nothing deeper in");
            open_level(w, NULL, yyjson_is_obj(v));
            end[depth++] = unsafe_yyjson_get_next(v);
        } else {
            put_scalar(w, v);
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
    before(w, key);
    w->keyed = true; /* the value itself comes without key or comma */
    put_value(w, v);
}

void jw_quoted(struct jw *w, const char *key, yyjson_val *v)
{
    assert(!w->quoted);
    before(w, key);
    w->keyed = true;
    put_char(w, '"');
    w->quoted = true;
    put_value(w, v);
    w->quoted = false;
    put_char(w, '"');
}

void jw_str_open(struct jw *w, const char *key)
{
    before(w, key);
    put_quote(w);
}

void jw_str_more(struct jw *w, struct str s)
{
    put_text(w, s);
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
