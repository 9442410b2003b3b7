/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_form.c - cutting blanks into a text, and comparing others with what is left. Must not know
 * what any value means. */
#include "codec/json_form.h"
#include "codec/json_scan.h"
#include "codec/scan.h"
#include "codec/unescape.h"
#include "codec/utf8.h"

#include <assert.h>

enum { DIGITS_MAX = 9, ROOM_MIN = 512 };
static_assert(JSON_FORM_MAX <= UINT16_MAX, "a piece's length fits");
static_assert((int)JSON_FORM_MAX < (int)JSON_CUT_ENOUGH, "all values of a form stand in its text");

/* The quote that ends the string which began before p; NULL: there is none. */
static const char *string_end(const char *p, const char *end, struct json_entry *ret)
{
    ret->escaped = false;
    ret->ascii = true;
    for (;;) {
        p += scan_ascii(p, (size_t)(end - p), &ret->ascii);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p;
        if (*p != '\\' || end - p < 2)
            return NULL;
        ret->escaped = true;
        p += 2;
    }
}

/* Where the number at p ends; NULL: it is none that a blank may hold. */
static const char *number_end(const char *p, const char *end, struct json_entry *ret)
{
    const char *at = p;
    uint32_t v = 0;

    end = end - p > DIGITS_MAX ? p + DIGITS_MAX : end;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        v = v * 10 + (uint32_t)(*at - '0');
    ret->number = v;
    return at == p || (*p == '0' && at - p > 1) ? NULL : at;
}

void json_form_init(struct json_form *f, char *room, size_t n, struct arena *arena)
{
    f->kept = f->blanks = 0;
    f->text = room;
    f->room = n;
    f->arena = arena;
}

/* Events of one stream are of a size: room for the first is nearly always room for all. */
static bool has_room(struct json_form *f, size_t n)
{
    size_t room = f->room > ROOM_MIN ? f->room : ROOM_MIN;
    char *p;

    if (n <= f->room || n > JSON_FORM_MAX || f->arena == NULL)
        return n <= f->room;
    while (room < n)
        room *= 2;
    p = arena_alloc(f->arena, room);
    if (p == NULL)
        return false;
    f->text = p;
    f->room = room;
    return true;
}

void json_form_keep(struct json_form *f, struct str text)
{
    f->blanks = 0;
    f->kept = has_room(f, text.n) ? text.n : 0;
    if (f->kept > 0)
        memcpy(f->text, text.p, f->kept);
}

/* The length of the value as it is written, between the quotes if it has some; false: no blank. */
static bool measure(yyjson_val *v, const char *at, const char *end, size_t *ret)
{
    struct json_entry entry;
    const char *stop;

    if (yyjson_is_str(v))
        stop = string_end(at, end, &entry);
    else
        stop = number_end(at, at + unsafe_yyjson_get_len(v), &entry);
    if (stop == NULL)
        return false;
    *ret = (size_t)(stop - at);
    return *ret == unsafe_yyjson_get_len(v) || yyjson_is_str(v);
}

/* Values stand in the order of their text. */
static void sort(struct json_blank *blanks, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && blanks[k].v < blanks[k - 1].v; k--) {
            struct json_blank later = blanks[k - 1];

            blanks[k - 1] = blanks[k];
            blanks[k] = later;
        }
}

void json_form_cut(struct json_form *f, const char *base, struct json_blank *blanks, size_t n)
{
    size_t from = 0;

    f->n = 0;
    if (f->kept == 0 || n > JSON_BLANKS_MAX)
        return;
    sort(blanks, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)(blanks[i].v->uni.str - base);
        size_t len;

        assert(at >= from && at <= f->kept && blanks[i].tag <= UINT8_MAX);
        if (!measure(blanks[i].v, f->text + at, f->text + f->kept, &len))
            return;
        f->blank[i].before = (uint16_t)(at - from);
        f->blank[i].tag = (uint8_t)blanks[i].tag;
        f->blank[i].string = yyjson_is_str(blanks[i].v);
        memmove(f->text + f->n, f->text + from, at - from);
        f->n += at - from;
        from = at + len;
    }
    memmove(f->text + f->n, f->text + from, f->kept - from);
    f->n += f->kept - from;
    f->kept = 0;
    f->blanks = (unsigned)n;
}

bool json_form_fill(const struct json_form *f, char *p, size_t n, struct json_entry *ret)
{
    const char *form = f->text;
    const char *at = p;
    const char *end = p + n;

    if (f->blanks == 0)
        return false;
    for (unsigned i = 0; i < f->blanks; i++) {
        struct json_entry *e = &ret[f->blank[i].tag];
        size_t before = f->blank[i].before;
        const char *stop;

        if ((size_t)(end - at) < before || memcmp(at, form, before) != 0)
            return false;
        form += before;
        at += before;
        stop = f->blank[i].string ? string_end(at, end, e) : number_end(at, end, e);
        if (stop == NULL)
            return false;
        e->p = p + (at - p);
        e->n = (size_t)(stop - at);
        at = stop;
    }
    n = f->n - (size_t)(form - f->text);
    return (size_t)(end - at) == n && memcmp(at, form, n) == 0;
}

bool json_entry_text(const struct json_entry *e, struct str *ret)
{
    struct str written = str_of(e->p, e->n);

    if (!e->ascii && !utf8_ok(written))
        return false;
    if (e->escaped)
        return unescape(e->p, e->n, ret);
    *ret = written;
    return true;
}
