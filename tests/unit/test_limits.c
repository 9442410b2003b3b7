/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_limits.c - LIM-18: limits that have no test program of their own, at their value and one
 * over it; and arithmetic on numbers that somebody chose. */
#include "app/certificates.h"
#include "app/config.h"
#include "app/config_table.h"
#include "app/credentials.h"
#include "base/log.h"
#include "codec/json_read.h"
#include "codec/utf8.h"
#include "fetch/fetch.h"
#include "gemini/error.h"
#include "http/client.h"
#include "http/client_head.h"
#include "http/server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What holds when nobody has set anything: the numbers that are asked for, a row each. */
static void defaults(void **state)
{
    struct config c;
    struct buf problem;

    (void)state;
    buf_init(&problem, 4096);
    unsetenv("QUEQIAO_CONFIG");
    assert_int_equal(config_load(&c, &problem), OK);
    const struct {
        const char *row;
        uint64_t is, asked;
    } rows[] = {
        {"LIM-1",  c.connections,                    10000   },
        {"LIM-1",  c.per_address,                    256     },
        {"LIM-2",  HTTP_LINE_MAX,                    8 << 10 },
        {"LIM-2",  HTTP_FIELD_MAX,                   16 << 10},
        {"LIM-2",  HTTP_HEAD_MAX,                    64 << 10},
        {"LIM-2",  HTTP_FIELDS_MAX,                  100     },
        {"LIM-3",  c.body_max,                       32 << 20},
        {"LIM-4",  c.answer_max,                     64 << 20},
        {"LIM-4",  c.event_max,                      16 << 20},
        {"LIM-5",  JSON_DEPTH_MAX,                   128     },
        {"LIM-5",  JSON_VALUES_MAX,                  1000000 },
        {"LIM-5",  JSON_NUMBER_MAX,                  256     },
        {"LIM-6",  LISTEN_HANDSHAKE_MS,              10000   },
        {"LIM-7",  c.head_ms,                        10000   },
        {"LIM-8",  c.body_idle_ms,                   30000   },
        {"LIM-8",  c.body_total_ms,                  300000  },
        {"LIM-9",  c.write_stall_ms,                 60000   },
        {"LIM-10", c.keep_alive_ms,                  75000   },
        {"LIM-10", SERVER_LIMITS_DEFAULT.h2_idle_ms, 120000  },
        {"LIM-11", c.dns_ms,                         5000    },
        {"LIM-11", c.connect_ms,                     5000    },
        {"LIM-11", c.first_byte_ms,                  300000  },
        {"LIM-11", c.idle_ms,                        120000  },
        {"LIM-11", c.total_ms,                       3600000 },
        {"LIM-12", c.heartbeat_ms,                   15000   },
        {"LIM-13", FLOW_HIGH,                        64 << 10},
        {"LIM-14", c.memory_budget,                  1 << 30 },
        {"LIM-15", c.auth_failures,                  20      },
        {"LIM-16", c.per_token,                      100     },
        {"UPS-1",  c.attempts,                       3       },
        {"PRC-1",  c.drain_ms,                       30000   },
        {"SSR-1",  c.fetch_http,                     false   },
        {"SSR-4",  FETCH_HOPS_MAX,                   3       },
        {"SSR-5",  c.fetch_max,                      20 << 20},
        {"SSR-5",  c.fetch_ms,                       15000   },
    };

    for (size_t i = 0; i < NELEM(rows); i++)
        if (rows[i].is != rows[i].asked)
            fail_msg("%s: row %zu is %llu", rows[i].row, i, (unsigned long long)rows[i].is);
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
        struct token *tokens = NULL;
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

/* As many keys as there may be different ways out, each with its own, and one more. */
static void lim_18_ways(void **state)
{
    struct origin upstream = {.host = S("h"), .port = 443, .https = true};
    struct buf list, problem;

    (void)state;
    buf_init(&list, 1 << 20);
    buf_init(&problem, 4096);
    unsetenv("HTTPS_PROXY");
    unsetenv("ALL_PROXY");
    for (size_t over = 0; over < 2; over++) {
        struct config c = {0};
        struct credentials keys = {0};

        buf_reset(&list);
        for (size_t i = 0; i < WAYS_MAX + over; i++)
            buf_putf(&list, "credential-%zu socks5://proxy:%zu,", i, i + 1);
        assert_int_equal(config_set(&c, S("GEMINI_API_KEY"), buf_str(&list), &problem), OK);
        assert_int_equal(credentials_init(&keys, &c, &upstream, &problem), over ? E_RANGE : OK);
        assert_int_equal(keys.ways.n, over ? 0 : WAYS_MAX);
        credentials_fini(&keys);
        config_fini(&c);
    }
    assert_true(str_find(buf_str(&problem), S("number 257")) < problem.n);
    assert_true(str_find(buf_str(&problem), S("credential-")) == problem.n);
    buf_fini(&list);
    buf_fini(&problem);
}

/* Files of certificates, which hold none here: of one more than there may be that is said. */
static void lim_18_certificates(void **state)
{
    struct buf list, problem;

    (void)state;
    buf_init(&list, 1 << 20);
    buf_init(&problem, 4096);
    for (size_t over = 0; over < 2; over++) {
        struct config c = {0};
        struct tls_server *server = NULL;

        buf_reset(&list);
        buf_reset(&problem);
        for (size_t i = 0; i < TLS_PAIRS_MAX + over; i++)
            buf_lit(&list, "/dev/null,");
        assert_int_equal(config_set(&c, S("QUEQIAO_TLS_CERT"), buf_str(&list), &problem), OK);
        assert_int_equal(config_set(&c, S("QUEQIAO_TLS_KEY"), buf_str(&list), &problem), OK);
        assert_int_not_equal(certificates_load(&c, &server, &problem), OK);
        assert_null(server);
        assert_int_equal(str_find(buf_str(&problem), S("more than 64 files")) < problem.n, over);
        config_fini(&c);
    }
    buf_fini(&list);
    buf_fini(&problem);
}

/* SEC-5: a foreign value is cut, and whatever is in it stays in it. A field is never the first of a
 * line, so there is a space before it. */
static void lim_18_log(void **state)
{
    char value[LOG_VALUE_MAX + 1];
    struct log_line l = {.n = 0};

    (void)state;
    memset(value, 'x', sizeof value);
    value[LOG_VALUE_MAX - 1] = 'y';
    value[LOG_VALUE_MAX] = 'z';
    log_str(&l, "v", str_of(value, LOG_VALUE_MAX));
    assert_int_equal(l.n, 3 + LOG_VALUE_MAX);
    assert_int_equal(l.p[l.n - 1], 'y');
    l.n = 0;
    log_str(&l, "v", str_of(value, sizeof value));
    assert_int_equal(l.n, 3 + LOG_VALUE_MAX);
    l.n = 0;
    log_str(&l, "v", S("a\r\nlevel=error ev=\"forged\" \x1b[2J\xff\\"));
    assert_true(str_eq(str_of(l.p, l.n),
                       S(" v=\"a\\x0d\\x0alevel=error ev=\\\"forged\\\" \\x1b[2J\\xff\\\\\"")));
    for (size_t i = 0; i < 100; i++) /* the line has an end as well */
        log_str(&l, "v", str_of(value, sizeof value));
    assert_true(l.n <= LOG_LINE_MAX - 2);
}

/* A value stands without quotes when each of its bytes may, wherever it is. */
static void log_quotes(void **state)
{
    char value[20];
    struct log_line l = {.n = 0};

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t n = 1; n <= sizeof value; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned c = 0; c < 256; c++) {
                bool plain = c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';

                value[at] = (char)c;
                l.n = 0;
                log_str(&l, "n", str_of(value, n));
                assert_memory_equal(l.p, " n=", 3);
                assert_int_equal(l.p[3] == '"', !plain);
                assert_true(!plain || (l.n == 3 + n && memcmp(l.p + 3, value, n) == 0));
                value[at] = 'v';
            }
}

/* A line of about that many bytes. */
static void log_line_of(enum log_level level, size_t bytes)
{
    struct log_line l;

    log_begin(&l, level, "x");
    while (l.n + 32 < bytes)
        log_str(&l, "v", S("vvvvvvvvvvvvvvvvvvvvvvvvvvvvv"));
    log_end(&l);
}

/* Lines that have come to the other end since the last time. */
static size_t lines_at(int fd)
{
    char p[4 * LOG_LINE_MAX];
    ssize_t n = read(fd, p, sizeof p);
    size_t lines = 0;

    for (ssize_t i = 0; i < n; i++)
        lines += p[i] == '\n';
    assert_true(n <= 0 || p[n - 1] == '\n');
    return lines;
}

/* Lines wait for the end of the turn, or for trouble, or until a pipe would not take them whole. */
static void log_lines_wait(void **state)
{
    int was = dup(STDERR_FILENO), ends[2];
    size_t seen[6];
    uint64_t dropped;

    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    log_line_of(LOG_INFO, 100);
    seen[0] = lines_at(ends[0]);
    log_gather(true);
    log_line_of(LOG_INFO, 100);
    log_line_of(LOG_INFO, 100);
    seen[1] = lines_at(ends[0]);
    log_flush();
    seen[2] = lines_at(ends[0]);
    log_line_of(LOG_INFO, 100);
    log_line_of(LOG_WARN, 100);
    seen[3] = lines_at(ends[0]);
    log_line_of(LOG_INFO, 2500);
    log_line_of(LOG_INFO, 2500);
    seen[4] = lines_at(ends[0]);
    log_gather(false);
    seen[5] = lines_at(ends[0]);
    log_gather(true);
    log_line_of(LOG_INFO, 100);
    log_line_of(LOG_INFO, 100);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    dropped = log_dropped();
    log_gather(false);
    dropped = log_dropped() - dropped;
    dup2(was, STDERR_FILENO);
    close(was);
    close(ends[1]);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 0);
    assert_int_equal(seen[2], 2);
    assert_int_equal(seen[3], 2);
    assert_int_equal(seen[4], 1);
    assert_int_equal(seen[5], 1);
    assert_int_equal(dropped, 2);
}

/* LIM-4: fields of an answer, kept and passed over alike. */
static void lim_18_heads(void **state)
{
    struct head h;

    (void)state;
    for (int skipped = 0; skipped < 2; skipped++) {
        head_init(&h);
        for (size_t i = 0; i < HTTP_FIELDS_MAX; i++) {
            if (!skipped)
                assert_int_equal(head_name(&h, S("n")), OK);
            assert_int_equal(skipped ? head_skip(&h, 1) : head_next(&h), OK);
        }
        assert_int_equal(skipped ? head_skip(&h, 1) : head_next(&h), E_TOOBIG);
        assert_int_equal(head_name(&h, S("n")), E_TOOBIG);
        head_fini(&h);
    }
    head_init(&h);
    for (size_t size = 1; size <= 8192; size *= 8) { /* emptied it is as good as new */
        char value[8192];
        struct http_headers v;

        memset(value, 'v', size);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(head_name(&h, S("Name")), OK);
            assert_int_equal(head_value(&h, str_of(value, size)), OK);
            assert_int_equal(head_next(&h), OK);
        }
        assert_int_equal(head_name(&h, S("half")), OK);
        v = head_fields(&h);
        assert_int_equal(v.n, 2);
        assert_true(str_eq(v.v[1].name, S("name")) && v.v[1].value.n == size);
        head_reset(&h);
        assert_int_equal(head_fields(&h).n, 0);
    }
    assert_int_equal(head_skip(&h, HTTP_HEAD_MAX - 32), OK);
    assert_int_equal(head_skip(&h, 0), E_TOOBIG);
    head_fini(&h);
    assert_int_equal(head_skip(&h, SIZE_MAX), E_TOOBIG);
    head_fini(&h);
    head_fini(NULL);
}

/* SEC-2: a secret that upstream repeated is taken out, wherever it stands and however often. */
static void sec_2_hidden(void **state)
{
    static const struct {
        const char *message;
        bool touched;
    } rows[] = {
        {"key my-secret-key is bad",                  true },
        {"my-secret-key",                             true },
        {"my-secret-keymy-secret-key, my-secret-key", true },
        {"nothing of it",                             false},
        {"my-secret-ke, and more",                    false},
        {"cut in the middle of my-secret-ke",         true },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct gm_error e;

        gm_error_make(&e, GM_FORBIDDEN, str_z(rows[i].message));
        gm_error_hide(&e, S("my-secret-key"));
        assert_true(str_find(str_z(e.message), S("my-secret-key")) == strlen(e.message));
        assert_int_equal(strcmp(e.message, rows[i].message) != 0, rows[i].touched);
        gm_error_make(&e, GM_FORBIDDEN, str_z(rows[i].message));
        gm_error_hide(&e, S("a")); /* too short to be one, and everywhere */
        assert_string_equal(e.message, rows[i].message);
    }
}

/* SEC-2: also written for a URL or in base64, and where the text was cut; in names it is none. */
static void sec_2_hidden_in_disguise(void **state)
{
    static const struct {
        const char *message, *shown;
    } rows[] = {
        {"a my%2Fsecret~key%3D b", "a [key] b"},
        {"a my%2fsecret~key%3d b", "a [key] b"},
        {"bXkvc2VjcmV0fmtleT0=",   "[key]eT0="},
        {"eG15L3NlY3JldH5rZXk9",   "eG15[key]"},
    };
    const struct str secret = S("my/secret~key=");
    struct gm_error e;

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        gm_error_make(&e, GM_FORBIDDEN, str_z(rows[i].message));
        gm_error_hide(&e, secret);
        assert_string_equal(e.message, rows[i].shown);
    }
    gm_error_make(&e, GM_FORBIDDEN, S("well"));
    e.nviolations = 1;
    for (int has = 0; has < 2; has++) {
        snprintf(e.reason, sizeof e.reason, "%s_R", has ? secret.p : "SOME");
        snprintf(e.quota_id, sizeof e.quota_id, "Per%s", has ? secret.p : "Day");
        snprintf(e.violations[0].model, sizeof e.violations[0].model, "x%s", has ? secret.p : "y");
        gm_error_hide(&e, secret);
        assert_string_equal(e.reason, has ? "" : "SOME_R");
        assert_string_equal(e.quota_id, has ? "" : "PerDay");
        assert_string_equal(e.violations[0].model, has ? "" : "xy");
    }
    assert_string_equal(e.message, "well");
}

/* SEC-2: what is shaped like a key is shown of nobody, and no more than 2 KiB of anything. */
static void sec_2_shapes(void **state)
{
    static const struct {
        const char *message, *shown;
    } rows[] = {
        {"AIzaSyA-0123456789abcdefghijklmnopqrstuv is bad", "[key] is bad"                    },
        {"key:AQ.Ab8RN6_0123456789-xyz.",                   "key:[key]"                       },
        {"(sk-abcdef01)",                                   "([key])"                         },
        {"ya29.a0AfH6SM, Bearer abcd",                      "[key], [key]"                    },
        {"BEARER a.b-c; aiza0123456789abcdef",              "[key]; [key]"                    },
        {"sk-abcdef01 sk-abcdef02",                         "[key] [key]"                     },
        {"a task-abcdefgh, AIza, Bearer is",                "a task-abcdefgh, AIza, Bearer is"},
        {"sk-abcdef",                                       "sk-abcdef"                       },
    };
    struct gm_error e;
    struct buf b;

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        gm_error_make(&e, GM_FORBIDDEN, str_z(rows[i].message));
        assert_string_equal(e.message, rows[i].shown);
    }
    buf_init(&b, 1 << 20);
    while (b.n < 10000)
        buf_lit(&b, "\xe9\xb9\x8a");
    gm_error_make(&e, GM_FORBIDDEN, buf_str(&b));
    assert_in_range(strlen(e.message), 1000, 2048);
    assert_true(utf8_ok(str_z(e.message)));
    buf_fini(&b);
}

static char dir[] = "/tmp/queqiao-limits-XXXXXX";

static struct str put_file(const char *name, const char *text, unsigned mode)
{
    static char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
    f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
    return str_z(path);
}

/* SEC-3: files of keys and tokens: comments, blanks, what others may do with them, and what is not
 * there. */
static void sec_3_files(void **state)
{
    static const struct {
        const char *text;
        unsigned mode;
        enum err err;
        size_t n;
    } rows[] = {
        {"# mine\none\n\n  two , three \r\n#four\n", 0600, OK,      3},
        {"",                                         0600, OK,      0},
        {"one\n",                                    0640, OK,      1},
        {"one\n",                                    0644, E_FIELD, 0},
        {"one\n",                                    0602, E_FIELD, 0},
    };
    struct origin upstream = {.host = S("h"), .port = 443, .https = true};
    struct buf problem;

    (void)state;
    assert_non_null(mkdtemp(dir));
    buf_init(&problem, 4096);
    for (size_t i = 0; i <= NELEM(rows); i++) {
        bool absent = i == NELEM(rows);
        struct str path =
            put_file("list", absent ? "" : rows[i].text, absent ? 0600 : rows[i].mode);
        enum err want = absent ? E_SYSTEM : rows[i].err;
        struct config c = {0};
        struct token *tokens = NULL;
        struct credentials keys = {0};
        size_t n = 0;

        if (absent)
            unlink(path.p);
        assert_int_equal(config_set(&c, S("AUTH_TOKENS_FILE"), path, &problem), OK);
        assert_int_equal(config_set(&c, S("GEMINI_API_KEYS_FILE"), path, &problem), OK);
        assert_int_equal(credentials_tokens(&c, &tokens, &n, &problem), want);
        assert_int_equal(n, want == OK ? rows[i].n : 0);
        assert_int_equal(credentials_init(&keys, &c, &upstream, &problem), want);
        assert_true(str_find(buf_str(&problem), S("one")) == problem.n);
        credentials_fini(&keys);
        credentials_free_tokens(tokens, n);
        config_fini(&c);
    }
    buf_fini(&problem);
}

static void config_files(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {"{\"queqiao_byok\": true, \"QUEQIAO_WORKERS\": 3, // so\n \"queqiao_log_level\": "
         "\"warn\",}",         OK      },
        {"{\"queqiao_byok\": false}",   OK      },
        {"{\"queqiao_workers\": 1.5}",  E_FIELD },
        {"{\"queqiao_workers\": -1}",   E_FIELD },
        {"{\"queqiao_workers\": [1]}",  E_FIELD },
        {"{\"queqiao_workers\": null}", E_FIELD },
        {"{\"queqiao_workers\": 257}",  E_RANGE },
        {"{\"gemini_base_url\": \"\"}", E_RANGE },
        {"{\"no_option\": 1}",          E_FIELD },
        {"[]",                          E_SYNTAX},
        {"{\"queqiao_workers\": 1",     E_SYNTAX},
        {"",                            E_SYNTAX},
    };
    struct config c;
    struct buf problem;

    (void)state;
    buf_init(&problem, 4096);
    for (size_t i = 0; i < NELEM(rows); i++) {
        setenv("QUEQIAO_CONFIG", put_file("config", rows[i].text, 0600).p, 1);
        buf_reset(&problem);
        if (config_load(&c, &problem) != rows[i].err)
            fail_msg("%s: %.*s", rows[i].text, S_ARG(buf_str(&problem)));
        assert_int_equal(problem.n > 0, rows[i].err != OK);
        config_fini(&c);
    }
    unlink(getenv("QUEQIAO_CONFIG"));
    assert_int_equal(config_load(&c, &problem), E_SYSTEM);
    config_fini(&c);
    unsetenv("QUEQIAO_CONFIG");
    unlink(put_file("list", "", 0600).p);
    assert_int_equal(rmdir(dir), 0);
    buf_fini(&problem);
}

/* AUT-1: 37 characters out of 62, drawn anew. */
static void a_token_is_made_up(void **state)
{
    struct secret a, b;

    (void)state;
    credentials_make_token(&a);
    credentials_make_token(&b);
    assert_int_equal(a.n, 40);
    assert_true(str_starts(secret_str(&a), S("qq-")));
    assert_false(str_eq(secret_str(&a), secret_str(&b)));
    secret_fini(&a);
    secret_fini(&b);
}

static void options_are_printed(void **state)
{
    struct buf help, page;

    (void)state;
    buf_init(&help, 1 << 20);
    buf_init(&page, 1 << 20);
    config_print_help(&help);
    config_print_markdown(&page);
#define ROW(field, type, variable, otherwise, lowest, highest, text)                               \
    assert_true(str_find(buf_str(&help), S(variable)) < help.n);                                   \
    assert_true(str_find(buf_str(&page), S("| `" variable "` |")) < page.n);
    CONFIG_TABLE(ROW)
#undef ROW
    buf_fini(&help);
    buf_fini(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lim_18_options),      cmocka_unit_test(defaults),
        cmocka_unit_test(lim_18_units),        cmocka_unit_test(lim_18_tokens_and_keys),
        cmocka_unit_test(lim_18_ways),         cmocka_unit_test(lim_18_certificates),
        cmocka_unit_test(lim_18_log),          cmocka_unit_test(log_lines_wait),
        cmocka_unit_test(log_quotes),          cmocka_unit_test(lim_18_heads),
        cmocka_unit_test(sec_2_hidden),        cmocka_unit_test(sec_2_hidden_in_disguise),
        cmocka_unit_test(sec_2_shapes),        cmocka_unit_test(sec_3_files),
        cmocka_unit_test(config_files),        cmocka_unit_test(a_token_is_made_up),
        cmocka_unit_test(options_are_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
