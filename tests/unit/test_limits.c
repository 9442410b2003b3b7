/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_limits.c - LIM-18: limits that have no test program of their own, at their value and one
 * over it; and arithmetic on numbers that somebody chose. */
#include "app/config.h"
#include "app/config_table.h"
#include "app/credentials.h"
#include "base/log.h"
#include "http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every numeric option, by its row: its ends are taken, what is beyond them is not. */
static void lim_18_options(void **state)
{
    enum { TEXT, SECRET, FLAG, COUNT, SIZE, MS };
    static const struct {
        const char *variable;
        int type;
        uint64_t lowest, highest;
    } rows[] = {
#define ROW(field, type, variable, otherwise, lowest, highest, help)                               \
    {variable, type, lowest, highest},
        CONFIG_TABLE(ROW)
#undef ROW
    };
    struct config c = {0};
    struct buf problem;

    (void)state;
    buf_init(&problem, 1 << 20);
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct {
            uint64_t n;
            enum err err;
        } ends[] = {
            {rows[i].lowest,      OK                                     },
            {rows[i].highest,     OK                                     },
            {rows[i].highest + 1, E_RANGE                                },
            {rows[i].lowest - 1,  rows[i].lowest == 0 ? E_FIELD : E_RANGE},
            {UINT64_MAX,          E_FIELD                                },
        };

        for (size_t e = 0; e < NELEM(ends) && rows[i].type >= COUNT; e++) {
            char text[32];

            snprintf(text, sizeof text, "%llu%s", (unsigned long long)ends[e].n,
                     rows[i].type == MS ? "ms" : "");
            if (config_set(&c, str_z(rows[i].variable), str_z(text), &problem) != ends[e].err)
                fail_msg("%s=%s", rows[i].variable, text);
        }
    }
    config_fini(&c);
    buf_fini(&problem);
}

/* A unit does not carry a number past 64 bits and back into its range. */
static void lim_18_units(void **state)
{
    static const struct {
        const char *variable, *text;
    } rows[] = {
        {"QUEQIAO_MEMORY_BUDGET", "17179869185G"        }, /* 2^64 + 2^30 */
        {"QUEQIAO_MEMORY_BUDGET", "17592186044417M"     },
        {"QUEQIAO_MEMORY_BUDGET", "18014398509481985K"  },
        {"QUEQIAO_IDLE_TIMEOUT",  "18446744073709552001"},
        {"QUEQIAO_IDLE_TIMEOUT",  "5124095576031h"      },
        {"QUEQIAO_IDLE_TIMEOUT",  "307445734561826m"    },
    };
    struct config c = {0};
    struct buf problem;

    (void)state;
    buf_init(&problem, 1 << 16);
    for (size_t i = 0; i < NELEM(rows); i++)
        if (config_set(&c, str_z(rows[i].variable), str_z(rows[i].text), &problem) == OK)
            fail_msg("%s=%s was taken", rows[i].variable, rows[i].text);
    config_fini(&c);
    buf_fini(&problem);
}

static void put_list(struct buf *b, size_t n)
{
    buf_reset(b);
    for (size_t i = 0; i < n; i++)
        buf_putf(b, "credential-%zu,", i);
}

static void lim_18_tokens_and_keys(void **state)
{
    struct origin upstream = {.host = S("h"), .port = 443, .https = true};
    struct buf list, problem;

    (void)state;
    buf_init(&list, 1 << 20);
    buf_init(&problem, 4096);
    for (size_t over = 0; over < 2; over++) {
        struct config c = {0};
        struct secret *tokens = NULL;
        struct credentials keys = {0};
        size_t n = 0;

        put_list(&list, TOKENS_MAX + over);
        assert_int_equal(config_set(&c, S("AUTH_TOKEN"), buf_str(&list), &problem), OK);
        assert_int_equal(credentials_tokens(&c, &tokens, &n, &problem), over ? E_RANGE : OK);
        assert_int_equal(n, over ? 0 : TOKENS_MAX);
        credentials_free_tokens(tokens, n);
        put_list(&list, KEYS_MAX + over);
        assert_int_equal(config_set(&c, S("GEMINI_API_KEY"), buf_str(&list), &problem), OK);
        assert_int_equal(credentials_init(&keys, &c, &upstream, &problem), over ? E_RANGE : OK);
        assert_int_equal(keys.n, over ? 0 : KEYS_MAX);
        assert_true(str_find(buf_str(&problem), S("credential-")) == problem.n);
        credentials_fini(&keys);
        config_fini(&c);
    }
    buf_fini(&list);
    buf_fini(&problem);
}

/* SEC-5: a foreign value is cut, and whatever is in it stays in it. */
static void lim_18_log(void **state)
{
    char value[LOG_VALUE_MAX + 1];
    struct log_line l = {.n = 0};

    (void)state;
    memset(value, 'x', sizeof value);
    value[LOG_VALUE_MAX - 1] = 'y';
    value[LOG_VALUE_MAX] = 'z';
    log_str(&l, "v", str_of(value, LOG_VALUE_MAX));
    assert_int_equal(l.n, 2 + LOG_VALUE_MAX);
    assert_int_equal(l.p[l.n - 1], 'y');
    l.n = 0;
    log_str(&l, "v", str_of(value, sizeof value));
    assert_int_equal(l.n, 2 + LOG_VALUE_MAX);
    l.n = 0;
    log_str(&l, "v", S("a\r\nlevel=error ev=\"forged\" \x1b[2J\xff\\"));
    assert_true(str_eq(str_of(l.p, l.n),
                       S("v=\"a\\x0d\\x0alevel=error ev=\\\"forged\\\" \\x1b[2J\\xff\\\\\"")));
    for (size_t i = 0; i < 100; i++) /* the line has an end as well */
        log_str(&l, "v", str_of(value, sizeof value));
    assert_true(l.n <= LOG_LINE_MAX - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lim_18_options),
        cmocka_unit_test(lim_18_units),
        cmocka_unit_test(lim_18_tokens_and_keys),
        cmocka_unit_test(lim_18_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
