/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_auth.c - who gets in: each rule of the contract is a row. */
#include "proxy/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { TOKENS = 1, KEYS = 2, BYOK = 4, ANONYMOUS = 8 };

/* One connection's, as wherever clients share one. */
static struct sha256_memo memo;

/* AUT-1, AUT-4. */
static void rules(void **state)
{
    static const struct {
        unsigned setup;
        const char *name, *value, *query;
        enum auth_verdict verdict;
        const char *credential;
    } rows[] = {
        {TOKENS | KEYS,             "authorization",  "Bearer tok-a",     "",          AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "authorization",  "bearer   tok-b ",  "",          AUTH_SERVER_KEY,    "tok-b"    },
        {TOKENS | KEYS,             "x-api-key",      "tok-a",            "",          AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "api-key",        "tok-a",            "",          AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "x-goog-api-key", "tok-a",            "",          AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "x",              "",                 "key=tok-a", AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "authorization",  "Bearer tok-a",     "key=tok-a", AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS,             "authorization",  "Bearer tok-a",     "key=tok-b", AUTH_TWO,           NULL       },
        {TOKENS | KEYS,             "authorization",  "Basic tok-a",      "",          AUTH_NO_CREDENTIAL, NULL       },
        {TOKENS | KEYS,             "authorization",  "Bearer tok-",      "",          AUTH_WRONG,         NULL       },
        {TOKENS | KEYS,             "authorization",  "Bearer tok-aa",    "",          AUTH_WRONG,         NULL       },
        {TOKENS | KEYS,             "authorization",  "Bearer ",          "",          AUTH_NO_CREDENTIAL, NULL       },
        {TOKENS | KEYS | ANONYMOUS, "x",              "",                 "",          AUTH_NO_CREDENTIAL, NULL       },
        {TOKENS | KEYS | BYOK,      "authorization",  "Bearer AIzaMine1", "",          AUTH_CLIENT_KEY,
         "AIzaMine1"                                                                                                  },
        {TOKENS | KEYS | BYOK,      "authorization",  "Bearer tok-a",     "",          AUTH_SERVER_KEY,    "tok-a"    },
        {TOKENS | KEYS | BYOK,      "x",              "",                 "",          AUTH_NO_CREDENTIAL, NULL       },
        {TOKENS,                    "authorization",  "Bearer mine",      "",          AUTH_WRONG,         NULL       },
        {0,                         "authorization",  "Bearer any.thing", "",          AUTH_CLIENT_KEY,    "any.thing"},
        {0,                         "x-goog-api-key", "AQ.x",             "",          AUTH_CLIENT_KEY,    "AQ.x"     },
        {0,                         "x",              "",                 "",          AUTH_NO_CREDENTIAL, NULL       },
        {ANONYMOUS,                 "x",              "",                 "",          AUTH_NO_CREDENTIAL, NULL       },
        {KEYS,                      "x",              "",                 "",          AUTH_CLOSED,        NULL       },
        {KEYS,                      "authorization",  "Bearer dummy",     "",          AUTH_CLOSED,        NULL       },
        {KEYS | ANONYMOUS,          "authorization",  "Bearer dummy",     "",          AUTH_SERVER_KEY,    "dummy"    },
        {KEYS | ANONYMOUS,          "x",              "",                 "",          AUTH_SERVER_KEY,    ""         },
        {KEYS | BYOK,               "authorization",  "Bearer mine",      "",          AUTH_CLIENT_KEY,    "mine"     },
        {KEYS | BYOK,               "x",              "",                 "",          AUTH_CLOSED,        NULL       },
    };
    const struct auth_token tokens[] = {
        {sha256_of(S("tok-a")), 1},
        {sha256_of(S("tok-b")), 2}
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct arena arena;
        const struct http_header field = {str_z(rows[i].name), str_z(rows[i].value)};
        const struct http_headers h = {&field, 1};
        const struct auth a = {
            .tokens = tokens,
            .ntokens = rows[i].setup & TOKENS ? 2 : 0,
            .server_keys = (rows[i].setup & KEYS) != 0,
            .byok = (rows[i].setup & BYOK) != 0,
            .anonymous = (rows[i].setup & ANONYMOUS) != 0,
        };
        struct auth_pass pass;

        arena_init(&arena, 4096);
        pass = auth_check(&a, h, str_z(rows[i].query), &arena, &memo);
        if (pass.verdict != rows[i].verdict)
            fail_msg("row %zu: verdict %d", i, pass.verdict);
        if (rows[i].credential != NULL)
            assert_true(str_eq(pass.credential, str_z(rows[i].credential)));
        assert_int_equal(auth_refusal(pass.verdict).n > 0, pass.verdict > AUTH_CLIENT_KEY);
        arena_fini(&arena);
    }
}

/* AUT-4. */
static void two_headers_that_differ(void **state)
{
    const struct http_header fields[] = {
        {S("authorization"), S("Bearer one")},
        {S("x-api-key"),     S("two")       }
    };
    const struct http_header same[] = {
        {S("authorization"), S("Bearer one")},
        {S("x-api-key"),     S("one")       }
    };
    const struct auth a = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_int_equal(auth_check(&a, (struct http_headers){fields, 2}, S(""), &arena, &memo).verdict,
                     AUTH_TWO);
    assert_int_equal(auth_check(&a, (struct http_headers){same, 2}, S(""), &arena, &memo).verdict,
                     AUTH_CLIENT_KEY);
    arena_fini(&arena);
}

/* PRC-8. Pages of the operator: a token, and nothing else that lets in. */
static void prc_8_operators(void **state)
{
    const struct auth_token token = {.id = sha256_of(S("tok-a"))};
    const struct auth keys = {.tokens = &token, .ntokens = 1, .server_keys = true, .byok = true};
    const struct auth open = {.server_keys = true, .anonymous = true};
    static const struct {
        const char *value;
        bool opens;
    } rows[] = {
        {"Bearer tok-a",  true },
        {"Bearer tok-ab", false},
        {"Bearer AIza",   false},
        {"",              false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct http_header field = {S("authorization"), str_z(rows[i].value)};
        const struct http_headers h = {&field, 1};
        struct arena arena;
        struct auth_pass pass;

        arena_init(&arena, 4096);
        pass = auth_check(&keys, h, S(""), &arena, &memo);
        assert_int_equal(auth_is_operator(&pass), rows[i].opens);
        pass = auth_check(&open, h, S(""), &arena, &memo);
        assert_false(auth_is_operator(&pass));
        arena_fini(&arena);
    }
    assert_true(auth_is_operators(&keys, S("tok-a")));
    assert_false(auth_is_operators(&keys, S("tok-b")));
    assert_false(auth_is_operators(&keys, S("")));
    assert_false(auth_is_operators(&open, S("")));
}

/* LIM-16: whose limit holds for whom. */
static void lim_16_of_each_token(void **state)
{
    const struct auth_token tokens[] = {
        {sha256_of(S("tok-a")), 5},
        {sha256_of(S("tok-b")), 0},
        {sha256_of(S("tok-c")), 1},
        {sha256_of(S("tok-c")), 2},
    };
    const struct auth a = {.tokens = tokens, .ntokens = NELEM(tokens), .requests = 9, .byok = true};
    static const struct {
        const char *value;
        uint32_t requests;
    } rows[] = {
        {"Bearer tok-a", 5},
        {"Bearer tok-b", 0},
        {"Bearer tok-c", 2}, /* it stands twice */
        {"Bearer mine",  9},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct http_header field = {S("authorization"), str_z(rows[i].value)};
        struct arena arena;
        struct auth_pass pass;

        arena_init(&arena, 4096);
        pass = auth_check(&a, (struct http_headers){&field, 1}, S(""), &arena, &memo);
        assert_int_equal(pass.requests, rows[i].requests);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(two_headers_that_differ),
        cmocka_unit_test(prc_8_operators),
        cmocka_unit_test(lim_16_of_each_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
