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

static void put_plain(struct jw *w, struct str s)
{
    if (w->rope != NULL && s.n >= ROPE_SPAN_MIN)
        rope_borrow(w->rope, s);
    else
        buf_put(w->b, s);
}

/* The escape of a byte, as RFC 8259 spells it. */
static struct str escape_of(unsigned char c, char tmp[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "btn\0fr"; /* from U+0008 on */

    tmp[0] = '\\';
    if (c == '"' || c == '\\') {
        tmp[1] = (char)c;
        return str_of(tmp, 2);
    }
    if (c >= '\b' && c <= '\r' && c != '\v') {
        tmp[1] = shorts[c - '\b'];
        return str_of(tmp, 2);
    }
    memcpy(tmp + 1, "u00", 3);
    tmp[4] = hex[c >> 4];
    tmp[5] = hex[c & 15];
    return str_of(tmp, 6);
}

/* JSON text, whatever it is: as it stands, or escaped where it goes into a string. */
static void emit(struct jw *w, struct str json)
{
    char tmp[6];

    if (!w->quoted) {
        buf_put(w->b, json);
        return;
    }
    for (;;) {
        size_t plain = scan_plain(json.p, json.n);

        put_plain(w, str_sub(json, 0, plain));
        if (plain == json.n)
            return;
        buf_put(w->b, escape_of((unsigned char)json.p[plain], tmp));
        json = str_skip(json, plain + 1);
    }
}

/* The text of a string without its quotes. */
static void put_text(struct jw *w, struct str s)
{
    char tmp[6];

    for (;;) {
        size_t plain = scan_plain(s.p, s.n);

        put_plain(w, str_sub(s, 0, plain));
        if (plain == s.n)
            return;
        emit(w, escape_of((unsigned char)s.p[plain], tmp));
        s = str_skip(s, plain + 1);
    }
}

static void put_string(struct jw *w, struct str s)
{
    emit(w, S("\""));
    put_text(w, s);
    emit(w, S("\""));
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
    if (w->comma)
        buf_putc(w->b, ',');
    w->comma = true;
    if (key != NULL) {
        put_string(w, str_z(key));
        buf_putc(w->b, ':');
    }
}

void jw_key(struct jw *w, struct str key)
{
    assert((w->depth > JW_DEPTH_MAX || in_object(w)) && !w->keyed && "keys belong into objects");
    if (w->comma)
        buf_putc(w->b, ',');
    put_string(w, key);
    buf_putc(w->b, ':');
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
    buf_putc(w->b, object ? '{' : '[');
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
    buf_putc(w->b, in_object(w) ? '}' : ']');
    w->depth--;
    w->comma = true;
}

void jw_str(struct jw *w, const char *key, struct str s)
{
    before(w, key);
    put_string(w, s);
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
        buf_putc(w->b, '-');
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
    yyjson_val *end[JSON_DEPTH_MAX];
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
    buf_putc(w->b, '"');
    w->quoted = true;
    put_value(w, v);
    w->quoted = false;
    buf_putc(w->b, '"');
}

void jw_str_open(struct jw *w, const char *key)
{
    before(w, key);
    emit(w, S("\""));
}

void jw_str_more(struct jw *w, struct str s)
{
    put_text(w, s);
}

void jw_str_close(struct jw *w)
{
    emit(w, S("\""));
}

enum err jw_end_all(struct jw *w)
{
    assert(w->depth == 0 && !w->keyed && "a level is open");
    return w->b->err;
}
