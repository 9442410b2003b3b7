/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_read.c - the caps that yyjson does not know, and readers that never fail.
 *
 * Text is walked twice: prescan() counts what could cost memory and refuses early, at memory speed
 * on long strings; yyjson then decides about every byte. Values live in a pool that is kept from
 * parse to parse. Must not know what any member means. */
#include "codec/json_read.h"
#include "base/mem.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <assert.h>

enum {
    POOL_KEEP = 256 * 1024, /* a larger pool is given back before the next parse */
    NAMES_MAX = 256,
    PATH_NAME_MAX = 64,
    HARMLESS_MAX = 64 * 1024,
};
static_assert(JSON_PAD >= YYJSON_PADDING_SIZE, "yyjson reads that far past the end");

void json_init(struct json *j)
{
    *j = (struct json){0};
}

static void drop_pool(struct json *j)
{
    mem_drop(j->pool, j->pool_bytes);
    j->pool = NULL;
    j->pool_bytes = 0;
}

void json_fini(struct json *j)
{
    if (j == NULL)
        return;
    drop_pool(j);
    mem_drop(j->copy, j->copy_bytes);
    *j = (struct json){0};
}

/* yyjson asks for one block and makes it grow; the caps of prescan() bound how far. */
static void *pool_realloc(void *ctx, void *old, size_t was, size_t n)
{
    struct json *j = ctx;
    void *grown;

    (void)old;
    (void)was;
    if (n <= j->pool_bytes)
        return j->pool;
    grown = mem_try_realloc(j->pool, j->pool_bytes, n);
    if (grown == NULL)
        return NULL;
    j->pool = grown;
    j->pool_bytes = n;
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

/* What prescan() does at a byte outside of strings. */
enum { PASS, QUOTE, OPEN, CLOSE, NEXT, DIGIT };
static const uint8_t WHAT[256] = {
    ['"'] = QUOTE, ['['] = OPEN,  ['{'] = OPEN,  [']'] = CLOSE, ['}'] = CLOSE, [','] = NEXT,
    [':'] = NEXT,  ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT,
    ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT, ['-'] = DIGIT,
    ['+'] = DIGIT, ['.'] = DIGIT, ['e'] = DIGIT, ['E'] = DIGIT,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of \uXXXX at p, or -1. */
static int escape_unit(const char *p, size_t n)
{
    int unit = 0;

    if (n < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Pass the escape at p and rewrite it when it is half of a surrogate pair. */
static size_t mend_escape(char *p, size_t n)
{
    int unit = escape_unit(p, n);
    int other;

    if (unit < 0xd800 || unit > 0xdfff)
        return n < 2 ? n : 2;
    other = unit < 0xdc00 ? escape_unit(p + 6, n - 6) : -1;
    if (other >= 0xdc00 && other <= 0xdfff)
        return 12;
    memcpy(p + 2, "FFFD", 4);
    return 6;
}

/* The index after the quote that ends the string whose text starts at i. */
static size_t pass_string(char *p, size_t n, size_t i, bool lenient)
{
    for (;;) {
        i += scan_plain(p + i, n - i);
        if (i >= n)
            return n;
        if (p[i] == '"')
            return i + 1;
        if (p[i] == '\\' && lenient)
            i += mend_escape(p + i, n - i);
        else
            i += p[i] == '\\' && n - i >= 2 ? 2 : 1;
    }
}

static size_t pass_number(const char *p, size_t n, size_t i)
{
    while (i < n && WHAT[(unsigned char)p[i]] == DIGIT)
        i++;
    return i;
}

/* Count what could cost memory; *at is where the count stopped. Right for text that is JSON; of
 * other text it says something harmless, as yyjson refuses it. */
static const char *prescan(char *p, size_t n, bool lenient, size_t *at)
{
    size_t depth = 0;
    size_t values = 1;
    size_t i = *at;

    while (i < n) {
        size_t from = i++;

        switch (WHAT[(unsigned char)p[from]]) {
        case QUOTE: i = pass_string(p, n, i, lenient); break;
        case OPEN:
            depth++;
            values += i < n && p[i] != ']' && p[i] != '}';
            break;
        case CLOSE: depth -= depth > 0; break;
        case NEXT: values++; break;
        case DIGIT: i = pass_number(p, n, i); break;
        default: continue;
        }
        *at = from;
        if (depth > JSON_DEPTH_MAX)
            return "is nested too deeply";
        if (values > JSON_VALUES_MAX)
            return "has too many values";
        if (i - from > JSON_NUMBER_MAX && p[from] != '"')
            return "has a number with too many digits";
    }
    return NULL;
}

/* Short text with few brackets and no long number reaches no cap, and without an escape like \ud8..
 * it has nothing to mend: an event of a stream, as a rule. The walk over it is saved. */
static bool is_harmless(const char *p, size_t n)
{
    struct scan_facts f;

    if (n > HARMLESS_MAX)
        return false;
    f = scan_facts(p, n);
    if (f.opens > JSON_DEPTH_MAX || f.digits)
        return false;
    return !f.slash || (memmem(p, n, "\\ud", 3) == NULL && memmem(p, n, "\\uD", 3) == NULL);
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
    if (j->pool_bytes > POOL_KEEP)
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
    const char *what;
    yyjson_read_err err;

    j->doc = NULL;
    j->root = NULL;
    if (j->pool_bytes > POOL_KEEP)
        drop_pool(j);
    while (n > front && is_space(p[n - 1]))
        n--;
    memset(p + n, 0, JSON_PAD);
    if (n == front)
        return failed(j, E_SYNTAX, "is empty", n, ret_at, why);
    what = lenient && is_harmless(p, n) ? NULL : prescan(p, n, lenient, &at);
    if (what != NULL)
        return failed(j, E_TOOBIG, what, at, ret_at, why);
    j->doc = yyjson_read_opts(p + front, n - front, flags, &alc, &err);
    if (j->doc == NULL && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return failed(j, E_TOOBIG, "needs more memory than there is", front, ret_at, why);
    if (j->doc == NULL)
        return failed(j, E_SYNTAX, syntax_words(err.code), front + err.pos, ret_at, why);
    at = front + yyjson_doc_get_read_size(j->doc);
    if (at != n) {
        j->doc = NULL;
        return failed(j, E_SYNTAX, "is not valid JSON: something follows its end", at, ret_at, why);
    }
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
            return failed(j, E_TOOBIG, "needs more memory than there is", 0, ret_at, why);
        }
        j->copy = copy;
        j->copy_bytes = room;
    }
    memcpy(j->copy, text.p, text.n);
    return parse(j, j->copy, text.n, false, ret_at, why);
}

yyjson_val *jr_duplicate(yyjson_val *obj, const char *const *names, size_t n)
{
    size_t len[NAMES_MAX];
    bool seen[NAMES_MAX] = {false};

    assert(n <= NAMES_MAX);
    for (size_t i = 0; i < n; i++)
        len[i] = strlen(names[i]);
    jr_each_member (key, obj) {
        struct str name = jr_text(key);

        for (size_t i = 0; i < n; i++) {
            if (len[i] != name.n || memcmp(names[i], name.p, name.n) != 0)
                continue;
            if (seen[i])
                return key + 1;
            seen[i] = true;
        }
    }
    return NULL;
}

yyjson_val *jr_get(yyjson_val *obj, const char *key)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_null(v) ? NULL : v;
}

void jr_members(yyjson_val *obj, const struct str *names, size_t n, yyjson_val **ret)
{
    memset(ret, 0, n * sizeof(yyjson_val *));
    jr_each_member (key, obj) {
        const char *name = unsafe_yyjson_get_str(key);
        size_t len = unsafe_yyjson_get_len(key);

        for (size_t i = 0; i < n; i++)
            if (names[i].n == len && memcmp(names[i].p, name, len) == 0) {
                if (ret[i] == NULL && !unsafe_yyjson_is_null(key + 1))
                    ret[i] = key + 1;
                break;
            }
    }
}

struct str jr_text(yyjson_val *v)
{
    return yyjson_is_str(v) ? str_of(unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)) : S("");
}

struct str jr_str(yyjson_val *obj, const char *key)
{
    return jr_text(jr_get(obj, key));
}

bool jr_bool(yyjson_val *obj, const char *key, bool otherwise)
{
    yyjson_val *v = jr_get(obj, key);

    return yyjson_is_bool(v) ? unsafe_yyjson_get_bool(v) : otherwise;
}

struct str jr_num_text(yyjson_val *v)
{
    return jr_is_num(v) ? str_of(unsafe_yyjson_get_raw(v), unsafe_yyjson_get_len(v)) : S("");
}

bool jr_num(yyjson_val *v, double *ret)
{
    struct str text = jr_num_text(v);
    char z[JSON_NUMBER_MAX + 1];
    yyjson_val number;

    if (text.n == 0 || text.n >= sizeof z)
        return false;
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
