/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_target.c - every spelling of a path that users come up with, and what is refused. */
#include "proxy/target.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* DAT-8. */
static void spellings(void **state)
{
    static const struct {
        const char *path, *segments; /* joined with '|'; NULL: E_SYNTAX */
    } rows[] = {
        {"/",                                     ""                      },
        {"",                                      ""                      },
        {"/v1/chat/completions",                  "chat|completions"      },
        {"/chat/completions",                     "chat|completions"      },
        {"/v1/v1/chat/completions",               "chat|completions"      },
        {"/v1/v1beta/openai/v1/chat/completions", "chat|completions"      },
        {"/v1beta/openai/chat/completions/",      "chat|completions"      },
        {"//v1//chat///completions//",            "chat|completions"      },
        {"/api/v1/chat/completions",              "chat|completions"      },
        {"/v1/chat/completions/chat/completions", "chat|completions"      },
        {"/v1/chat/completions/v1/models",        "models"                },
        {"/v1/chat/completions/models",           "models"                },
        {"/v1/models/gemini-x",                   "models|gemini-x"       },
        {"/v1/models/models%2Fgemini-x",          "models|models/gemini-x"},
        {"/v1/models/models/gemini-x",            "models|models|gemini-x"},
        {"/v1/models/v1",                         "models|v1"             },
        {"/v1/models/a%20b",                      "models|a b"            },
        {"/v1/models/%e4%bd%a0",                  "models|\xe4\xbd\xa0"   },
        {"/v1/models/..",                         NULL                    },
        {"/v1/./models",                          NULL                    },
        {"/v1/models/%2e%2e",                     NULL                    },
        {"/v1/models/a%00b",                      NULL                    },
        {"/v1/models/a%5cb",                      NULL                    },
        {"/v1/models/a\\b",                       NULL                    },
        {"/v1/models/%zz",                        NULL                    },
        {"/v1/models/%4",                         NULL                    },
        {"/v1/models/%0d%0a",                     NULL                    },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct arena a;
        struct buf got;
        struct target t;
        enum err err;

        arena_init(&a, 4096);
        buf_init(&got, 4096);
        err = target_parse(str_z(rows[i].path), &a, &t);
        assert_int_equal(err, rows[i].segments ? OK : E_SYNTAX);
        for (size_t j = 0; err == OK && j < t.n; j++) {
            if (j > 0)
                buf_putc(&got, '|');
            buf_put(&got, t.v[j]);
        }
        if (err == OK && !str_eq(buf_str(&got), str_z(rows[i].segments)))
            fail_msg("%s gave %.*s", rows[i].path, S_ARG(buf_str(&got)));
        buf_fini(&got);
        arena_fini(&a);
    }
}

/* DAT-8. */
static void too_many_segments(void **state)
{
    struct arena a;
    struct target t;

    (void)state;
    arena_init(&a, 4096);
    assert_int_equal(target_parse(S("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"), &a, &t), OK);
    assert_int_equal(target_parse(S("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), &a, &t),
                     E_TOOBIG);
    arena_fini(&a);
}

static void rest_joins(void **state)
{
    struct arena a;
    struct target t;

    (void)state;
    arena_init(&a, 4096);
    assert_int_equal(target_parse(S("/v1/models/tunedModels/x"), &a, &t), OK);
    assert_true(str_eq(target_rest(&t, 1, &a), S("tunedModels/x")));
    assert_true(str_eq(target_rest(&t, 2, &a), S("x")));
    assert_true(str_eq(target_rest(&t, 3, &a), S("")));
    arena_fini(&a);
}

/* DAT-8. */
static void queries(void **state)
{
    static const struct {
        const char *query, *value;
    } rows[] = {
        {"key=abc",        "abc"},
        {"a=1&key=a%2Bb",  "a+b"},
        {"key=a+b",        "a b"},
        {"key",            ""   },
        {"",               ""   },
        {"keys=1&xkey=2",  ""   },
        {"key=%zz&key=ok", "ok" },
        {"key=1&key=2",    "1"  },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct arena a;

        arena_init(&a, 4096);
        assert_true(
            str_eq(target_query_get(str_z(rows[i].query), S("key"), &a), str_z(rows[i].value)));
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings),
        cmocka_unit_test(too_many_segments),
        cmocka_unit_test(rest_joins),
        cmocka_unit_test(queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
