/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_read.c - the caps that yyjson does not know, and readers that never fail.
 *
 * Text is walked twice: json_scan() counts what could cost memory and refuses early; yyjson then
 * decides about every byte, but for long strings of plain ASCII (inline media), which the scan has
 * judged already: they are cut out before and put back as values. Values live in a pool that is
 * kept from parse to parse. Must not know what any member means. */
#include "codec/json_read.h"
#include "base/mem.h"
#include "codec/json_scan.h"
#include "codec/name.h"
#include "codec/utf8.h"

#include <assert.h>
#include <float.h>

enum {
    POOL_KEEP = 256 * 1024, /* a larger pool is given back before the next parse */
    NAMES_MAX = 256,
    SMALL = 1024, /* such a block may be the arena's */
    PATH_NAME_MAX = 64,
};
static_assert(JSON_PAD >= YYJSON_PADDING_SIZE, "yyjson reads that far past the end");

void json_init(struct json *j)
{
    *j = (struct json){0};
}

void json_init_in(struct json *j, struct arena *arena)
{
    *j = (struct json){.arena = arena};
}

/* *ret_bytes of it are on the heap: all or none. */
static void *take(struct json *j, size_t n, size_t *ret_bytes)
{
    bool small = j->arena != NULL && n <= SMALL;

    *ret_bytes = small ? 0 : n;
    return small ? arena_alloc(j->arena, n) : mem_try_realloc(NULL, 0, n);
}

static void drop_pool(struct json *j)
{
    if (j->pool_bytes > 0)
        mem_drop(j->pool, j->pool_bytes);
    j->pool = NULL;
    j->pool_room = j->pool_bytes = 0;
}

static void drop_rest(struct json *j)
{
    if (j->rest_bytes > 0)
        mem_drop(j->rest, j->rest_bytes);
    j->rest = NULL;
    j->rest_bytes = 0;
}

void json_fini(struct json *j)
{
    if (j == NULL)
        return;
    drop_pool(j);
    drop_rest(j);
    mem_drop(j->copy, j->copy_bytes);
    *j = (struct json){0};
}

/* yyjson asks for one block and makes it grow; the caps of json_scan() bound how far. */
static void *pool_realloc(void *ctx, void *old, size_t was, size_t n)
{
    struct json *j = ctx;
    size_t bytes = n;
    void *grown;

    (void)old;
    if (n <= j->pool_room)
        return j->pool;
    if (j->pool_bytes > 0) {
        grown = mem_try_realloc(j->pool, j->pool_bytes, n);
    } else {
        grown = take(j, n, &bytes);
        if (grown != NULL && was > 0) /* which the arena had */
            memcpy(grown, j->pool, was);
    }
    if (grown == NULL)
        return NULL;
    j->pool = grown;
    j->pool_room = n;
    j->pool_bytes = bytes;
    return grown;
}

static void *pool_malloc(void *ctx, size_t n)
{
    return pool_realloc(ctx, NULL, 0, n);
}

static void pool_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static const char *syntax_words(yyjson_read_code code)
{
    if (code == YYJSON_READ_ERROR_UNEXPECTED_END)
        return "is not valid JSON: it ends too early";
    if (code == YYJSON_READ_ERROR_INVALID_NUMBER)
        return "is not valid JSON: a number is malformed";
    if (code == YYJSON_READ_ERROR_INVALID_STRING)
        return "is not valid JSON: a string is malformed or not UTF-8";
    return "is not valid JSON";
}

static enum err failed(struct json *j, enum err code, const char *what, size_t at, size_t *ret_at,
                       struct fault *why)
{
    if (j->pool_room > POOL_KEEP)
        drop_pool(j);
    if (ret_at != NULL)
        *ret_at = at;
    fault_set(why, code, what, NULL);
    return code;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Long strings. What yyjson reads is the text without them, each an empty string. */

static bool leave_out(struct json *j, const char *p, size_t n, const struct json_cuts *cuts)
{
    size_t room = n - cuts->bytes + JSON_PAD;
    size_t bytes;
    char *to = take(j, room, &bytes);
    size_t at = 0;

    if (to == NULL)
        return false;
    j->rest = to;
    j->rest_bytes = bytes;
    for (size_t i = 0; i <= cuts->n; i++) {
        size_t until = i < cuts->n ? cuts->v[i].at : n;

        memcpy(to, p + at, until - at);
        to += until - at;
        at = i < cuts->n ? until + cuts->v[i].n : n;
    }
    memset(to, 0, JSON_PAD);
    return true;
}

/* Values stand in the order of their text: one walk finds those that were left out. */
static void put_back(struct json *j, char *p, const struct json_cuts *cuts)
{
    yyjson_val *v = j->doc->root;
    yyjson_val *end = v + yyjson_doc_get_val_count(j->doc);
    size_t gone = 0;

    for (size_t i = 0; i < cuts->n; i++) {
        const struct json_cut *cut = &cuts->v[i];
        const char *text = j->rest + (cut->at - gone);

        while (v < end && !(unsafe_yyjson_is_str(v) && v->uni.str == text))
            v++;
        if (v == end)
            return;
        p[cut->at + cut->n] = '\0';
        v->uni.str = p + cut->at;
        v->tag = (uint64_t)cut->n << YYJSON_TAG_BIT | YYJSON_TYPE_STR | YYJSON_SUBTYPE_NOESC;
        gone += cut->n;
    }
}

/* Where in the whole text a place in what is left of it was. */
static size_t place_in_whole(const struct json_cuts *cuts, size_t at)
{
    for (size_t i = 0; i < cuts->n && at > cuts->v[i].at; i++)
        at += cuts->v[i].n;
    return at;
}

/* yyjson is told to stop after the value, since it then takes memory as it needs it and not by a
 * guess from the length of the text (which would be 53 MB for an image of 20 MB). So whatever
 * follows the value is for us to refuse, and white space at the end is cut before. */
static enum err parse(struct json *j, char *p, size_t n, bool lenient, size_t *ret_at,
                      struct fault *why)
{
    const yyjson_read_flag flags =
        YYJSON_READ_INSITU | YYJSON_READ_STOP_WHEN_DONE | YYJSON_READ_NUMBER_AS_RAW;
    const yyjson_alc alc = {pool_malloc, pool_realloc, pool_free, j};
    size_t front = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t at = front;
    char *text = p;
    UNINITIALIZED struct json_cuts cuts;
    const char *what;
    yyjson_read_err err;

    j->doc = NULL;
    j->root = NULL;
    drop_rest(j);
    if (j->pool_room > POOL_KEEP)
        drop_pool(j);
    while (n > front && is_space(p[n - 1]))
        n--;
    memset(p + n, 0, JSON_PAD);
    if (n == front)
        return failed(j, E_SYNTAX, "is empty", n, ret_at, why);
    what = json_scan(p, n, lenient, &cuts, &at);
    if (what != NULL)
        return failed(j, E_TOOBIG, what, at, ret_at, why);
    if (cuts.n > 0 && leave_out(j, p, n, &cuts))
        text = j->rest;
    else
        cuts.n = cuts.bytes = 0; /* no memory for a copy: all of it is read where it is */
    j->doc = yyjson_read_opts(text + front, n - cuts.bytes - front, flags, &alc, &err);
    if (j->doc == NULL && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return failed(j, E_MEMORY, "needs more memory than there is", front, ret_at, why);
    if (j->doc == NULL)
        return failed(j, E_SYNTAX, syntax_words(err.code), place_in_whole(&cuts, front + err.pos),
                      ret_at, why);
    at = place_in_whole(&cuts, front + yyjson_doc_get_read_size(j->doc));
    if (at != n) {
        j->doc = NULL;
        return failed(j, E_SYNTAX, "is not valid JSON: something follows its end", at, ret_at, why);
    }
    put_back(j, p, &cuts);
    j->root = yyjson_doc_get_root(j->doc);
    return OK;
}

enum err json_parse(struct json *j, char *p, size_t n, size_t *ret_at, struct fault *why)
{
    return parse(j, p, n, false, ret_at, why);
}

enum err json_parse_lenient(struct json *j, char *p, size_t n, size_t *ret_at, struct fault *why)
{
    return parse(j, p, n, true, ret_at, why);
}

enum err json_parse_copy(struct json *j, struct str text, size_t *ret_at, struct fault *why)
{
    size_t room = text.n < SIZE_MAX - JSON_PAD ? text.n + JSON_PAD : SIZE_MAX;

    if (room > j->copy_bytes) {
        char *copy = mem_try_realloc(j->copy, j->copy_bytes, room);

        if (copy == NULL) {
            j->doc = NULL;
            j->root = NULL;
            return failed(j, E_MEMORY, "needs more memory than there is", 0, ret_at, why);
        }
        j->copy = copy;
        j->copy_bytes = room;
    }
    memcpy(j->copy, text.p, text.n);
    return parse(j, j->copy, text.n, false, ret_at, why);
}

static size_t name_index(const char *const *names, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (name.n > 0 && names[i][0] == name.p[0] && str_eq(str_z(names[i]), name))
            return i;
    return n;
}

yyjson_val *jr_duplicate(yyjson_val *obj, const char *const *names, size_t n)
{
    UNINITIALIZED bool seen[NAMES_MAX];

    assert(n <= NAMES_MAX);
    memset(seen, 0, n);
    jr_each_member (key, obj) {
        size_t i = name_index(names, n, jr_text(key));

        if (i < n && seen[i])
            return key + 1;
        if (i < n)
            seen[i] = true;
    }
    return NULL;
}

/* The hot spot of translating requests: the walk of jr_each_member, by hand. */
yyjson_val *jr_find_head(yyjson_val *obj, struct str key, uint64_t head)
{
    const unsigned shift = name_shift(key.n);
    yyjson_val *name = obj;

    if (!yyjson_is_obj(obj))
        return NULL;
    name++;
    for (size_t left = unsafe_yyjson_get_len(obj); left > 0; left--) {
        yyjson_val *v = name + 1;

        if (name->tag >> YYJSON_TAG_BIT == key.n && name_is(name->uni.str, key, head, shift))
            return unsafe_yyjson_is_null(v) ? NULL : v;
        name = unsafe_yyjson_is_ctn(v) ? unsafe_yyjson_get_next(v) : v + 1;
    }
    return NULL;
}

uint64_t jr_marks(yyjson_val *obj, bool *ret_twice)
{
    uint64_t marks = 0, twice = 0;

    jr_each_member (key, obj) {
        uint64_t mark = jr_mark(str_of(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key)));

        twice |= marks & mark;
        marks |= mark;
    }
    if (ret_twice != NULL)
        *ret_twice = twice != 0;
    return marks;
}

void jr_members(yyjson_val *obj, const struct str *names, size_t n, yyjson_val **ret)
{
    memset(ret, 0, n * sizeof(yyjson_val *));
    jr_each_member (key, obj) {
        const char *name = unsafe_yyjson_get_str(key);
        size_t len = unsafe_yyjson_get_len(key);

        for (size_t i = 0; i < n; i++)
            if (names[i].n == len && names[i].p[0] == name[0] &&
                memcmp(names[i].p, name, len) == 0) {
                if (ret[i] == NULL && !unsafe_yyjson_is_null(key + 1))
                    ret[i] = key + 1;
                break;
            }
    }
}

struct str jr_num_text(yyjson_val *v)
{
    return jr_is_num(v) ? str_of(unsafe_yyjson_get_raw(v), unsafe_yyjson_get_len(v)) : S("");
}

/* A decimal of few digits is the quotient of two numbers that a double holds exactly: it is rounded
 * once, as it must be. False: it is another one. */
static bool few_digits(struct str text, double *ret)
{
    static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    bool negative = text.p[0] == '-';
    uint32_t v = 0;
    size_t behind = 0; /* the point: digits, counted with it */

    if (FLT_EVAL_METHOD != 0 || text.n > NELEM(scale))
        return false;
    for (size_t i = negative; i < text.n; i++) {
        uint32_t digit = (uint32_t)(unsigned char)text.p[i] - '0';

        behind += behind > 0 || text.p[i] == '.';
        if (text.p[i] == '.')
            continue;
        if (digit > 9)
            return false; /* an exponent */
        v = v * 10 + digit;
    }
    if (negative && v == 0)
        return false; /* as yyjson reads it */
    *ret = (negative ? -(double)v : (double)v) / scale[behind > 0 ? behind - 1 : 0];
    return true;
}

bool jr_num(yyjson_val *v, double *ret)
{
    struct str text = jr_num_text(v);
    UNINITIALIZED char z[JSON_NUMBER_MAX + 1];
    yyjson_val number;

    if (text.n == 0 || text.n >= sizeof z)
        return false;
    if (few_digits(text, ret))
        return true;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (yyjson_read_number(z, &number, YYJSON_READ_NOFLAG, NULL, NULL) != z + text.n)
        return false; /* an infinity: 1e999 */
    *ret = yyjson_get_num(&number);
    return true;
}

/* [-]digits that fit. */
static bool read_digits(struct str text, int64_t *ret)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    uint64_t v;

    if (!str_u64(str_skip(text, negative), (uint64_t)INT64_MAX + negative, &v))
        return false;
    *ret = negative && v > 0 ? -(int64_t)(v - 1) - 1 : (int64_t)v;
    return true;
}

bool jr_int(yyjson_val *v, int64_t lowest, int64_t highest, int64_t *ret)
{
    const double exact = 9007199254740992.0; /* 2^53: beyond it neighbours are the same double */
    int64_t i;
    double d;

    if (!read_digits(jr_is_num(v) ? jr_num_text(v) : jr_text(v), &i)) {
        if (!jr_num(v, &d) || d < -exact || d > exact)
            return false;
        i = (int64_t)d;
        if ((double)i != d)
            return false;
    }
    if (i < lowest || i > highest)
        return false;
    *ret = i;
    return true;
}

uint64_t jr_count(yyjson_val *obj, const char *key)
{
    int64_t v;

    return jr_int(jr_get(obj, key), 0, INT64_MAX, &v) ? (uint64_t)v : 0;
}

static bool is_word(struct str s)
{
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '$'))
            return false;
    }
    return true;
}

static void put_name(struct buf *out, struct str name, bool first)
{
    name = str_sub(name, 0, utf8_floor(name, PATH_NAME_MAX));
    if (is_word(name)) {
        if (!first)
            buf_putc(out, '.');
        buf_put(out, name);
    } else {
        buf_lit(out, "[\"");
        buf_put(out, name);
        buf_lit(out, "\"]");
    }
}

static bool holds(yyjson_val *v, const void *at)
{
    return (const char *)at >= (const char *)v &&
           (const char *)at < (const char *)unsafe_yyjson_get_next(v);
}

/* Values lie in the order of their text, a container's before what follows it, so each level is
 * walked once and only the child that holds `at` is entered. */
void jr_path(yyjson_val *root, const void *at, struct buf *out)
{
    yyjson_val *in = root;
    size_t start = out->n;

    if (root == NULL || at == NULL || !holds(root, at))
        return;
    while (in != NULL && at != in) {
        yyjson_val *child = NULL;
        uint64_t i = 0;

        jr_each (item, in) {
            if (holds(item, at)) {
                child = item;
                buf_lit(out, "[");
                buf_put_u64(out, i);
                buf_lit(out, "]");
                break;
            }
            i++;
        }
        jr_each_member (key, in) {
            if (at == key || holds(key + 1, at)) {
                put_name(out, jr_text(key), out->n == start);
                child = at == key ? NULL : key + 1;
                break;
            }
        }
        in = child;
    }
}
