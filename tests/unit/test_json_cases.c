/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_json_cases.c - DAT-2, DAT-3, DAT-5: which texts are JSON. Of RFC 8259's readers this one is
 * a strict one: what every reader must take, what every reader must refuse, and what is left open
 * to them with the choice that was made, for clients (strict) and for upstream (lenient). */
#include "base/arena.h"
#include "codec/json_read.h"
#include "codec/json_twice.h"
#include "codec/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct str TAKEN[] = {
    S_INIT("[]"),
    S_INIT("[ ]"),
    S_INIT("[[]   ]"),
    S_INIT("[\"\"]"),
    S_INIT("[\"a\"]"),
    S_INIT("[false]"),
    S_INIT("[null, 1, \"1\", {}]"),
    S_INIT("[null]"),
    S_INIT("[1\n]"),
    S_INIT(" [1]"),
    S_INIT("[1,null,null,null,2]"),
    S_INIT("[2] "),
    S_INIT("[[1],[2,[3]]]"),
    S_INIT("[0]"),
    S_INIT("[-0]"),
    S_INIT("[0e1]"),
    S_INIT("[0e+1]"),
    S_INIT("[1E22]"),
    S_INIT("[1E-2]"),
    S_INIT("[1E+2]"),
    S_INIT("[1e-2]"),
    S_INIT("[1e+2]"),
    S_INIT("[123e45]"),
    S_INIT("[123e65]"),
    S_INIT("[123.456e78]"),
    S_INIT("[123.456789]"),
    S_INIT("[-123]"),
    S_INIT("[-1]"),
    S_INIT("[-0.0]"),
    S_INIT("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
    S_INIT("[ 4]"),
    S_INIT("[20e1]"),
    S_INIT("[9223372036854775807]"),
    S_INIT("[18446744073709551616]"),
    S_INIT("42"),
    S_INIT("-1.5e-3"),
    S_INIT("{}"),
    S_INIT("{\"\":0}"),
    S_INIT("{\"a\":[]}"),
    S_INIT("{\"a\":\"b\", \"c\":\"d\"}"),
    S_INIT("{\"a\":\"b\",\"a\":\"c\"}"),
    S_INIT("{\"a\":\"b\",\"a\":\"b\"}"),
    S_INIT("{ \"a\" : 1 }"),
    S_INIT("{\"a\":{\"b\":{\"c\":null}}}"),
    S_INIT("{\n\"a\": \"b\"\n}"),
    S_INIT("{\"foo\\u0000bar\": 42}"),
    S_INIT("{\"min\": -1.0e+28, \"max\": 1.0e+28}"),
    S_INIT("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": "
           "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
    S_INIT("{\"title\":\"\\u041f\\u043e\\u043b\"}"),
    S_INIT("[\"\\u0060\\u012a\\u12AB\"]"),
    S_INIT("[\"\\uD801\\udc37\"]"),
    S_INIT("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    S_INIT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    S_INIT("[\"\\\\u0000\"]"),
    S_INIT("[\"\\\"\"]"),
    S_INIT("[\"a/*b*/c/*d//e\"]"),
    S_INIT("[\"\\\\a\"]"),
    S_INIT("[\"\\\\n\"]"),
    S_INIT("[\"\\u0012\"]"),
    S_INIT("[\"\\uFFFF\"]"),
    S_INIT("[\"\\uDBFF\\uDFFF\"]"),
    S_INIT("[\"new\\u00A0line\"]"),
    S_INIT("[\"\xf4\x8f\xbf\xbf\"]"),
    S_INIT("[\"\xef\xbf\xbf\"]"),
    S_INIT("[\"\\u0000\"]"),
    S_INIT("[\"\\u002c\"]"),
    S_INIT("[\"\xcf\x80\"]"),
    S_INIT("[\"\xf0\x9b\xbf\xbf\"]"),
    S_INIT("[\"asd \"]"),
    S_INIT("\" \""),
    S_INIT("[\"\\uD834\\uDd1e\"]"),
    S_INIT("[\"\\u0821\"]"),
    S_INIT("[\"\\u0123\"]"),
    S_INIT("[\"\xe2\x80\xa8\"]"),
    S_INIT("[\"\xe2\x80\xa9\"]"),
    S_INIT("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"),
    S_INIT("[\"new\\n0line\"]"),
    S_INIT("[\"\x7f\"]"),
    S_INIT("[\"\\uA66D\"]"),
    S_INIT("[\"\\u005C\"]"),
    S_INIT("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]"),
    S_INIT("[\"\\u200B\"]"),
    S_INIT("[\"\\u2064\"]"),
    S_INIT("[\"\\uFDD0\"]"),
    S_INIT("[\"\\uFFFE\"]"),
    S_INIT("[\"\\u0022\"]"),
    S_INIT("[\"\\uDBFF\\uDFFE\"]"),
    S_INIT("[\"a\\u0308\"]"),
    S_INIT("[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]"),
    S_INIT("[\"a\x7f"
           "a\"]"),
    S_INIT("false"),
    S_INIT("null"),
    S_INIT("true"),
    S_INIT("\"asd\""),
    S_INIT("\"\" "),
    S_INIT("[true]"),
    S_INIT("[\"a\"]\n"),
    S_INIT("\r\n[ \t1 ]\r\n"),
    S_INIT(" [] "),
};

static const struct str REFUSED[] = {
    S_INIT("[1 true]"),
    S_INIT("[a\xe5]"),
    S_INIT("[\"\": 1]"),
    S_INIT("[\"\"],"),
    S_INIT("[,1]"),
    S_INIT("[1,,2]"),
    S_INIT("[\"x\",,]"),
    S_INIT("[\"x\"]]"),
    S_INIT("[\"\",]"),
    S_INIT("[\"x\""),
    S_INIT("[x"),
    S_INIT("[3[4]]"),
    S_INIT("[\xff]"),
    S_INIT("[1:2]"),
    S_INIT("[,]"),
    S_INIT("[-]"),
    S_INIT("[   , \"\"]"),
    S_INIT("[\"a\",\n4\n,1,"),
    S_INIT("[1,]"),
    S_INIT("[1,,]"),
    S_INIT("[\"\x0b"
           "a\"\\f]"),
    S_INIT("[*]"),
    S_INIT("[\"\""),
    S_INIT("[1,"),
    S_INIT("[1,\n1\n,1"),
    S_INIT("[{}"),
    S_INIT("[}"),
    S_INIT("[1 2]"),
    S_INIT("[]]"),
    S_INIT("[1]x"),
    S_INIT("]"),
    S_INIT("["),
    S_INIT("[fals]"),
    S_INIT("[nul]"),
    S_INIT("[tru]"),
    S_INIT("[True]"),
    S_INIT("[NULL]"),
    S_INIT("[fAlse]"),
    S_INIT("nul"),
    S_INIT("truE"),
    S_INIT("falsey"),
    S_INIT("[++1234]"),
    S_INIT("[+1]"),
    S_INIT("[+Inf]"),
    S_INIT("[-01]"),
    S_INIT("[-1.0.]"),
    S_INIT("[-2.]"),
    S_INIT("[-NaN]"),
    S_INIT("[.-1]"),
    S_INIT("[.2e-3]"),
    S_INIT("[0.1.2]"),
    S_INIT("[0.3e+]"),
    S_INIT("[0.3e]"),
    S_INIT("[0.e1]"),
    S_INIT("[0e+]"),
    S_INIT("[0e]"),
    S_INIT("[0E]"),
    S_INIT("[0E+]"),
    S_INIT("[1.0e+]"),
    S_INIT("[1.0e-]"),
    S_INIT("[1.0e]"),
    S_INIT("[1 000.0]"),
    S_INIT("[1eE2]"),
    S_INIT("[2.e+3]"),
    S_INIT("[2.e-3]"),
    S_INIT("[2.e3]"),
    S_INIT("[9.e+]"),
    S_INIT("[Inf]"),
    S_INIT("[NaN]"),
    S_INIT("[Infinity]"),
    S_INIT("[-Infinity]"),
    S_INIT("[\xef\xbc\x91]"),
    S_INIT("[1+2]"),
    S_INIT("[0x1]"),
    S_INIT("[0x42]"),
    S_INIT("[-foo]"),
    S_INIT("[- 1]"),
    S_INIT("[-012]"),
    S_INIT("[-.123]"),
    S_INIT("[-1x]"),
    S_INIT("[1ea]"),
    S_INIT("[1e1\xe5]"),
    S_INIT("[1.]"),
    S_INIT("[.123]"),
    S_INIT("[1.2a-3]"),
    S_INIT("[1.8011670033376514H-308]"),
    S_INIT("[012]"),
    S_INIT("[00]"),
    S_INIT("[01]"),
    S_INIT("[1_000]"),
    S_INIT("[1,000.]"),
    S_INIT("[0b1]"),
    S_INIT("[0o7]"),
    S_INIT("[--1]"),
    S_INIT("[1e]"),
    S_INIT("[1e+]"),
    S_INIT("[0\xe5]\n"),
    S_INIT("[123\xe5]"),
    S_INIT("-"),
    S_INIT("+"),
    S_INIT("1."),
    S_INIT(".5"),
    S_INIT("01"),
    S_INIT("1e"),
    S_INIT("1a"),
    S_INIT("0x"),
    S_INIT("[\"x\", truth]"),
    S_INIT("{[: \"x\"}\n"),
    S_INIT("{\"x\", null}"),
    S_INIT("{\"x\"::\"b\"}"),
    S_INIT("{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}"),
    S_INIT("{\"a\":\"a\" 123}"),
    S_INIT("{key: 'value'}"),
    S_INIT("{\"\xb9\":\"0\",}"),
    S_INIT("{\"a\" b}"),
    S_INIT("{:\"b\"}"),
    S_INIT("{\"a\" \"b\"}"),
    S_INIT("{\"a\":"),
    S_INIT("{\"a\""),
    S_INIT("{1:1}"),
    S_INIT("{9999E9999:1}"),
    S_INIT("{null:null,null:null}"),
    S_INIT("{\"id\":0,,,,,}"),
    S_INIT("{'a':0}"),
    S_INIT("{\"id\":0,}"),
    S_INIT("{\"a\":\"b\"}/**/"),
    S_INIT("{\"a\":\"b\"}/**//"),
    S_INIT("{\"a\":\"b\"}//"),
    S_INIT("{\"a\":\"b\"}/"),
    S_INIT("{\"a\":\"b\",,\"c\":\"d\"}"),
    S_INIT("{a: \"b\"}"),
    S_INIT("{\"a\":\"a"),
    S_INIT("{ \"foo\" : \"bar\", \"a\" }"),
    S_INIT("{\"a\":\"b\"}#"),
    S_INIT("{"),
    S_INIT("}"),
    S_INIT("{\"a\":1"),
    S_INIT("{\"a\":1,"),
    S_INIT("{\"a\"}"),
    S_INIT("{,}"),
    S_INIT("{\"a\":}"),
    S_INIT("{true:1}"),
    S_INIT("{{}}"),
    S_INIT("{\"\":{\"\":"),
    S_INIT("{\"a\":b}"),
    S_INIT("[\"\\uD800\\\"]"),
    S_INIT("[\"\\uD800\\u\"]"),
    S_INIT("[\"\\uD800\\u1\"]"),
    S_INIT("[\"\\uD800\\u1x\"]"),
    S_INIT("[\xc3\xa9]"),
    S_INIT("[\"\\\x00\"]"),
    S_INIT("[\"\\x00\"]"),
    S_INIT("[\"\\\\\\\"]"),
    S_INIT("[\"\\\t\"]"),
    S_INIT("[\"\\\xf0\x9f\x8c\x80\"]"),
    S_INIT("[\"\\\"]"),
    S_INIT("[\"\\u00A\"]"),
    S_INIT("[\"\\uD834\\uDd\"]"),
    S_INIT("[\"\\uD800\\uD800\\x\"]"),
    S_INIT("[\"\\a\"]"),
    S_INIT("[\"\\uqqqq\"]"),
    S_INIT("[\"\\\xe5\"]"),
    S_INIT("[\"\\u\xe5\"]"),
    S_INIT("[\\u0020\"asd\"]"),
    S_INIT("[\\n]"),
    S_INIT("\""),
    S_INIT("['single quote']"),
    S_INIT("abc"),
    S_INIT("[\"\\"),
    S_INIT("[\"a\x00"
           "a\"]"),
    S_INIT("[\"new\nline\"]"),
    S_INIT("[\"\t\"]"),
    S_INIT("\"\\UA66D\""),
    S_INIT("\"\"x"),
    S_INIT("[\"\r\"]"),
    S_INIT("[\"\x1f\"]"),
    S_INIT("[\"\x01\"]"),
    S_INIT("[\"a"),
    S_INIT("\"a\\\""),
    S_INIT("\"\\u"),
    S_INIT("\"\\u123"),
    S_INIT("[\"\\u 123\"]"),
    S_INIT("[\"\\u+123\"]"),
    S_INIT("[\"\\u-123\"]"),
    S_INIT("[\"a\" \"b\"]"),
    S_INIT("`a`"),
    S_INIT("[\"\\0\"]"),
    S_INIT("[\"\\v\"]"),
    S_INIT("[\"\\u{41}\"]"),
    S_INIT(""),
    S_INIT(" "),
    S_INIT("\t\r\n"),
    S_INIT("<.>"),
    S_INIT("[<null>]"),
    S_INIT("[1]]"),
    S_INIT("[\"asd]"),
    S_INIT("a\xc3\xa5"),
    S_INIT("1]"),
    S_INIT("{\"x\": true,"),
    S_INIT("[][]"),
    S_INIT("\xef\xbb\xbf"),
    S_INIT("\xe2\x81\xa0"),
    S_INIT("\xc2\xa0[1]"),
    S_INIT("\xe5"),
    S_INIT("[\x00]"),
    S_INIT("\x00"),
    S_INIT("[]\x00"),
    S_INIT("{}\x00"),
    S_INIT("1\x00"),
    S_INIT("\xef\xbb{}"),
    S_INIT("\xef"),
    S_INIT("{\"\":"),
    S_INIT("{\"a\":/*comment*/\"b\"}"),
    S_INIT("{\"a\": true} \"x\""),
    S_INIT("[,"),
    S_INIT("{,"),
    S_INIT("{\"a"),
    S_INIT("{'a'"),
    S_INIT("[\"\\{[\"\\{[\"\\{[\"\\{"),
    S_INIT("\xc3\xa9"),
    S_INIT("*"),
    S_INIT(";"),
    S_INIT("{\"a\":\"b\"}#{}"),
    S_INIT("[\\u000A\"\"]"),
    S_INIT("[1"),
    S_INIT("[ false, nul"),
    S_INIT("[ true, fals"),
    S_INIT("[ false, tru"),
    S_INIT("{\"asd\":\"asd\""),
    S_INIT("\xc3\xa5"),
    S_INIT("[\xe2\x81\xa0]"),
    S_INIT("[\x0c]"),
    S_INIT("\x0b"
           "1"),
    S_INIT("\x0c[]"),
    S_INIT("[]\x0c"),
    S_INIT("//x\n1"),
    S_INIT("/**/1"),
    S_INIT("# a\n1"),
    S_INIT("[1] // x"),
    S_INIT("1 2"),
    S_INIT("nulltrue"),
    S_INIT("{}{}"),
    S_INIT("\"a\"\"b\""),
    S_INIT("[1];"),
    S_INIT("(1)"),
    S_INIT("@"),
    S_INIT("\\"),
    S_INIT("undefined"),
    S_INIT("[undefined]"),
    S_INIT("NaN"),
    S_INIT("-Infinity"),
    S_INIT("1,2"),
    S_INIT("\"a\":1"),
    S_INIT("\x1e{}"),
    S_INIT("{}\x1a"),
};

/* Numbers too large for a double are carried as they were written; a lone surrogate escape is
 * upstream's way of cutting text; bytes that are no UTF-8 are nobody's. A byte order mark is passed
 * over, once. */
static const struct {
    struct str text;
    enum err strict, lenient;
} OPEN[] = {
    {S_INIT("[123.456e-789]"),                                            OK,       OK      },
    {S_INIT("[0."
            "4e006699999999999999999999999999999999999999999999999999999999999999999999999999999999"
            "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
            "999999999999999999999999999999999999999969999999006]"),
     OK,                                                                            OK      },
    {S_INIT("[-1e+9999]"),                                                OK,       OK      },
    {S_INIT("[1.5e+9999]"),                                               OK,       OK      },
    {S_INIT("[-123123e100000]"),                                          OK,       OK      },
    {S_INIT("[123123e100000]"),                                           OK,       OK      },
    {S_INIT("[123e-10000000]"),                                           OK,       OK      },
    {S_INIT("[-123123123123123123123123123123]"),                         OK,       OK      },
    {S_INIT("[100000000000000000000]"),                                   OK,       OK      },
    {S_INIT("[-237462374673276894279832749832423479823246327846]"),       OK,       OK      },
    {S_INIT("[1e999]"),                                                   OK,       OK      },
    {S_INIT("[-1e-999999999]"),                                           OK,       OK      },
    {S_INIT("{\"\\uDFAA\":0}"),                                           E_SYNTAX, OK      },
    {S_INIT("[\"\\uDADA\"]"),                                             E_SYNTAX, OK      },
    {S_INIT("[\"\\uD888\\u1234\"]"),                                      E_SYNTAX, OK      },
    {S_INIT("[\"\\uD800\\n\"]"),                                          E_SYNTAX, OK      },
    {S_INIT("[\"\\uDd1ea\"]"),                                            E_SYNTAX, OK      },
    {S_INIT("[\"\\uD800\\uD800\\n\"]"),                                   E_SYNTAX, OK      },
    {S_INIT("[\"\\ud800\"]"),                                             E_SYNTAX, OK      },
    {S_INIT("[\"\\ud800abc\"]"),                                          E_SYNTAX, OK      },
    {S_INIT("[\"\\uDd1e\\uD834\"]"),                                      E_SYNTAX, OK      },
    {S_INIT("[\"\\uDFAA\"]"),                                             E_SYNTAX, OK      },
    {S_INIT("[\"\\uD83D\\\"x\"]"),                                        E_SYNTAX, OK      },
    {S_INIT("[\"\\udc00\\ud800\\udc00\"]"),                               E_SYNTAX, OK      },
    {S_INIT("[\"\xe6\x97\xa5\xd1\x88\xfa\"]"),                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xff\"]"),                                                E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xed\xa0\x80\"]"),                                        E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xed\xbf\xbf\"]"),                                        E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xf0\x80\x80\x80\"]"),                                    E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xf4\xbf\xbf\xbf\"]"),                                    E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xf4\x90\x80\x80\"]"),                                    E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xf8\x88\x80\x80\x80\"]"),                                E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xfc\x84\x80\x80\x80\x80\"]"),                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\x81\"]"),                                                E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xc0\xaf\"]"),                                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xc1\xbf\"]"),                                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"),                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xfc\x80\x80\x80\x80\x80\"]"),                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xe0\xff\"]"),                                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xe0\x80\x80\"]"),                                        E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xe9\"]"),                                                E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xc3\"]"),                                                E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xe2\x82\"]"),                                            E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xf0\x9d\x84\"]"),                                        E_SYNTAX, E_SYNTAX},
    {S_INIT("[\"\xfe\xff\"]"),                                            E_SYNTAX, E_SYNTAX},
    {S_INIT("{\"\xc0\":1}"),                                              E_SYNTAX, E_SYNTAX},
    {S_INIT("\xff\xfe[\x00\"\x00\xe9\x00\"\x00]\x00"),                    E_SYNTAX, E_SYNTAX},
    {S_INIT("\x00[\x00\"\x00\xe9\x00\"\x00]"),                            E_SYNTAX, E_SYNTAX},
    {S_INIT("\xfe\xff\x00[\x00\"\x00\xe9\x00\"\x00]"),                    E_SYNTAX, E_SYNTAX},
    {S_INIT("[\x00]\x00"),                                                E_SYNTAX, E_SYNTAX},
    {S_INIT("\xef\xbb\xbf{}"),                                            OK,       OK      },
    {S_INIT("\xef\xbb\xbf\xef\xbb\xbf{}"),                                E_SYNTAX, E_SYNTAX},
};

/* In a block of its own, so that ASan sees its end. */
static enum err read_it(struct str text, bool lenient, struct buf *printed)
{
    char *own = malloc(text.n + JSON_PAD);
    struct json j;
    struct jw w;
    enum err rc;

    assert_non_null(own);
    memcpy(own, text.p, text.n);
    json_init(&j);
    rc = lenient ? json_parse_lenient(&j, own, text.n, NULL, NULL)
                 : json_parse(&j, own, text.n, NULL, NULL);
    assert_int_equal(rc == OK, j.root != NULL);
    if (rc == OK && printed != NULL) {
        jw_begin(&w, printed);
        jw_copy(&w, NULL, j.root);
        assert_int_equal(jw_end_all(&w), OK);
    }
    json_fini(&j);
    free(own);
    return rc;
}

static void check(const char *table, size_t row, struct str text, enum err strict, enum err lenient)
{
    enum err s = read_it(text, false, NULL), l = read_it(text, true, NULL);

    if (s != strict || l != lenient)
        fail_msg("%s %zu (%.*s): strict %d, lenient %d", table, row, S_ARG(text), (int)s, (int)l);
}

/* What is taken prints, and what was printed is taken and prints the same. */
static void dat_2_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(TAKEN); i++) {
        struct buf once, twice;

        check("TAKEN", i, TAKEN[i], OK, OK);
        buf_init(&once, 10000);
        buf_init(&twice, 10000);
        assert_int_equal(read_it(TAKEN[i], false, &once), OK);
        assert_int_equal(read_it(buf_str(&once), false, &twice), OK);
        assert_true(str_eq(buf_str(&once), buf_str(&twice)));
        buf_fini(&once);
        buf_fini(&twice);
    }
}

static void dat_2_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(REFUSED); i++)
        check("REFUSED", i, REFUSED[i], E_SYNTAX, E_SYNTAX);
}

static void dat_2_left_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(OPEN); i++)
        check("OPEN", i, OPEN[i].text, OPEN[i].strict, OPEN[i].lenient);
}

/* Who interprets an object does not take one of two; of what is somebody else's nothing is said. */
static void dat_2_twice(void **state)
{
    static const struct {
        const char *text, *path;
    } rows[] = {
        {"{\"a\":1,\"b\":2}",                             ""                       },
        {"{\"a\":1,\"a\":1}",                             "a"                      },
        {"{\"a\":1,\"\\u0061\":1}",                       "a"                      },
        {"{\"a\":1,\"A\":1,\"a\\u0000\":1}",              ""                       },
        {"[{\"a\":{\"b\":[{\"c\":1,\"d\":2,\"c\":3}]}}]", "[0].a.b[0].c"           },
        {"{\"own\":{\"a\":1,\"a\":2},\"b\":3}",           ""                       },
        {"{\"b\":{\"own\":[{\"a\":1,\"a\":2}]}}",         ""                       },
        {"{\"own\":1,\"own\":2}",                         "own"                    },
        {"{\"\":1,\"\":2}",                               "[\"\"]"                 },
        {"[[[[[[[{\"a\":1,\"a\":2}]]]]]]]",               "[0][0][0][0][0][0][0].a"},
        {"[[[[[[[[{\"a\":1,\"a\":2}]]]]]]]]",             ""                       },
        {"7",                                             ""                       },
    };
    static const struct str OWN[] = {S_INIT("own")};
    struct arena arena;

    (void)state;
    arena_init(&arena, 0); /* none of them needs any */
    for (size_t i = 0; i < NELEM(rows); i++) {
        yyjson_val *twice = NULL;
        struct json j;
        struct buf path;

        json_init(&j);
        buf_init(&path, 1000);
        assert_int_equal(json_parse_copy(&j, str_z(rows[i].text), NULL, NULL), OK);
        assert_int_equal(jr_twice(j.root, OWN, NELEM(OWN), &arena, &twice), OK);
        jr_path(j.root, twice, &path);
        if (!str_eq(buf_str(&path), str_z(rows[i].path)))
            fail_msg("row %zu: %.*s", i, S_ARG(buf_str(&path)));
        buf_fini(&path);
        json_fini(&j);
    }
}

/* {"m<n>":0, ..., "m2":0, "m1":0}; the members at `at` and `again` (counted from 1) have one name.
 */
static void many_members(struct buf *text, size_t n, size_t at, size_t again)
{
    buf_lit(text, "[{");
    for (size_t i = 1; i <= n; i++)
        buf_putf(text, "%s\"m%zu\":0", i > 1 ? "," : "", i == again ? at : i);
    buf_lit(text, "}]");
}

/* However many members an object has: every double is found, of several the first, and none where
 * there is none; 8 bytes of memory a member, and as many as LIM-5 allows are no matter. */
static void dat_2_twice_of_many(void **state)
{
    static const struct {
        size_t n, at, again;
        const char *path;
    } rows[] = {
        {63,     1,     63,     "[0].m1"    },
        {64,     1,     64,     "[0].m1"    },
        {64,     0,     0,      ""          },
        {65,     1,     65,     "[0].m1"    },
        {65,     64,    65,     "[0].m64"   },
        {65,     0,     0,      ""          },
        {66,     1,     2,      "[0].m1"    },
        {66,     65,    66,     "[0].m65"   },
        {1000,   999,   1000,   "[0].m999"  },
        {100000, 0,     0,      ""          },
        {100000, 1,     100000, "[0].m1"    },
        {100000, 99999, 100000, "[0].m99999"},
        {499998, 70,    499998, "[0].m70"   },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        yyjson_val *twice = NULL;
        struct arena arena;
        struct json j;
        struct buf text, path;

        json_init(&j);
        buf_init(&text, 16 << 20);
        buf_init(&path, 1000);
        arena_init(&arena, rows[i].n > 64 ? rows[i].n * sizeof(yyjson_val *) + 64 : 0);
        many_members(&text, rows[i].n, rows[i].at, rows[i].again);
        assert_int_equal(json_parse_copy(&j, buf_str(&text), NULL, NULL), OK);
        assert_int_equal(jr_twice(j.root, NULL, 0, &arena, &twice), OK);
        assert_int_equal(arena.used, 0);
        jr_path(j.root, twice, &path);
        if (!str_eq(buf_str(&path), str_z(rows[i].path)))
            fail_msg("row %zu: %.*s", i, S_ARG(buf_str(&path)));
        arena_fini(&arena);
        buf_fini(&text);
        buf_fini(&path);
        json_fini(&j);
    }
}

/* Where the memory for it is missing nothing is taken for right. */
static void dat_2_twice_without_memory(void **state)
{
    yyjson_val *twice = NULL;
    struct arena arena;
    struct json j;
    struct buf text;

    (void)state;
    json_init(&j);
    buf_init(&text, 10000);
    arena_init(&arena, 64 * sizeof(yyjson_val *));
    many_members(&text, 65, 1, 2);
    assert_int_equal(json_parse_copy(&j, buf_str(&text), NULL, NULL), OK);
    assert_int_equal(jr_twice(j.root, NULL, 0, &arena, &twice), E_MEMORY);
    assert_null(twice);
    arena_fini(&arena);
    buf_fini(&text);
    json_fini(&j);
}

/* DAT-3: a number that is only carried leaves as it came. */
static void dat_3_carried(void **state)
{
    static const struct str rows[] = {
        S_INIT("[1E400,-0,-0.0,1e-999999999,123456789012345678901234567890.10,1.0,1E+2]"),
        S_INIT("[0.1,1.7976931348623159e308,18446744073709551616,-9223372036854775809]"),
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct buf out;

        buf_init(&out, 10000);
        assert_int_equal(read_it(rows[i], false, &out), OK);
        assert_true(str_eq(buf_str(&out), rows[i]));
        buf_fini(&out);
    }
}

/* DAT-5, LIM-5: what is deep is refused by counting, however deep it is. */
static void dat_5_depth(void **state)
{
    static const char *const units[] = {"[", "{\"\":", "[{\"\":"};

    (void)state;
    for (size_t u = 0; u < NELEM(units); u++) {
        struct buf deep;

        buf_init(&deep, 10 << 20);
        for (size_t i = 0; i < 100000; i++)
            buf_put(&deep, str_z(units[u]));
        check("depth", u, buf_str(&deep), E_TOOBIG, E_TOOBIG);
        buf_fini(&deep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dat_2_taken),         cmocka_unit_test(dat_2_refused),
        cmocka_unit_test(dat_2_left_open),     cmocka_unit_test(dat_2_twice),
        cmocka_unit_test(dat_2_twice_of_many), cmocka_unit_test(dat_2_twice_without_memory),
        cmocka_unit_test(dat_3_carried),       cmocka_unit_test(dat_5_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
