/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_json_read.c - what is JSON and what is not, the caps, the readers. */
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/json_write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct str ACCEPTED[] = {
    S_INIT("null"),
    S_INIT("true"),
    S_INIT("false"),
    S_INIT("0"),
    S_INIT("-0"),
    S_INIT("7"),
    S_INIT("-7"),
    S_INIT(" 1 "),
    S_INIT("\t\r\n 1 \t\r\n"),
    S_INIT("1.5"),
    S_INIT("0.0"),
    S_INIT("-0.000000000000000000000000000000000000000000000000000000000001"),
    S_INIT("1e5"),
    S_INIT("1E5"),
    S_INIT("1e+5"),
    S_INIT("1e-5"),
    S_INIT("1.5e00"),
    S_INIT("1e999"),
    S_INIT("1e-999999999"),
    S_INIT("123456789012345678901234567890"),
    S_INIT("\"\""),
    S_INIT("\"a\""),
    S_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    S_INIT("\"\\u0000\""),
    S_INIT("\"\\u0020\\uABCD\\uabcd\""),
    S_INIT("\"\\ud83d\\ude00\""),
    S_INIT("\"\\uDBFF\\uDFFF\""),
    S_INIT("\"\\ud7ff\\ue000\\uffff\""),
    S_INIT("\"\x7f\""),
    S_INIT("\"\xc2\x80\""),
    S_INIT("\"\xdf\xbf\""),
    S_INIT("\"\xe0\xa0\x80\""),
    S_INIT("\"\xed\x9f\xbf\""),
    S_INIT("\"\xee\x80\x80\""),
    S_INIT("\"\xef\xbf\xbf\""),
    S_INIT("\"\xf0\x90\x80\x80\""),
    S_INIT("\"\xf4\x8f\xbf\xbf\""),
    S_INIT("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    S_INIT("\"\xef\xbb\xbf\""),
    S_INIT("\xef\xbb\xbf{}"),
    S_INIT("[]"),
    S_INIT("[ ]"),
    S_INIT("[\n]"),
    S_INIT("[1]"),
    S_INIT("[1,2]"),
    S_INIT("[ 1 , 2 ]"),
    S_INIT("[[],[[]]]"),
    S_INIT("[null,true,false,\"\",{},[],0]"),
    S_INIT("{}"),
    S_INIT("{ }"),
    S_INIT("{\"a\":1}"),
    S_INIT("{ \"a\" : 1 , \"b\" : 2 }"),
    S_INIT("{\"\":0}"),
    S_INIT("{\"a\":1,\"a\":2}"),
    S_INIT("{\"a\":{\"a\":{}}}"),
    S_INIT("{\"a\\u0000b\":1}"),
    S_INIT("{\"[{\\\"\":\"]}\"}"),
};

static const struct str REFUSED[] = {
    /* nothing, or too little */
    S_INIT(""),
    S_INIT(" "),
    S_INIT("\n\t\r "),
    S_INIT("\xef\xbb\xbf"),
    S_INIT("\xef\xbb"),
    S_INIT("["),
    S_INIT("[1"),
    S_INIT("[1,"),
    S_INIT("{"),
    S_INIT("{\"a"),
    S_INIT("{\"a\""),
    S_INIT("{\"a\":"),
    S_INIT("{\"a\":1"),
    S_INIT("{\"a\":1,"),
    S_INIT("\""),
    S_INIT("\"a"),
    S_INIT("\"\\"),
    S_INIT("\"\\\""),
    S_INIT("\"\\u"),
    S_INIT("\"\\u00"),
    S_INIT("-"),
    S_INIT("1."),
    S_INIT("1e"),
    S_INIT("1e+"),
    S_INIT("t"),
    S_INIT("nul"),
    S_INIT("fals"),
    /* too much */
    S_INIT("1 2"),
    S_INIT("1x"),
    S_INIT("1\0"),
    S_INIT("{}}"),
    S_INIT("[]]"),
    S_INIT("[][]"),
    S_INIT("{}x"),
    S_INIT("{}\0"),
    S_INIT("{} //"),
    S_INIT("\"\"\"\""),
    S_INIT("\"a\"b"),
    S_INIT("truefalse"),
    S_INIT("true1"),
    S_INIT("nulll"),
    S_INIT("\xef\xbb\xbf\xef\xbb\xbf{}"),
    S_INIT("{}\xef\xbb\xbf"),
    /* structure */
    S_INIT("]"),
    S_INIT("}"),
    S_INIT(","),
    S_INIT(":"),
    S_INIT("[,]"),
    S_INIT("[1,]"),
    S_INIT("[,1]"),
    S_INIT("[1,,2]"),
    S_INIT("[1 2]"),
    S_INIT("[1:2]"),
    S_INIT("[1}"),
    S_INIT("{1}"),
    S_INIT("{\"a\"]"),
    S_INIT("{\"a\":1]"),
    S_INIT("{,}"),
    S_INIT("{\"a\":1,}"),
    S_INIT("{\"a\":}"),
    S_INIT("{:1}"),
    S_INIT("{\"a\" 1}"),
    S_INIT("{\"a\",1}"),
    S_INIT("{\"a\"::1}"),
    S_INIT("{\"a\":1 \"b\":2}"),
    S_INIT("{\"a\":1,,\"b\":2}"),
    S_INIT("{a:1}"),
    S_INIT("{'a':1}"),
    S_INIT("{1:1}"),
    S_INIT("{null:1}"),
    S_INIT("{[]:1}"),
    S_INIT("[\"a\" : 1]"),
    S_INIT("[[[[[1]]]]"),
    S_INIT("[{\"a\":[}]]"),
    /* words */
    S_INIT("True"),
    S_INIT("NULL"),
    S_INIT("nan"),
    S_INIT("NaN"),
    S_INIT("Infinity"),
    S_INIT("-Infinity"),
    S_INIT("undefined"),
    S_INIT("[tru\xc3\xa9]"),
    /* numbers */
    S_INIT("+1"),
    S_INIT("--1"),
    S_INIT("- 1"),
    S_INIT("01"),
    S_INIT("-01"),
    S_INIT("00"),
    S_INIT(".5"),
    S_INIT("-.5"),
    S_INIT("5.e1"),
    S_INIT("1.2.3"),
    S_INIT("1e5.5"),
    S_INIT("1ee5"),
    S_INIT("1e--5"),
    S_INIT("0x10"),
    S_INIT("1_000"),
    S_INIT("1,000"),
    S_INIT("[1a]"),
    S_INIT("[-]"),
    S_INIT("[1e]"),
    S_INIT("1\xef\xbc\x91"),
    /* strings */
    S_INIT("'a'"),
    S_INIT("\"\n\""),
    S_INIT("\"\t\""),
    S_INIT("\"\0\""),
    S_INIT("\"\x1f\""),
    S_INIT("\"\\a\""),
    S_INIT("\"\\'\""),
    S_INIT("\"\\0\""),
    S_INIT("\"\\x41\""),
    S_INIT("\"\\U0041\""),
    S_INIT("\"\\u004\""),
    S_INIT("\"\\u00g0\""),
    S_INIT("\"\\u 041\""),
    S_INIT("\"\\u-041\""),
    S_INIT("\"\\\n\""),
    S_INIT("\"\\\xc3\xa9\""),
    S_INIT("\"\\ud800\""),
    S_INIT("\"\\udc00\""),
    S_INIT("\"\\ud800x\""),
    S_INIT("\"\\ud800\\n\""),
    S_INIT("\"\\ud800\\ud800\""),
    S_INIT("\"\\udc00\\ud800\""),
    S_INIT("\"\\ud800\\u0041\""),
    S_INIT("\"\\ud800\\udc0\""),
    S_INIT("{\"\\ud800\":1}"),
    /* not UTF-8 */
    S_INIT("\"\x80\""),
    S_INIT("\"\xbf\""),
    S_INIT("\"\xc0\x80\""),
    S_INIT("\"\xc1\xbf\""),
    S_INIT("\"\xc2\""),
    S_INIT("\"\xc2\x41\""),
    S_INIT("\"\xe0\x80\x80\""),
    S_INIT("\"\xe0\x9f\xbf\""),
    S_INIT("\"\xe2\x82\""),
    S_INIT("\"\xed\xa0\x80\""),
    S_INIT("\"\xed\xbf\xbf\""),
    S_INIT("\"\xf0\x80\x80\x80\""),
    S_INIT("\"\xf0\x8f\xbf\xbf\""),
    S_INIT("\"\xf0\x9f\x98\""),
    S_INIT("\"\xf4\x90\x80\x80\""),
    S_INIT("\"\xf5\x80\x80\x80\""),
    S_INIT("\"\xf8\x88\x80\x80\x80\""),
    S_INIT("\"\xfe\""),
    S_INIT("\"\xff\""),
    S_INIT("\xff\xfe[\0]\0"),
    S_INIT("[\xc2\xa0]"),
    S_INIT("[\x0c]"),
    S_INIT("[\xe2\x80\x8b]"),
    /* comments and the like */
    S_INIT("[/**/]"),
    S_INIT("[1//\n]"),
    S_INIT("[1]#"),
    S_INIT("<html>"),
    S_INIT("data: {}"),
};

static enum err parse_str(struct json *j, struct str text, struct fault *why)
{
    size_t at = SIZE_MAX;
    enum err rc = json_parse_copy(j, text, &at, why);

    if (rc == OK)
        assert_non_null(j->root);
    else {
        assert_null(j->root);
        assert_true(at <= text.n);
    }
    return rc;
}

static void accepts(void **state)
{
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(ACCEPTED); i++) {
        struct fault why = {0};

        if (parse_str(&j, ACCEPTED[i], &why) != OK)
            fail_msg("refused: %.*s: %s", S_ARG(ACCEPTED[i]), why.what);
        assert_int_equal(why.code, OK);
    }
    json_fini(&j);
    assert_int_equal(mem_counted(), 0);
}

static void refuses(void **state)
{
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(REFUSED); i++) {
        struct fault why = {0};

        if (parse_str(&j, REFUSED[i], &why) != E_SYNTAX)
            fail_msg("accepted: %.*s", S_ARG(REFUSED[i]));
        assert_int_equal(why.code, E_SYNTAX);
        assert_non_null(why.what);
        assert_null(why.at);
    }
    json_fini(&j);
    assert_int_equal(mem_counted(), 0);
}

/* DAT-5. Each prefix of each document that is no number is refused, and nothing behind it is read.
 */
static void every_prefix_is_refused(void **state)
{
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(ACCEPTED); i++) {
        struct str text = str_trim(ACCEPTED[i]);

        if (text.p[text.n - 1] >= '0' && text.p[text.n - 1] <= '9')
            continue;
        for (size_t n = 0; n < text.n; n++) {
            struct fault why = {0};
            char *own = malloc(n + JSON_PAD);

            assert_non_null(own);
            memcpy(own, text.p, n);
            assert_int_equal(json_parse(&j, own, n, NULL, &why), E_SYNTAX);
            free(own);
        }
    }
    json_fini(&j);
}

/* The text is put between a front and a back as often as it takes. */
static enum err parse_many(const char *front, size_t times, const char *back, size_t *at)
{
    struct json j;
    struct buf b;
    struct fault why = {0};
    enum err rc;

    json_init(&j);
    buf_init(&b, 100 << 20);
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_z(front));
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_z(back));
    assert_int_equal(b.err, OK);
    rc = json_parse_copy(&j, buf_str(&b), at, &why);
    assert_int_equal(why.code, rc);
    assert_true(rc == OK || j.pool_bytes <= 1 << 20);
    buf_fini(&b);
    json_fini(&j);
    assert_int_equal(mem_counted(), 0);
    return rc;
}

/* LIM-5, LIM-18. */
static void caps(void **state)
{
    size_t at = 0;

    (void)state;
    assert_int_equal(parse_many("[", JSON_DEPTH_MAX, "]", &at), OK);
    assert_int_equal(parse_many("[", JSON_DEPTH_MAX + 1, "]", &at), E_TOOBIG);
    assert_int_equal(at, JSON_DEPTH_MAX);
    assert_int_equal(parse_many("[", 1000000, "", &at), E_TOOBIG);
    assert_int_equal(at, JSON_DEPTH_MAX);
    assert_int_equal(parse_many("{\"a\":", 1000000, "", &at), E_TOOBIG);
    assert_int_equal(parse_many("{\"a\":[", JSON_DEPTH_MAX / 2, "]}", &at), OK);
    assert_int_equal(parse_many("{\"a\":[", JSON_DEPTH_MAX / 2 + 1, "]}", &at), E_TOOBIG);
    assert_int_equal(parse_many("{\"a\":[", JSON_DEPTH_MAX / 2, "}]", &at), E_SYNTAX);
    assert_int_equal(parse_many("9", JSON_NUMBER_MAX, "", &at), OK);
    assert_int_equal(parse_many("9", JSON_NUMBER_MAX + 1, "", &at), E_TOOBIG);
    assert_int_equal(at, 0);
    assert_int_equal(parse_many("9", 10000, "", &at), E_TOOBIG);
    assert_int_equal(parse_many("[],", 1000000, "", &at), E_TOOBIG);
    assert_int_equal(parse_many("\"\":", 1000000, "", &at), E_TOOBIG);
    assert_int_equal(parse_many("]", 1000000, "", &at), E_SYNTAX);
}

/* LIM-5. [0,0,...]: the list itself is a value too. */
static void values_are_counted_exactly(void **state)
{
    size_t n = 2 * (size_t)(JSON_VALUES_MAX - 1) + 1;
    char *text = malloc(n + 2 + JSON_PAD);
    struct json j;

    (void)state;
    assert_non_null(text);
    json_init(&j);
    for (size_t more = 0; more <= 2; more += 2) {
        size_t at = 0;
        struct fault why = {0};
        enum err rc;

        for (size_t i = 0; i < n + more; i++)
            text[i] = i % 2 ? '0' : ',';
        text[0] = '[';
        text[n + more - 1] = ']';
        rc = json_parse(&j, text, n + more, &at, &why);
        assert_int_equal(rc, more ? E_TOOBIG : OK);
        if (more == 0)
            assert_int_equal(yyjson_arr_size(j.root), JSON_VALUES_MAX - 1);
    }
    assert_true(j.pool_bytes <= 1 << 20);
    json_fini(&j);
    free(text);
    assert_int_equal(mem_counted(), 0);
}

static void budget(void **state)
{
    struct str text = S("[[1,2,3],{\"a\":\"bcd\",\"e\":[null,null]},"
                        "[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4]]");
    bool passed = false;

    (void)state;
    for (size_t bytes = 0; bytes < 8192; bytes += 8) {
        struct json j;
        struct fault why = {0};
        enum err rc;

        json_init(&j);
        mem_set_budget(bytes);
        rc = json_parse_copy(&j, text, NULL, &why);
        assert_true(rc == OK || (rc == E_MEMORY && !passed && j.root == NULL));
        passed = passed || rc == OK;
        json_fini(&j);
        assert_int_equal(mem_counted(), 0);
    }
    assert_true(passed);
    mem_set_budget((size_t)1 << 30);
}

/* A stream's events are parsed with one struct json: after the first it takes no more memory. */
static void pool_is_kept(void **state)
{
    struct json j;
    size_t counted = 0;

    (void)state;
    json_init(&j);
    for (int i = 0; i < 10; i++) {
        char text[64 + JSON_PAD] =
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]}}]}";
        struct fault why = {0};

        assert_int_equal(json_parse(&j, text, strlen(text), NULL, &why), OK);
        assert_true(i == 0 || mem_counted() == counted);
        counted = mem_counted();
    }
    json_fini(&j);
    json_fini(NULL);
    assert_int_equal(mem_counted(), 0);
}

/* DAT-2. */
static void lenient_about_surrogates(void **state)
{
    static const struct {
        struct str in, out;
    } rows[] = {
        {S_INIT("\"\\ud800\""),                  S_INIT("\xef\xbf\xbd")                 },
        {S_INIT("\"\\udfffx\""),                 S_INIT("\xef\xbf\xbdx")                },
        {S_INIT("\"\\ud83d\\ude00\""),           S_INIT("\xf0\x9f\x98\x80")             },
        {S_INIT("\"\\ud83d\\ud83d\\ude00\""),    S_INIT("\xef\xbf\xbd\xf0\x9f\x98\x80") },
        {S_INIT("\"\\ude00\\ud83d\""),           S_INIT("\xef\xbf\xbd\xef\xbf\xbd")     },
        {S_INIT("\"\\ud83d\\n\""),               S_INIT("\xef\xbf\xbd\n")               },
        {S_INIT("\"\\\\ud800\""),                S_INIT("\\ud800")                      },
        {S_INIT("\"\\\\\\ud800\""),              S_INIT("\\\xef\xbf\xbd")               },
        {S_INIT("\"a long plain run \\uDAAA\""), S_INIT("a long plain run \xef\xbf\xbd")},
    };
    static const struct str bad[] = {S_INIT("\"\\ud8\""), S_INIT("\"\xed\xa0\x80\""),
                                     S_INIT("\"\\ud800"), S_INIT("\"\\ud83d\\ude0\""),
                                     S_INIT("\\ud800")};
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(rows) + NELEM(bad); i++) {
        bool good = i < NELEM(rows);
        struct str in = good ? rows[i].in : bad[i - NELEM(rows)];
        char *own = malloc(in.n + JSON_PAD);
        struct fault why = {0};

        assert_non_null(own);
        memcpy(own, in.p, in.n);
        assert_int_equal(json_parse_lenient(&j, own, in.n, NULL, &why), good ? OK : E_SYNTAX);
        if (good)
            assert_true(str_eq(jr_text(j.root), rows[i].out));
        free(own);
    }
    json_fini(&j);
}

/* DAT-1. */
static void nul_shortens_nothing(void **state)
{
    struct json j;
    struct fault why = {0};

    (void)state;
    json_init(&j);
    assert_int_equal(
        json_parse_copy(&j, S("{\"a\\u0000x\":1,\"b\":\"1\\u00002\",\"a\":2}"), NULL, &why), OK);
    assert_true(str_eq(jr_str(j.root, "b"), S("1\0002")));
    assert_int_equal(jr_count(j.root, "a"), 2);
    assert_int_equal(jr_count(j.root, "b"), 0);
    json_fini(&j);
}

static void readers_are_total(void **state)
{
    struct json j;
    struct fault why = {0};
    int count = 0;

    (void)state;
    json_init(&j);
    assert_int_equal(json_parse_copy(&j,
                                     S("{\"s\":\"text\",\"n\":null,\"t\":true,\"f\":false,\"i\":5,"
                                       "\"neg\":-1,\"l\":[10,20,[],30],\"o\":{\"x\":1,\"y\":[2]}}"),
                                     NULL, &why),
                     OK);
    assert_true(str_eq(jr_str(j.root, "s"), S("text")));
    assert_int_equal(jr_str(j.root, "i").n, 0);
    assert_int_equal(jr_str(j.root, "none").n, 0);
    assert_int_equal(jr_str(NULL, "s").n, 0);
    assert_int_equal(jr_str(jr_get(j.root, "s"), "s").n, 0);
    assert_null(jr_get(j.root, "n"));
    assert_null(jr_get(jr_get(j.root, "l"), "n"));
    assert_true(jr_bool(j.root, "t", false));
    assert_false(jr_bool(j.root, "f", true));
    assert_true(jr_bool(j.root, "s", true));
    assert_true(jr_bool(j.root, "n", true));
    assert_int_equal(jr_count(j.root, "i"), 5);
    assert_int_equal(jr_count(j.root, "neg"), 0);
    assert_int_equal(jr_count(NULL, "i"), 0);
    assert_true(jr_is_num(jr_get(j.root, "i")));
    assert_false(jr_is_num(jr_get(j.root, "s")));
    assert_false(jr_is_num(NULL));
    jr_each (item, jr_get(j.root, "l"))
        count++;
    assert_int_equal(count, 4);
    jr_each (item, jr_get(j.root, "s"))
        count++;
    jr_each (item, NULL)
        count++;
    jr_each_member (key, jr_get(j.root, "l"))
        count++;
    jr_each_member (key, NULL)
        count++;
    assert_int_equal(count, 4);
    jr_each_member (key, jr_get(j.root, "o")) {
        assert_true(str_eq(jr_text(key), count == 4 ? S("x") : S("y")));
        assert_true(yyjson_is_arr(key + 1) == (count == 5));
        count++;
    }
    assert_int_equal(count, 6);
    json_fini(&j);
}

/* DAT-3. */
static void integers(void **state)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t out;
    } rows[] = {
        {"0",                              true,  0               },
        {"-0",                             true,  0               },
        {"42",                             true,  42              },
        {"-42",                            true,  -42             },
        {"1.0",                            true,  1               },
        {"-3.00",                          true,  -3              },
        {"1e3",                            true,  1000            },
        {"1.5e1",                          true,  15              },
        {"9223372036854775807",            true,  INT64_MAX       },
        {"-9223372036854775808",           true,  INT64_MIN       },
        {"9007199254740992.0",             true,  9007199254740992},
        {"9223372036854775808",            false, 0               },
        {"-9223372036854775809",           false, 0               },
        {"9223372036854775807.0",          false, 0               },
        {"18446744073709551616",           false, 0               },
        {"123456789012345678901234567890", false, 0               },
        {"1.5",                            false, 0               },
        {"1e-1",                           false, 0               },
        {"1e300",                          false, 0               },
        {"1e999",                          false, 0               },
        {"-1e999",                         false, 0               },
        {"1e-999999999",                   true,  0               },
        {"\"42\"",                         true,  42              },
        {"\"-9223372036854775808\"",       true,  INT64_MIN       },
        {"\"007\"",                        true,  7               },
        {"\"\"",                           false, 0               },
        {"\"-\"",                          false, 0               },
        {"\"--1\"",                        false, 0               },
        {"\"+1\"",                         false, 0               },
        {"\" 1\"",                         false, 0               },
        {"\"1.0\"",                        false, 0               },
        {"\"1\\u0000\"",                   false, 0               },
        {"\"0x10\"",                       false, 0               },
        {"true",                           false, 0               },
        {"null",                           false, 0               },
        {"[1]",                            false, 0               },
    };
    struct json j;
    int64_t v = 99;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {0};
        int64_t got = 99;

        assert_int_equal(json_parse_copy(&j, str_z(rows[i].in), NULL, &why), OK);
        if (jr_int(j.root, INT64_MIN, INT64_MAX, &got) != rows[i].ok)
            fail_msg("%s", rows[i].in);
        assert_true(got == (rows[i].ok ? rows[i].out : 99));
        if (rows[i].ok && rows[i].out > INT64_MIN)
            assert_false(jr_int(j.root, INT64_MIN, rows[i].out - 1, &v));
        if (rows[i].ok && rows[i].out < INT64_MAX)
            assert_false(jr_int(j.root, rows[i].out + 1, INT64_MAX, &v));
    }
    assert_false(jr_int(NULL, INT64_MIN, INT64_MAX, &v));
    assert_int_equal(v, 99);
    json_fini(&j);
}

/* DAT-3. */
static void numbers(void **state)
{
    static const struct {
        const char *in;
        bool ok;
        double out;
    } rows[] = {
        {"0",              true,  0           },
        {"-0",             true,  0           },
        {"-1.5",           true,  -1.5        },
        {"-1",             true,  -1          },
        {"0.7",            true,  0.7         },
        {"1.0",            true,  1           },
        {"123456789",      true,  123456789   },
        {"-12345678",      true,  -12345678   },
        {"1234567890",     true,  1234567890  },
        {"1.2345678",      true,  1.2345678   },
        {"-0.0000003",     true,  -0.0000003  },
        {"12345.678",      true,  12345.678   },
        {"4503.5996274",   true,  4503.5996274},
        {"1E2",            true,  100         },
        {"1.5e-3",         true,  1.5e-3      },
        {"1e3",            true,  1000        },
        {"0.1",            true,  0.1         },
        {"1e-999999999",   true,  0           },
        {"5e-324",         true,  5e-324      },
        {"1e999",          false, 0           },
        {"-1e999",         false, 0           },
        {"1e999999999999", false, 0           },
        {"\"1\"",          false, 0           },
        {"true",           false, 0           },
        {"{}",             false, 0           },
    };
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {0};
        double got = 99;

        assert_int_equal(json_parse_copy(&j, str_z(rows[i].in), NULL, &why), OK);
        assert_true(jr_num(j.root, &got) == rows[i].ok);
        assert_true(got == (rows[i].ok ? rows[i].out : 99));
        assert_int_equal(signbit(got) != 0, rows[i].out < 0 && rows[i].ok);
        assert_true(str_eq(jr_num_text(j.root), jr_is_num(j.root) ? str_z(rows[i].in) : S("")));
    }
    json_fini(&j);
}

/* Parsed once, with an arena for what is small: the same values, wherever they come to stand, and
 * nothing is left when both are gone. */
static void in_an_arena(void **state)
{
    static const size_t items[] = {1, 8, 30, 60, 100, 1000};
    static const size_t rooms[] = {1 << 16, 1500, 900, 300, 0};
    size_t counted = mem_counted();

    (void)state;
    for (size_t i = 0; i < NELEM(items); i++)
        for (size_t k = 0; k < NELEM(rooms); k++) {
            struct buf in, text, out;
            struct arena arena;
            struct json j;
            struct jw w;
            enum err err;

            buf_init(&in, 1 << 16);
            buf_putf(&in, "[\"%0600d\"", 7); /* long enough to be left out */
            for (size_t n = 0; n < items[i]; n++)
                buf_lit(&in, ",{\"a\":1}");
            buf_lit(&in, "]");
            buf_init(&text, 1 << 16);
            buf_put(&text, buf_str(&in));
            assert_non_null(buf_reserve(&text, JSON_PAD));
            arena_init(&arena, rooms[k]);
            json_init_in(&j, &arena);
            err = json_parse(&j, text.p, text.n, NULL, NULL);
            assert_true(err == OK ? rooms[k] > 300 : err == E_MEMORY && rooms[k] < 1 << 16);
            if (err == OK) {
                assert_int_equal(j.pool_bytes > 0, items[i] > 8);
                buf_init(&out, 1 << 16);
                jw_begin(&w, &out);
                jw_copy(&w, NULL, j.root);
                assert_true(str_eq(buf_str(&out), buf_str(&in)));
                buf_fini(&out);
            }
            json_fini(&j);
            arena_fini(&arena);
            buf_fini(&text);
            buf_fini(&in);
        }
    assert_int_equal(mem_counted(), counted);
}

/* Written again as they are, without a look: not one of them may need an escape. */
static void plain_strings(void **state)
{
    static const struct {
        const char *in;
        bool plain;
    } rows[] = {
        {"\"\"",                    true },
        {"\"a b\"",                 true },
        {"\"/ \x7f '\"",            true },
        {"\"0123456789abcdefg\"",   true },
        {"\"\\\"\"",                false},
        {"\"a\\\\\"",               false},
        {"\"a\\n\"",                false},
        {"\"0123456789abcdef\\t\"", false},
        {"\"\\u0041\"",             false},
        {"\"\\u001f\"",             false},
        {"1",                       false},
        {"null",                    false},
        {"[]",                      false},
    };
    struct json j;

    (void)state;
    json_init(&j);
    assert_false(jr_is_plain(NULL));
    for (size_t i = 0; i < NELEM(rows); i++) {
        assert_int_equal(json_parse_copy(&j, str_z(rows[i].in), NULL, NULL), OK);
        assert_int_equal(jr_is_plain(j.root), rows[i].plain);
    }
    json_fini(&j);
}

/* DAT-2. */
static void duplicates(void **state)
{
    static const char *const names[] = {"model", "messages"};
    static const struct {
        const char *in, *where;
    } rows[] = {
        {"{\"model\":1,\"messages\":2}",                            NULL      },
        {"{\"model\":1,\"messages\":2,\"model\":3}",                "model"   },
        {"{\"x\":1,\"x\":2,\"model\":1}",                           NULL      },
        {"{\"messages\":1,\"messages\":2,\"model\":3,\"model\":4}", "messages"},
        {"{\"model\":1,\"mod\\u0065l\":2}",                         "model"   },
        {"{\"model\":1,\"model\\u0000\":2}",                        NULL      },
        {"[\"model\",\"model\"]",                                   NULL      },
        {"{}",                                                      NULL      },
    };
    struct json j;

    (void)state;
    json_init(&j);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {0};
        yyjson_val *twice;

        assert_int_equal(json_parse_copy(&j, str_z(rows[i].in), NULL, &why), OK);
        twice = jr_duplicate(j.root, names, NELEM(names));
        assert_true((twice != NULL) == (rows[i].where != NULL));
        if (twice != NULL) {
            struct buf b;

            assert_true(twice != jr_get(j.root, rows[i].where));
            buf_init(&b, 100);
            jr_path(j.root, twice, &b);
            assert_true(str_eq(buf_str(&b), str_z(rows[i].where)));
            buf_fini(&b);
        }
    }
    assert_null(jr_duplicate(NULL, names, NELEM(names)));
    json_fini(&j);
}

/* Names of every length up to 40 that differ from each other in one byte alone, or in none: each is
 * found where a plain comparison finds it, and its mark is among the object's. */
static void finds_by_name(void **state)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
    struct json j;
    struct buf b;

    (void)state;
    json_init(&j);
    buf_init(&b, 1000);
    for (size_t n = 0; n <= 40; n++)
        for (size_t at = 0; at <= n; at++) {
            char name[41], other[41];
            uint64_t marks;
            bool twice;

            memcpy(name, alphabet, n);
            memcpy(other, alphabet, n);
            if (at < n)
                other[at] = '_';
            buf_reset(&b);
            buf_putf(&b, "{\"x\":[{}],\"%.*s\":{\"y\":1},\"%.*s\":2,\"z\":null}", (int)n, other,
                     (int)n, name);
            assert_int_equal(json_parse_copy(&j, buf_str(&b), NULL, NULL), OK);
            assert_ptr_equal(jr_find(j.root, str_of(name, n)), j.root + (at < n ? 9 : 5));
            assert_null(
                jr_find(j.root, str_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO", n + 1)));
            assert_null(jr_get(j.root, "z"));
            marks = jr_marks(j.root, &twice);
            assert_true(marks & jr_mark(str_of(name, n)));
            assert_true(twice || at < n);
            assert_ptr_equal(jr_marked(j.root, marks, "x"), jr_get(j.root, "x"));
            assert_null(jr_marked(j.root, 0, "x"));
        }
    assert_int_equal(jr_marks(NULL, NULL), 0);
    buf_fini(&b);
    json_fini(&j);
}

/* The path of the string "here", for each place where it may stand. */
static yyjson_val *find_here(yyjson_val *v)
{
    yyjson_val *end = unsafe_yyjson_get_next(v);

    while (v < end && !yyjson_equals_str(v, "here"))
        v++;
    return v < end ? v : NULL;
}

static void paths(void **state)
{
    static const struct {
        const char *in, *where;
    } rows[] = {
        {"\"here\"",                                     ""                  },
        {"[\"here\"]",                                   "[0]"               },
        {"{\"a\":\"here\"}",                             "a"                 },
        {"{\"a\":{\"b\":\"here\"}}",                     "a.b"               },
        {"{\"m\":[1,[2],{\"c\":[{\"x\":1},\"here\"]}]}", "m[2].c[1]"         },
        {"{\"m\":[[],{},[\"here\"]]}",                   "m[2][0]"           },
        {"{\"a b\":\"here\"}",                           "[\"a b\"]"         },
        {"{\"a\":{\"\":{\"$x-y_1\":\"here\"}}}",         "a[\"\"].$x-y_1"    },
        {"{\"a\":1,\"here\":2}",                         "here"              },
        {"{\"a\":{\"here\":[1]}}",                       "a.here"            },
        {"{\"\xe9\xb9\x8a\":\"here\"}",                  "[\"\xe9\xb9\x8a\"]"},
    };
    struct json j;
    struct buf b;

    (void)state;
    json_init(&j);
    buf_init(&b, 1000);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {0};

        assert_int_equal(json_parse_copy(&j, str_z(rows[i].in), NULL, &why), OK);
        buf_reset(&b);
        jr_path(j.root, find_here(j.root), &b);
        if (!str_eq(buf_str(&b), str_z(rows[i].where)))
            fail_msg("%s: %.*s", rows[i].in, S_ARG(buf_str(&b)));
        buf_reset(&b);
        jr_path(j.root, NULL, &b);
        jr_path(NULL, j.root, &b);
        jr_path(j.root, &b, &b);
        assert_int_equal(b.n, 0);
    }
    buf_fini(&b);
    json_fini(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(caps),
        cmocka_unit_test(values_are_counted_exactly),
        cmocka_unit_test(budget),
        cmocka_unit_test(pool_is_kept),
        cmocka_unit_test(lenient_about_surrogates),
        cmocka_unit_test(nul_shortens_nothing),
        cmocka_unit_test(readers_are_total),
        cmocka_unit_test(integers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(in_an_arena),
        cmocka_unit_test(plain_strings),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
