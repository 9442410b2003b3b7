/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_platform.c - which platform it is, what it suggests, and where to listen. */
#include "app/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const VARIABLES[] = {
    "FC_FUNCTION_NAME",
    "FC_INSTANCE_ID",
    "FC_SERVER_PORT",
    "FC_CUSTOM_LISTEN_PORT",
    "AWS_LWA_PORT",
    "PORT",
    "SCF_FUNCTIONNAME",
    "TENCENTCLOUD_RUNENV",
    "SCF_RUNTIME",
    "RUNTIME_FUNC_NAME",
    "RUNTIME_PROJECT_ID",
    "AWS_LAMBDA_FUNCTION_NAME",
    "K_SERVICE",
    "FLY_APP_NAME",
    "FLY_MACHINE_ID",
    "KUBERNETES_SERVICE_HOST",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "QUEQIAO_CONFIG",
    "QUEQIAO_PLATFORM",
    "QUEQIAO_KEEP_ALIVE",
    "FC_FUNCTION_MEMORY_SIZE",
    "QUEQIAO_MEMORY_BUDGET",
};

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(VARIABLES); i++)
        unsetenv(VARIABLES[i]);
    return 0;
}

static enum err chosen(struct config *c, const struct platform **p, struct buf *problem)
{
    enum err err;

    buf_init(problem, 4096);
    err = config_load(c, problem);
    if (err == OK)
        err = platform_choose(c, p, problem);
    return err == OK ? platform_suggest(*p, c, problem) : err;
}

/* Every row is found by each of its marks, and by its name. */
static void marks_and_names(void **state)
{
    const struct platform *row;
    struct config c;
    const struct platform *p = NULL;
    struct buf problem;

    for (size_t i = 0; (row = platform_row(i)) != NULL; i++) {
        for (size_t m = 0; m < NELEM(row->marks) && row->marks[m] != NULL; m++) {
            clean(state);
            setenv(row->marks[m], "x", 1);
            assert_int_equal(chosen(&c, &p, &problem), OK);
            assert_string_equal(p->name, row->name);
            config_fini(&c);
            buf_fini(&problem);
        }
        clean(state);
        setenv("FC_FUNCTION_NAME", "x", 1);
        setenv("QUEQIAO_PLATFORM", row->name, 1);
        assert_int_equal(chosen(&c, &p, &problem), OK);
        assert_string_equal(p->name, row->name);
        config_fini(&c);
        buf_fini(&problem);
    }
    clean(state);
    assert_int_equal(chosen(&c, &p, &problem), OK);
    assert_string_equal(p->name, "none");
    config_fini(&c);
    buf_fini(&problem);
    setenv("QUEQIAO_PLATFORM", "moon", 1);
    assert_int_equal(chosen(&c, &p, &problem), E_FIELD);
    assert_true(str_find(buf_str(&problem), S("fc, scf")) < problem.n);
    config_fini(&c);
    buf_fini(&problem);
    clean(state);
}

static void what_somebody_set_wins(void **state)
{
    struct config c;
    const struct platform *p = NULL;
    struct buf problem;

    setenv("FC_FUNCTION_NAME", "x", 1);
    setenv("FC_FUNCTION_MEMORY_SIZE", "128", 1);
    assert_int_equal(chosen(&c, &p, &problem), OK);
    assert_int_equal(c.keep_alive_ms, 0);
    assert_int_equal(c.connections, 1000000);
    assert_int_equal(c.per_address, 0); /* LIM-1, LIM-16: everybody comes through the front end */
    assert_int_equal(c.per_token, 0);
    assert_int_equal(c.auth_failures, 0); /* LIM-15 */
    assert_true(c.memory_budget <= 96 << 20);
    assert_false(config_said(&c, S("QUEQIAO_KEEP_ALIVE")));
    config_fini(&c);
    buf_fini(&problem);
    setenv("FC_FUNCTION_MEMORY_SIZE", "4", 1); /* less than the option may be */
    assert_int_equal(chosen(&c, &p, &problem), OK);
    assert_int_equal(c.memory_budget, 8 << 20);
    config_fini(&c);
    buf_fini(&problem);
    setenv("QUEQIAO_KEEP_ALIVE", "33s", 1);
    setenv("QUEQIAO_MEMORY_BUDGET", "100M", 1);
    assert_int_equal(chosen(&c, &p, &problem), OK);
    assert_int_equal(c.keep_alive_ms, 33000);
    assert_int_equal(c.memory_budget, 100 << 20);
    assert_true(config_said(&c, S("QUEQIAO_KEEP_ALIVE")));
    config_fini(&c);
    buf_fini(&problem);
    clean(state);
}

static void where_to_listen(void **state)
{
    static const struct {
        const char *platform, *variable, *value, *option, *host;
        uint16_t port;
    } rows[] = {
        {"none",          NULL,                    NULL,     "",            "127.0.0.1", 8080},
        {"none",          "PORT",                  "3000",   "",            "0.0.0.0",   3000},
        {"none",          "PORT",                  "3000",   "127.0.0.1:1", "127.0.0.1", 1   },
        {"fc",            NULL,                    NULL,     "",            "0.0.0.0",   9000},
        {"fc",            "FC_CUSTOM_LISTEN_PORT", " 9001 ", "",            "0.0.0.0",   9001},
        {"functiongraph", NULL,                    NULL,     "",            "127.0.0.1", 8000},
        {"functiongraph", "PORT",                  "8001",   "",            "127.0.0.1", 8001},
        {"lambda",        "AWS_LWA_PORT",          "8081",   "",            "0.0.0.0",   8081},
    };

    for (size_t i = 0; i < NELEM(rows); i++) {
        struct config c;
        const struct platform *p = NULL;
        struct buf problem;
        struct listen_addr addr;
        struct fault why = {0};

        clean(state);
        setenv("QUEQIAO_PLATFORM", rows[i].platform, 1);
        if (rows[i].variable != NULL)
            setenv(rows[i].variable, rows[i].value, 1);
        assert_int_equal(chosen(&c, &p, &problem), OK);
        assert_int_equal(platform_listen(p, str_z(rows[i].option), &addr, &why), OK);
        assert_string_equal(addr.host, rows[i].host);
        assert_int_equal(addr.port, rows[i].port);
        config_fini(&c);
        buf_fini(&problem);
    }
    /* The order of function-compute.md 1.3. */
    clean(state);
    setenv("PORT", "1", 1);
    setenv("FC_CUSTOM_LISTEN_PORT", "2", 1);
    setenv("FC_SERVER_PORT", "3", 1);
    {
        struct listen_addr addr;
        struct fault why = {0};

        assert_int_equal(platform_listen(platform_row(0), S(""), &addr, &why), OK);
        assert_int_equal(addr.port, 3);
        setenv("FC_SERVER_PORT", "70000", 1);
        assert_int_equal(platform_listen(platform_row(0), S(""), &addr, &why), E_FIELD);
    }
    clean(state);
}

static void inherited_sockets(void **state)
{
    int fds[4];
    char pid[32];

    (void)state;
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1); /* somebody else's */
    assert_int_equal(platform_sockets(fds, 4), 0);
    assert_null(getenv("LISTEN_FDS"));
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_FDS", "9", 1);
    setenv("LISTEN_PID", pid, 1);
    assert_int_equal(platform_sockets(fds, 4), 9); /* no more were filled than there is room for */
    assert_int_equal(fds[0], 3);
    assert_int_equal(fds[3], 6);
    assert_null(getenv("LISTEN_PID"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(marks_and_names, clean),
        cmocka_unit_test_setup(what_somebody_set_wins, clean),
        cmocka_unit_test_setup(where_to_listen, clean),
        cmocka_unit_test_setup(inherited_sockets, clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
