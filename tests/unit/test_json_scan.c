/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_json_scan.c - long strings and caps, wherever they stand among the blocks that are looked at
 * together. yyjson, which knows nothing of blocks, is the judge. */
#include "codec/json_read.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 8 * JSON_CUT_ENOUGH };

/* Strings that are left out of a short text, and of any. */
static const size_t LONG[] = {JSON_CUT_MIN, JSON_CUT_ENOUGH};

static void put_many(struct buf *b, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(b, c);
}

static void print(yyjson_val *v, struct buf *out)
{
    struct jw w;

    buf_init(out, ROOM * 2);
    jw_begin(&w, out);
    jw_copy(&w, NULL, v);
    assert_int_equal(jw_end_all(&w), OK);
}

static void same_as_yyjson(struct str text, bool lenient)
{
    yyjson_doc *doc = yyjson_read(text.p, text.n, YYJSON_READ_NUMBER_AS_RAW);
    char *own = malloc(text.n + JSON_PAD);
    struct buf ours, theirs;
    struct json j;
    size_t at = SIZE_MAX;
    enum err rc;

    json_init(&j);
    memcpy(own, text.p, text.n);
    rc = lenient ? json_parse_lenient(&j, own, text.n, &at, NULL)
                 : json_parse(&j, own, text.n, &at, NULL);
    if ((rc == OK) != (doc != NULL))
        fail_msg("yyjson disagrees: %.80s", text.p);
    if (rc == OK) {
        print(j.root, &ours);
        print(yyjson_doc_get_root(doc), &theirs);
        assert_true(str_eq(buf_str(&ours), buf_str(&theirs)));
        buf_fini(&ours);
        buf_fini(&theirs);
    } else {
        assert_true(at <= text.n);
    }
    yyjson_doc_free(doc);
    json_fini(&j);
    free(own);
}

/* Front, a long string of which the bytes at some places are `odd`, back. */
static void with_long_string(const char *front, size_t n, const char *odd, size_t where,
                             const char *back)
{
    struct buf b;

    buf_init(&b, ROOM);
    buf_put(&b, str_z(front));
    buf_putc(&b, '"');
    put_many(&b, 'x', where);
    buf_put(&b, str_z(odd));
    put_many(&b, 'x', n - where);
    buf_putc(&b, '"');
    buf_put(&b, str_z(back));
    same_as_yyjson(buf_str(&b), false);
    same_as_yyjson(buf_str(&b), true);
    buf_fini(&b);
}

static void long_strings(void **state)
{
    static const char *const odd[] = {"",     "\\n", "\\\"", "\"",   "\xe9\xb9\x8a",   "\xff",
                                      "\x01", "\\",  "\\\\", "\x7f", "\\ud83d\\ude00", "\","};
    static const char *const front[] = {"", "[", "{\"a\":", "[\"\\\\\",", "[\"\\\"\",\"y\" , "};
    static const char *const back[] = {"", "]", "}", " ] ", "]]", ",1]", "x", ",\"b\":[]}"};

    (void)state;
    for (size_t i = 0; i < NELEM(front) * NELEM(odd) * NELEM(back) * NELEM(LONG); i++) {
        size_t n = LONG[i % 2] + 128, k = i / 2 % NELEM(back);
        const char *o = odd[i / 2 / NELEM(back) % NELEM(odd)];
        const char *f = front[i / 2 / NELEM(back) / NELEM(odd)];

        with_long_string(f, n, o, 0, back[k]);
        with_long_string(f, n, o, 61 + k, back[k]);
        with_long_string(f, n, o, n, back[k]);
    }
}

/* The string, and what follows it, at each place of a block. */
static void every_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i <= 2 * 130; i++) {
        size_t n = LONG[i % 2], pad = i / 2;
        struct buf b;

        buf_init(&b, ROOM);
        buf_lit(&b, "{\"k\":\"");
        put_many(&b, 'y', pad);
        buf_lit(&b, "\",\"v\":[\"");
        put_many(&b, 'x', n + 130 - pad / 2);
        buf_lit(&b, "\",\"");
        put_many(&b, 'z', n + pad);
        buf_lit(&b, "\"],\"");
        put_many(&b, 'n', n + 64);
        buf_lit(&b, "\":1}");
        same_as_yyjson(buf_str(&b), false);
        buf_fini(&b);
    }
}

/* More long strings than are cut out. */
static void many_long_strings(void **state)
{
    size_t n = (JSON_CUTS_MAX + 3) * (size_t)(JSON_CUT_ENOUGH + 200);
    struct json j;
    struct buf b;
    size_t found = 0;

    (void)state;
    buf_init(&b, 2 * n);
    buf_lit(&b, "[");
    for (size_t i = 0; i < JSON_CUTS_MAX + 3; i++) {
        if (i > 0)
            buf_lit(&b, ",");
        buf_lit(&b, "\"");
        put_many(&b, (char)('A' + i % 26), JSON_CUT_ENOUGH + 128 + i);
        buf_lit(&b, "\"");
    }
    buf_lit(&b, "]\0\0\0\0\0\0\0\0");
    json_init(&j);
    assert_int_equal(json_parse(&j, b.p, b.n - JSON_PAD, NULL, NULL), OK);
    jr_each (item, j.root) {
        struct str s = jr_text(item);

        assert_int_equal(s.n, JSON_CUT_ENOUGH + 128 + found);
        assert_int_equal(s.p[0], 'A' + found % 26);
        assert_int_equal(s.p[s.n - 1], 'A' + found % 26);
        found++;
    }
    assert_int_equal(found, JSON_CUTS_MAX + 3);
    json_fini(&j);
    buf_fini(&b);
}

/* Where trouble behind a long string is said to be is where it stands in the whole text. */
static void places_behind(void **state)
{
    struct json j;
    struct buf b;
    size_t at = 0;

    (void)state;
    buf_init(&b, ROOM);
    buf_lit(&b, "[\"");
    put_many(&b, 'x', JSON_CUT_MIN + 128);
    buf_lit(&b, "\",?]");
    json_init(&j);
    assert_int_equal(json_parse_copy(&j, buf_str(&b), &at, NULL), E_SYNTAX);
    assert_int_equal(at, b.n - 2);
    buf_cut(&b, b.n - 3);
    buf_lit(&b, "] 1");
    assert_int_equal(json_parse_copy(&j, buf_str(&b), &at, NULL), E_SYNTAX);
    assert_int_equal(at, b.n - 2);
    json_fini(&j);
    buf_fini(&b);
}

static enum err parse_padded(size_t pad, const char *unit, size_t times, const char *close,
                             size_t *ret_at)
{
    struct buf b;
    struct json j;
    enum err rc;

    buf_init(&b, ROOM);
    put_many(&b, ' ', pad);
    buf_lit(&b, "[\"[[[{{{,,,\\\"\",");
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_z(unit));
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_z(close));
    buf_lit(&b, "]");
    json_init(&j);
    rc = json_parse_copy(&j, buf_str(&b), ret_at, NULL);
    json_fini(&j);
    buf_fini(&b);
    return rc;
}

static void caps_at_every_offset(void **state)
{
    size_t at = 0;

    (void)state;
    for (size_t pad = 0; pad < 70; pad++) {
        assert_int_equal(parse_padded(pad, "[", JSON_DEPTH_MAX - 1, "]", NULL), OK);
        assert_int_equal(parse_padded(pad, "[", JSON_DEPTH_MAX, "]", &at), E_TOOBIG);
        assert_int_equal(at, pad + strlen("[\"[[[{{{,,,\\\"\",") + JSON_DEPTH_MAX - 1);
        assert_int_equal(parse_padded(pad, "9", JSON_NUMBER_MAX, "", NULL), OK);
        assert_int_equal(parse_padded(pad, "9", JSON_NUMBER_MAX + 1, "", NULL), E_TOOBIG);
        assert_int_equal(parse_padded(pad, "[],{\"a\":[ ]},", 500, "", NULL), E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_strings),         cmocka_unit_test(every_offset),
        cmocka_unit_test(many_long_strings),    cmocka_unit_test(places_behind),
        cmocka_unit_test(caps_at_every_offset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
