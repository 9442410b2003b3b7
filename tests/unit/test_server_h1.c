/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_server_h1.c - HTTP/1 as the server speaks it, byte for byte: framing, limits, time limits,
 * and who is told what when. Rows are named after the lines of the requirements that they show. */
#include "fake_http.h"
#include "fake_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODY_MAX = 1000 };

struct scene {
    struct loop *loop;
    struct server *server;
    struct fake_handler h;
    struct stream *s;
};

static void open_scene(struct scene *x, const struct server_limits *limits)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    struct server_handler handler = fake_handler(&x->h);

    l.body_max = BODY_MAX;
    x->loop = fake_loop();
    x->server = server_new(x->loop, &handler, limits ? limits : &l);
    assert_int_equal(server_listen(x->server, &(struct listen_opts){.fd = -1}, NULL, NULL), OK);
    x->h.server = x->server;
    x->s = fake_connect(x->loop, "");
}

static void close_scene(struct scene *x)
{
    server_close(x->server);
    fake_turn(x->loop);
    assert_int_equal(server_calls(x->server), 0);
    assert_int_equal(server_connections(x->server), 0);
    server_free(x->server);
    fake_free(x->loop);
    buf_fini(&x->h.seen);
}

/* Responses, spelled short: "200[text] 400 close". */

static struct str line_of(struct str *in)
{
    size_t n = str_find(*in, S("\r\n"));
    struct str line = str_sub(*in, 0, n);

    *in = str_skip(*in, n + 2);
    return line;
}

static size_t hex_of(struct str s)
{
    size_t v = 0;

    assert_true(s.n > 0);
    for (size_t i = 0; i < s.n; i++) {
        const char *digit = strchr("0123456789abcdef", s.p[i]);

        assert_non_null(digit);
        v = v * 16 + (size_t)(digit - "0123456789abcdef");
    }
    return v;
}

static void put_chunks(struct buf *out, struct str *in)
{
    for (;;) {
        size_t n = hex_of(line_of(in));

        buf_put(out, str_sub(*in, 0, n));
        *in = str_skip(*in, n);
        assert_true(str_starts(*in, S("\r\n")));
        *in = str_skip(*in, 2);
        if (n == 0)
            return;
    }
}

static void put_response(struct buf *out, struct str *in, bool to_head)
{
    struct str status = line_of(in);
    bool chunked = false, ok = str_starts(status, S("HTTP/1.1 200 "));
    uint64_t length = 0;
    struct str line;

    assert_true(str_starts(status, S("HTTP/1.1 ")));
    assert_true(status.n > 13); /* a reason phrase, H1-10 */
    buf_put(out, str_sub(status, 9, 3));
    while ((line = line_of(in)).n > 0) {
        if (str_starts(line, S("content-length: ")))
            assert_true(str_u64(str_skip(line, 16), SIZE_MAX, &length));
        if (str_eq(line, S("transfer-encoding: chunked")))
            chunked = true;
    }
    if (to_head)
        return;
    if (ok)
        buf_putc(out, '[');
    if (chunked)
        put_chunks(out, in);
    else if (ok)
        buf_put(out, str_sub(*in, 0, length));
    assert_true(length <= in->n);
    *in = str_skip(*in, length);
    if (ok)
        buf_putc(out, ']');
}

static void put_outcome(struct buf *out, const struct scene *x, bool to_head)
{
    struct str in = buf_str(&x->s->sent);

    while (in.n > 0) {
        if (out->n > 0)
            buf_putc(out, ' ');
        put_response(out, &in, to_head);
    }
    if (x->s->closed)
        buf_put(out, out->n > 0 ? S(" close") : S("close"));
}

/* What comes of these bytes when they are sent in pieces that end at `cut`, and then every `step`
 * bytes; the client waits 1.5 s for more. */
static void run_bytes(struct buf *out, struct str in, size_t cut, size_t step, bool to_head)
{
    struct scene x;

    open_scene(&x, NULL);
    if (cut > 0)
        fake_feed(x.s, str_sub(in, 0, cut));
    for (size_t at = cut; at < in.n; at += step)
        fake_feed(x.s, str_sub(in, at, step));
    fake_wait(x.loop, 1500);
    put_outcome(out, &x, to_head);
    close_scene(&x);
}

static void same(const char *name, struct str in, size_t cut, size_t step, const char *want)
{
    bool to_head = str_starts(in, S("HEAD "));
    struct buf got;

    buf_init(&got, SIZE_MAX / 4);
    run_bytes(&got, in, cut, step, to_head);
    if (!str_eq(buf_str(&got), str_z(want)))
        fail_msg("%s (cut %zu, step %zu)\n  want: %.200s\n  got:  %.*s", name, cut, step, want,
                 S_ARG(str_sub(buf_str(&got), 0, 200)));
    buf_fini(&got);
}

/* Whole, byte by byte, and split in two at every place (of long input: near its ends). */
static void every_way(const char *name, struct str in, const char *want)
{
    same(name, in, 0, SIZE_MAX / 4, want);
    same(name, in, 0, 1, want);
    for (size_t cut = 1; cut < in.n; cut++)
        if (cut < 300 || in.n - cut < 40)
            same(name, in, cut, SIZE_MAX / 4, want);
}

#define GET      "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST     "POST /x HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED  POST "Transfer-Encoding: chunked\r\n\r\n"
#define OK_GET   "200[GET /? []]"
#define POST_TWO "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"

struct row {
    const char *name, *in, *want;
};

static void run_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        every_way(rows[i].name, str_z(rows[i].in), rows[i].want);
}

static void plain(void **state)
{
    static const struct row rows[] = {
        {"get",            GET "\r\n",                                                OK_GET                                       },
        {"query",          "GET /a/b?c=d?e HTTP/1.1\r\nHost: h\r\n\r\n",              "200[GET /a/b?c=d?e []]"                     },
        {"encoded",        "GET /%2e%2F?%00 HTTP/1.1\r\nHost: h\r\n\r\n",             "200[GET /%2e%2F?%00 []]"                    },
        {"options",        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",                   "200[OPTIONS *? []]"                         },
        {"length",         POST "Content-Length: 5\r\n\r\nhello",                     "200[POST /x? [hello]]"                      },
        {"no length",      POST "\r\n",                                               "200[POST /x? []]"                           },
        {"length 0",       POST "Content-Length: 0\r\n\r\n",                          "200[POST /x? []]"                           },
        {"put",            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "200[PUT /? [x]]"                            },
        {"patch",          "PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",                     "200[PATCH /? []]"                           },
        {"delete",         "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n",                    "200[DELETE /? []]"                          },
        {"head",           "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",                      "200"                                        },
        {"head streamed",  "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n",                "200"                                        },
        {"streamed",       "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n",
         "200[one two, which is longer three]"                                                                                     },
        {"streamed twice",
         "GET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nhost:h\r\n\r\n",   "200[one two, which is longer three] " OK_GET},
        {"nul in a body",  POST "Content-Length: 2\r\n\r\n\r\n",                      "200[POST /x? [\r\n]]"                       },
        {"asks to close",  GET "Connection: x, Close\r\n\r\n",                        OK_GET " close"                              },
        {"nothing",        "",                                                        ""                                           },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_1_lengths(void **state)
{
    static const struct row rows[] = {
        {"both",               POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 close"                                                                                                           },
        {"both, turned",       POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
         "400 close"                                                                                                           },
        {"two",                POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",              "400 close"            },
        {"two equal",          POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",              "400 close"            },
        {"list",               POST "Content-Length: 5, 5\r\n\r\nhello",                                "400 close"            },
        {"empty",              POST "Content-Length:\r\n\r\n",                                          "400 close"            },
        {"blank",              POST "Content-Length: \t \r\n\r\n",                                      "400 close"            },
        {"plus",               POST "Content-Length: +5\r\n\r\nhello",                                  "400 close"            },
        {"minus",              POST "Content-Length: -5\r\n\r\nhello",                                  "400 close"            },
        {"spaced",             POST "Content-Length: 1 2\r\n\r\n",                                      "400 close"            },
        {"hex",                POST "Content-Length: 0x5\r\n\r\nhello",                                 "400 close"            },
        {"hex digit",          POST "Content-Length: a\r\n\r\n",                                        "400 close"            },
        {"fraction",           POST "Content-Length: 5.0\r\n\r\nhello",                                 "400 close"            },
        {"underscore",         POST "Content-Length: 1_0\r\n\r\n",                                      "400 close"            },
        {"18 digits",          POST "Content-Length: 000000000000000005\r\n\r\nhello",
         "200[POST /x? [hello]]"                                                                                               },
        {"19 digits",          POST "Content-Length: 0000000000000000005\r\n\r\nhello",                 "400 close"            },
        {"overflow",           POST "Content-Length: 18446744073709551621\r\n\r\nhello",                "400 close"            },
        {"white space around", POST "Content-Length: \t 5  \r\n\r\nhello",                              "200[POST /x? [hello]]"},
        {"on a get",           GET "Content-Length: 2\r\n\r\nhi",                                       "200[GET /? [hi]]"     },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_2_encodings(void **state)
{
    static const struct row rows[] = {
        {"any case",      POST "transfer-encoding: ChunkeD\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         "200[POST /x? [x]]"                                                                           },
        {"list",          POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",         "501 close"},
        {"chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",      "400 close"},
        {"two fields",
         POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 close"                                                                                   },
        {"other",         POST "Transfer-Encoding: identity\r\n\r\n",                       "400 close"},
        {"not last",      POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",         "400 close"},
        {"close to it",   POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",              "400 close"},
        {"empty",         POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n",                       "501 close"},
        {"vertical tab",  POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",             "400 close"},
        {"quoted",        POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",           "400 close"},
        {"1.0",           "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"},
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_3_chunks(void **state)
{
    static const struct row rows[] = {
        {"chunks",               CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",                  "200[POST /x? [abcd]]"    },
        {"none",                 CHUNKED "0\r\n\r\n",                                        "200[POST /x? []]"        },
        {"hex",                  CHUNKED "0A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
         "200[POST /x? [01234567890123456789]]"                                                                        },
        {"crlf inside",          CHUNKED "4\r\n\r\n\r\n\r\n0\r\n\r\n",                       "200[POST /x? [\r\n\r\n]]"},
        {"16 digits",            CHUNKED "0000000000000001\r\nx\r\n0\r\n\r\n",               "200[POST /x? [x]]"       },
        {"17 digits",            CHUNKED "00000000000000001\r\nx\r\n0\r\n\r\n",              "400 close"               },
        {"17 zeros",             CHUNKED "00000000000000000\r\n\r\n",                        "400 close"               },
        {"overflow",             CHUNKED "10000000000000001\r\nx\r\n0\r\n\r\n",              "400 close"               },
        {"largest",              CHUNKED "ffffffffffffffff\r\nx",                            ""                        },
        {"no digit",             CHUNKED "\r\nx\r\n0\r\n\r\n",                               "400 close"               },
        {"plus",                 CHUNKED "+1\r\nx\r\n0\r\n\r\n",                             "400 close"               },
        {"minus",                CHUNKED "-1\r\nx\r\n0\r\n\r\n",                             "400 close"               },
        {"0x",                   CHUNKED "0x1\r\nx\r\n0\r\n\r\n",                            "400 close"               },
        {"underscore",           CHUNKED "1_0\r\nx\r\n0\r\n\r\n",                            "400 close"               },
        {"leading space",        CHUNKED " 1\r\nx\r\n0\r\n\r\n",                             "400 close"               },
        {"space behind",         CHUNKED "1 \r\nx\r\n0\r\n\r\n",                             "400 close"               },
        {"extension",            CHUNKED "1;a=b;c=\"d e\";f\r\nx\r\n0;g\r\n\r\n",            "200[POST /x? [x]]"       },
        {"control byte in it",   CHUNKED "1;a\x01\r\nx\r\n0\r\n\r\n",                        "400 close"               },
        {"tab in it",            CHUNKED "1;a\t\r\nx\r\n0\r\n\r\n",                          "400 close"               },
        {"bare lf after size",   CHUNKED "1\nx\r\n0\r\n\r\n",                                "400 close"               },
        {"bare cr after size",   CHUNKED "1\rx\r\n0\r\n\r\n",                                "400 close"               },
        {"bare lf after data",   CHUNKED "1\r\nx\n0\r\n\r\n",                                "400 close"               },
        {"bare lf in extension", CHUNKED "1;a\nx\r\n0\r\n\r\n",                              "400 close"               },
        {"too much data",        CHUNKED "1\r\nxy\r\n0\r\n\r\n",                             "400 close"               },
        {"bare lf at the end",   CHUNKED "1\r\nx\r\n0\r\n\n",                                "400 close"               },
        {"trailer",              CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n" GET "\r\n",
         "200[POST /x? [x]] " OK_GET                                                                                   },
        {"trailer length",       CHUNKED "1\r\nx\r\n0\r\nContent-Length: 1\r\n\r\n",         "400 close"               },
        {"no colon",             CHUNKED "1\r\nx\r\n0\r\nAb\r\n\r\n",                        "400 close"               },
        {"folded trailer",       CHUNKED "1\r\nx\r\n0\r\nA: b\r\n c\r\n\r\n",                "400 close"               },
        {"control in trailer",   CHUNKED "1\r\nx\r\n0\r\nA: \x02\r\n\r\n",                   "400 close"               },
        {"upgrade",
         POST "Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
              "1\r\nx\r\n0\r\n\r\n" GET "\r\n",
         "200[POST /x? [x]] " OK_GET                                                                                   },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_4_lines(void **state)
{
    static const struct row rows[] = {
        {"bare lf, request line", "GET / HTTP/1.1\nHost: h\r\n\r\n",           "400 close"      },
        {"bare lf, field",        "GET / HTTP/1.1\r\nHost: h\n\r\n",           "400 close"      },
        {"bare lf, end",          GET "\n",                                    "400 close"      },
        {"bare cr, request line", "GET / HTTP/1.1\rHost: h\r\n\r\n",           "400 close"      },
        {"bare cr, field",        GET "A: b\rc\r\n\r\n",                       "400 close"      },
        {"bare cr, end",          GET "\rx",                                   "400 close"      },
        {"two cr",                GET "A: b\r\r\n\r\n",                        "400 close"      },
        {"folded",                GET "A: b\r\n c\r\n\r\n",                    "400 close"      },
        {"folded by tab",         GET "A: b\r\n\tc\r\n\r\n",                   "400 close"      },
        {"folded first",          "GET / HTTP/1.1\r\n Host: h\r\n\r\n",        "400 close"      },
        {"space before colon",    GET "A : b\r\n\r\n",                         "400 close"      },
        {"tab before colon",      GET "A\t: b\r\n\r\n",                        "400 close"      },
        {"empty name",            GET ": b\r\n\r\n",                           "400 close"      },
        {"no colon",              GET "Ab\r\n\r\n",                            "400 close"      },
        {"name not a token",      GET "A(b): c\r\n\r\n",                       "400 close"      },
        {"name not ascii",        GET "\xc3\xa9: c\r\n\r\n",                   "400 close"      },
        {"control byte",          GET "A: \x01\r\n\r\n",                       "400 close"      },
        {"escape",                GET "A: \x1b[2J\r\n\r\n",                    "400 close"      },
        {"del",                   GET "A: \x7f\r\n\r\n",                       "400 close"      },
        {"tab in a value",        GET "A: b\tc\r\n\r\n",                       OK_GET           },
        {"utf-8 in a value",      GET "A: \xe9\xb9\x8a\r\n\r\n",               OK_GET           },
        {"empty value",           GET "A:\r\nB: \r\n\r\n",                     OK_GET           },
        {"one empty line",        "\r\n" GET "\r\n",                           OK_GET           },
        {"between requests",      GET "\r\n\r\n" GET "\r\n",                   OK_GET " " OK_GET},
        {"two empty lines",       "\r\n\r\n" GET "\r\n",                       "400 close"      },
        {"empty line of lf",      "\n" GET "\r\n",                             "400 close"      },
        {"two spaces",            "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",        "400 close"      },
        {"two spaces behind",     "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",        "400 close"      },
        {"space at the end",      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",        "400 close"      },
        {"space in the target",   "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",      "400 close"      },
        {"tab for space",         "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n",        "400 close"      },
        {"leading space",         " GET / HTTP/1.1\r\nHost: h\r\n\r\n",        "400 close"      },
        {"no version",            "GET /\r\nHost: h\r\n\r\n",                  "400 close"      },
        {"no target",             "GET HTTP/1.1\r\nHost: h\r\n\r\n",           "400 close"      },
        {"lower-case version",    "GET / http/1.1\r\nHost: h\r\n\r\n",         "400 close"      },
        {"long version",          "GET / HTTP/1.10\r\nHost: h\r\n\r\n",        "400 close"      },
        {"method not a token",    "G@T / HTTP/1.1\r\nHost: h\r\n\r\n",         "400 close"      },
        {"fragment",              "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",      "400 close"      },
        {"target not ascii",      "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"      },
        {"target not a path",     "GET x HTTP/1.1\r\nHost: h\r\n\r\n",         "400 close"      },
        {"asterisk for get",      "GET * HTTP/1.1\r\nHost: h\r\n\r\n",         "400 close"      },
        {"tls hello",             "\x16\x03\x01",                              "400 close"      },
        {"no http at all",        "hello\r\n",                                 "400 close"      },
    };
    static const char NUL[] = GET "A: b\0c\r\n\r\n";
    static const char NUL_IN_TARGET[] = "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n";

    (void)state;
    run_rows(rows, NELEM(rows));
    every_way("nul in a value", str_of(NUL, sizeof NUL - 1), "400 close");
    every_way("nul in the target", str_of(NUL_IN_TARGET, sizeof NUL_IN_TARGET - 1), "400 close");
}

static void h1_5_hosts(void **state)
{
    static const struct row rows[] = {
        {"none",                   "GET / HTTP/1.1\r\n\r\n",                             "400 close"       },
        {"none on 1.0",            "GET / HTTP/1.0\r\n\r\n",                             OK_GET " close"   },
        {"two",                    "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",       "400 close"       },
        {"two on 1.0",             "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n",       "400 close"       },
        {"empty",                  "GET / HTTP/1.1\r\nHost:\r\n\r\n",                    OK_GET            },
        {"port",                   "GET / HTTP/1.1\r\nHost: a-b_c.example:8080\r\n\r\n", OK_GET            },
        {"ipv6",                   "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",           OK_GET            },
        {"ipv6, open",             "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",               "400 close"       },
        {"ipv6, more behind",      "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n",             "400 close"       },
        {"user",                   "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",                "400 close"       },
        {"path",                   "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",                "400 close"       },
        {"list",                   "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",               "400 close"       },
        {"port not a number",      "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",                "400 close"       },
        {"absolute",               "GET http://H/a?b HTTP/1.1\r\nHost: h\r\n\r\n",       "200[GET /a?b []]"},
        {"absolute, no path",      "GET HTTPS://h?b HTTP/1.1\r\nHost: h\r\n\r\n",        "200[GET /?b []]" },
        {"absolute, other host",   "GET http://g/ HTTP/1.1\r\nHost: h\r\n\r\n",          "400 close"       },
        {"absolute, user",         "GET http://u@h/ HTTP/1.1\r\nHost: u@h\r\n\r\n",      "400 close"       },
        {"absolute, no host",      "GET http:///x HTTP/1.1\r\nHost:\r\n\r\n",            "400 close"       },
        {"absolute, other scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",           "400 close"       },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_6_after_the_error(void **state)
{
    static const struct row rows[] = {
        {"a request behind an error", GET "A : b\r\n\r\n" GET "\r\n",                                    "400 close"  },
        {"an error behind a request", GET "\r\n" GET "A : b\r\n\r\n" GET "\r\n",
         OK_GET " 400 close"                                                                                          },
        {"early, rest small",
         "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET "\r\n",
         "401 " OK_GET                                                                                                },
        {"early, chunked",
         "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n0\r\n\r\n" GET "\r\n",
         "401 " OK_GET                                                                                                },
        {"early, rest not there",
         "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell",                             "401 close"  },
        {"early, rest too large",     "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n",
         "413 close"                                                                                                  },
        {"early, broken",
         "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",                   "401 close"  },
        {"early, no body",            "POST /early HTTP/1.1\r\nHost: h\r\n\r\n" GET "\r\n",              "401 " OK_GET},
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_7_refusals(void **state)
{
    static const struct row rows[] = {
        {"trace",                      "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",                              "405 close"       },
        {"connect",                    "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",                        "405 close"       },
        {"unknown method",             "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n",                            "405 close"       },
        {"method of another protocol", "DESCRIBE / HTTP/1.1\r\nHost: h\r\n\r\n",                           "405 close"       },
        {"lower case",                 "get / HTTP/1.1\r\nHost: h\r\n\r\n",                                "405 close"       },
        {"1.2",                        "GET / HTTP/1.2\r\nHost: h\r\n\r\n",                                "505 close"       },
        {"0.9",                        "GET / HTTP/0.9\r\n\r\n",                                           "505 close"       },
        {"2.0",                        "GET / HTTP/2.0\r\n\r\n",                                           "505 close"       },
        {"not the preface",            "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",                                 "505 close"       },
        {"other expectation",          POST "Expect: a miracle\r\n\r\n",                                   "417"             },
        {"compressed",                 POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",        "415"             },
        {"compressed chunks",
         POST "Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",                       "415"             },
        {"identity",                   POST "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
         "200[POST /x? [x]]"                                                                                                 },
        {"compressed nothing",         POST "Content-Encoding: gzip\r\n\r\n",                              "200[POST /x? []]"},
        {"upgrade",                    GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" GET "\r\n",
         OK_GET " " OK_GET                                                                                                   },
        {"h2c",
         GET
         "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",        OK_GET            },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void h1_8_pipelining(void **state)
{
    static const char THREE[] =
        "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n" POST "Content-Length: 2\r\n\r\nhi" GET "\r\n";
    struct scene x;
    struct buf got;

    (void)state;
    every_way("three", str_z(THREE),
              "200[one two, which is longer three] 200[POST /x? [hi]] " OK_GET);
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                     "GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(x.h.heads, 1); /* one in work at a time */
    assert_int_equal(server_calls(x.server), 1);
    assert_int_equal(x.s->sent.n, 0);
    fake_answer_held(&x.h, 0, 201, S("first"));
    fake_turn(x.loop);
    assert_int_equal(x.h.heads, 3);
    fake_answer_held(&x.h, 1, 202, S("third"));
    fake_turn(x.loop);
    buf_init(&got, SIZE_MAX / 4);
    put_outcome(&got, &x, false);
    buf_putc(&got, '\0');
    assert_string_equal(got.p, "201 200[GET /a? []] 202 200[GET /b? []]");
    buf_fini(&got);
    close_scene(&x);
}

/* What is read ahead of the call in work is bounded: reading pauses. */
static void h1_8_read_ahead(void **state)
{
    char block[1000];
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    memset(block, 'x', sizeof block);
    fake_feed(x.s, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"));
    for (int i = 0; i < 16; i++) {
        assert_true(x.s->reading);
        fake_feed(x.s, str_of(block, sizeof block));
    }
    fake_feed(x.s, str_of(block, sizeof block));
    assert_false(x.s->reading);
    fake_feed(x.s, S("more, which stays in the socket"));
    assert_int_equal(x.s->in.n, 31);
    fake_answer_held(&x.h, 0, 200, S(""));
    fake_turn(x.loop);
    assert_int_equal(x.h.bodies, 2); /* then 16,000 bytes of rubbish */
    assert_true(x.s->closed);
    close_scene(&x);
}

static void put_repeated(struct buf *b, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(b, c);
}

/* LIM-18. LIM-2 and LIM-3: each limit at its cap and one over it. */
static void lim_at_the_cap(void **state)
{
    struct buf b, echo;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    for (size_t over = 0; over < 2; over++) {
        char want[64];

        buf_reset(&b); /* the request line without its CRLF */
        buf_lit(&b, "GET /");
        put_repeated(&b, 'a', HTTP_LINE_MAX - 14 + over);
        buf_lit(&b, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        buf_init(&echo, SIZE_MAX / 4);
        buf_lit(&echo, "200[GET /");
        put_repeated(&echo, 'a', HTTP_LINE_MAX - 14);
        buf_lit(&echo, "? []] close");
        buf_putc(&echo, '\0');
        same("line", buf_str(&b), 5, SIZE_MAX / 4, over ? "414 close" : echo.p);
        same("line, byte by byte", buf_str(&b), 0, 1, over ? "414 close" : echo.p);
        buf_fini(&echo);

        buf_reset(&b); /* one field */
        buf_lit(&b, GET "A: ");
        put_repeated(&b, 'a', HTTP_FIELD_MAX - 3 + over);
        buf_lit(&b, "\r\n\r\n");
        every_way("field", buf_str(&b), over ? "431 close" : OK_GET);

        buf_reset(&b); /* all fields: "host" + "h" + 32 = 37, four of 16 KiB less that, one of 3 */
        buf_lit(&b, GET);
        for (int i = 0; i < 4; i++) {
            buf_lit(&b, "a: ");
            put_repeated(&b, 'a', 16000);
            buf_lit(&b, "\r\n");
        }
        buf_lit(&b, "b: ");
        put_repeated(&b, 'b', (size_t)HTTP_HEAD_MAX - 37 - 4 * (size_t)16033 - 33 + over);
        buf_lit(&b, "\r\n\r\n");
        same("head", buf_str(&b), 0, SIZE_MAX / 4, over ? "431 close" : OK_GET);
        same("head, byte by byte", buf_str(&b), 0, 1, over ? "431 close" : OK_GET);

        buf_reset(&b); /* the number of fields */
        buf_lit(&b, GET);
        for (size_t i = 1; i < HTTP_FIELDS_MAX + over; i++)
            buf_lit(&b, "a:b\r\n");
        buf_lit(&b, "\r\n");
        every_way("fields", buf_str(&b), over ? "431 close" : OK_GET);

        buf_reset(&b); /* the body, declared */
        snprintf(want, sizeof want, "Content-Length: %zu\r\n\r\n", BODY_MAX + over);
        buf_lit(&b, "POST /early HTTP/1.1\r\nHost: h\r\n");
        buf_put(&b, str_z(want));
        put_repeated(&b, 'a', BODY_MAX + over);
        same("body", buf_str(&b), 0, SIZE_MAX / 4, over ? "413 close" : "401");
        same("body, byte by byte", buf_str(&b), 0, 1, over ? "413 close" : "401");

        buf_reset(&b); /* the body, in chunks */
        buf_lit(&b, "POST /hold HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
        put_repeated(&b, 'a', BODY_MAX);
        buf_put(&b, over ? S("\r\n1\r\nb\r\n0\r\n\r\n") : S("\r\n0\r\n\r\n"));
        every_way("chunked body", buf_str(&b), over ? "413 close" : "");

        buf_reset(&b); /* one extension */
        buf_lit(&b, CHUNKED "1;");
        put_repeated(&b, 'a', 255 + over);
        buf_lit(&b, "\r\nx\r\n0\r\n\r\n");
        every_way("extension", buf_str(&b), over ? "400 close" : "200[POST /x? [x]]");

        buf_reset(&b); /* all extensions: 16 of 256 */
        buf_lit(&b, CHUNKED);
        for (int i = 0; i < 16; i++) {
            buf_lit(&b, "1;");
            put_repeated(&b, 'a', 255);
            buf_lit(&b, "\r\nx\r\n");
        }
        buf_put(&b, over ? S("1;\r\nx\r\n0\r\n\r\n") : S("0\r\n\r\n"));
        every_way("extensions", buf_str(&b),
                  over ? "400 close" : "200[POST /x? [xxxxxxxxxxxxxxxx]]");

        buf_reset(&b); /* trailers count as fields: Host and Transfer-Encoding are two */
        buf_lit(&b, CHUNKED "0\r\n");
        for (size_t i = 2; i < HTTP_FIELDS_MAX + over; i++)
            buf_lit(&b, "a:b\r\n");
        buf_lit(&b, "\r\n");
        every_way("trailers", buf_str(&b), over ? "431 close" : "200[POST /x? []]");

        buf_reset(&b);
        buf_lit(&b, CHUNKED "0\r\na:");
        put_repeated(&b, 'a', HTTP_FIELD_MAX - 2 + over);
        buf_lit(&b, "\r\n\r\n");
        every_way("trailer", buf_str(&b), over ? "431 close" : "200[POST /x? []]");
    }
    buf_fini(&b);
}

/* White space does not let a head grow past its cap, however cheap it looks when decoded. */
static void lim_white_space(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    buf_lit(&b, GET);
    for (int i = 0; i < 5; i++) {
        buf_lit(&b, "a:");
        put_repeated(&b, ' ', 16000);
        buf_lit(&b, "\r\n");
    }
    buf_lit(&b, "\r\n");
    every_way("white space", buf_str(&b), "431 close");
    buf_fini(&b);
}

static bool has(const struct scene *x, const char *text)
{
    return str_find(buf_str(&x->s->sent), str_z(text)) < x->s->sent.n;
}

static void expect_outcome(const struct scene *x, const char *want)
{
    struct buf got;

    buf_init(&got, SIZE_MAX / 4);
    put_outcome(&got, x, false);
    buf_putc(&got, '\0');
    assert_string_equal(got.p, want);
    buf_fini(&got);
}

static void h1_7_expect(void **state)
{
    static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S(POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n"));
    assert_int_equal(x.s->sent.n, sizeof CONTINUE - 1);
    assert_true(has(&x, CONTINUE));
    fake_feed(x.s, S("hello"));
    assert_true(has(&x, "POST /x? [hello]"));
    assert_false(x.s->closed);
    close_scene(&x);

    open_scene(&x, NULL); /* refused before the body: no 100, and the connection closes */
    fake_feed(x.s, S("POST /early HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                     "Content-Length: 5\r\n\r\n"));
    expect_outcome(&x, "401 close");
    assert_true(has(&x, "connection: close"));
    close_scene(&x);

    open_scene(&x, NULL); /* nothing to continue with */
    fake_feed(x.s, S(POST "Expect: 100-continue\r\n\r\n"));
    expect_outcome(&x, "200[POST /x? []]");
    close_scene(&x);

    open_scene(&x, NULL); /* HTTP/1.0 does not know it */
    fake_feed(x.s, S("POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"));
    expect_outcome(&x, "200[POST /x? [x]] close");
    close_scene(&x);
}

static void http_1_0(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /stream HTTP/1.0\r\n\r\n"));
    assert_true(x.s->closed && x.s->soft);
    assert_false(has(&x, "chunked"));
    assert_false(has(&x, "content-length"));
    assert_true(has(&x, "connection: close\r\n"));
    assert_true(str_ends(buf_str(&x.s->sent), S("\r\n\r\none two, which is longer three")));
    close_scene(&x);

    open_scene(&x, NULL);
    fake_feed(x.s, S("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    assert_true(has(&x, "connection: keep-alive\r\n"));
    fake_feed(x.s, S("GET / HTTP/1.0\r\n\r\n"));
    expect_outcome(&x, OK_GET " " OK_GET " close");
    close_scene(&x);
}

/* H1-10. */
static void a_response_in_full(void **state)
{
    static const char WANT[] = "HTTP/1.1 200 OK\r\ndate: ";
    static const char REST[] =
        " GMT\r\ncontent-type: text/plain\r\ncontent-length: 11\r\n\r\nGET /xy? []";
    struct scene x;
    struct str sent;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /xy HTTP/1.1\r\nHOST: h\r\nX-Y:  z \t\r\n\r\n"));
    sent = buf_str(&x.s->sent);
    assert_true(str_starts(sent, str_z(WANT)));
    assert_true(str_eq(str_skip(sent, sizeof WANT - 1 + 25), str_z(REST)));
    assert_true(str_eq(buf_str(&x.h.seen), S("host=h\nx-y=z\n")));
    close_scene(&x);
}

/* H1-10: no value can end its line. */
static void h1_10_control_bytes(void **state)
{
    struct http_header fields[] = {
        {S("x-a"), S("one\r\nset-cookie: two")},
        {S("x-b"), S_INIT("a\0b\x1b\tc")      },
    };
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    call_respond(x.h.held[0]->call, 204, (struct http_headers){fields, 2}, 0);
    call_end(x.h.held[0]->call);
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    assert_true(has(&x, "x-a: oneset-cookie: two\r\nx-b: ab\tc\r\n\r\n"));
    assert_false(has(&x, "content-length"));
    close_scene(&x);
}

static void lim_7_8_10_time(void **state)
{
    static const struct {
        const char *name, *in;
        uint32_t wait_ms;
        const char *want;
    } rows[] = {
        {"idle, first",          "",                                                             74999, ""                 },
        {"idle, first",          "",                                                             75000, "close"            },
        {"idle, between",        GET "\r\n",                                                     74999, OK_GET             },
        {"idle, between",        GET "\r\n",                                                     75000, OK_GET " close"    },
        {"head",                 "G",                                                            9999,  ""                 },
        {"head",                 "G",                                                            10000, "408 close"        },
        {"head of the second",   GET "\r\n\r\nG",                                                10000, OK_GET " 408 close"},
        {"part of the preface",  "PRI * HTTP/2.0\r\n",                                           10000, "408 close"        },
        {"body, idle",           POST "Content-Length: 9\r\n\r\nhello",                          30000, "408 close"        },
        {"body, slow",           POST "Content-Length: 9\r\n\r\nhello",                          10000, "408 close"        },
        {"body, slow",           POST "Content-Length: 9\r\n\r\nhello",                          9999,  ""                 },
        {"chunks, slow",         CHUNKED "5",                                                    10000, "408 close"        },
        {"rest of an early one", "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
         999,                                                                                           "401"              },
        {"rest of an early one", "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
         1000,                                                                                          "401 close"        },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene x;
        struct buf got;

        open_scene(&x, NULL);
        fake_feed(x.s, str_z(rows[i].in));
        fake_wait(x.loop, rows[i].wait_ms);
        buf_init(&got, SIZE_MAX / 4);
        put_outcome(&got, &x, false);
        if (!str_eq(buf_str(&got), str_z(rows[i].want)))
            fail_msg("%s, %u ms: %.*s", rows[i].name, rows[i].wait_ms, S_ARG(buf_str(&got)));
        buf_fini(&got);
        close_scene(&x);
    }
}

/* A trickle does not extend the time for a head; a body that keeps its rate has its total. */
static void lim_7_8_trickle(void **state)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    char block[2048];
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    for (int i = 0; i < 9; i++) {
        fake_feed(x.s, S("A"));
        fake_wait(x.loop, 1000);
    }
    assert_false(x.s->closed);
    fake_wait(x.loop, 1000);
    expect_outcome(&x, "408 close");
    close_scene(&x);

    memset(block, 'x', sizeof block);
    open_scene(&x, &l);
    fake_feed(x.s, S("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n"));
    for (int i = 0; i < 299; i++) {
        fake_feed(x.s, str_of(block, sizeof block));
        fake_wait(x.loop, 1000);
        assert_false(x.s->closed);
    }
    fake_wait(x.loop, 1000);
    expect_outcome(&x, "408 close");
    assert_int_equal(x.h.gone, 1); /* the handler knows that it was shed */
    close_scene(&x);

    open_scene(&x, &l); /* silence in the middle, at a good average */
    fake_feed(x.s, S("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n"));
    for (int i = 0; i < 100; i++)
        fake_feed(x.s, str_of(block, sizeof block));
    fake_wait(x.loop, 29999);
    assert_false(x.s->closed);
    fake_wait(x.loop, 1);
    expect_outcome(&x, "408 close");
    close_scene(&x);
}

static void no_time_limits(void **state)
{
    static const struct server_limits NONE = {.body_max = 1000};
    struct scene x;

    (void)state;
    open_scene(&x, &NONE);
    fake_wait(x.loop, 86400000);
    fake_feed(x.s, S("POST /x HTTP/1.1\r\nHost: h\r\n"));
    fake_wait(x.loop, 86400000);
    fake_feed(x.s, S("Content-Length: 2\r\n\r\nh"));
    fake_wait(x.loop, 86400000);
    fake_feed(x.s, S("i"));
    fake_wait(x.loop, 86400000);
    expect_outcome(&x, "200[POST /x? [hi]]");
    close_scene(&x);
}

static void client_gone(void **state)
{
    static const struct {
        const char *in;
        enum err how;
        size_t gone;
    } rows[] = {
        {"",                                                                 OK,       0},
        {"",                                                                 E_CLOSED, 0},
        {"GET / HT",                                                         OK,       0},
        {GET "\r\n",                                                         OK,       0},
        {POST "Content-Length: 5\r\n\r\nhell",                               OK,       1},
        {POST "Content-Length: 5\r\n\r\nhell",                               E_CLOSED, 1},
        {"GET /hold HTTP/1.1\r\nHost: h\r\n\r\n",                            OK,       1},
        {"GET /hold HTTP/1.1\r\nHost: h\r\n\r\n",                            E_CLOSED, 1},
        {"GET /hold HTTP/1.0\r\n\r\n",                                       E_CLOSED, 1},
        {"GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /hold",                   OK,       1},
        {"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell", OK,       0},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene x;

        open_scene(&x, NULL);
        fake_feed(x.s, str_z(rows[i].in));
        assert_int_equal(x.h.gone, 0);
        fake_end(x.s, rows[i].how);
        assert_int_equal(x.h.gone, rows[i].gone);
        assert_true(x.s->closed);
        assert_int_equal(server_calls(x.server), 0);
        assert_int_equal(server_connections(x.server), 0);
        close_scene(&x);
    }
}

/* A FIN right behind the request: the client may only have closed its half, and is answered. */
static void half_closed(void **state)
{
    static const char TWO[] = "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"
                              "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n";
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    x.s->ending = true;
    fake_feed(x.s, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n")); /* answered at once */
    expect_outcome(&x, OK_GET " close");
    close_scene(&x);

    open_scene(&x, NULL);
    x.s->ending = true;
    fake_feed(x.s, str_z(TWO));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(x.h.nheld, i + 1);
        assert_int_equal(x.h.gone, 0);
        fake_answer_held(&x.h, i, 200, S("here"));
        fake_turn(x.loop);
    }
    expect_outcome(&x, "200[here] 200[here] close");
    close_scene(&x);

    open_scene(&x, NULL); /* gone altogether: a write fails */
    x.s->ending = true;
    fake_feed(x.s, str_sub(str_z(TWO), 0, sizeof TWO / 2));
    assert_int_equal(x.h.nheld, 1);
    x.s->ending = false;
    x.s->on->on_end(x.s->owner, E_CLOSED);
    assert_int_equal(x.h.gone, 1);
    assert_true(x.s->closed);
    close_scene(&x);
}

/* Later on a connection that was kept only where the request says that it is the last one. */
static void half_closed_later(void **state)
{
    static const struct {
        const char *first, *then;
        bool stays;
    } rows[] = {
        {"",                                  "Connection: close\r\n", true },
        {"",                                  "",                      false},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "",                      true }, /* not idle since: came together */
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        char text[200];
        struct scene x;

        open_scene(&x, NULL);
        if (rows[i].first[0] == '\0')
            fake_feed(x.s, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        snprintf(text, sizeof text, "%sGET /hold HTTP/1.1\r\nHost: h\r\n%s\r\n", rows[i].first,
                 rows[i].then);
        x.s->ending = true;
        fake_feed(x.s, str_z(text));
        assert_int_equal(x.h.nheld, 1);
        assert_int_equal(x.h.gone, !rows[i].stays);
        if (rows[i].stays) {
            fake_answer_held(&x.h, 0, 200, S("here"));
            fake_turn(x.loop);
            expect_outcome(&x, OK_GET " 200[here] close");
        }
        close_scene(&x);
    }
}

/* LIM-13. */
static void back_pressure(void **state)
{
    char block[16384];
    struct scene x;
    struct call *c;
    int writes = 0;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, NULL);
    x.s->window = 0;
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n" GET "\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    while (call_write(c, str_of(block, sizeof block)) == FLOW_GO)
        writes++;
    assert_int_equal(writes, 3); /* 64 KiB with the framing is the fourth */
    assert_true(call_queued(c) >= FLOW_HIGH);
    fake_turn(x.loop);
    fake_take(x.s, call_queued(c) - FLOW_LOW);
    assert_int_equal(x.h.drains, 0);
    fake_take(x.s, 1);
    assert_int_equal(x.h.drains, 1);
    assert_int_equal(call_write(c, S("x")), FLOW_GO);
    while (call_write(c, str_of(block, sizeof block)) == FLOW_GO)
        ;
    call_end(c); /* the next request waits for the queue, too */
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    assert_int_equal(x.h.heads, 1);
    fake_take(x.s, SIZE_MAX / 2);
    assert_int_equal(x.h.heads, 2);
    assert_int_equal(x.h.drains, 1);
    assert_true(has(&x, "GET /? []"));
    close_scene(&x);
}

/* A large last answer leaves whole, however long that takes. */
static void finish_after_the_queue(void **state)
{
    struct scene x;
    struct buf big;

    (void)state;
    buf_init(&big, SIZE_MAX / 4);
    put_repeated(&big, 'x', 500000);
    open_scene(&x, NULL);
    x.s->window = 0;
    fake_feed(x.s, S("GET /hold HTTP/1.0\r\n\r\n"));
    fake_answer_held(&x.h, 0, 200, buf_str(&big));
    fake_turn(x.loop);
    for (int i = 0; i < 20; i++) {
        assert_false(x.s->closed);
        fake_wait(x.loop, 50000);
        fake_take(x.s, 25000);
    }
    fake_turn(x.loop);
    assert_true(x.s->closed && x.s->soft);
    assert_true(x.s->sent.n > 500000);
    buf_fini(&big);
    close_scene(&x);
}

static void lim_9_stall(void **state)
{
    char block[100000];
    struct scene x;
    struct call *c;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, NULL);
    x.s->window = 0;
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    call_write(c, str_of(block, sizeof block));
    fake_wait(x.loop, 30000);
    fake_take(x.s, 1024);
    fake_wait(x.loop, 30000); /* enough in this minute */
    assert_false(x.s->closed);
    fake_take(x.s, 1024 - 1);
    fake_wait(x.loop, 59999);
    assert_false(x.s->closed);
    fake_wait(x.loop, 1);
    assert_true(x.s->reset);
    assert_int_equal(x.h.gone, 1);
    close_scene(&x);

    open_scene(&x, NULL); /* few bytes, but none ever waits: an SSE stream with comments only */
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    for (int i = 0; i < 100; i++) {
        call_write(c, S(": still here\n\n"));
        fake_turn(x.loop);
        fake_wait(x.loop, 15000);
    }
    assert_false(x.s->closed);
    call_end(c);
    fake_let_off(x.h.held[0]);
    close_scene(&x);
}

static void broken_answers(void **state)
{
    struct scene x;
    struct call *c;

    (void)state;
    open_scene(&x, NULL); /* broken off: what was written leaves, the last chunk never comes */
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    call_write(c, S("part"));
    call_reset(c);
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    assert_true(x.s->closed);
    assert_true(str_ends(buf_str(&x.s->sent), S("\r\n4\r\npart\r\n")));
    assert_int_equal(x.h.gone, 0);
    close_scene(&x);

    open_scene(&x, NULL); /* HTTP/1.0: only RST says that something is missing */
    fake_feed(x.s, S("GET /hold HTTP/1.0\r\n\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    call_write(c, S("part"));
    call_reset(c);
    fake_let_off(x.h.held[0]);
    assert_true(x.s->reset);
    close_scene(&x);

    open_scene(&x, NULL); /* fewer bytes than named */
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n" GET "\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, 10);
    call_write(c, S("part"));
    call_end(c);
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    assert_true(x.s->closed);
    assert_int_equal(x.h.heads, 1);
    close_scene(&x);

    open_scene(&x, NULL); /* more bytes than named: they do not become the next response */
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n" GET "\r\n"));
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, 4);
    call_write(c, S("four"));
    call_write(c, S("HTTP/1.1 200 OK\r\n\r\n"));
    call_end(c);
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    expect_outcome(&x, "200[four] close");
    close_scene(&x);

    open_scene(&x, NULL); /* nothing said at all */
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    call_reset(x.h.held[0]->call);
    fake_let_off(x.h.held[0]);
    assert_true(x.s->closed);
    assert_int_equal(x.s->sent.n, 0);
    close_scene(&x);
}

/* H1-6: of a body that nobody wants, 64 KiB are read. */
static void h1_6_drain(void **state)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    struct scene x;
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    for (size_t over = 0; over < 2; over++) {
        buf_reset(&b);
        buf_putf(&b, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
                 65536 + over);
        put_repeated(&b, 'x', 65536 + over);
        open_scene(&x, &l);
        fake_feed(x.s, buf_str(&b));
        expect_outcome(&x, over ? "401 close" : "401");
        assert_int_equal(has(&x, "connection: close"), over);
        close_scene(&x);

        buf_reset(&b);
        buf_putf(&b, "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                 65536 + over);
        put_repeated(&b, 'x', 65536 + over);
        buf_lit(&b, "\r\n0\r\n\r\n");
        open_scene(&x, &l);
        fake_feed(x.s, buf_str(&b));
        expect_outcome(&x, over ? "401 close" : "401");
        close_scene(&x);
    }
    buf_fini(&b);
}

/* The body is asked for later than the head was told, or never. */
static void lazy_handler(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    x.h.lazy = true;
    fake_feed(x.s,
              S("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET "\r\n"));
    assert_int_equal(x.h.bodies, 0);
    call_want_body(x.h.held[0]->call);
    assert_int_equal(x.h.bodies, 0); /* no event from inside */
    fake_turn(x.loop);
    assert_int_equal(x.h.bodies, 1);
    assert_true(str_ends(buf_str(&x.h.seen), S("hello")));
    call_drop_body(x.h.held[0]->call);
    x.h.lazy = false;
    fake_answer_held(&x.h, 0, 200, S("ok"));
    fake_turn(x.loop);
    expect_outcome(&x, "200[ok] " OK_GET);
    close_scene(&x);

    open_scene(&x, NULL);
    x.h.lazy = true;
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    call_want_body(x.h.held[0]->call);
    fake_turn(x.loop);
    assert_int_equal(x.h.bodies, 1);
    close_scene(&x);
    assert_int_equal(x.h.gone, 1);

    open_scene(&x, NULL); /* answered late, body never asked for */
    x.h.no_body = true;
    fake_feed(x.s,
              S("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET "\r\n"));
    fake_answer_held(&x.h, 0, 404, S("no"));
    fake_turn(x.loop);
    expect_outcome(&x, "404 " OK_GET);
    close_scene(&x);
}

/* A limit of the handler's own; and the one that a request began with, which holds although it is
 * lowered meanwhile. */
static void own_limits(void **state)
{
    static const struct str CHUNK = S_INIT("2\r\nab\r\n");
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    struct scene x;

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        open_scene(&x, NULL);
        x.h.lazy = true;
        fake_feed(x.s, S("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
        call_want_body_upto(x.h.last, 3 + !over);
        for (size_t i = 0; i < 2; i++)
            fake_feed(x.s, CHUNK);
        fake_feed(x.s, S("0\r\n\r\n"));
        fake_turn(x.loop);
        expect_outcome(&x, over ? "413 close" : "200[POST /? [abab]]");
        assert_int_equal(x.h.gone, over);
        close_scene(&x);
    }

    l.body_max = 3;
    open_scene(&x, &l);
    l.body_max = 1;
    fake_feed(x.s, S("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    fake_feed(x.s, CHUNK);
    server_set_limits(x.server, &l);
    fake_feed(x.s, CHUNK);
    expect_outcome(&x, "413 close");
    close_scene(&x);

    open_scene(&x, NULL); /* read to its end, and not kept */
    x.h.lazy = true;
    fake_feed(x.s, S(POST_TWO GET "\r\n"));
    call_skip_body(x.h.last);
    x.h.lazy = false;
    fake_turn(x.loop);
    expect_outcome(&x, "200[POST /? []] " OK_GET);
    close_scene(&x);
}

static void drain(void **state)
{
    struct scene x;
    struct stream *idle, *half;

    (void)state;
    open_scene(&x, NULL);
    idle = fake_connect(x.loop, "");
    half = fake_connect(x.loop, "");
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    fake_feed(half, S("GET / HTTP/1.1\r\n"));
    server_drain(x.server);
    fake_turn(x.loop);
    assert_null(x.loop->listener);
    assert_true(idle->closed);
    assert_false(half->closed);
    assert_int_equal(server_connections(x.server), 2);
    fake_feed(half, S("Host: h\r\n\r\n"));
    assert_true(half->closed);
    assert_true(str_find(buf_str(&half->sent), S("connection: close")) < half->sent.n);
    fake_answer_held(&x.h, 0, 200, S("done"));
    fake_turn(x.loop);
    expect_outcome(&x, "200[done] close");
    assert_true(has(&x, "connection: close"));
    assert_int_equal(server_connections(x.server), 0);
    close_scene(&x);
}

/* LIM-14. Memory follows the bytes that came, and a body that it has no room for is a 503. */
static void lim_14_budget(void **state)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    size_t budget = mem_budget();
    char block[1000];
    struct scene x;
    size_t before;
    void *much;

    (void)state;
    open_scene(&x, &l);
    before = mem_counted();
    fake_feed(x.s, S("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 33000000\r\n\r\n"));
    assert_true(mem_counted() - before < 8192);
    memset(block, 'x', sizeof block);
    mem_set_budget(mem_counted() + 200000);
    for (int i = 0; i < 1000 && !x.s->closed; i++)
        fake_feed(x.s, str_of(block, sizeof block));
    mem_set_budget(budget);
    expect_outcome(&x, "503 close");
    assert_true(has(&x, "retry-after: 1\r\n"));
    assert_int_equal(x.h.gone, 1);
    close_scene(&x);

    open_scene(&x, &l); /* nearly exhausted: requests with a body are turned away at the head */
    much = mem_try_realloc(NULL, 0, 900000);
    assert_non_null(much);
    mem_set_budget(1000000);
    fake_feed(x.s, S("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" GET "\r\n"));
    mem_set_budget(budget);
    mem_drop(much, 900000);
    expect_outcome(&x, "503 " OK_GET);
    close_scene(&x);
}

/* LIM-14: where it begins: at 85 % requests with a body, at 95 % the answer that is stalled. */
static void lim_14_thresholds(void **state)
{
    static const struct {
        size_t percent;
        const char *want;
        bool shed;
    } rows[] = {
        {84, "200[POST /? [ab]] " OK_GET, false},
        {86, "503 " OK_GET,               false},
        {94, "503 " OK_GET,               false},
        {96, OK_GET " " OK_GET,           true },
    };
    enum { MUCH = 50 << 20 };
    size_t budget = mem_budget();
    char block[100000];

    (void)state;
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < NELEM(rows); i++) {
        void *much = mem_try_realloc(NULL, 0, MUCH);
        struct stream *slow;
        struct scene x;

        assert_non_null(much);
        open_scene(&x, NULL);
        slow = fake_connect(x.loop, "");
        slow->window = 0;
        fake_feed(slow, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
        call_respond(x.h.held[0]->call, 200, (struct http_headers){NULL, 0}, -1);
        call_write(x.h.held[0]->call, str_of(block, sizeof block));
        fake_turn(x.loop);
        mem_set_budget(mem_counted() / rows[i].percent * 100);
        fake_feed(x.s, rows[i].shed ? S(GET "\r\n" GET "\r\n") : S(POST_TWO GET "\r\n"));
        mem_set_budget(budget);
        mem_drop(much, MUCH);
        expect_outcome(&x, rows[i].want);
        if (str_starts(str_z(rows[i].want), S("503")))
            assert_true(has(&x, "retry-after: 1\r\n"));
        assert_int_equal(slow->reset, rows[i].shed);
        close_scene(&x);
    }
}

/* LIM-14: with the budget all but gone, the answer that is stalled with most bytes goes. */
static void lim_14_shed(void **state)
{
    size_t budget = mem_budget();
    char block[100000];
    struct scene x;
    struct stream *slow[2];

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, NULL);
    for (size_t i = 0; i < 2; i++) {
        slow[i] = fake_connect(x.loop, "");
        slow[i]->window = 0;
        fake_feed(slow[i], S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
        call_respond(x.h.held[i]->call, 200, (struct http_headers){NULL, 0}, -1);
        for (size_t n = 0; n <= i; n++)
            call_write(x.h.held[i]->call, str_of(block, sizeof block));
    }
    fake_turn(x.loop);
    mem_set_budget(mem_counted() + mem_counted() / 50);
    fake_feed(x.s, S(GET "\r\n"));
    mem_set_budget(budget);
    expect_outcome(&x, OK_GET);
    assert_false(slow[0]->closed);
    assert_true(slow[1]->reset);
    assert_int_equal(x.h.gone, 1);
    close_scene(&x);
}

/* LIM-14: the same when no request comes, but answers grow; the writer itself is not told from
 * inside its call. */
static void lim_14_shed_by_answers(void **state)
{
    size_t budget = mem_budget();
    char block[100000];
    struct scene x;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, NULL);
    x.s->window = 0;
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    call_respond(x.h.held[0]->call, 200, (struct http_headers){NULL, 0}, -1);
    call_write(x.h.held[0]->call, str_of(block, sizeof block));
    fake_turn(x.loop);
    assert_false(x.s->reset);
    mem_set_budget(mem_counted() + mem_counted() / 50);
    call_write(x.h.held[0]->call, S("x"));
    assert_int_equal(x.h.gone, 0);
    fake_turn(x.loop);
    mem_set_budget(budget);
    assert_true(x.s->reset);
    assert_int_equal(x.h.gone, 1);
    close_scene(&x);
}

/* LIM-19: what an idle connection keeps. */
static void lim_19_idle(void **state)
{
    size_t before;
    struct scene x;
    struct buf b;

    (void)state;
    open_scene(&x, NULL);
    before = mem_counted();
    buf_init(&b, SIZE_MAX / 4);
    for (int round = 0; round < 2; round++) {
        buf_lit(&b, GET "A: ");
        put_repeated(&b, 'x', round == 0 ? 100 : 10000);
        buf_lit(&b, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    fake_feed(x.s, buf_str(&b));
    buf_fini(&b);
    expect_outcome(&x, OK_GET " " OK_GET " " OK_GET " " OK_GET);
    buf_fini(&x.s->sent);
    buf_fini(&x.s->in);
    buf_fini(&x.s->queue);
    buf_fini(&x.h.seen);
    assert_true(mem_counted() <= before + 4096);
    close_scene(&x);
}

static void on_gone_closes_all(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(server_calls(x.server), 1);
    server_close(x.server);
    assert_int_equal(x.h.gone, 1);
    assert_int_equal(server_calls(x.server), 0);
    close_scene(&x);
}

/* The server's own answers carry the fields that the handler's do. */
static void refusals_are_marked(void **state)
{
    static const char *const IN[] = {
        "hello\r\n",
        "BREW / HTTP/1.1\r\nHost: h\r\n\r\n",
        POST "Content-Length: 1001\r\n\r\n",
        CHUNKED "x\r\n",
    };

    (void)state;
    for (size_t i = 0; i < NELEM(IN); i++) {
        struct scene x;

        open_scene(&x, NULL);
        fake_feed(x.s, str_z(IN[i]));
        assert_true(has(&x, "HTTP/1.1 4"));
        assert_true(has(&x, "\r\nx-mark: ours\r\n"));
        close_scene(&x);
    }
}

static void closed_by_the_handler(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /close HTTP/1.1\r\nHost: h\r\n\r\n" GET "\r\n"));
    assert_int_equal(x.h.heads, 1);
    assert_true(x.s->closed);
    close_scene(&x);
}

/* A head that no client would take: the call fails, but never from inside a call_* of its own. */
static void response_too_large(void **state)
{
    struct scene x;
    struct http_header field = {S("x-long"), S("")};
    struct buf value;

    (void)state;
    buf_init(&value, SIZE_MAX / 4);
    put_repeated(&value, 'x', 70000);
    field.value = buf_str(&value);
    open_scene(&x, NULL);
    fake_feed(x.s, S("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    call_respond(x.h.held[0]->call, 200, (struct http_headers){&field, 1}, -1);
    call_write(x.h.held[0]->call, S("text"));
    assert_int_equal(x.h.gone, 0);
    fake_turn(x.loop);
    assert_int_equal(x.h.gone, 1);
    assert_true(x.s->closed);
    buf_fini(&value);
    close_scene(&x);
}

/* SHP-4, PRC-3. Every allocation of foreign size fails once. */
static void torture(void **state)
{
    static const char IN[] =
        "POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nA: b\r\n\r\nPOST /early HTTP/1.1\r\nHost: h\r\nContent-Length: "
        "5\r\n\r\nhello";
    size_t budget = mem_budget();
    size_t room = 0, answered = 0;

    (void)state;
    while (answered < 2) {
        struct scene x;

        open_scene(&x, NULL);
        x.s->in.max = x.s->queue.max = x.s->sent.max = SIZE_MAX / 4;
        assert_non_null(buf_reserve(&x.s->in, 1000)); /* the test's own buffers do not fail */
        assert_non_null(buf_reserve(&x.s->queue, 2000));
        assert_non_null(buf_reserve(&x.s->sent, 2000));
        assert_non_null(buf_reserve(&x.h.seen, 1000));
        mem_set_budget(mem_counted() + room);
        fake_feed(x.s, str_z(IN));
        mem_set_budget(budget);
        answered = has(&x, "401 Unauthorized") + has(&x, "200 OK");
        close_scene(&x);
        room += 16;
        assert_true(room < 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(h1_1_lengths),
        cmocka_unit_test(h1_2_encodings),
        cmocka_unit_test(h1_3_chunks),
        cmocka_unit_test(h1_4_lines),
        cmocka_unit_test(h1_5_hosts),
        cmocka_unit_test(h1_6_after_the_error),
        cmocka_unit_test(h1_6_drain),
        cmocka_unit_test(h1_7_refusals),
        cmocka_unit_test(h1_7_expect),
        cmocka_unit_test(h1_8_pipelining),
        cmocka_unit_test(h1_8_read_ahead),
        cmocka_unit_test(h1_10_control_bytes),
        cmocka_unit_test(lim_at_the_cap),
        cmocka_unit_test(lim_white_space),
        cmocka_unit_test(lim_7_8_10_time),
        cmocka_unit_test(lim_7_8_trickle),
        cmocka_unit_test(lim_9_stall),
        cmocka_unit_test(lim_14_budget),
        cmocka_unit_test(lim_14_thresholds),
        cmocka_unit_test(lim_14_shed),
        cmocka_unit_test(lim_14_shed_by_answers),
        cmocka_unit_test(lim_19_idle),
        cmocka_unit_test(no_time_limits),
        cmocka_unit_test(http_1_0),
        cmocka_unit_test(a_response_in_full),
        cmocka_unit_test(client_gone),
        cmocka_unit_test(half_closed),
        cmocka_unit_test(half_closed_later),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(finish_after_the_queue),
        cmocka_unit_test(broken_answers),
        cmocka_unit_test(lazy_handler),
        cmocka_unit_test(own_limits),
        cmocka_unit_test(drain),
        cmocka_unit_test(refusals_are_marked),
        cmocka_unit_test(closed_by_the_handler),
        cmocka_unit_test(response_too_large),
        cmocka_unit_test(torture),
        cmocka_unit_test(on_gone_closes_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
