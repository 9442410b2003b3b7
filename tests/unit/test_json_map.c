/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_json_map.c - each way to cross, its range, and which of several rows wins. */
#include "base/mem.h"
#include "codec/json_map.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void put_own(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    (void)v;
    jw_str(m->w, row->to, str_z(m->ctx));
}

static const struct jm_row ROWS[] = {
    {"temperature", "temperature", jm_num,    0, 2,         NULL},
    {"max_new",     "max",         jm_int,    1, INT32_MAX, NULL},
    {"max_old",     "max",         jm_int,    1, INT32_MAX, NULL},
    {"big",         "big",         jm_int,    0, 1e300,     NULL},
    {"flag",        "flag",        jm_bool,   0, 0,         NULL},
    {"name",        "name",        jm_str,    2, 4,         NULL},
    {"free",        "free",        jm_str,    0, 0,         NULL},
    {"stop",        "stop",        jm_strs,   2, 3,         NULL},
    {"any",         "any",         jm_copy,   0, 0,         NULL},
    {"own",         "own",         put_own,   0, 0,         NULL},
    {"no",          NULL,          jm_refuse, 0, 0,         NULL},
    {"drop",        NULL,          jm_ignore, 0, 0,         NULL},
    {"drop2",       NULL,          jm_ignore, 0, 0,         NULL},
    {"else",        NULL,          jm_skip,   0, 0,         NULL},
};

static struct jm_table TABLE = JM_TABLE(ROWS);

/* out is NULL for a fault, which then stands at `where` and says `what`. */
static const struct {
    const char *in, *out, *ignored;
    enum err code;
    const char *where, *what;
} CASES[] = {
    {"{}",                                                              "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"[]",                                                              "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"unknown\":1}",                                                 "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"temperature\":null}",                                          "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"temperature\":0}",                                             "{\"temperature\":0}",                         "",           OK,      NULL,          NULL                                   },
    {"{\"temperature\":1.50}",                                          "{\"temperature\":1.50}",                      "",           OK,      NULL,          NULL                                   },
    {"{\"temperature\":2e0}",                                           "{\"temperature\":2e0}",                       "",           OK,      NULL,          NULL                                   },
    {"{\"temperature\":-0.1}",                                          NULL,                                          "",           E_RANGE, "temperature",
     "is below the lowest value allowed"                                                                                                                                                            },
    {"{\"temperature\":2.1}",                                           NULL,                                          "",           E_RANGE, "temperature",
     "is above the highest value allowed"                                                                                                                                                           },
    {"{\"temperature\":1e999}",                                         NULL,                                          "",           E_RANGE, "temperature", "is out of range"                      },
    {"{\"temperature\":\"1\"}",                                         NULL,                                          "",           E_FIELD, "temperature", "must be a number"                     },
    {"{\"temperature\":true}",                                          NULL,                                          "",           E_FIELD, "temperature", "must be a number"                     },
    {"{\"max_old\":5}",                                                 "{\"max\":5}",                                 "",           OK,      NULL,          NULL                                   },
    {"{\"max_old\":5,\"max_new\":6}",                                   "{\"max\":6}",                                 "max_old",    OK,      NULL,          NULL                                   },
    {"{\"max_old\":5,\"max_new\":null}",                                "{\"max\":5}",                                 "",           OK,      NULL,          NULL                                   },
    {"{\"max_new\":7.0}",                                               "{\"max\":7}",                                 "",           OK,      NULL,          NULL                                   },
    {"{\"max_new\":1e2}",                                               "{\"max\":100}",                               "",           OK,      NULL,          NULL                                   },
    {"{\"max_new\":0}",                                                 NULL,                                          "",           E_RANGE, "max_new",     "is below the lowest value allowed"    },
    {"{\"max_new\":2147483648}",                                        NULL,                                          "",           E_RANGE, "max_new",
     "is above the highest value allowed"                                                                                                                                                           },
    {"{\"max_new\":1e999}",                                             NULL,                                          "",           E_RANGE, "max_new",     "is out of range"                      },
    {"{\"max_new\":1.5}",                                               NULL,                                          "",           E_FIELD, "max_new",     "must be a whole number"               },
    {"{\"max_new\":\"5\"}",                                             NULL,                                          "",           E_FIELD, "max_new",     "must be a whole number"               },
    {"{\"max_new\":[]}",                                                NULL,                                          "",           E_FIELD, "max_new",     "must be a whole number"               },
    {"{\"big\":9223372036854775807}",                                   "{\"big\":9223372036854775807}",               "",           OK,      NULL,          NULL                                   },
    {"{\"big\":9223372036854775808}",                                   NULL,                                          "",           E_RANGE, "big",         "is out of range"                      },
    {"{\"flag\":true}",                                                 "{\"flag\":true}",                             "",           OK,      NULL,          NULL                                   },
    {"{\"flag\":false}",                                                "{\"flag\":false}",                            "",           OK,      NULL,          NULL                                   },
    {"{\"flag\":1}",                                                    NULL,                                          "",           E_FIELD, "flag",        "must be true or false"                },
    {"{\"name\":\"ab\"}",                                               "{\"name\":\"ab\"}",                           "",           OK,      NULL,          NULL                                   },
    {"{\"name\":\"\xe9\xb9\x8a\xe6\xa1\xa5\xe9\xb9\x8a\xe6\xa1\xa5\"}",
     "{\"name\":\"\xe9\xb9\x8a\xe6\xa1\xa5\xe9\xb9\x8a\xe6\xa1\xa5\"}",                                                "",           OK,      NULL,          NULL                                   },
    {"{\"name\":\"a\"}",                                                NULL,                                          "",           E_RANGE, "name",        "is too short"                         },
    {"{\"name\":\"abcde\"}",                                            NULL,                                          "",           E_RANGE, "name",        "is too long"                          },
    {"{\"name\":5}",                                                    NULL,                                          "",           E_FIELD, "name",        "must be a string"                     },
    {"{\"free\":\"\"}",                                                 "{\"free\":\"\"}",                             "",           OK,      NULL,          NULL                                   },
    {"{\"free\":\"as long as it likes\"}",                              "{\"free\":\"as long as it likes\"}",          "",           OK,      NULL,
     NULL                                                                                                                                                                                           },
    {"{\"stop\":[\"a\",\"b\"]}",                                        "{\"stop\":[\"a\",\"b\"]}",                    "",           OK,      NULL,          NULL                                   },
    {"{\"stop\":[\"a\",\"\",\"b\",\"c\"]}",                             "{\"stop\":[\"a\",\"b\",\"c\"]}",              "",           OK,      NULL,          NULL                                   },
    {"{\"stop\":[]}",                                                   "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"stop\":\"\"}",                                                 "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"stop\":[\"\"]}",                                               "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"stop\":\"a\"}",                                                NULL,                                          "",           E_RANGE, "stop",        "has too few items"                    },
    {"{\"stop\":[\"a\",\"\",\"b\",\"c\",\"d\",\"e\"]}",                 "{\"stop\":[\"a\",\"b\",\"c\"]}",
     "stop=first_3",                                                                                                                 OK,      NULL,          NULL                                   },
    {"{\"stop\":[\"a\",\"b\",\"c\",1]}",                                NULL,                                          "",           E_FIELD, "stop[3]",     "must be a string"                     },
    {"{\"stop\":[\"a\",1]}",                                            NULL,                                          "",           E_FIELD, "stop[1]",     "must be a string"                     },
    {"{\"stop\":{}}",                                                   NULL,                                          "",           E_FIELD, "stop",        "must be a string or a list of strings"},
    {"{\"any\":{\"x\":[1.0,null]}}",                                    "{\"any\":{\"x\":[1.0,null]}}",                "",           OK,      NULL,          NULL                                   },
    {"{\"own\":[]}",                                                    "{\"own\":\"mine\"}",                          "",           OK,      NULL,          NULL                                   },
    {"{\"no\":false}",                                                  NULL,                                          "",           E_FIELD, "no",          "is not supported"                     },
    {"{\"no\":null}",                                                   "{}",                                          "",           OK,      NULL,          NULL                                   },
    {"{\"drop2\":1,\"drop\":2,\"else\":3}",                             "{}",                                          "drop,drop2", OK,      NULL,          NULL                                   },
    {"{\"drop\":1,\"name\":1,\"temperature\":9}",                       NULL,                                          "drop",       E_RANGE, "temperature",
     "is above the highest value allowed"                                                                                                                                                           },
    {"{\"any\":1,\"temperature\":1,\"flag\":true}",                     "{\"temperature\":1,\"flag\":true,\"any\":1}",
     "",                                                                                                                             OK,      NULL,          NULL                                   },
};

static bool has_row(struct str name)
{
    for (size_t i = 0; i < NELEM(ROWS); i++)
        if (str_eq(name, str_z(ROWS[i].from)))
            return true;
    return false;
}

static enum err map(yyjson_val *root, struct buf *out, struct buf *ignored, struct fault *why)
{
    static char mine[] = "mine";
    struct jw w;
    struct jm m = {.w = &w, .why = why, .ignored = ignored, .ctx = mine};
    struct jm_found found = {.seen = 0, .have = 0};

    jr_each_member (key, root)
        assert_int_equal(jm_note(&found, &TABLE, key), has_row(jr_text(key)));
    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jm_apply(&m, &TABLE, &found);
    jw_end(&w);
    return jw_end_all(&w);
}

/* Rows that succeed are run again under every smaller cap. */
static void check_caps(yyjson_val *root, size_t full)
{
    for (size_t cap = 0; cap < full; cap++) {
        struct fault why = {0};
        struct buf out;

        buf_init(&out, cap);
        assert_int_equal(map(root, &out, NULL, &why), E_TOOBIG);
        assert_int_equal(why.code, OK);
        buf_fini(&out);
    }
}

static void cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(CASES); i++) {
        struct json j;
        struct fault why = {0};
        struct buf out;
        struct buf ignored;

        json_init(&j);
        buf_init(&out, 1000);
        buf_init(&ignored, 1000);
        assert_int_equal(json_parse_copy(&j, str_z(CASES[i].in), NULL, &why), OK);
        assert_int_equal(map(j.root, &out, &ignored, &why), OK);
        assert_int_equal(why.code, CASES[i].code);
        assert_true(str_eq(buf_str(&ignored), str_z(CASES[i].ignored)));
        if (CASES[i].out != NULL) {
            if (!str_eq(buf_str(&out), str_z(CASES[i].out)))
                fail_msg("%s: %.*s", CASES[i].in, S_ARG(buf_str(&out)));
            check_caps(j.root, out.n);
        } else {
            assert_string_equal(why.what, CASES[i].what);
            buf_reset(&out);
            jr_path(j.root, why.at, &out);
            assert_true(str_eq(buf_str(&out), str_z(CASES[i].where)));
        }
        buf_fini(&out);
        buf_fini(&ignored);
        json_fini(&j);
    }
    assert_int_equal(mem_counted(), 0);
}

/* Each name is found in its place, and what is nearly one is not. */
static void names_are_found(void **state)
{
    static const char *const NEARLY[] = {"",     "dro",         "drop3",      "drap",
                                         "nome", "temperatur_", "Temperature"};
    struct json j;
    struct buf b;

    (void)state;
    json_init(&j);
    buf_init(&b, 1000);
    for (size_t i = 0; i < NELEM(ROWS) + NELEM(NEARLY); i++) {
        bool is = i < NELEM(ROWS);

        buf_reset(&b);
        buf_putf(&b, "{\"%s\":1}", is ? ROWS[i].from : NEARLY[i - NELEM(ROWS)]);
        assert_int_equal(json_parse_copy(&j, buf_str(&b), NULL, NULL), OK);
        assert_int_equal(jn_find(&TABLE.names, unsafe_yyjson_get_first(j.root)), is ? (int)i : -1);
    }
    buf_fini(&b);
    json_fini(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases),
        cmocka_unit_test(names_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
