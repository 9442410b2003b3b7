/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_json_write.c - the cursor: commas, escapes, copies, borrowed strings, caps. */
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/json_write.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a scene may use beside the writer. */
struct props {
    struct json j;
};
typedef void scene_f(struct jw *w, struct props *p);

static yyjson_val *parsed(struct props *p, const char *text)
{
    struct fault why = {0};

    assert_int_equal(json_parse_copy(&p->j, str_z(text), NULL, &why), OK);
    return p->j.root;
}

static void empty_object(struct jw *w, struct props *p)
{
    (void)p;
    jw_obj(w, NULL);
    jw_end(w);
}

static void nesting(struct jw *w, struct props *p)
{
    (void)p;
    jw_obj(w, NULL);
    jw_arr(w, "a");
    jw_int(w, NULL, 1);
    jw_arr(w, NULL);
    jw_end(w);
    jw_obj(w, NULL);
    jw_end(w);
    jw_obj(w, NULL);
    jw_bool(w, "t", true);
    jw_bool(w, "f", false);
    jw_end(w);
    jw_end(w);
    jw_null(w, "n");
    jw_raw(w, "r", S("[1, 2]"));
    jw_end(w);
}

static void scalars(struct jw *w, struct props *p)
{
    (void)p;
    jw_arr(w, NULL);
    jw_int(w, NULL, 0);
    jw_int(w, NULL, INT64_MIN);
    jw_int(w, NULL, INT64_MAX);
    jw_u64(w, NULL, UINT64_MAX);
    jw_num(w, NULL, 0.1);
    jw_num(w, NULL, -0.5);
    jw_num(w, NULL, 1);
    jw_num(w, NULL, 1e300);
    jw_num(w, NULL, 1.0 / 3);
    jw_num(w, NULL, INFINITY);
    jw_num(w, NULL, NAN);
    jw_end(w);
}

static void root_string(struct jw *w, struct props *p)
{
    (void)p;
    jw_str(w, NULL, S("a\"b\\c/d\b\f\n\r\t\v\x1f\0\x7f\xe9\xb9\x8a\xe2\x80\xa8"));
}

static void keys_that_are_data(struct jw *w, struct props *p)
{
    (void)p;
    jw_obj(w, NULL);
    jw_str_key(w, S("a\"\n"), S("1"));
    jw_key(w, S(""));
    jw_arr(w, NULL);
    jw_int(w, NULL, 1);
    jw_end(w);
    jw_key(w, S("x\0y"));
    jw_obj(w, NULL);
    jw_int(w, "z", 2);
    jw_end(w);
    jw_key(w, S("s"));
    jw_str(w, NULL, S("t"));
    jw_int(w, "last", 3);
    jw_end(w);
}

static void pieces(struct jw *w, struct props *p)
{
    (void)p;
    jw_obj(w, NULL);
    jw_str_open(w, "a");
    jw_str_more(w, S("one\n"));
    jw_str_more(w, S(""));
    jw_str_more(w, S("\"two\xe9"));
    jw_str_more(w, S("\xb9\x8a"));
    jw_str_close(w);
    jw_str_open(w, "b");
    jw_str_close(w);
    jw_end(w);
}

/* Levels that open at once, text that needs no escape, and a value that is written by hand. */
static void blocks(struct jw *w, struct props *p)
{
    char *at;

    (void)p;
    jw_obj(w, NULL);
    jw_open(w, "a", S("[{\"b\":["), "[{[");
    jw_int(w, NULL, 1);
    jw_plain(w, NULL, S("two, which is longer than sixteen"));
    jw_end(w);
    jw_plain(w, "c", S(""));
    jw_end(w);
    jw_open(w, NULL, S("{\"d\":1"), "{");
    jw_str(w, "e", S("f"));
    jw_end(w);
    jw_end(w);
    at = jw_raw_open(w, "g", 3);
    if (at != NULL) {
        memcpy(at, "2.5", 3);
        jw_raw_close(w, at + 3);
    }
    jw_str_open(w, "h");
    jw_plain_more(w, S("i"));
    jw_str_more(w, S("\n"));
    jw_str_close(w);
    jw_end(w);
}

#define DOC                                                                                        \
    "{\"a\":[1,-2.50,1e999,{\"b\\n\":\"\\\"\\\\\\u0001\"},[],{},null,true,"                        \
    "false],\"\":\"\",\"z\":{\"y\":[[[]]]}}"

static void copied(struct jw *w, struct props *p)
{
    yyjson_val *v = parsed(p, DOC);

    jw_obj(w, NULL);
    jw_copy(w, "v", v);
    jw_copy(w, "none", NULL);
    jw_arr(w, "l");
    jw_copy(w, NULL, jr_get(v, "z"));
    jw_copy(w, NULL, jr_get(v, ""));
    jw_end(w);
    jw_key(w, S("k"));
    jw_copy(w, NULL, jr_get(v, "a"));
    jw_end(w);
}

static void quoted(struct jw *w, struct props *p)
{
    yyjson_val *v = parsed(p, DOC);

    jw_obj(w, NULL);
    jw_quoted(w, "v", v);
    jw_quoted(w, "s", jr_get(v, ""));
    jw_quoted(w, "none", NULL);
    jw_str(w, "after", S("\n"));
    jw_end(w);
}

static void root_copy(struct jw *w, struct props *p)
{
    jw_copy(w, NULL, parsed(p, "[[1],{\"a\":2}]"));
}

static const struct {
    const char *name;
    scene_f *scene;
    struct str out;
} SCENES[] = {
    {"empty object",       empty_object,       S_INIT("{}")                                              },
    {"nesting",            nesting,
     S_INIT("{\"a\":[1,[],{},{\"t\":true,\"f\":false}],\"n\":null,\"r\":[1, 2]}")                        },
    {"scalars",            scalars,
     S_INIT("[0,-9223372036854775808,9223372036854775807,18446744073709551615,0.1,-0.5,1,"
            "1e+300,0.3333333333333333,null,null]")                                                      },
    {"root string",        root_string,
     S_INIT("\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u000b\\u001f\\u0000\x7f\xe9\xb9\x8a\xe2\x80\xa8\"")         },
    {"keys that are data", keys_that_are_data,
     S_INIT("{\"a\\\"\\n\":\"1\",\"\":[1],\"x\\u0000y\":{\"z\":2},\"s\":\"t\",\"last\":3}")              },
    {"pieces",             pieces,             S_INIT("{\"a\":\"one\\n\\\"two\xe9\xb9\x8a\",\"b\":\"\"}")},
    {"blocks",             blocks,
     S_INIT("{\"a\":[{\"b\":[1,\"two, which is longer than "
            "sixteen\"],\"c\":\"\"},{\"d\":1,\"e\":\"f\"}],"
            "\"g\":2.5,\"h\":\"i\\n\"}")                                                                 },
    {"copied",             copied,
     S_INIT("{\"v\":{\"a\":[1,-2.50,1e999,{\"b\\n\":\"\\\"\\\\\\u0001\"},[],{},null,true,false],"
            "\"\":\"\",\"z\":{\"y\":[[[]]]}},\"none\":null,\"l\":[{\"y\":[[[]]]},\"\"],"
            "\"k\":[1,-2.50,1e999,{\"b\\n\":\"\\\"\\\\\\u0001\"},[],{},null,true,false]}")               },
    {"quoted",             quoted,
     S_INIT("{\"v\":\"{\\\"a\\\":[1,-2.50,1e999,{\\\"b\\\\n\\\":\\\"\\\\\\\"\\\\\\\\\\\\u0001\\\"},"
            "[],{},null,true,false],\\\"\\\":\\\"\\\",\\\"z\\\":{\\\"y\\\":[[[]]]}}\","
            "\"s\":\"\\\"\\\"\",\"none\":\"null\",\"after\":\"\\n\"}")                                   },
    {"root copy",          root_copy,          S_INIT("[[1],{\"a\":2}]")                                 },
};

static enum err play(scene_f *scene, struct buf *b)
{
    struct props p;
    struct jw w;
    enum err rc;

    json_init(&p.j);
    jw_begin(&w, b);
    scene(&w, &p);
    rc = jw_end_all(&w);
    json_fini(&p.j);
    return rc;
}

/* Each scene says what it should, and under every smaller cap it ends in E_TOOBIG. */
static void scenes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(SCENES); i++) {
        for (size_t cap = 0; cap <= SCENES[i].out.n; cap++) {
            struct buf b;
            enum err rc;

            buf_init(&b, cap);
            rc = play(SCENES[i].scene, &b);
            assert_int_equal(rc, cap < SCENES[i].out.n ? E_TOOBIG : OK);
            assert_true(b.n <= cap);
            if (rc == OK && !str_eq(buf_str(&b), SCENES[i].out))
                fail_msg("%s: %.*s", SCENES[i].name, S_ARG(buf_str(&b)));
            buf_fini(&b);
        }
    }
    assert_int_equal(mem_counted(), 0);
}

/* What jw_quoted() wrote reads back as the value's own text. */
static void quoted_reads_back(void **state)
{
    struct json inner;
    struct json outer;
    struct buf text;
    struct buf again;
    struct jw w;
    struct fault why = {0};

    (void)state;
    json_init(&inner);
    json_init(&outer);
    buf_init(&text, 10000);
    buf_init(&again, 10000);
    assert_int_equal(json_parse_copy(&inner, S(DOC), NULL, &why), OK);
    jw_begin(&w, &text);
    jw_quoted(&w, NULL, inner.root);
    assert_int_equal(jw_end_all(&w), OK);
    assert_int_equal(json_parse_copy(&outer, buf_str(&text), NULL, &why), OK);
    jw_begin(&w, &again);
    jw_copy(&w, NULL, inner.root);
    assert_int_equal(jw_end_all(&w), OK);
    assert_true(str_eq(jr_text(outer.root), buf_str(&again)));
    assert_true(str_eq(jr_text(outer.root), S(DOC)));
    buf_fini(&text);
    buf_fini(&again);
    json_fini(&inner);
    json_fini(&outer);
}

/* A quote, a backslash or a control byte at each place of a string around the sizes of blocks. */
static void escapes_at_each_place(void **state)
{
    static const struct {
        char c;
        const char *out;
    } rows[] = {
        {'"',    "\\\""   },
        {'\\',   "\\\\"   },
        {'\n',   "\\n"    },
        {'\0',   "\\u0000"},
        {'\x1f', "\\u001f"},
        {' ',    " "      },
        {'\x7f', "\x7f"   },
        {'!',    "!"      },
        {'#',    "#"      },
        {'[',    "["      },
        {']',    "]"      },
    };
    struct buf got;
    struct buf want;

    (void)state;
    buf_init(&got, 10000);
    buf_init(&want, 10000);
    for (size_t n = 1; n <= 140; n++) {
        char *text = malloc(n); /* its own block, so that ASan sees a read past its end */

        assert_non_null(text);
        for (size_t at = 0; at < n; at++) {
            size_t i = (n + at) % NELEM(rows);
            struct jw w;

            memset(text, at % 2 ? 'x' : '\xc3', n);
            text[at] = rows[i].c;
            buf_reset(&got);
            buf_reset(&want);
            jw_begin(&w, &got);
            jw_str(&w, NULL, str_of(text, n));
            assert_int_equal(jw_end_all(&w), OK);
            buf_lit(&want, "\"");
            buf_put(&want, str_of(text, at));
            buf_put(&want, str_z(rows[i].out));
            buf_put(&want, str_of(text + at + 1, n - at - 1));
            buf_lit(&want, "\"");
            assert_true(str_eq(buf_str(&got), buf_str(&want)));
        }
        free(text);
    }
    buf_fini(&got);
    buf_fini(&want);
}

static void read_rope(const struct rope *r, struct buf *out)
{
    struct rope_pos pos = {0};
    struct str piece;

    while ((piece = rope_next(r, &pos, SIZE_MAX)).n > 0)
        buf_put(out, piece);
}

/* Long runs are borrowed and not copied, wherever the escapes stand; the text is the same. */
static void ropes_borrow(void **state)
{
    static char big[3 * ROPE_SPAN_MIN];
    struct rope r;
    struct buf plain;
    struct buf got;

    (void)state;
    buf_init(&plain, 100000);
    buf_init(&got, 100000);
    for (int escapes = 0; escapes <= 1; escapes++) {
        struct jw w;

        memset(big, 'b', sizeof big);
        if (escapes)
            big[ROPE_SPAN_MIN + 10] = '\n';
        rope_init(&r, 100000);
        buf_reset(&plain);
        buf_reset(&got);
        for (int rope = 0; rope <= 1; rope++) {
            if (rope)
                jw_begin_rope(&w, &r);
            else
                jw_begin(&w, &plain);
            jw_obj(&w, NULL);
            jw_str(&w, "small", str_of(big, ROPE_SPAN_MIN - 1));
            jw_str(&w, "big", str_of(big, sizeof big));
            jw_end(&w);
            assert_int_equal(jw_end_all(&w), OK);
        }
        read_rope(&r, &got);
        assert_true(str_eq(buf_str(&got), buf_str(&plain)));
        assert_int_equal(r.ncuts, escapes ? 2 : 1);
        assert_true(r.borrowed <= sizeof big && r.borrowed >= sizeof big - (escapes ? 1100 : 0));
        rope_fini(&r);
    }
    rope_init(&r, sizeof big);
    {
        struct jw w;

        jw_begin_rope(&w, &r);
        jw_str(&w, NULL, str_of(big, sizeof big));
        assert_int_equal(jw_end_all(&w), E_TOOBIG);
    }
    rope_fini(&r);
    buf_fini(&plain);
    buf_fini(&got);
    assert_int_equal(mem_counted(), 0);
}

/* DAT-6. */
static void too_deep_is_an_error(void **state)
{
    struct buf b;
    struct jw w;

    (void)state;
    for (int n = JW_DEPTH_MAX; n <= JW_DEPTH_MAX + 40; n += 40) {
        buf_init(&b, 100000);
        jw_begin(&w, &b);
        for (int i = 0; i < n; i++) {
            jw_obj(&w, i ? "k" : NULL);
            jw_str(&w, "a", S("b"));
        }
        for (int i = 0; i < n; i++)
            jw_end(&w);
        assert_int_equal(jw_end_all(&w), n > JW_DEPTH_MAX ? E_TOOBIG : OK);
        buf_fini(&b);
    }
}

/* A value as deep as the reader allows, copied below levels of our own. */
static void deep_copies(void **state)
{
    char text[2 * JSON_DEPTH_MAX];
    struct props p;
    struct buf b;
    struct jw w;
    struct fault why = {0};

    (void)state;
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    json_init(&p.j);
    buf_init(&b, 10000);
    assert_int_equal(json_parse_copy(&p.j, str_of(text, sizeof text), NULL, &why), OK);
    jw_begin(&w, &b);
    jw_copy(&w, NULL, p.j.root);
    assert_int_equal(jw_end_all(&w), OK);
    assert_true(str_eq(buf_str(&b), str_of(text, sizeof text)));
    buf_reset(&b);
    jw_begin(&w, &b);
    for (int i = 0; i < JW_DEPTH_MAX - JSON_DEPTH_MAX + 1; i++)
        jw_obj(&w, i ? "k" : NULL);
    jw_copy(&w, "v", p.j.root);
    for (int i = 0; i < JW_DEPTH_MAX - JSON_DEPTH_MAX + 1; i++)
        jw_end(&w);
    assert_int_equal(jw_end_all(&w), E_TOOBIG);
    buf_fini(&b);
    json_fini(&p.j);
}

static void numbers_read_back(void **state)
{
    static const double rows[] = {
        0,           -0.0,
        1,           -1,
        0.1,         1.0 / 3,
        2.0 / 3,     1e21,
        1e22,        123456789.125,
        DBL_MAX,     -DBL_MAX,
        5e-324,      DBL_MIN,
        DBL_EPSILON, 0.3,
        1e15,        1e16,
        1e17,        9007199254740993.0,
        1.7,         3.14159265358979,
    };
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct json j;
        struct jw w;
        struct fault why = {0};
        double got = 99;

        json_init(&j);
        buf_reset(&b);
        jw_begin(&w, &b);
        jw_num(&w, NULL, rows[i]);
        assert_int_equal(jw_end_all(&w), OK);
        assert_true(b.n <= 24);
        assert_int_equal(json_parse_copy(&j, buf_str(&b), NULL, &why), OK);
        assert_true(jr_num(j.root, &got));
        assert_true(got == rows[i]);
        json_fini(&j);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes),
        cmocka_unit_test(quoted_reads_back),
        cmocka_unit_test(escapes_at_each_place),
        cmocka_unit_test(ropes_borrow),
        cmocka_unit_test(too_deep_is_an_error),
        cmocka_unit_test(deep_copies),
        cmocka_unit_test(numbers_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
