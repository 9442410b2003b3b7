/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_server_h2.c - HTTP/2 as the server speaks it. Two kinds of client: frames made by hand, for
 * what no library would send, and an nghttp2 session, for windows and long answers. Rows are named
 * after the lines of the requirements that they show. */
#include "fake_http.h"
#include "fake_net.h"

#include "http/server_h2_guard.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

enum { BODY_MAX = 1000000 };
enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

struct scene {
    struct loop *loop;
    struct server *server;
    struct fake_handler h;
    struct stream *s;
    nghttp2_hd_inflater *inflater;
};

static void open_scene(struct scene *x, const char *alpn)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;
    struct server_handler handler = fake_handler(&x->h);

    l.body_max = BODY_MAX;
    x->loop = fake_loop();
    x->server = server_new(x->loop, &handler, &l);
    assert_int_equal(server_listen(x->server, &(struct listen_opts){.fd = -1}, NULL, NULL), OK);
    x->h.server = x->server;
    x->s = fake_connect(x->loop, alpn);
    nghttp2_hd_inflate_new(&x->inflater);
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
    nghttp2_hd_inflate_del(x->inflater);
}

/* Frames by hand. */

static void put_head(struct buf *b, size_t n, int type, int flags, uint32_t id)
{
    const unsigned char head[9] = {
        (unsigned char)(n >> 16),  (unsigned char)(n >> 8),  (unsigned char)n,
        (unsigned char)type,       (unsigned char)flags,     (unsigned char)(id >> 24),
        (unsigned char)(id >> 16), (unsigned char)(id >> 8), (unsigned char)id,
    };

    buf_put(b, str_of((const char *)head, sizeof head));
}

static void put_frame(struct buf *b, int type, int flags, uint32_t id, struct str payload)
{
    put_head(b, payload.n, type, flags, id);
    buf_put(b, payload);
}

/* HPACK, "literal field never indexed", lengths in full. */
static void put_text(struct buf *b, struct str s)
{
    if (s.n < 127) {
        buf_putc(b, (char)s.n);
    } else {
        size_t n = s.n - 127;

        for (buf_putc(b, 127); n >= 128; n >>= 7)
            buf_putc(b, (char)(unsigned char)(0x80 | (n & 0x7f)));
        buf_putc(b, (char)n);
    }
    buf_put(b, s);
}

static void put_field(struct buf *b, struct str name, struct str value)
{
    buf_putc(b, 0x10);
    put_text(b, name);
    put_text(b, value);
}

/* "name=value|name=value" */
static void put_fields(struct buf *b, const char *text)
{
    struct str rest = str_z(text);

    while (rest.n > 0) {
        struct str value = str_cut(&rest, '|');
        struct str name = str_cut(&value, '=');

        put_field(b, name, value);
    }
}

#define FIRST ":method=GET|:scheme=http|:path=/|:authority=h"
#define POST  ":method=POST|:scheme=http|:path=/x|:authority=h"
#define HOLD  ":method=GET|:scheme=http|:path=/hold|:authority=h"

static void put_request(struct buf *b, uint32_t id, int flags, const char *fields)
{
    struct buf block;

    buf_init(&block, SIZE_MAX / 4);
    put_fields(&block, fields);
    put_frame(b, HEADERS, flags | END_HEADERS, id, buf_str(&block));
    buf_fini(&block);
}

static void put_hello(struct buf *b)
{
    buf_lit(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(b, SETTINGS, 0, 0, S(""));
    put_frame(b, SETTINGS, ACK, 0, S(""));
}

/* What the server sent, spelled short: "1:200 1:[text] 1:end 3:rst=1 goaway=11 close". Settings,
 * windows and acknowledgements are left out. */

static void put_status(struct scene *x, struct buf *out, uint32_t id, struct str block)
{
    const uint8_t *p = (const uint8_t *)block.p;
    size_t left = block.n;
    nghttp2_nv nv;
    int flags = 0;

    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        ssize_t n = nghttp2_hd_inflate_hd2(x->inflater, &nv, &flags, p, left, 1);

        assert_true(n >= 0);
        p += n;
        left -= (size_t)n;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && nv.namelen == 7 &&
            memcmp(nv.name, ":status", 7) == 0)
            buf_putf(out, " %u:%.3s", id, (const char *)nv.value);
    }
    nghttp2_hd_inflate_end_headers(x->inflater);
}

static uint32_t word_at(struct str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_outcome(struct scene *x, struct buf *out)
{
    struct str in = buf_str(&x->s->sent);

    while (in.n >= 9) {
        size_t n = word_at(in, 0) >> 8;
        uint32_t id = word_at(in, 5);
        int type = in.p[3], flags = in.p[4];
        struct str payload = str_sub(in, 9, n);

        assert_true(payload.n == n);
        in = str_skip(in, 9 + n);
        if (type == HEADERS)
            put_status(x, out, id, payload);
        if (type == DATA && n > 0)
            buf_putf(out, " %u:[%.*s]", id, S_ARG(str_sub(payload, 0, 40)));
        if (type == RST)
            buf_putf(out, " %u:rst=%u", id, word_at(payload, 0));
        if (type == GOAWAY)
            buf_putf(out, " goaway=%u", word_at(payload, 4));
        if ((type == HEADERS || type == DATA) && (flags & END_STREAM) != 0)
            buf_putf(out, " %u:end", id);
    }
    assert_int_equal(in.n, 0);
    if (x->s->closed)
        buf_lit(out, " close");
}

static void run_bytes(const char *name, struct str in, size_t step, const char *want)
{
    struct scene x;
    struct buf got;

    open_scene(&x, "h2");
    buf_init(&got, SIZE_MAX / 4);
    for (size_t at = 0; at < in.n; at += step)
        fake_feed(x.s, str_sub(in, at, step));
    fake_wait(x.loop, 1000);
    put_outcome(&x, &got);
    if (!str_eq(str_skip(buf_str(&got), 1), str_z(want)))
        fail_msg("%s (step %zu)\n  want: %s\n  got: %.*s", name, step, want, S_ARG(buf_str(&got)));
    buf_fini(&got);
    close_scene(&x);
}

static void every_way(const char *name, struct str in, const char *want)
{
    run_bytes(name, in, SIZE_MAX / 4, want);
    run_bytes(name, in, 1, want);
    run_bytes(name, in, 7, want);
}

static void feed_all(struct scene *x, const struct buf *b)
{
    fake_feed(x->s, buf_str(b));
}

static void expect_outcome(struct scene *x, const char *want)
{
    struct buf got;

    buf_init(&got, SIZE_MAX / 4);
    put_outcome(x, &got);
    buf_putc(&got, '\0');
    assert_string_equal(got.n > 1 ? got.p + 1 : "", want);
    buf_fini(&got);
}

struct row {
    const char *name, *fields, *data, *want;
};

static void run_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf b;

        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        put_request(&b, 1, rows[i].data ? 0 : END_STREAM, rows[i].fields);
        if (rows[i].data != NULL)
            put_frame(&b, DATA, END_STREAM, 1, str_z(rows[i].data));
        every_way(rows[i].name, buf_str(&b), rows[i].want);
        buf_fini(&b);
    }
}

static void plain(void **state)
{
    static const struct row rows[] = {
        {"get",          FIRST,                                                 NULL,    "1:200 1:[GET /? []] 1:end"       },
        {"query",        ":method=GET|:scheme=https|:path=/a?b|:authority=h",   NULL,
         "1:200 1:[GET /a?b []] 1:end"                                                                                     },
        {"host alone",   ":method=GET|:scheme=http|:path=/|host=h",             NULL,
         "1:200 1:[GET /? []] 1:end"                                                                                       },
        {"host as well", FIRST "|host=H",                                       NULL,    "1:200 1:[GET /? []] 1:end"       },
        {"body",         POST,                                                  "hello", "1:200 1:[POST /x? [hello]] 1:end"},
        {"body, length", POST "|content-length=5",                              "hello", "1:200 1:[POST /x? [hello]] 1:end"},
        {"body, empty",  POST,                                                  "",      "1:200 1:[POST /x? []] 1:end"     },
        {"no body",      POST,                                                  NULL,    "1:200 1:[POST /x? []] 1:end"     },
        {"head",         ":method=HEAD|:scheme=http|:path=/|:authority=h",      NULL,    "1:200 1:end"                     },
        {"options",      ":method=OPTIONS|:scheme=http|:path=*|:authority=h",   NULL,
         "1:200 1:[OPTIONS *? []] 1:end"                                                                                   },
        {"streamed",     ":method=GET|:scheme=http|:path=/stream|:authority=h", NULL,
         "1:200 1:[one two, which is longer three] 1:end"                                                                  },
        {"te trailers",  FIRST "|te=trailers",                                  NULL,    "1:200 1:[GET /? []] 1:end"       },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

static void refusals(void **state)
{
    static const struct row rows[] = {
        {"trace",      ":method=TRACE|:scheme=http|:path=/|:authority=h", NULL,
         "1:405 1:[this method is not served here] 1:end"                                },
        {"connect",    ":method=CONNECT|:authority=h:1",                  NULL,
         "1:405 1:[this method is not served here] 1:end"                                },
        {"fragment",   ":method=GET|:scheme=http|:path=/#x|:authority=h", NULL,
         "1:400 1:[a byte in the request target that must b] 1:end"                      },
        {"other host", FIRST "|host=g",                                   NULL,
         "1:400 1:[the Host field differs from the request'] 1:end"                      },
        {"two hosts",  FIRST "|host=h|host=h",                            NULL, "1:rst=1"},
        {"user",       ":method=GET|:scheme=http|:path=/|:authority=u@h", NULL,
         "1:400 1:[the Host field is not a host name] 1:end"                             },
    };

    (void)state;
    run_rows(rows, NELEM(rows));
}

/* H2-8: malformed requests never reach the handler. */
static void h2_8_malformed(void **state)
{
    static const struct row rows[] = {
        {"upper case",               FIRST "|Name=x",                                     NULL,    "1:rst=1"},
        {"connection",               FIRST "|connection=close",                           NULL,    "1:rst=1"},
        {"keep-alive",               FIRST "|keep-alive=1",                               NULL,    "1:rst=1"},
        {"proxy-connection",         FIRST "|proxy-connection=x",                         NULL,    "1:rst=1"},
        {"transfer-encoding",        FIRST "|transfer-encoding=chunked",                  NULL,    "1:rst=1"},
        {"upgrade",                  FIRST "|upgrade=h2c",                                NULL,    "1:rst=1"},
        {"te",                       FIRST "|te=gzip",                                    NULL,    "1:rst=1"},
        {"no method",                ":scheme=http|:path=/|:authority=h",                 NULL,    "1:rst=1"},
        {"no path",                  ":method=GET|:scheme=http|:authority=h",             NULL,    "1:rst=1"},
        {"no scheme",                ":method=GET|:path=/|:authority=h",                  NULL,    "1:rst=1"},
        {"no authority",             ":method=GET|:scheme=http|:path=/",                  NULL,    "1:rst=1"},
        {"two paths",                FIRST "|:path=/x",                                   NULL,    "1:rst=1"},
        {"late pseudo",              ":method=GET|:scheme=http|a=b|:path=/|:authority=h", NULL,    "1:rst=1"},
        {"unknown pseudo",           FIRST "|:x=y",                                       NULL,    "1:rst=1"},
        {"status",                   FIRST "|:status=200",                                NULL,    "1:rst=1"},
        {"empty path",               ":method=GET|:scheme=http|:path=|:authority=h",      NULL,    "1:rst=1"},
        {"path without slash",       ":method=GET|:scheme=http|:path=x|:authority=h",     NULL,    "1:rst=1"},
        {"asterisk",                 ":method=GET|:scheme=http|:path=*|:authority=h",     NULL,    "1:rst=1"},
        {"cr",                       FIRST "|a=b\rc",                                     NULL,    "1:rst=1"},
        {"lf",                       FIRST "|a=b\nc",                                     NULL,    "1:rst=1"},
        {"leading space",            FIRST "|a= b",                                       NULL,    "1:rst=1"},
        {"trailing tab",             FIRST "|a=b\t",                                      NULL,    "1:rst=1"},
        {"space in a name",          FIRST "|a b=c",                                      NULL,    "1:rst=1"},
        {"empty name",               FIRST "|=c",                                         NULL,    "1:rst=1"},
        {"length not a number",      POST "|content-length=5x",                           "hello", "1:rst=1"},
        {"two lengths",              POST "|content-length=5|content-length=5",           "hello", "1:rst=1"},
        {"longer than told",         POST "|content-length=4",                            "hello", "1:rst=1"},
        {"shorter than told",        POST "|content-length=6",                            "hello", "1:rst=1"},
        {"nothing of what was told", POST "|content-length=6",                            NULL,    "1:rst=1"},
    };
    struct buf b, block;

    (void)state;
    run_rows(rows, NELEM(rows));
    buf_init(&b, SIZE_MAX / 4);
    buf_init(&block, SIZE_MAX / 4);
    put_hello(&b);
    put_fields(&block, FIRST);
    put_field(&block, S("a"), S("b\0c"));
    put_frame(&b, HEADERS, END_STREAM | END_HEADERS, 1, buf_str(&block));
    every_way("nul", buf_str(&b), "1:rst=1");
    buf_fini(&block);
    buf_fini(&b);
}

/* Answers that do not wait for the body: whoever sends on is told to stop. */
static void early(void **state)
{
    static const struct row rows[] = {
        {"by the handler", ":method=POST|:scheme=http|:path=/early|:authority=h", "9 byteses",
         "1:401 1:[no] 1:end"                                      },
        {"too large",      POST "|content-length=1000001",                        NULL,
         "1:413 1:[the request body is larger than the limi] 1:end"},
        {"coded",          POST "|content-encoding=gzip",                         "x",
         "1:415 1:[the request body must not be compressed] 1:end" },
        {"expectation",    POST "|expect=wonders",                                "x",
         "1:417 1:[only 100-continue can be expected] 1:end"       },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct buf b, want;

        buf_init(&b, SIZE_MAX / 4);
        buf_init(&want, SIZE_MAX / 4);
        put_hello(&b);
        put_request(&b, 1, 0, rows[i].fields);
        buf_putf(&want, "%s 1:rst=0", rows[i].want);
        buf_putc(&want, '\0');
        every_way(rows[i].name, buf_str(&b), want.p);
        if (rows[i].data != NULL) { /* all of it is there already */
            put_frame(&b, DATA, END_STREAM, 1, str_z(rows[i].data));
            run_bytes(rows[i].name, buf_str(&b), SIZE_MAX / 4, rows[i].want);
        }
        buf_fini(&want);
        buf_fini(&b);
    }
}

/* There are clients that lose an answer which comes together with the reset. */
static void early_reset_waits(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    for (int how = 0; how < 2; how++) {
        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        put_request(&b, 1, 0, ":method=POST|:scheme=http|:path=/early|:authority=h");
        fake_feed(x.s, buf_str(&b));
        fake_wait(x.loop, 999);
        expect_outcome(&x, "1:401 1:[no] 1:end");
        buf_reset(&x.s->sent);
        buf_reset(&b);
        put_frame(&b, DATA, how == 0 ? END_STREAM : 0, 1, S("unwanted"));
        fake_feed(x.s, buf_str(&b));
        assert_int_equal(server_calls(x.server), how);
        fake_wait(x.loop, 1);
        expect_outcome(&x, how == 0 ? "" : "1:rst=0");
        assert_int_equal(server_calls(x.server), 0);
        buf_fini(&b);
        close_scene(&x);
    }
}

static void h2_1_announced(void **state)
{
    static const char WANT[] = "\0\0\x18\x04\0\0\0\0\0"
                               "\0\x03\0\0\0\x64"                    /* 100 streams */
                               "\0\x04\0\x01\0\0"                    /* 64 KiB for each */
                               "\0\x06\0\x01\0\0"                    /* fields: 64 KiB */
                               "\0\x09\0\0\0\x01"                    /* no RFC 7540 priorities */
                               "\0\0\x04\x08\0\0\0\0\0\0\x0f\0\x01"; /* 1 MiB for all */
    struct scene x;

    (void)state;
    open_scene(&x, "h2");
    fake_turn(x.loop);
    assert_int_equal(x.s->sent.n, sizeof WANT - 1);
    assert_memory_equal(x.s->sent.p, WANT, sizeof WANT - 1);
    fake_wait(x.loop, 9999);
    assert_false(x.s->closed);
    fake_wait(x.loop, 1);
    expect_outcome(&x, "goaway=4 close"); /* SETTINGS_TIMEOUT */
    close_scene(&x);
}

static void prior_knowledge(void **state)
{
    static const size_t STEPS[] = {1, 5, 23, 24, 25, SIZE_MAX / 4};
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    put_request(&b, 1, END_STREAM, FIRST);
    for (size_t i = 0; i < NELEM(STEPS); i++) {
        struct scene x;

        open_scene(&x, "");
        for (size_t at = 0; at < b.n; at += STEPS[i])
            fake_feed(x.s, str_sub(buf_str(&b), at, STEPS[i]));
        assert_int_equal(server_connections(x.server), 1);
        expect_outcome(&x, "1:200 1:[GET /? []] 1:end");
        close_scene(&x);
    }
    buf_fini(&b);
}

static void not_http_2(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, "h2");
    fake_feed(x.s, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(x.s->closed);
    assert_int_equal(x.h.heads, 0);
    close_scene(&x);
}

/* Blocks on the wire: their frames and their bytes. */
static void h2_2_blocks(void **state)
{
    struct buf block, b;

    (void)state;
    buf_init(&block, SIZE_MAX / 4);
    buf_init(&b, SIZE_MAX / 4);
    put_fields(&block, FIRST "|a=1|b=2");
    for (size_t over = 0; over < 2; over++) { /* 8 CONTINUATION frames */
        buf_reset(&b);
        put_hello(&b);
        put_frame(&b, HEADERS, END_STREAM, 1, str_sub(buf_str(&block), 0, 5));
        for (size_t i = 0; i < 7 + over; i++)
            put_frame(&b, CONTINUATION, 0, 1, str_sub(buf_str(&block), 5 + i, 1));
        put_frame(&b, CONTINUATION, END_HEADERS, 1, str_skip(buf_str(&block), 12 + over));
        every_way("frames", buf_str(&b), over ? "goaway=11 close" : "1:200 1:[GET /? []] 1:end");
    }
    for (size_t over = 0; over < 2; over++) { /* 64 KiB */
        struct buf text;

        buf_reset(&block);
        buf_init(&text, SIZE_MAX / 4);
        put_fields(&block, FIRST);
        for (size_t i = 0; i < 20000; i++)
            buf_putc(&text, 'x');
        for (int i = 0; i < 3; i++)
            put_field(&block, S("a"), buf_str(&text));
        buf_cut(&text, H2_BLOCK_MAX - block.n - 1 - 2 - 3 + over); /* 3: its length */
        put_field(&block, S("b"), buf_str(&text));
        assert_int_equal(block.n, H2_BLOCK_MAX + over);
        buf_reset(&b);
        put_hello(&b);
        put_frame(&b, HEADERS, END_STREAM, 1, str_sub(buf_str(&block), 0, 16384));
        for (size_t i = 1; i < 4; i++)
            put_frame(&b, CONTINUATION, 0, 1, str_sub(buf_str(&block), i * 16384, 16384));
        put_frame(&b, CONTINUATION, END_HEADERS, 1, str_skip(buf_str(&block), 65536));
        every_way("bytes", buf_str(&b),
                  over ? "goaway=11 close"
                       : "1:431 1:[the request's fields are larger than the] 1:end");
        buf_fini(&text);
    }
    buf_fini(&block);
    buf_fini(&b);
}

static void put_long(struct buf *block, const char *name, size_t n)
{
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);
    text[0] = strcmp(name, ":path") == 0 ? '/' : 'x';
    put_field(block, str_z(name), str_of(text, n));
    mem_free(text);
}

/* A request whose block may need several frames. */
static void put_block_of(struct buf *b, uint32_t id, const struct buf *block, int flags)
{
    struct str rest = buf_str(block);
    int type = HEADERS;

    while (rest.n > 16384) {
        put_frame(b, type, type == HEADERS ? flags : 0, id, str_sub(rest, 0, 16384));
        rest = str_skip(rest, 16384);
        type = CONTINUATION;
    }
    put_frame(b, type, (type == HEADERS ? flags : 0) | END_HEADERS, id, rest);
}

static void put_block(struct buf *b, uint32_t id, const struct buf *block)
{
    put_block_of(b, id, block, END_STREAM);
}

/* All that is allocated, counted or not, without what the scene itself keeps. */
static size_t memory_of(struct scene *x, struct buf *b)
{
    buf_fini(b);
    buf_init(b, SIZE_MAX / 4);
    buf_fini(&x->s->sent);
    buf_fini(&x->s->in);
    buf_fini(&x->s->queue);
    buf_fini(&x->h.seen);
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* LIM-2 on what a block decodes to; the next request on the connection is served. */
static void h2_3_fields(void **state)
{
    struct buf block, b;

    (void)state;
    buf_init(&block, SIZE_MAX / 4);
    buf_init(&b, SIZE_MAX / 4);
    for (int row = 0; row < 10; row++) {
        size_t over = row & 1, first;
        const char *want = over ? "1:431 1:[the request's fields are larger than the] 1:end "
                                  "3:200 3:[GET /? []] 3:end"
                                : "1:200 1:[GET /? []] 1:end 3:200 3:[GET /? []] 3:end";

        buf_reset(&block);
        buf_reset(&b);
        switch (row / 2) {
        case 0: /* the number; each crumb of a cookie is one */
            put_fields(&block, FIRST);
            for (size_t i = 0; i < HTTP_FIELDS_MAX + over; i++)
                put_field(&block, i % 2 ? S("a") : S("cookie"), S("b"));
            break;
        case 1: /* one of them */
            put_fields(&block, FIRST);
            put_long(&block, "abcd", HTTP_FIELD_MAX - 4 + over);
            break;
        case 2: /* all of them: :authority is 10 + 1 + 32 */
            put_fields(&block, FIRST);
            for (int i = 0; i < 4; i++)
                put_long(&block, "a", 16000);
            put_long(&block, "b", (size_t)HTTP_HEAD_MAX - 43 - 4 * (size_t)16033 - 33 + over);
            break;
        case 3: /* who is asked */
            put_fields(&block, ":method=GET|:scheme=http|:path=/");
            put_long(&block, ":authority", HTTP_FIELD_MAX - 10 + over);
            break;
        default: /* the path */
            put_fields(&block, ":method=GET|:scheme=http|:authority=h");
            put_long(&block, ":path", HTTP_LINE_MAX + over);
            want = over ? "1:414 1:[the request target is longer than the li] 1:end "
                          "3:200 3:[GET /? []] 3:end"
                        : "1:200 1:[GET /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx] 1:end "
                          "3:200 3:[GET /? []] 3:end";
        }
        put_hello(&b);
        put_block(&b, 1, &block);
        first = b.n;
        put_request(&b, 3, END_STREAM, FIRST);
        run_bytes("fields", buf_str(&b), first, want);
        run_bytes("fields", buf_str(&b), 1, want);
    }
    buf_fini(&block);
    buf_fini(&b);
}

/* A small block that decodes to hundreds of megabytes: no memory for the excess. */
static void h2_3_bomb(void **state)
{
    struct buf block, b;
    struct scene x;
    size_t before;

    (void)state;
    buf_init(&block, SIZE_MAX / 4);
    buf_init(&b, SIZE_MAX / 4);
    put_fields(&block, FIRST);
    buf_putc(&block, 0x40); /* literal, into the dynamic table */
    put_text(&block, S("a"));
    for (int i = 0; i < 4000; i++)
        buf_putc(&b, 'x');
    put_text(&block, buf_str(&b));
    while (block.n < H2_BLOCK_MAX)
        buf_putc(&block, (char)(0x80 | 62)); /* that entry again */
    buf_reset(&b);
    put_hello(&b);
    put_block(&b, 1, &block);
    open_scene(&x, "h2");
    before = mem_counted();
    feed_all(&x, &b);
    expect_outcome(&x, "1:431 1:[the request's fields are larger than the] 1:end");
    assert_true(mem_counted() - before < 2 * (size_t)H2_BLOCK_MAX + x.s->in.room);
    buf_fini(&block);
    buf_fini(&b);
    close_scene(&x);
}

/* H2-3: whoever waits, for a body or for an answer, has given its large head back before. */
static void h2_3_waiting(void **state)
{
    enum { STREAMS = 90, KEPT = 8192 };
    static const char *const kinds[] = {HOLD, POST};

    (void)state;
    for (size_t i = 0; i < NELEM(kinds); i++) {
        struct buf block, b;
        const struct call *call;
        struct scene x;
        size_t before;

        buf_init(&block, SIZE_MAX / 4);
        buf_init(&b, SIZE_MAX / 4);
        open_scene(&x, "h2");
        put_hello(&b);
        put_fields(&block, FIRST);
        put_block(&b, 1, &block);
        feed_all(&x, &b);
        before = memory_of(&x, &b);
        buf_reset(&block);
        put_fields(&block, kinds[i]);
        put_field(&block, S("kept"), S("as it is"));
        put_long(&block, "origin", CALL_KEPT_BYTES + 1);
        for (int field = 0; field < 4; field++)
            put_long(&block, "large", 15000);
        for (uint32_t n = 0; n < STREAMS; n++) {
            put_block_of(&b, 3 + 2 * n, &block, i == 0 ? END_STREAM : 0);
            feed_all(&x, &b);
            buf_reset(&b);
        }
        buf_fini(&block);
        assert_int_equal(server_calls(x.server), STREAMS);
        assert_true(memory_of(&x, &b) <= before + (size_t)STREAMS * KEPT);
        call = x.h.last;
        assert_true(str_eq(call_path(call), i == 0 ? S("/hold") : S("/x")));
        assert_int_equal(call_headers(call).n, 1);
        assert_true(str_eq(http_header_get(call_headers(call), S("kept")), S("as it is")));
        close_scene(&x);
    }
}

static void h2_3_trailers(void **state)
{
    struct buf block, b;

    (void)state;
    buf_init(&block, SIZE_MAX / 4);
    buf_init(&b, SIZE_MAX / 4);
    for (size_t over = 0; over < 2; over++) {
        buf_reset(&block);
        buf_reset(&b);
        put_hello(&b);
        put_request(&b, 1, 0, POST);
        put_frame(&b, DATA, 0, 1, S("hello"));
        for (size_t i = 1; i < HTTP_FIELDS_MAX + over; i++) /* host is one of a hundred */
            put_field(&block, S("a"), S("b"));
        put_block(&b, 1, &block);
        run_bytes("trailers", buf_str(&b), SIZE_MAX / 4,
                  over ? "1:rst=2" : "1:200 1:[POST /x? [hello]] 1:end");
        run_bytes("trailers", buf_str(&b), 1,
                  over ? "1:rst=2" : "1:200 1:[POST /x? [hello]] 1:end");
    }
    buf_fini(&block);
    buf_fini(&b);
}

/* H2-4: a request and its reset at once, over and over. */
static void h2_4_rapid_reset(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    open_scene(&x, "h2");
    put_hello(&b);
    for (uint32_t i = 0; i < H2_RESETS_BURST; i++) {
        put_request(&b, 2 * i + 1, END_STREAM, HOLD);
        put_frame(&b, RST, 0, 2 * i + 1, S("\0\0\0\x08"));
    }
    feed_all(&x, &b);
    assert_int_equal(x.h.heads, H2_RESETS_BURST);
    assert_int_equal(x.h.gone, H2_RESETS_BURST); /* each was told in its turn */
    assert_int_equal(server_calls(x.server), 0);
    assert_false(x.s->closed);
    fake_wait(x.loop, 50); /* one token comes back */
    buf_reset(&b);
    for (uint32_t i = 0; i < 2; i++) {
        put_request(&b, 2 * i + 1001, END_STREAM, FIRST);
        put_frame(&b, RST, 0, 2 * i + 1001, S("\0\0\0\x08"));
    }
    put_request(&b, 1005, END_STREAM, FIRST); /* never looked at, H2-9 */
    feed_all(&x, &b);
    assert_int_equal(x.h.heads, H2_RESETS_BURST + 2);
    expect_outcome(&x, "goaway=11 close");
    close_scene(&x);
    buf_fini(&b);
}

/* H2-4: the same budget for resets that the client makes us send. */
static void h2_4_made_to_reset(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    for (uint32_t over = 0; over < 2; over++) {
        open_scene(&x, "h2");
        buf_reset(&b);
        put_hello(&b);
        for (uint32_t i = 0; i < H2_RESETS_BURST + over; i++) {
            put_request(&b, 2 * i + 1, END_STREAM, FIRST "|te=gzip");
            feed_all(&x, &b);
            buf_reset(&b);
        }
        assert_int_equal(x.s->closed, over);
        close_scene(&x);
    }
    buf_fini(&b);
}

/* H2-4: a GOAWAY, ours or the client's, ends neither the counting nor the budget. */
static void h2_4_after_goaway(void **state)
{
    (void)state;
    for (int theirs = 0; theirs < 2; theirs++) {
        uint32_t id = 3;
        struct scene x;
        struct buf b;

        buf_init(&b, SIZE_MAX / 4);
        open_scene(&x, "h2");
        put_hello(&b);
        put_request(&b, 1, END_STREAM, HOLD);
        if (theirs)
            put_frame(&b, GOAWAY, 0, 0, S("\0\0\0\0\0\0\0\0"));
        feed_all(&x, &b);
        if (!theirs)
            server_drain(x.server);
        fake_turn(x.loop);
        for (uint32_t i = 0; i <= H2_RESETS_BURST; i++, id += 2) {
            assert_false(x.s->closed);
            buf_reset(&b);
            put_request(&b, id, END_STREAM, HOLD);
            put_frame(&b, RST, 0, id, S("\0\0\0\x08"));
            feed_all(&x, &b);
        }
        expect_outcome(&x, theirs ? "goaway=11 close" : "goaway=0 goaway=11 close");
        assert_int_equal(x.h.heads, theirs ? 2 + H2_RESETS_BURST : 1);
        assert_int_equal(x.h.gone, x.h.heads);
        buf_fini(&b);
        close_scene(&x);
    }
}

/* H2-5: frames that cost more than they carry. */
static void h2_5_glitches(void **state)
{
    static const struct {
        const char *name;
        int type, flags;
        uint32_t id;
        struct str payload;
        bool glitch;
    } rows[] = {
        {"ping",                PING,     0,   0, S_INIT("12345678"),     true },
        {"ping acknowledged",   PING,     ACK, 0, S_INIT("12345678"),     true },
        {"settings",            SETTINGS, 0,   0, S_INIT(""),             true },
        {"priority",            PRIORITY, 0,   9, S_INIT("\0\0\0\0\x10"), true },
        {"unknown",             77,       0,   0, S_INIT("what?"),        true },
        {"empty data",          DATA,     0,   1, S_INIT(""),             true },
        {"small window",        WINDOW,   0,   1, S_INIT("\0\0\0\xff"),   true },
        {"small window of all", WINDOW,   0,   0, S_INIT("\0\0\0\x01"),   true },
        {"window",              WINDOW,   0,   1, S_INIT("\0\0\x01\0"),   false},
        {"data",                DATA,     0,   1, S_INIT("x"),            false},
    };

    (void)state;
    for (size_t row = 0; row < NELEM(rows); row++) {
        struct scene x;
        struct buf b;
        unsigned sent = 2; /* our own SETTINGS */

        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        put_request(&b, 1, 0, ":method=POST|:scheme=http|:path=/hold|:authority=h");
        feed_all(&x, &b);
        for (; sent < H2_GLITCHES_BURST; sent++) {
            buf_reset(&b);
            put_frame(&b, rows[row].type, rows[row].flags, rows[row].id, rows[row].payload);
            feed_all(&x, &b);
            if (x.s->closed)
                fail_msg("%s: closed after %u", rows[row].name, sent);
        }
        fake_wait(x.loop, 10);
        feed_all(&x, &b);
        assert_false(x.s->closed);
        feed_all(&x, &b);
        if (x.s->closed != rows[row].glitch)
            fail_msg("%s: not seen as what it is", rows[row].name);
        if (rows[row].glitch)
            expect_outcome(&x, "goaway=11 close");
        buf_fini(&b);
        close_scene(&x);
    }
}

/* H2-5: the same for the frames of a header block, of which one is empty. */
static void h2_5_empty_blocks(void **state)
{
    struct buf block, b;

    (void)state;
    buf_init(&block, SIZE_MAX / 4);
    buf_init(&b, SIZE_MAX / 4);
    put_fields(&block, FIRST);
    for (int last = 0; last < 2; last++) {
        unsigned sent = 2; /* our own SETTINGS */
        uint32_t id = 1;
        struct scene x;

        open_scene(&x, "h2");
        buf_reset(&b);
        put_hello(&b);
        for (; !x.s->closed && sent <= H2_GLITCHES_BURST; sent++, id += 2) {
            put_frame(&b, HEADERS, END_STREAM, id, last ? buf_str(&block) : S(""));
            put_frame(&b, CONTINUATION, END_HEADERS, id, last ? S("") : buf_str(&block));
            feed_all(&x, &b);
            buf_reset(&b);
        }
        assert_true(x.s->closed);
        assert_int_equal(sent, H2_GLITCHES_BURST + 1);
        assert_int_equal(x.h.heads, H2_GLITCHES_BURST - 2);
        close_scene(&x);
    }
    buf_fini(&block);
    buf_fini(&b);
}

/* H2-5: acknowledgements for a client that does not read them: so many and no more. */
static void h2_5_acks(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct scene x;
        struct buf b;

        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        feed_all(&x, &b);
        fake_turn(x.loop);
        x.s->window = 0;
        buf_reset(&b);
        for (size_t i = 0; i < 64 + over; i++)
            put_frame(&b, PING, 0, 0, S("12345678"));
        feed_all(&x, &b);
        assert_int_equal(x.s->closed, over);
        buf_fini(&b);
        close_scene(&x);
    }
}

/* One stream more than was announced: refused, or the end of the connection when the client had
 * acknowledged the number. */
static void h2_6_streams(void **state)
{
    (void)state;
    for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
        struct scene x;
        struct buf b;

        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        buf_lit(&b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        put_frame(&b, SETTINGS, 0, 0, S(""));
        if (acknowledged)
            put_frame(&b, SETTINGS, ACK, 0, S(""));
        for (uint32_t i = 0; i < 100; i++)
            put_request(&b, 2 * i + 1, END_STREAM,
                        ":method=GET|:scheme=http|:path=/hold|:authority=h");
        feed_all(&x, &b);
        assert_int_equal(server_calls(x.server), 100);
        buf_reset(&b);
        put_request(&b, 201, END_STREAM, FIRST);
        feed_all(&x, &b);
        assert_int_equal(x.h.heads, 100);
        if (acknowledged) {
            expect_outcome(&x, "goaway=1 close");
        } else {
            fake_answer_held(&x.h, 0, 204, S(""));
            fake_turn(x.loop);
            buf_reset(&b);
            put_request(&b, 203, END_STREAM, FIRST);
            feed_all(&x, &b);
            expect_outcome(&x, "201:rst=7 1:204 1:end 203:200 203:[GET /? []] 203:end");
        }
        buf_fini(&b);
        close_scene(&x);
    }
}

/* H2-6: a place is free when what was asked for is cancelled, and no sooner. */
static void h2_6_cancelled(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    open_scene(&x, "h2");
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    for (uint32_t i = 0; i < 100; i++)
        put_request(&b, 2 * i + 1, END_STREAM, HOLD);
    for (uint32_t i = 0; i < 100; i++) {
        put_frame(&b, RST, 0, 2 * i + 1, S("\0\0\0\x08"));
        put_request(&b, 2 * i + 201, END_STREAM, HOLD);
    }
    feed_all(&x, &b);
    assert_int_equal(x.h.heads, 200);
    assert_int_equal(x.h.gone, 100);
    assert_int_equal(x.h.most, 100);
    assert_int_equal(server_calls(x.server), 100);
    assert_false(x.s->closed);
    buf_fini(&b);
    close_scene(&x);
}

/* H2-1: what was announced is held to: larger frames and a larger table are errors. */
static void h2_1_held_to(void **state)
{
    static const struct {
        size_t size;
        const char *table; /* HPACK's size update */
        const char *want;
    } rows[] = {
        {16384, "\x3f\xe1\x1f",
         "1:200 1:[POST /x? [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx] 1:[xxxxxxxxxx]] 1:end"},
        {16385, "",             "goaway=6 close"                                   },
        {0,     "\x3f\xe2\x1f", "goaway=9 close"                                   },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct buf b, block, data;
        struct scene x;

        buf_init(&b, SIZE_MAX / 4);
        buf_init(&block, SIZE_MAX / 4);
        buf_init(&data, SIZE_MAX / 4);
        buf_put(&block, str_z(rows[i].table));
        put_fields(&block, POST);
        put_hello(&b);
        put_frame(&b, HEADERS, END_HEADERS, 1, buf_str(&block));
        while (data.n < rows[i].size)
            buf_putc(&data, 'x');
        put_frame(&b, DATA, END_STREAM, 1, buf_str(&data));
        open_scene(&x, "h2");
        feed_all(&x, &b);
        expect_outcome(&x, rows[i].want);
        buf_fini(&data);
        buf_fini(&block);
        buf_fini(&b);
        close_scene(&x);
    }
}

/* H2-9: after a connection error nothing is interpreted. */
static void h2_9_after_the_error(void **state)
{
    static const struct {
        const char *name;
        int type, flags;
        uint32_t id;
        struct str payload;
    } rows[] = {
        {"push",                    PUSH,         END_HEADERS, 1, S_INIT("\0\0\0\x02")              },
        {"continuation of nothing", CONTINUATION, END_HEADERS, 1, S_INIT("")                        },
        {"headers on 0",            HEADERS,      END_HEADERS, 0, S_INIT("")                        },
        {"even stream",             HEADERS,      END_HEADERS, 2, S_INIT("\x82")                    },
        {"broken hpack",            HEADERS,      END_HEADERS, 1, S_INIT("\xff\xff\xff\xff\xff\xff")},
        {"data on 0",               DATA,         0,           0, S_INIT("x")                       },
        {"reset of an idle stream", RST,          0,           5, S_INIT("\0\0\0\x08")              },
        {"short reset",             RST,          0,           1, S_INIT("\0\0\0")                  },
        {"window of 0",             WINDOW,       0,           0, S_INIT("\0\0\0\0")                },
        {"long window",             WINDOW,       0,           0, S_INIT("\0\0\0\0\0")              },
        {"long ping",               PING,         0,           0, S_INIT("123456789")               },
        {"odd settings",            SETTINGS,     0,           0, S_INIT("12345")                   },
        {"settings on a stream",    SETTINGS,     0,           1, S_INIT("")                        },
        {"acknowledged by more",    SETTINGS,     ACK,         0, S_INIT("123456")                  },
        {"padding over the length", DATA,         PADDED,      1, S_INIT("\x05x")                   },
    };

    (void)state;
    for (size_t row = 0; row < NELEM(rows); row++) {
        struct scene x;
        struct buf b;

        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        put_frame(&b, rows[row].type, rows[row].flags, rows[row].id, rows[row].payload);
        put_request(&b, 7, END_STREAM, FIRST);
        feed_all(&x, &b);
        if (x.h.heads != 0 || !x.s->closed)
            fail_msg("%s: %zu heads", rows[row].name, x.h.heads);
        buf_fini(&b);
        close_scene(&x);
    }
}

static void h2_7_expect(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    open_scene(&x, "h2");
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    put_request(&b, 1, 0, POST "|expect=100-continue");
    feed_all(&x, &b);
    expect_outcome(&x, "1:100");
    buf_reset(&x.s->sent);
    buf_reset(&b);
    put_frame(&b, DATA, END_STREAM, 1, S("hello"));
    feed_all(&x, &b);
    expect_outcome(&x, "1:200 1:[POST /x? [hello]] 1:end");
    buf_fini(&b);
    close_scene(&x);
}

static void lim_time(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);

    open_scene(&x, "h2"); /* LIM-10: without streams; pings do not count */
    put_hello(&b);
    put_request(&b, 1, END_STREAM, FIRST);
    feed_all(&x, &b);
    fake_wait(x.loop, 60000);
    buf_reset(&b);
    put_frame(&b, PING, 0, 0, S("12345678"));
    feed_all(&x, &b);
    fake_wait(x.loop, 59999);
    assert_false(x.s->closed);
    fake_wait(x.loop, 1);
    expect_outcome(&x, "1:200 1:[GET /? []] 1:end goaway=0 close");
    close_scene(&x);

    open_scene(&x, "h2"); /* a stream in work: no idle time */
    buf_reset(&b);
    put_hello(&b);
    put_request(&b, 1, END_STREAM, ":method=GET|:scheme=http|:path=/hold|:authority=h");
    feed_all(&x, &b);
    fake_wait(x.loop, 1000000);
    assert_false(x.s->closed);
    fake_answer_held(&x.h, 0, 200, S("at last"));
    fake_turn(x.loop);
    fake_wait(x.loop, 120000);
    expect_outcome(&x, "1:200 1:[at last] 1:end goaway=0 close");
    close_scene(&x);

    open_scene(&x, "h2"); /* LIM-7: a head that does not end */
    buf_reset(&b);
    put_hello(&b);
    put_frame(&b, HEADERS, 0, 1, S(""));
    feed_all(&x, &b);
    fake_wait(x.loop, 9999);
    assert_false(x.s->closed);
    fake_wait(x.loop, 1);
    expect_outcome(&x, "goaway=11 close");
    close_scene(&x);

    open_scene(&x, "h2"); /* LIM-8: a body that does not come */
    buf_reset(&b);
    put_hello(&b);
    put_request(&b, 1, 0, POST);
    feed_all(&x, &b);
    fake_wait(x.loop, 10000);
    fake_wait(x.loop, 1000);
    expect_outcome(&x, "1:408 1:[the request body came too slowly] 1:end 1:rst=0");
    assert_int_equal(x.h.gone, 1);
    close_scene(&x);
    buf_fini(&b);
}

/* LIM-8: silence in the middle of a body, at a good average; and one that never ends. */
static void lim_8_bodies(void **state)
{
    static const struct {
        int pieces;
        uint32_t pause_ms, last_ms;
    } rows[] = {
        {100, 0,    30000},
        {299, 1000, 1000 },
    };
    char block[2048];

    (void)state;
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene x;
        struct buf b;

        open_scene(&x, "h2");
        buf_init(&b, SIZE_MAX / 4);
        put_hello(&b);
        put_request(&b, 1, 0, POST);
        feed_all(&x, &b);
        for (int n = 0; n < rows[i].pieces; n++) {
            buf_reset(&b);
            put_frame(&b, DATA, 0, 1, str_of(block, sizeof block));
            feed_all(&x, &b);
            if (rows[i].pause_ms > 0)
                fake_wait(x.loop, rows[i].pause_ms);
        }
        fake_wait(x.loop, rows[i].last_ms - 1);
        assert_int_equal(x.h.gone, 0);
        fake_wait(x.loop, 1);
        assert_int_equal(x.h.gone, 1);
        fake_wait(x.loop, 1000);
        expect_outcome(&x, "1:408 1:[the request body came too slowly] 1:end 1:rst=0");
        buf_fini(&b);
        close_scene(&x);
    }
}

static void drain(void **state)
{
    struct scene x;
    struct stream *idle;
    struct buf b;

    (void)state;
    open_scene(&x, "h2");
    idle = fake_connect(x.loop, "h2");
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    fake_feed(idle, buf_str(&b));
    put_request(&b, 1, END_STREAM, ":method=GET|:scheme=http|:path=/hold|:authority=h");
    feed_all(&x, &b);
    server_drain(x.server);
    fake_turn(x.loop);
    assert_true(idle->closed);
    assert_false(x.s->closed);
    buf_reset(&b);
    put_request(&b, 3, END_STREAM, FIRST);
    feed_all(&x, &b);
    assert_int_equal(x.h.heads, 1); /* the client tries that one elsewhere */
    fake_answer_held(&x.h, 0, 200, S("done"));
    fake_turn(x.loop);
    expect_outcome(&x, "goaway=0 1:200 1:[done] 1:end close");
    buf_fini(&b);
    close_scene(&x);
}

/* A client of nghttp2's. */

enum { PEER_STREAMS = 8 };
struct peer {
    struct scene *x;
    nghttp2_session *session;
    size_t at;                     /* of the server's bytes */
    struct buf body[PEER_STREAMS]; /* by stream id / 2 */
    int closed[PEER_STREAMS];      /* error code + 1 */
    size_t upload, uploaded;
    size_t first_of_second; /* bytes of the first body when the second began */
};

static int peer_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p,
                     size_t n, void *user)
{
    struct peer *peer = user;

    (void)session;
    (void)flags;
    if (id == 3 && peer->body[1].n == 0)
        peer->first_of_second = peer->body[0].n;
    buf_put(&peer->body[id / 2], str_of((const char *)p, n));
    return 0;
}

static int peer_closed(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session;
    ((struct peer *)user)->closed[id / 2] = (int)code + 1;
    return 0;
}

static ssize_t peer_upload(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct peer *peer = user;
    size_t n = peer->upload - peer->uploaded;

    (void)session;
    (void)id;
    (void)source;
    n = n < max ? n : max;
    memset(to, 'u', n);
    peer->uploaded += n;
    if (peer->uploaded == peer->upload)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void peer_init(struct peer *p, struct scene *x, bool auto_window)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *opt;

    *p = (struct peer){.x = x};
    for (size_t i = 0; i < PEER_STREAMS; i++)
        buf_init(&p->body[i], SIZE_MAX / 4);
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, peer_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, peer_closed);
    nghttp2_option_new(&opt);
    nghttp2_option_set_no_auto_window_update(opt, !auto_window);
    nghttp2_session_client_new2(&p->session, cb, p, opt);
    nghttp2_option_del(opt);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void peer_fini(struct peer *p)
{
    nghttp2_session_del(p->session);
    for (size_t i = 0; i < PEER_STREAMS; i++)
        buf_fini(&p->body[i]);
}

/* Both sides, until neither has anything to say. */
static void talk(struct peer *p)
{
    for (bool again = true; again;) {
        const uint8_t *out;
        ssize_t n = nghttp2_session_mem_send(p->session, &out);
        struct str in;

        assert_true(n >= 0);
        if (n > 0)
            fake_feed(p->x->s, str_of((const char *)out, (size_t)n));
        in = str_skip(buf_str(&p->x->s->sent), p->at);
        p->at += in.n;
        if (in.n > 0)
            assert_int_equal(nghttp2_session_mem_recv(p->session, (const uint8_t *)in.p, in.n),
                             in.n);
        again = n > 0 || in.n > 0;
    }
}

static int32_t ask(struct peer *p, const char *method, const char *path, size_t upload)
{
    nghttp2_data_provider body = {{0}, peer_upload};
    nghttp2_nv nv[4];
    const char *const text[] = {":method", method, ":path",      path,
                                ":scheme", "http", ":authority", "h"};

    for (size_t i = 0; i < 4; i++)
        nv[i] = (nghttp2_nv){(uint8_t *)text[2 * i], (uint8_t *)text[2 * i + 1],
                             strlen(text[2 * i]), strlen(text[2 * i + 1]), 0};
    p->upload = upload;
    p->uploaded = 0;
    return nghttp2_submit_request(p->session, NULL, nv, 4, upload > 0 ? &body : NULL, NULL);
}

static void upload(void **state)
{
    struct scene x;
    struct peer p;

    (void)state;
    open_scene(&x, "h2");
    peer_init(&p, &x, true);
    ask(&p, "POST", "/x", BODY_MAX);
    talk(&p);
    assert_int_equal(p.closed[0], NGHTTP2_NO_ERROR + 1);
    assert_int_equal(p.body[0].n, BODY_MAX + strlen("POST /x? []"));
    ask(&p, "POST", "/x", BODY_MAX + 1);
    talk(&p);
    assert_true(str_eq(buf_str(&p.body[1]), S("the request body is larger than the limit")));
    peer_fini(&p);
    close_scene(&x);
}

/* Of a body that nobody has asked for yet, one window comes; a neighbour is not held up by it. */
static void lim_13_unwanted(void **state)
{
    struct scene x;
    struct peer p;

    (void)state;
    open_scene(&x, "h2");
    x.h.no_body = true;
    peer_init(&p, &x, true);
    talk(&p);
    ask(&p, "POST", "/hold", 500000);
    talk(&p);
    assert_int_equal(p.uploaded, 65536);
    ask(&p, "GET", "/", 0);
    p.upload = 500000; /* still the first one's */
    p.uploaded = 65536;
    talk(&p);
    assert_int_equal(p.closed[1], NGHTTP2_NO_ERROR + 1);
    assert_int_equal(p.uploaded, 65536);
    call_want_body(x.h.held[0]->call);
    fake_turn(x.loop);
    talk(&p);
    assert_int_equal(x.h.bodies, 2);
    assert_int_equal(p.uploaded, 500000);
    fake_answer_held(&x.h, 0, 200, S("thanks"));
    fake_turn(x.loop);
    talk(&p);
    assert_true(str_eq(buf_str(&p.body[0]), S("thanks")));
    peer_fini(&p);
    close_scene(&x);
}

/* LIM-13. The client's window is full: the writer is told, and told again when it goes on. */
static void back_pressure(void **state)
{
    char block[16384];
    struct scene x;
    struct peer p;
    struct call *c;
    int writes = 0;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, "h2");
    peer_init(&p, &x, false);
    ask(&p, "GET", "/hold", 0);
    talk(&p);
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    do {
        writes++;
        fake_turn(x.loop);
    } while (call_write(c, str_of(block, sizeof block)) == FLOW_GO && writes < 100);
    assert_int_equal(writes, 8); /* 64 KiB in the client's window, 64 KiB here */
    talk(&p);
    assert_int_equal(p.body[0].n, 65535);
    assert_true(call_queued(c) >= FLOW_HIGH);
    assert_int_equal(x.h.drains, 0);
    nghttp2_session_consume(p.session, 1, 40000);
    talk(&p);
    assert_int_equal(x.h.drains, 0);
    nghttp2_session_consume(p.session, 1, 35535);
    talk(&p);
    assert_int_equal(x.h.drains, 1);
    assert_int_equal(p.body[0].n, 8 * sizeof block);
    assert_int_equal(call_write(c, S("the end")), FLOW_GO);
    call_end(c);
    fake_let_off(x.h.held[0]);
    fake_turn(x.loop);
    talk(&p);
    assert_int_equal(p.body[0].n, 8 * sizeof block + 7);
    assert_int_equal(p.closed[0], NGHTTP2_NO_ERROR + 1);
    peer_fini(&p);
    close_scene(&x);
}

/* A socket that takes nothing: what waits, waits in the calls and not in the socket's queue. */
static void slow_socket(void **state)
{
    struct scene x;
    struct peer p;
    struct buf big;

    (void)state;
    buf_init(&big, SIZE_MAX / 4);
    for (int i = 0; i < 2000000; i++)
        buf_putc(&big, (char)('a' + i % 26));
    open_scene(&x, "h2");
    peer_init(&p, &x, true);
    nghttp2_submit_settings(
        p.session, 0, &(nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}, 1);
    nghttp2_session_set_local_window_size(p.session, 0, 0, 1 << 30);
    ask(&p, "GET", "/hold", 0);
    ask(&p, "GET", "/hold", 0);
    talk(&p);
    x.s->window = 0;
    fake_answer_held(&x.h, 0, 200, buf_str(&big));
    fake_answer_held(&x.h, 1, 200, buf_str(&big));
    fake_turn(x.loop);
    assert_true(stream_queued(x.s) >= FLOW_HIGH);
    assert_true(stream_queued(x.s) < FLOW_HIGH + 20000);
    for (int i = 0; i < 300 && p.closed[1] == 0; i++) {
        fake_wait(x.loop, 1000);
        fake_take(x.s, 20000);
        talk(&p);
        assert_true(stream_queued(x.s) < FLOW_HIGH + 20000);
    }
    assert_true(str_eq(buf_str(&p.body[0]), buf_str(&big)));
    assert_true(str_eq(buf_str(&p.body[1]), buf_str(&big)));
    assert_true(p.first_of_second < 40000); /* they take turns */
    buf_fini(&big);
    peer_fini(&p);
    close_scene(&x);
}

/* LIM-9, H2-7: a window that is opened byte by byte is a stall of that call alone. */
static void h2_7_stall(void **state)
{
    char block[100000];
    struct scene x;
    struct peer p;
    struct call *c;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, "h2");
    peer_init(&p, &x, false);
    ask(&p, "GET", "/hold", 0);
    ask(&p, "GET", "/hold", 0);
    talk(&p);
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    call_write(c, str_of(block, sizeof block));
    fake_turn(x.loop);
    talk(&p);
    fake_wait(x.loop, 60000); /* the first window was progress enough */
    for (int i = 0; i < 59; i++) {
        nghttp2_submit_window_update(p.session, 0, 1, 1);
        talk(&p);
        fake_wait(x.loop, 1000);
    }
    assert_int_equal(x.h.gone, 0);
    fake_wait(x.loop, 1000);
    talk(&p);
    assert_int_equal(x.h.gone, 1);
    assert_int_equal(p.closed[0], NGHTTP2_CANCEL + 1);
    assert_false(x.s->closed);
    fake_answer_held(&x.h, 1, 200, S(""));
    fake_turn(x.loop);
    talk(&p);
    assert_int_equal(p.closed[1], NGHTTP2_NO_ERROR + 1);
    peer_fini(&p);
    close_scene(&x);
}

static void client_gone(void **state)
{
    struct scene x;
    struct peer p;

    (void)state;
    for (int how = 0; how < 3; how++) {
        open_scene(&x, "h2");
        peer_init(&p, &x, true);
        ask(&p, "GET", "/hold", 0);
        ask(&p, "GET", "/hold", 0);
        talk(&p);
        call_respond(x.h.held[0]->call, 200, (struct http_headers){NULL, 0}, -1);
        call_write(x.h.held[0]->call, S("one"));
        fake_turn(x.loop);
        talk(&p);
        assert_int_equal(x.h.gone, 0);
        if (how == 0) {
            nghttp2_submit_rst_stream(p.session, 0, 1, NGHTTP2_CANCEL);
            talk(&p);
            assert_int_equal(x.h.gone, 1);
            assert_int_equal(server_calls(x.server), 1);
            assert_false(x.s->closed);
        } else {
            fake_end(x.s, how == 1 ? OK : E_CLOSED);
            assert_int_equal(x.h.gone, 2);
            assert_true(x.s->closed);
        }
        peer_fini(&p);
        close_scene(&x);
        assert_int_equal(x.h.gone, 2);
    }
}

static void broken_answers(void **state)
{
    struct scene x;
    struct peer p;
    struct call *c;

    (void)state;
    open_scene(&x, "h2");
    peer_init(&p, &x, true);
    for (int i = 0; i < 4; i++)
        ask(&p, "GET", "/hold", 0);
    talk(&p);
    c = x.h.held[0]->call; /* broken off; what was written arrives */
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    call_write(c, S("part"));
    call_reset(c);
    c = x.h.held[1]->call; /* fewer bytes than named */
    call_respond(c, 200, (struct http_headers){NULL, 0}, 10);
    call_write(c, S("part"));
    call_end(c);
    call_reset(x.h.held[2]->call); /* nothing said at all */
    c = x.h.held[3]->call;         /* more bytes than named */
    call_respond(c, 200, (struct http_headers){NULL, 0}, 4);
    call_write(c, S("four"));
    call_write(c, S("five"));
    call_end(c);
    for (size_t i = 0; i < 4; i++)
        fake_let_off(x.h.held[i]);
    fake_turn(x.loop);
    talk(&p);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(p.closed[i], NGHTTP2_INTERNAL_ERROR + 1);
    assert_true(str_eq(buf_str(&p.body[0]), S("part")));
    assert_true(str_eq(buf_str(&p.body[1]), S("part")));
    assert_true(str_eq(buf_str(&p.body[3]), S("four")));
    assert_int_equal(x.h.gone, 0);
    assert_false(x.s->closed);
    peer_fini(&p);
    close_scene(&x);
}

/* LIM-14: one answer has no memory left; the connection and its other calls go on. */
static void lim_14_budget(void **state)
{
    size_t budget = mem_budget();
    char block[100000];
    struct scene x;
    struct peer p;
    struct call *c;

    (void)state;
    memset(block, 'x', sizeof block);
    open_scene(&x, "h2");
    peer_init(&p, &x, false);
    ask(&p, "GET", "/hold", 0);
    talk(&p);
    c = x.h.held[0]->call;
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    mem_set_budget(mem_counted() + 500000);
    for (int i = 0; i < 20; i++)
        call_write(c, str_of(block, sizeof block));
    assert_int_equal(x.h.gone, 0); /* never from inside a call */
    mem_set_budget(budget);
    fake_turn(x.loop);
    assert_int_equal(x.h.gone, 1);
    talk(&p);
    assert_int_equal(p.closed[0], NGHTTP2_INTERNAL_ERROR + 1);
    nghttp2_session_consume_connection(p.session, p.body[0].n);
    ask(&p, "GET", "/", 0);
    talk(&p);
    assert_int_equal(p.closed[1], NGHTTP2_NO_ERROR + 1);
    peer_fini(&p);
    close_scene(&x);
}

/* LIM-14: with the budget all but gone, the answer that has most bytes waiting goes, and no other;
 * also when a frame of it is begun. */
static void lim_14_shed(void **state)
{
    size_t budget = mem_budget();
    char block[100000];
    struct scene x;
    struct peer p;

    (void)state;
    memset(block, 'x', sizeof block);
    for (int begun = 0; begun < 2; begun++) {
        open_scene(&x, "h2");
        peer_init(&p, &x, begun == 1);
        for (int i = 0; i < 2; i++)
            ask(&p, "GET", "/hold", 0);
        talk(&p);
        if (begun)
            x.s->window = 0;
        for (int i = 0; i < 2; i++) {
            call_respond(x.h.held[i]->call, 200, (struct http_headers){NULL, 0}, -1);
            for (int n = 0; n < 3 - i; n++)
                call_write(x.h.held[i]->call, str_of(block, sizeof block));
            fake_turn(x.loop);
        }
        mem_set_budget(mem_counted() + mem_counted() / 50);
        ask(&p, "GET", "/", 0);
        talk(&p);
        mem_set_budget(budget);
        assert_int_equal(x.h.gone, 1);
        assert_null(x.h.held[0]);
        call_end(x.h.held[1]->call);
        fake_let_off(x.h.held[1]);
        x.s->window = SIZE_MAX;
        fake_turn(x.loop);
        talk(&p);
        for (int i = 0; begun == 0 && i < 5; i++) { /* both windows are the test's business */
            nghttp2_submit_window_update(p.session, 0, 3, 50000);
            nghttp2_submit_window_update(p.session, 0, 0, 50000);
            talk(&p);
        }
        assert_true(p.closed[0] > NGHTTP2_NO_ERROR + 1);
        assert_int_equal(p.closed[1], NGHTTP2_NO_ERROR + 1);
        assert_int_equal(p.closed[2], NGHTTP2_NO_ERROR + 1);
        assert_int_equal(p.body[1].n, 2 * sizeof block);
        peer_fini(&p);
        close_scene(&x);
    }
}

static void closed_by_the_handler(void **state)
{
    struct scene x;
    struct buf b;

    (void)state;
    open_scene(&x, "h2");
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    put_request(&b, 1, 0, ":method=GET|:scheme=http|:path=/hold|:authority=h");
    put_request(&b, 3, END_STREAM, ":method=GET|:scheme=http|:path=/close|:authority=h");
    put_frame(&b, DATA, END_STREAM, 1, S("x"));
    put_request(&b, 5, END_STREAM, FIRST);
    feed_all(&x, &b);
    assert_int_equal(x.h.heads, 2);
    assert_int_equal(x.h.gone, 1);
    assert_true(x.s->closed);
    buf_fini(&b);
    close_scene(&x);
}

static void response_too_large(void **state)
{
    struct http_header field = {S("x-long"), S("")};
    struct scene x;
    struct peer p;
    struct buf value;

    (void)state;
    buf_init(&value, SIZE_MAX / 4);
    for (int i = 0; i < 70000; i++)
        buf_putc(&value, 'x');
    field.value = buf_str(&value);
    open_scene(&x, "h2");
    peer_init(&p, &x, true);
    ask(&p, "GET", "/hold", 0);
    talk(&p);
    call_respond(x.h.held[0]->call, 200, (struct http_headers){&field, 1}, -1);
    call_write(x.h.held[0]->call, S("text"));
    assert_int_equal(x.h.gone, 0);
    fake_turn(x.loop);
    talk(&p);
    assert_int_equal(x.h.gone, 1);
    assert_true(p.closed[0] > NGHTTP2_NO_ERROR + 1);
    buf_fini(&value);
    peer_fini(&p);
    close_scene(&x);
}

/* SHP-4, PRC-3. Every allocation of foreign size fails once. */
static void torture(void **state)
{
    size_t budget = mem_budget();
    size_t room = 0, whole = 0;
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    put_hello(&b);
    put_request(&b, 1, END_STREAM, ":method=GET|:scheme=http|:path=/stream|:authority=h|a=b");
    put_request(&b, 3, 0, POST);
    put_frame(&b, DATA, END_STREAM, 3, S("hello"));
    while (whole < 2) {
        struct scene x;

        open_scene(&x, "h2");
        fake_turn(x.loop);
        assert_non_null(buf_reserve(&x.s->in, 2000)); /* the test's own buffers do not fail */
        assert_non_null(buf_reserve(&x.s->queue, 2000));
        assert_non_null(buf_reserve(&x.s->sent, 2000));
        assert_non_null(buf_reserve(&x.h.seen, 1000));
        mem_set_budget(mem_counted() + room);
        feed_all(&x, &b);
        mem_set_budget(budget);
        whole = str_find(buf_str(&x.s->sent), S("three")) < x.s->sent.n ? 1 : 0;
        whole += str_find(buf_str(&x.s->sent), S("[hello]")) < x.s->sent.n ? 1 : 0;
        close_scene(&x);
        room += 16;
        assert_true(room < 100000);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(refusals),
        cmocka_unit_test(early),
        cmocka_unit_test(early_reset_waits),
        cmocka_unit_test(prior_knowledge),
        cmocka_unit_test(not_http_2),
        cmocka_unit_test(h2_1_announced),
        cmocka_unit_test(h2_1_held_to),
        cmocka_unit_test(h2_2_blocks),
        cmocka_unit_test(h2_3_fields),
        cmocka_unit_test(h2_3_bomb),
        cmocka_unit_test(h2_3_waiting),
        cmocka_unit_test(h2_3_trailers),
        cmocka_unit_test(h2_4_rapid_reset),
        cmocka_unit_test(h2_4_made_to_reset),
        cmocka_unit_test(h2_4_after_goaway),
        cmocka_unit_test(h2_5_glitches),
        cmocka_unit_test(h2_5_empty_blocks),
        cmocka_unit_test(h2_5_acks),
        cmocka_unit_test(h2_6_streams),
        cmocka_unit_test(h2_6_cancelled),
        cmocka_unit_test(h2_7_expect),
        cmocka_unit_test(h2_7_stall),
        cmocka_unit_test(h2_8_malformed),
        cmocka_unit_test(h2_9_after_the_error),
        cmocka_unit_test(lim_time),
        cmocka_unit_test(lim_8_bodies),
        cmocka_unit_test(lim_13_unwanted),
        cmocka_unit_test(lim_14_budget),
        cmocka_unit_test(lim_14_shed),
        cmocka_unit_test(drain),
        cmocka_unit_test(upload),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(slow_socket),
        cmocka_unit_test(client_gone),
        cmocka_unit_test(broken_answers),
        cmocka_unit_test(closed_by_the_handler),
        cmocka_unit_test(response_too_large),
        cmocka_unit_test(torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
