/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_auth.c - who gets in: each rule of the contract is a row. */
#include "proxy/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { TOKENS = 1, KEYS = 2, BYOK = 4, ANONYMOUS = 8 };

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
    const struct sha256 tokens[2] = {sha256_of(S("tok-a")), sha256_of(S("tok-b"))};

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
        pass = auth_check(&a, h, str_z(rows[i].query), &arena);
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
    assert_int_equal(auth_check(&a, (struct http_headers){fields, 2}, S(""), &arena).verdict,
                     AUTH_TWO);
    assert_int_equal(auth_check(&a, (struct http_headers){same, 2}, S(""), &arena).verdict,
                     AUTH_CLIENT_KEY);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(two_headers_that_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
