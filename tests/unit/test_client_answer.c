/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_client_answer.c - HTTP/1 answers: what is read, what is refused (H1-1 to H1-4, H1-11), the
 * same at every split. */
#include "base/mem.h"
#include "http/client_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What was told, as text: "200 name=value;|body", where the body is what all pieces make. */
struct seen {
    struct answer a;
    struct buf text;
};

static void on_head(void *owner, int status, struct http_headers h)
{
    struct seen *s = owner;

    buf_putf(&s->text, "%d ", status);
    for (size_t i = 0; i < h.n; i++)
        buf_putf(&s->text, "%.*s=%.*s;", S_ARG(h.v[i].name), S_ARG(h.v[i].value));
    buf_putc(&s->text, '|');
}

static void on_data(void *owner, struct str bytes)
{
    assert_true(bytes.n > 0);
    buf_put(&((struct seen *)owner)->text, bytes);
}

static const struct answer_events ON = {on_head, on_data};

/* Feed `in` cut at two places; the bytes taken. */
static size_t feed(struct seen *s, struct str in, size_t cut1, size_t cut2, bool to_head, bool eof)
{
    size_t cuts[] = {0, cut1, cut2, in.n}, took = 0;

    answer_init(&s->a, to_head, &ON, s);
    buf_init(&s->text, 1 << 20);
    for (int i = 0; i < 3 && s->a.state < ANSWER_DONE; i++) {
        struct str piece = str_sub(in, cuts[i], cuts[i + 1] - cuts[i]);
        size_t n = answer_feed(&s->a, piece);

        took += n;
        assert_true(n == piece.n || s->a.state >= ANSWER_DONE);
    }
    if (eof)
        answer_eof(&s->a);
    return took;
}

static void done(struct seen *s)
{
    answer_fini(&s->a);
    buf_fini(&s->text);
    assert_int_equal(mem_counted(), 0);
}

enum { KEEP = 1, TO_HEAD = 2, AT_EOF = 4 };
static const struct {
    const char *name, *in, *out;
    int flags;
    const char *rest; /* behind the answer in `in` */
} GOOD[] = {
    {"length",                               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\n\r\nhello",
     "200 content-length=5;x-a=b c;|hello",                                                                                                                                           KEEP,           ""               },
    {"no reason",                            "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",                              "200 content-length=0;|",                                     KEEP,           ""               },
    {"no reason, no space",                  "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",                               "200 content-length=0;|",
     KEEP,                                                                                                                                                                                            ""               },
    {"leading zeros",                        "HTTP/1.1 200 OK\r\nContent-Length: 000000000000000003\r\n\r\nabc",
     "200 content-length=000000000000000003;|abc",                                                                                                                                    KEEP,           ""               },
    {"chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n01\r\n!\r\n0\r\n\r\n",                         "200 transfer-encoding=chunked;|hello!",                      KEEP,           ""               },
    {"chunked in any case, hex in any case",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\na\r\n0123456789\r\nB\r\n0123456789A\r\n"
     "0\r\n\r\n",                                                                                                       "200 transfer-encoding=CHUNKED;|01234567890123456789A",       KEEP,           ""               },
    {"chunk extensions are dropped",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0;c\r\n\r\n",                                  "200 transfer-encoding=chunked;|x",                           KEEP,           ""               },
    {"trailers are dropped",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n",                      "200 transfer-encoding=chunked;|x",                           KEEP,           ""               },
    {"204 has no body",                      "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n",                                 "204 x=y;|",                                                  KEEP,           ""               },
    {"304 has no body",                      "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
     "304 content-length=77;|",                                                                                                                                                       KEEP,           ""               },
    {"204 with a length is not kept",        "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
     "204 content-length=3;|",                                                                                                                                                        0,              "abc"            },
    {"an answer to HEAD has no body",        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "200 content-length=5;|",                                                                                                                                                        KEEP | TO_HEAD, ""               },
    {"interim answers are skipped",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",                                                                   "200 content-length=1;|x",                                    KEEP,           ""               },
    {"close",                                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
     "200 connection=close;content-length=1;|x",                                                                                                                                      0,              ""               },
    {"1.0 is not kept",                      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
     "200 connection=keep-alive;content-length=1;|x",                                                                                                                                 0,              ""               },
    {"framed by the close",                  "HTTP/1.1 200 OK\r\nx: y\r\n\r\nall of it",                                "200 x=y;|all of it",
     AT_EOF,                                                                                                                                                                                          ""               },
    {"framed by the close, 1.0, empty",      "HTTP/1.0 200 OK\r\n\r\n",                                                 "200 |",                                                      AT_EOF,         ""               },
    {"upgrade is only offered",
     "HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2,h2c\r\nContent-Length: 2\r\n\r\nok",                        "200 connection=upgrade;upgrade=h2,h2c;content-length=2;|ok", KEEP,           ""               },
    {"the next answer is not read",          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK",
     "200 content-length=1;|x",                                                                                                                                                       KEEP,           "HTTP/1.1 200 OK"},
    {"bytes behind an empty answer",         "HTTP/1.1 204 No Content\r\n\r\nx",                                        "204 |",                                                      KEEP,           "x"              },
    {"bytes behind the last chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n",                                              "200 transfer-encoding=chunked;|",                            KEEP,           "\r\n"           },
    {"bytes behind a close",                 "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nxyz",
     "200 connection=close;content-length=1;|x",                                                                                                                                      0,              "yz"             },
    {"empty value, tab in a value",          "HTTP/1.1 200 OK\r\na:\r\nb: c\td\r\nContent-Length: 0\r\n\r\n",
     "200 a=;b=c\td;content-length=0;|",                                                                                                                                              KEEP,           ""               },
};

static void good_one(size_t row, size_t cut1, size_t cut2)
{
    struct str in = str_z(GOOD[row].in), rest = str_z(GOOD[row].rest);
    struct seen s;
    size_t took = feed(&s, in, cut1, cut2, GOOD[row].flags & TO_HEAD, GOOD[row].flags & AT_EOF);

    if (s.a.state != ANSWER_DONE || !str_eq(buf_str(&s.text), str_z(GOOD[row].out)))
        fail_msg("%s [%zu %zu]: %d %s, got: %.*s", GOOD[row].name, cut1, cut2, s.a.state,
                 s.a.what ? s.a.what : "", S_ARG(buf_str(&s.text)));
    if (took > in.n - rest.n || (cut1 == in.n && took != in.n - rest.n))
        fail_msg("%s [%zu %zu]: took %zu", GOOD[row].name, cut1, cut2, took);
    assert_int_equal(s.a.keep, !!(GOOD[row].flags & KEEP));
    done(&s);
}

static void good_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(GOOD); i++) {
        size_t n = strlen(GOOD[i].in);

        good_one(i, n, n);
        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b += n / 16 + 1)
                good_one(i, a, b);
    }
}

/* H1-11. Everything but an answer framed by the close is short when the connection ends early, and
 * nothing is complete before its last byte. */
static void early_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(GOOD); i++) {
        struct str in = str_z(GOOD[i].in);

        if (GOOD[i].flags & AT_EOF || GOOD[i].rest[0] != '\0')
            continue;
        for (size_t n = 0; n < in.n; n++) {
            struct seen s;

            feed(&s, str_sub(in, 0, n), n, n, GOOD[i].flags & TO_HEAD, true);
            if (s.a.state != ANSWER_FAILED || s.a.err != E_CLOSED)
                fail_msg("%s: complete after %zu bytes", GOOD[i].name, n);
            done(&s);
        }
    }
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_LINE "transfer-encoding: chunked\r\n\r\n"
static const struct {
    const char *name, *in;
} BAD[] = {
    {"not HTTP",                             "SSH-2.0-x\r\n"                                                  },
    {"an empty line first",                  "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"               },
    {"HTTP/2.0",                             "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"                   },
    {"HTTP/0.9",                             "HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n"                   },
    {"HTTP/1.2",                             "HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n"                   },
    {"status of two digits",                 "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"                    },
    {"status of four digits",                "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"                  },
    {"status 600",                           "HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n"                   },
    {"status 099",                           "HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n"                   },
    {"switching protocols",                  "HTTP/1.1 101 Yes\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"  },
    {"interim with a body",                  "HTTP/1.1 102 x\r\ncontent-length: 3\r\n\r\nabc"                 },
    {"interim, chunked",                     "HTTP/1.1 199 x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"  },
    {"length and chunked",                   OK_LINE "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"},
    {"chunked and length",                   OK_LINE "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n"},
    {"two equal lengths",                    OK_LINE "content-length: 1\r\ncontent-length: 1\r\n\r\n"         },
    {"two lengths",                          OK_LINE "content-length: 1\r\ncontent-length: 2\r\n\r\n"         },
    {"a list of lengths",                    OK_LINE "content-length: 1, 1\r\n\r\n"                           },
    {"empty length",                         OK_LINE "content-length:\r\n\r\n"                                },
    {"signed length",                        OK_LINE "content-length: +1\r\n\r\n"                             },
    {"negative length",                      OK_LINE "content-length: -1\r\n\r\n"                             },
    {"spaced length",                        OK_LINE "content-length: 1 1\r\n\r\n"                            },
    {"hex length",                           OK_LINE "content-length: 0x1\r\n\r\n"                            },
    {"19 digits",                            OK_LINE "content-length: 0000000000000000001\r\n\r\n"            },
    {"overflow",                             OK_LINE "content-length: 18446744073709551617\r\n\r\n"           },
    {"gzip",                                 OK_LINE "transfer-encoding: gzip\r\n\r\n"                        },
    {"gzip, chunked",                        OK_LINE "transfer-encoding: gzip, chunked\r\n\r\n"               },
    {"chunked twice",                        OK_LINE "transfer-encoding: chunked, chunked\r\n\r\n"            },
    {"chunked in two fields",
     OK_LINE "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"                               },
    {"identity",                             OK_LINE "transfer-encoding: identity\r\n\r\n"                    },
    {"chunked on 1.0",                       "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" },
    {"chunk size empty",                     CHUNKED "\r\n"                                                   },
    {"chunk size not hex",                   CHUNKED "g\r\n"                                                  },
    {"chunk size signed",                    CHUNKED "-1\r\n"                                                 },
    {"chunk size 0x",                        CHUNKED "0x1\r\na\r\n"                                           },
    {"chunk size with a space before",       CHUNKED " 1\r\na\r\n"                                            },
    {"chunk size with a space behind",       CHUNKED "1 \r\na\r\n"                                            },
    {"chunk size underscored",               CHUNKED "1_0\r\n"                                                },
    {"chunk size overflow",                  CHUNKED "10000000000000000\r\n"                                  },
    {"chunk without CRLF",                   CHUNKED "1\r\nab\r\n"                                            },
    {"chunk ended by LF",                    CHUNKED "1\r\na\n0\r\n\r\n"                                      },
    {"chunk size ended by LF",               CHUNKED "1\na\r\n0\r\n\r\n"                                      },
    {"control byte in an extension",         CHUNKED "1;a\001b\r\nx\r\n"                                      },
    {"bare LF",                              "HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n"                     },
    {"bare LF behind a field",               OK_LINE "a: b\ncontent-length: 0\r\n\r\n"                        },
    {"bare LF at the end",                   OK_LINE "content-length: 0\r\n\n"                                },
    {"bare CR",                              OK_LINE "a: b\rc: d\r\n\r\n"                                     },
    {"folded",                               OK_LINE "a: b\r\n c\r\ncontent-length: 0\r\n\r\n"                },
    {"folded by a tab",                      OK_LINE "a: b\r\n\tc\r\ncontent-length: 0\r\n\r\n"               },
    {"folded at once",                       OK_LINE " a: b\r\ncontent-length: 0\r\n\r\n"                     },
    {"space before the colon",               OK_LINE "a : b\r\ncontent-length: 0\r\n\r\n"                     },
    {"length with a space before the colon", OK_LINE "content-length : 0\r\n\r\n"                             },
    {"no colon",                             OK_LINE "a\r\ncontent-length: 0\r\n\r\n"                         },
    {"empty name",                           OK_LINE ": b\r\ncontent-length: 0\r\n\r\n"                       },
    {"not a token",                          OK_LINE "a(: b\r\ncontent-length: 0\r\n\r\n"                     },
    {"control byte in a value",              OK_LINE "a: b\001c\r\ncontent-length: 0\r\n\r\n"                 },
    {"DEL in a value",                       OK_LINE "a: b\177c\r\ncontent-length: 0\r\n\r\n"                 },
    {"bad trailer",                          CHUNKED "0\r\na : b\r\n\r\n"                                     },
};

/* H1-11. */
static void bad_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(BAD); i++) {
        struct str in = str_z(BAD[i].in);

        for (size_t cut = 0; cut <= in.n; cut++) {
            struct seen s;

            feed(&s, in, cut, in.n, false, true);
            if (s.a.state != ANSWER_FAILED || s.a.err != E_UPSTREAM)
                fail_msg("%s [%zu]: state %d err %d: %.*s", BAD[i].name, cut, s.a.state, s.a.err,
                         S_ARG(buf_str(&s.text)));
            done(&s);
        }
    }
}

/* DAT-1. */
static void a_nul_is_refused(void **state)
{
    static const char IN[] = "HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 0\r\n\r\n";
    struct seen s;

    (void)state;
    feed(&s, str_of(IN, sizeof IN - 1), 7, 7, false, false);
    assert_int_equal(s.a.state, ANSWER_FAILED);
    done(&s);
}

/* Caps. Each at its limit, and one over. */

static enum err with(const char *front, const char *unit, size_t times, const char *back)
{
    struct buf in;
    struct seen s;
    enum err e;

    buf_init(&in, 1 << 20);
    buf_put(&in, str_z(front));
    for (size_t i = 0; i < times; i++)
        buf_put(&in, str_z(unit));
    buf_put(&in, str_z(back));
    assert_int_equal(in.err, OK);
    feed(&s, buf_str(&in), in.n / 2, in.n / 2, false, false);
    e = s.a.state == ANSWER_DONE ? OK : s.a.state == ANSWER_FAILED ? s.a.err : E_STATE;
    buf_fini(&in);
    done(&s);
    return e;
}

/* LIM-4, LIM-18. */
static void caps(void **state)
{
    const char *end = "content-length: 0\r\n\r\n";
    /* status text, the field's name, its and content-length's cost */
    size_t value = HTTP_HEAD_MAX - 2 - 1 - 14 - 1 - 2 * HEAD_FIELD_COST;

    (void)state;
    assert_int_equal(with(OK_LINE, "a: b\r\n", HTTP_FIELDS_MAX - 1, end), OK);
    assert_int_equal(with(OK_LINE, "a: b\r\n", HTTP_FIELDS_MAX, end), E_TOOBIG);
    assert_int_equal(with(OK_LINE "a: ", "b", value, "\r\ncontent-length: 0\r\n\r\n"), OK);
    assert_int_equal(with(OK_LINE "a: ", "b", value + 1, "\r\ncontent-length: 0\r\n\r\n"),
                     E_TOOBIG);
    assert_int_equal(with(OK_LINE, "b", HTTP_HEAD_MAX, ": c\r\ncontent-length: 0\r\n\r\n"),
                     E_TOOBIG);
    assert_int_equal(with("HTTP/1.1 200 ", "b", HTTP_HEAD_MAX + 1, "\r\n\r\n"), E_TOOBIG);
    assert_int_equal(with(OK_LINE "a:", " ", 5 * HTTP_HEAD_MAX, ""), E_TOOBIG);
    assert_int_equal(with("", "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_INTERIM_MAX,
                          "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
                     OK);
    assert_int_equal(with("", "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_INTERIM_MAX + 1,
                          "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
                     E_UPSTREAM);
    assert_int_equal(with(CHUNKED "1;", "e", 256, "\r\nx\r\n0\r\n\r\n"), OK);
    assert_int_equal(with(CHUNKED "1;", "e", 257, "\r\nx\r\n0\r\n\r\n"), E_TOOBIG);
    assert_int_equal(with(CHUNKED, "1;0123456789\r\nx\r\n", 409, "0\r\n\r\n"), OK);
    assert_int_equal(with(CHUNKED, "1;0123456789\r\nx\r\n", 410, "0\r\n\r\n"), E_TOOBIG);
    assert_int_equal(with(CHUNKED "0\r\n", "t: u\r\n", HTTP_FIELDS_MAX, "\r\n"), OK);
    assert_int_equal(with(CHUNKED "0\r\n", "t: u\r\n", HTTP_FIELDS_MAX + 1, "\r\n"), E_TOOBIG);
}

static void stop_at_head(void *owner, int status, struct http_headers h)
{
    on_head(owner, status, h);
    answer_stop(&((struct seen *)owner)->a);
}

static void stop_at_data(void *owner, struct str bytes)
{
    on_data(owner, bytes);
    answer_stop(&((struct seen *)owner)->a);
}

static void stopping(void **state)
{
    static const struct answer_events AT_HEAD = {stop_at_head, on_data};
    static const struct answer_events AT_DATA = {on_head, stop_at_data};
    const struct answer_events *on[] = {&AT_HEAD, &AT_DATA};
    const char *in = CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
    const char *out[] = {"200 transfer-encoding=chunked;|", "200 transfer-encoding=chunked;|a"};

    (void)state;
    for (size_t i = 0; i < NELEM(on); i++) {
        struct seen s;

        answer_init(&s.a, false, on[i], &s);
        buf_init(&s.text, 1000);
        answer_feed(&s.a, str_z(in));
        assert_int_equal(s.a.state, ANSWER_FAILED);
        assert_true(str_eq(buf_str(&s.text), str_z(out[i])));
        done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers), cmocka_unit_test(early_ends),
        cmocka_unit_test(bad_answers),  cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(caps),         cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
