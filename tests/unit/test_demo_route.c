/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_demo_route.c - which paths the emulated Gemini knows, and which credentials it takes. */
#include "demo/credential.h"
#include "demo/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    enum http_method method;
    const char *path;
    enum emu_place place;
    const char *model;
    enum emu_method asked;
} ROWS[] = {
    {HTTP_GET,  "/v1beta/models",                               EMU_AT_LIST,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/v1/models",                                   EMU_AT_LIST,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/v1beta/models/",                              EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/v1beta/v1beta/models",                        EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/v2/models",                                   EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/models",                                      EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/",                                            EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "",                                             EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_GET,  "/v1beta/models/gem",                           EMU_AT_MODEL,  "gem",  EMU_GENERATE  },
    {HTTP_GET,  "/v1beta/models/gem:generateContent",           EMU_NOWHERE,   "gem",  EMU_GENERATE  },
    {HTTP_POST, "/v1beta/models",                               EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_POST, "/v1beta/models/gem:generateContent",           EMU_AT_METHOD, "gem",  EMU_GENERATE  },
    {HTTP_POST, "/v1beta/models/gem:streamGenerateContent",     EMU_AT_METHOD, "gem",  EMU_STREAM    },
    {HTTP_POST, "/v1beta/models/g%65m%3AstreamGenerateContent", EMU_AT_METHOD, "gem",  EMU_STREAM    },
    {HTTP_POST, "/v1beta/models/gem:countTokens",               EMU_AT_METHOD, "gem",  EMU_COUNT     },
    {HTTP_POST, "/v1beta/models/gem:embedContent",              EMU_AT_METHOD, "gem",  EMU_EMBED     },
    {HTTP_POST, "/v1beta/models/gem:batchEmbedContents",        EMU_AT_METHOD, "gem",  EMU_EMBED_MANY},
    {HTTP_POST, "/v1beta/models/a:b:countTokens",               EMU_AT_METHOD, "a:b",  EMU_COUNT     },
    {HTTP_POST, "/v1beta/models/%zz%:countTokens",              EMU_AT_METHOD, "%zz%", EMU_COUNT     },
    {HTTP_POST, "/v1beta/models/gem:predict",                   EMU_NOWHERE,   "gem",  EMU_GENERATE  },
    {HTTP_POST, "/v1beta/models/gem",                           EMU_NOWHERE,   "gem",  EMU_GENERATE  },
    {HTTP_GET,  "/__emulator/state",                            EMU_AT_STATE,  "",     EMU_GENERATE  },
    {HTTP_POST, "/__emulator/state",                            EMU_NOWHERE,   "",     EMU_GENERATE  },
    {HTTP_POST, "/__emulator/reset",                            EMU_AT_RESET,  "",     EMU_GENERATE  },
};

static void paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct emu_problem p;
        struct emu_route r;
        struct arena a;

        arena_init(&a, 1 << 16);
        emu_problem_init(&p);
        emu_route_parse(&r, ROWS[i].method, str_z(ROWS[i].path), S(""), &a, &p);
        if (r.place != ROWS[i].place || !str_eq(r.model, str_z(ROWS[i].model)) ||
            (r.place == EMU_AT_METHOD && r.method != ROWS[i].asked) || p.http != 0)
            fail_msg("%s: place %d, model %.*s", ROWS[i].path, (int)r.place, S_ARG(r.model));
        emu_problem_fini(&p);
        arena_fini(&a);
    }
}

static void queries(void **state)
{
    struct emu_problem p;
    struct emu_route r;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 16);
    emu_problem_init(&p);
    emu_route_parse(&r, HTTP_POST, S("/v1beta/models/m:generateContent"),
                    S("alt=sse&key=a%2Bb&prettyPrint=false&&%24alt=json;enum-encoding=int"), &a,
                    &p);
    assert_true(r.sse && r.compact);
    assert_true(str_eq(r.key, S("a+b")));
    assert_int_equal(p.http, 0);
    emu_route_parse(&r, HTTP_GET, S("/v1beta/models"), S("pageSize=5000&pageToken=Ch3"), &a, &p);
    assert_int_equal(r.page_size, 1000);
    assert_true(str_eq(r.page_token, S("Ch3")));
    assert_int_equal(p.http, 0);
    emu_route_parse(&r, HTTP_GET, S("/v1beta/models/m"), S("pageSize=5"), &a, &p);
    assert_int_equal(p.http, 400);
    emu_problem_fini(&p);
    arena_fini(&a);
}

static void credentials(void **state)
{
    static const struct {
        const char *header, *bearer, *query, *keys;
        int http;
    } rows[] = {
        {"k1", "",         "",   "",       0  },
        {"",   "",         "k1", "",       0  },
        {"k2", "",         "",   "k1, k2", 0  },
        {"k3", "",         "",   "k1,k2",  400},
        {"k",  "",         "",   "k1,k2",  400},
        {"",   "",         "",   "",       403},
        {"",   "",         "",   "k1",     403},
        {"",   "Bearer k", "",   "",       401},
        {"k1", "Bearer k", "",   "",       400},
        {"k1", "",         "k1", "",       400},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct http_header v[] = {
            {S_INIT("x-goog-api-key"), str_z(rows[i].header)},
            {S_INIT("authorization"),  str_z(rows[i].bearer)},
        };
        struct emu_problem p;

        emu_problem_init(&p);
        emu_credential_check((struct http_headers){v, NELEM(v)}, str_z(rows[i].query),
                             str_z(rows[i].keys), &p);
        if (p.http != rows[i].http)
            fail_msg("row %zu: %d", i, p.http);
        emu_problem_fini(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(queries),
        cmocka_unit_test(credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
