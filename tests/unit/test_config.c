/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_config.c - options from text, the upstream URL, and lists of keys and tokens. */
#include "app/base_url.h"
#include "app/config.h"
#include "app/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void values(void **state)
{
    static const struct {
        const char *variable, *text;
        enum err err;
        size_t field;
        uint64_t value;
    } rows[] = {
        {"QUEQIAO_MAX_BODY",      "1M",          OK,                        offsetof(struct config,                                     body_max),1 << 20},
        {"queqiao_max_body",                       "4096",                   OK,                offsetof(struct config,                                                      body_max),4096},
        {"QUEQIAO_MAX_BODY",                   "1T",                                E_FIELD,                                        0,                                                                            0                     },
        {"QUEQIAO_MAX_BODY",                      "12",                                   E_RANGE,                                           0, 0},
        {"QUEQIAO_MAX_BODY",                      "2G",                                   E_RANGE,                                           0,                                                                            0                                                                                                },
        {"QUEQIAO_HEARTBEAT",                      "500ms",                                   OK,                                          offsetof(struct config,heartbeat_ms),500},
        {"QUEQIAO_HEARTBEAT",          "15",                    OK,                                             offsetof(struct config,                                                                                         heartbeat_ms),                                                                                                                                                                                                                    15000},
        {"QUEQIAO_HEARTBEAT", "2m", OK,offsetof(struct config,heartbeat_ms),120000},
        {"QUEQIAO_HEARTBEAT",                     "0",            OK,                                                offsetof(struct config,                                                                                                                                                          heartbeat_ms),                                                                                                                                                                                                                                                                                                                                                                                                                                                     0},
        {"QUEQIAO_HEARTBEAT","-1s",E_FIELD,0,0},
        {"QUEQIAO_HEARTBEAT",     "2h",              E_RANGE,                                 0,                                                                                                                                       0                                                                                                                                     },
        {"QUEQIAO_WORKERS",     "4",          OK,               offsetof(struct config,                                        workers),4},
        {"QUEQIAO_WORKERS",       "4K",             E_FIELD,                           0,                                                 0},
        {"QUEQIAO_WORKERS",                       "",                    E_FIELD,                                   0,                                                                          0},
        {"QUEQIAO_WORKERS",                       "99999999999999999999",                    E_FIELD,                     0,                                                     0                },
        {"QUEQIAO_BYOK",                       "maybe",                    E_FIELD, 0,                                 0},
        {"QUEQIAO_TYPO",                       "1",                       E_FIELD,                   0,                                                   0},
    };
    struct config c;
    struct buf problem;

    (void)state;
    buf_init(&problem, 4096);
    unsetenv("QUEQIAO_CONFIG");
    assert_int_equal(config_load(&c, &problem), OK);
    assert_int_equal(c.body_max, 32 << 20);
    for (size_t i = 0; i < NELEM(rows); i++) {
        buf_reset(&problem);
        assert_int_equal(config_set(&c, str_z(rows[i].variable), str_z(rows[i].text), &problem),
                         rows[i].err);
        assert_int_equal(problem.n > 0, rows[i].err != OK);
        if (rows[i].err == OK)
            assert_int_equal(*(uint64_t *)(void *)((char *)&c + rows[i].field), rows[i].value);
    }
    assert_int_equal(config_set(&c, S("QUEQIAO_BYOK"), S("true"), &problem), OK);
    assert_true(c.byok);
    config_fini(&c);
    buf_fini(&problem);
}

static const struct origin UPSTREAM = {.https = true, .host = S_INIT("up.test"), .port = 443};

/* Both, or neither. */
static enum err load_keys(const struct config *c, const struct origin *upstream, struct keys *keys,
                          struct egresses *egresses, struct buf *problem)
{
    struct credentials all;
    enum err err = credentials_init(&all, c, upstream, problem);

    if (err == OK)
        credentials_publish(&all, keys, egresses);
    credentials_fini(&all);
    return err;
}

/* SEC-3. */
static void secrets_leave_the_environment(void **state)
{
    struct config c;
    struct buf problem;

    (void)state;
    buf_init(&problem, 4096);
    setenv("GEMINI_API_KEY", "AIza-first, AIza-second\nAIza-third,,", 1);
    setenv("AUTH_TOKEN", "Bearer one,two", 1);
    assert_int_equal(config_load(&c, &problem), OK);
    assert_string_equal(getenv("GEMINI_API_KEY"), "");
    assert_string_equal(getenv("AUTH_TOKEN"), "");

    struct keys *keys = keys_new();
    struct egresses *egresses = egresses_new();
    struct token *tokens;
    size_t n;

    assert_int_equal(load_keys(&c, &UPSTREAM, keys, egresses, &problem), OK);
    assert_int_equal(keys_count(keys), 3);
    assert_int_equal(credentials_tokens(&c, &tokens, &n, &problem), OK);
    assert_int_equal(n, 2);
    assert_true(secret_eq(&tokens[0].secret, S("one")));
    assert_true(secret_eq(&tokens[1].secret, S("two")));
    credentials_free_tokens(tokens, n);
    keys_free(keys);
    egresses_free(egresses);
    config_fini(&c);
    unsetenv("GEMINI_API_KEY");
    unsetenv("AUTH_TOKEN");
    buf_fini(&problem);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* PRC-1: the file is read again, what the environment and the command said stays, and a default is
 * a default again when its line has gone. */
static void reload(void **state)
{
    char path[] = "/tmp/queqiao-config-XXXXXX";
    int fd = mkstemp(path);
    struct config before, after;
    struct buf problem;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    buf_init(&problem, 4096);
    setenv("QUEQIAO_CONFIG", path, 1);
    setenv("AUTH_TOKEN", "one", 1);
    setenv("QUEQIAO_HEARTBEAT", "7s", 1);
    write_text(path, "{\"queqiao_attempts\":5,\"auth_token\":\"two\",\"queqiao_workers\":2}");
    assert_int_equal(config_load(&before, &problem), OK);
    assert_int_equal(config_set(&before, S("GEMINI_BASE_URL"), S("http://127.0.0.1:1"), &problem),
                     OK);
    unsetenv("QUEQIAO_HEARTBEAT"); /* what the environment says later is not asked */
    write_text(path, "{\"queqiao_heartbeat\":\"9s\",\"queqiao_idle_timeout\":\"33s\","
                     "\"auth_token\":\"three\",\"gemini_base_url\":\"http://h\"}");
    assert_int_equal(config_reload(&after, &before, &problem), OK);
    assert_int_equal(after.attempts, 3);
    assert_int_equal(after.heartbeat_ms, 7000);
    assert_int_equal(after.idle_ms, 33000);
    assert_true(str_eq(after.base_url, S("http://127.0.0.1:1")));
    assert_true(secret_eq(&after.auth_tokens, S("one")));
    assert_true(config_said(&after, S("AUTH_TOKEN")));
    assert_false(config_said(&after, S("QUEQIAO_WORKERS")));
    assert_true(config_same(&before, &after, S("AUTH_TOKEN")));
    assert_true(config_same(&before, &after, S("GEMINI_BASE_URL")));
    assert_true(config_same(&before, &after, S("QUEQIAO_BYOK")));
    assert_false(config_same(&before, &after, S("QUEQIAO_WORKERS")));
    config_fini(&after);
    write_text(path, "{\"queqiao_attempts\":");
    assert_int_equal(config_reload(&after, &before, &problem), E_SYNTAX);
    assert_true(problem.n > 0);
    config_fini(&after);
    config_fini(&before);
    unlink(path);
    unsetenv("QUEQIAO_CONFIG");
    unsetenv("AUTH_TOKEN");
    buf_fini(&problem);
}

static void a_key_with_a_blank_is_refused(void **state)
{
    struct config c;
    struct buf problem;
    struct keys *keys = keys_new();
    struct egresses *egresses = egresses_new();

    (void)state;
    buf_init(&problem, 4096);
    setenv("GEMINI_API_KEY", "AIza one", 1);
    assert_int_equal(config_load(&c, &problem), OK);
    assert_int_equal(load_keys(&c, &UPSTREAM, keys, egresses, &problem), E_FIELD);
    assert_int_equal(str_find(buf_str(&problem), S("AIza")), problem.n);
    keys_free(keys);
    egresses_free(egresses);
    config_fini(&c);
    unsetenv("GEMINI_API_KEY");
    buf_fini(&problem);
}

static void strangers(void **state)
{
    static const char *const rows[][2] = {
        {"QUEQIAO_WORKER",           "2"                },
        {"QUEQIAO_PORT",             "8080"             },
        {"QUEQIAO_WORKERS",          "2"                }, /* not from here on */
        {"QUEQIAO_PORT_80_TCP_ADDR", "10.0.0.1"         },
        {"QUEQIAO_SERVICE_HOST",     "10.0.0.1"         },
        {"QUEQIAO_WEB_PORT",         "tcp://10.0.0.1:80"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    for (size_t i = 0; i < NELEM(rows); i++)
        setenv(rows[i][0], rows[i][1], 1);
    config_strangers(&out);
    assert_true(str_find(buf_str(&out), S("QUEQIAO_WORKER")) < out.n);
    assert_true(str_find(buf_str(&out), S("QUEQIAO_PORT")) < out.n);
    assert_int_equal(out.n, sizeof "QUEQIAO_WORKER, QUEQIAO_PORT" - 1);
    for (size_t i = 0; i < NELEM(rows); i++)
        unsetenv(rows[i][0]);
    buf_reset(&out);
    config_strangers(&out);
    assert_int_equal(out.n, 0);
    buf_fini(&out);
}

/* A file without an end ends where its buffer does. */
static void endless_file(void **state)
{
    enum file_privacy privacy;
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(file_read(S("/dev/zero"), &out), E_TOOBIG);
    buf_reset(&out);
    assert_int_equal(file_read_secret(S("/dev/zero"), &out, &privacy), E_TOOBIG);
    buf_fini(&out);
}

/* LIM-16: a token's own limit, and what stands there that is none. */
static void lim_16_behind_a_token(void **state)
{
    static const struct {
        const char *text;
        bool limited; /* the last of them */
        uint32_t requests;
        enum err err;
    } rows[] = {
        {"CANARY",                              false, 0,       OK     },
        {"CANARY requests=5",                   true,  5,       OK     },
        {"other requests=3,CANARY",             false, 0,       OK     },
        {"Bearer CANARY  \trequests=1000000\t", true,  1000000, OK     },
        {"CANARY requests=0",                   true,  0,       OK     },
        {"other, Bearer",                       false, 0,       E_FIELD},
        {"other, bearer \t",                    false, 0,       E_FIELD},
        {"other, requests=5",                   false, 0,       E_FIELD},
        {"other, Bearer requests=5",            false, 0,       E_FIELD},
        {"other, CANARY requests=1000001",      false, 0,       E_FIELD},
        {"other, CANARY requests=-1",           false, 0,       E_FIELD},
        {"other, CANARY requests=",             false, 0,       E_FIELD},
        {"other, CANARY requests",              false, 0,       E_FIELD},
        {"other, CANARY requests = 5",          false, 0,       E_FIELD},
        {"other, CANARY requests=5 CANARY=1",   false, 0,       E_FIELD},
        {"other, CANARY request=5",             false, 0,       E_FIELD},
        {"other, CANARY 5",                     false, 0,       E_FIELD},
    };
    struct buf problem;

    (void)state;
    buf_init(&problem, 4096);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct config c = {0};
        struct token *tokens = NULL;
        size_t n = 0;

        buf_cut(&problem, 0);
        assert_int_equal(config_set(&c, S("AUTH_TOKEN"), str_z(rows[i].text), &problem), OK);
        assert_int_equal(credentials_tokens(&c, &tokens, &n, &problem), rows[i].err);
        assert_int_equal(n > 0, rows[i].err == OK);
        if (n > 0) {
            assert_true(secret_eq(&tokens[n - 1].secret, S("CANARY")));
            assert_int_equal(tokens[n - 1].limited, rows[i].limited);
            assert_int_equal(tokens[n - 1].requests, rows[i].requests);
        } else {
            assert_true(str_find(buf_str(&problem), S("token number 2")) < problem.n);
            assert_int_equal(str_find(buf_str(&problem), S("CANARY")), problem.n);
        }
        credentials_free_tokens(tokens, n);
        config_fini(&c);
    }
    buf_fini(&problem);
}

/* Which variable applies, what upstream is reached by, and what is told of a value that is wrong.
 */
static void ways_out(void **state)
{
    static const struct {
        const char *https, *https_small, *all, *no, *keys, *url;
        const char *ways; /* everybody's; then those of keys; NULL: refused */
        const char *problem;
    } rows[] = {
        {"",                               "",        "",                      "",            "k",                                        "https://up.test",        "direct",              NULL},
        {"p:1",                            "",        "",                      "",            "k",                                        "https://up.test",        "http://p:1",          NULL},
        {"",                               "p:1",     "",                      "",            "k",                                        "https://up.test",        "http://p:1",          NULL},
        {"big:1",                          "small:1", "",                      "",            "k",                                        "https://up.test",        "http://big:1",        NULL},
        {"",                               "",        "socks5://u:CANARY@p:1", "",            "k",                                        "https://up.test",        "socks5://p:1",        NULL},
        {"p:1",                            "",        "socks5://q:1",          "",            "k",                                        "https://up.test",        "http://p:1",          NULL},
        {"p:1",                            "",        "socks5://q:1",          "",            "k",                                        "http://up.test",         "socks5://q:1",        NULL},
        {"p:1",                            "",        "",                      "",            "k",                                        "http://up.test",         "direct",              NULL},
        {"p:1, direct ,,p:1,\nsocks5://q", "",        "",                      "",            "k",                                        "https://up.test",
         "http://p:1 direct socks5://q:1080",                                                                                                                                              NULL},
        {"p:1",                            "",        "",                      "other,.test", "k",                                        "https://up.test",        "direct",              NULL},
        {"p:1",                            "",        "",                      "",            "k",                                        "https://localhost:8443", "direct",              NULL},
        {"p:1",                            "",        "p:1",                   "",            "k",                                        "http://127.0.0.1:1",     "direct",              NULL},
        {"p:1",                            "",        "",                      "",            "k,l socks5://q:2,m  http://p:1,n\tdirect", "https://up.test",
         "http://p:1 | socks5://q:2 direct",                                                                                                                                               NULL},
        {"ftp://not-read",                 "",        "",                      "*",           "k http://p:1",                             "https://up.test",        "direct | http://p:1",
         NULL                                                                                                                                                                                  },
        {"ok:1,ftp://u:CANARY@p",          "",        "",                      "",            "k",                                        "https://up.test",        NULL,
         "HTTPS_PROXY: entry 2 has a scheme other than http, https and socks5"                                                                                                                 },
        {"",                               "",        "http://u:CANARY@p:0",   "",            "k",                                        "https://up.test",        NULL,
         "ALL_PROXY: entry 1 has no valid host and port"                                                                                                                                       },
        {"",                               "",        "",                      "",            "k,CANARY http://u:CANARY@p:x",             "https://up.test",        NULL,
         "behind the Gemini API key number 2 stands something that is no proxy: it has no valid "
         "host and port"                                                                                                                                                                       },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct egresses *e = egresses_new();
        struct keys *keys = keys_new();
        struct egress_status s[8];
        struct origin upstream;
        struct str path;
        struct config c;
        struct buf problem, told;
        enum err err;
        size_t n;

        buf_init(&problem, 4096);
        buf_init(&told, 4096);
        setenv("HTTPS_PROXY", rows[i].https, 1);
        setenv("https_proxy", rows[i].https_small, 1);
        setenv("ALL_PROXY", rows[i].all, 1);
        setenv("no_proxy", rows[i].no, 1);
        setenv("GEMINI_API_KEY", rows[i].keys, 1);
        assert_int_equal(config_load(&c, &problem), OK);
        assert_int_equal(base_url_parse(str_z(rows[i].url), &upstream, &path, NULL), OK);
        err = load_keys(&c, &upstream, keys, e, &problem);
        if ((err == OK) != (rows[i].ways != NULL))
            fail_msg("row %zu: %.*s", i, S_ARG(buf_str(&problem)));
        if (err == OK) {
            n = egresses_status(e, 0, s, NELEM(s));
            for (size_t k = 0; k < n; k++)
                buf_putf(&told, "%s%s%s", k ? " " : "",
                         k && s[k - 1].shared && !s[k].shared ? "| " : "", s[k].name.z);
            if (!str_eq(buf_str(&told), str_z(rows[i].ways)))
                fail_msg("row %zu: %.*s", i, S_ARG(buf_str(&told)));
        } else {
            assert_true(str_eq(buf_str(&problem), str_z(rows[i].problem)));
            assert_int_equal(keys_count(keys), 0);
        }
        assert_string_equal(getenv("HTTPS_PROXY"), "");
        assert_string_equal(getenv("https_proxy"), "");
        assert_string_equal(getenv("ALL_PROXY"), "");
        config_fini(&c);
        keys_free(keys);
        egresses_free(e);
        buf_fini(&problem);
        buf_fini(&told);
    }
    unsetenv("HTTPS_PROXY");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("no_proxy");
    unsetenv("GEMINI_API_KEY");
}

static void urls(void **state)
{
    static const struct {
        const char *text, *host, *path; /* host NULL: refused */
        bool https;
        uint16_t port;
    } rows[] = {
        {"https://generativelanguage.googleapis.com", "generativelanguage.googleapis.com", "",        true,
         443                                                                                                     },
        {"http://127.0.0.1:8099/",                    "127.0.0.1",                         "",        false, 8099},
        {"https://h/gemini",                          "h",                                 "/gemini", true,  443 },
        {"https://h/gemini/v1beta/",                  "h",                                 "/gemini", true,  443 },
        {"https://h/v1beta/openai/",                  "h",                                 "",        true,  443 },
        {"HTTPS://h:8443//",                          "h",                                 "",        true,  8443},
        {"http://[::1]:80/x",                         "::1",                               "/x",      false, 80  },
        {"http://[::1]",                              "::1",                               "",        false, 80  },
        {"ftp://h",                                   NULL,                                NULL,      false, 0   },
        {"h:80",                                      NULL,                                NULL,      false, 0   },
        {"http://",                                   NULL,                                NULL,      false, 0   },
        {"http://h:0",                                NULL,                                NULL,      false, 0   },
        {"http://h:65536",                            NULL,                                NULL,      false, 0   },
        {"http://u:p@h",                              NULL,                                NULL,      false, 0   },
        {"http://h/?x",                               NULL,                                NULL,      false, 0   },
        {"http://h/a b",                              NULL,                                NULL,      false, 0   },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct origin o = {0};
        struct str path = S("");
        struct fault why = {0};
        enum err err = base_url_parse(str_z(rows[i].text), &o, &path, &why);

        assert_int_equal(err == OK, rows[i].host != NULL);
        if (err != OK)
            continue;
        assert_true(str_eq(o.host, str_z(rows[i].host)));
        assert_true(str_eq(path, str_z(rows[i].path)));
        assert_int_equal(o.https, rows[i].https);
        assert_int_equal(o.port, rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(secrets_leave_the_environment),
        cmocka_unit_test(reload),
        cmocka_unit_test(a_key_with_a_blank_is_refused),
        cmocka_unit_test(endless_file),
        cmocka_unit_test(strangers),
        cmocka_unit_test(lim_16_behind_a_token),
        cmocka_unit_test(ways_out),
        cmocka_unit_test(urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
