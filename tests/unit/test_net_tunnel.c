/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_tunnel.c - the talks with proxies, split at every byte, and dialling through them. */
#include "base/mem.h"
#include "net/tls.h"
#include "net/tunnel_talk.h"
#include "net_pair.h"

#include <unistd.h>

struct row {
    const char *name;
    enum tunnel_kind kind;
    const char *user, *password, *host;
    uint16_t port;
    struct str said;  /* all of ours, in one piece */
    struct str heard; /* all of the proxy's, and what lies behind it */
    struct str rest;  /* of that, when the tunnel stands */
    enum err err;     /* OK: it stands, or more is waited for */
    const char *what;
    bool open;
};
#define CONNECT                                                                                    \
    "CONNECT up.test:443 HTTP/1.1\r\nHost: up.test:443\r\nUser-Agent: queqiao/" QUEQIAO_VERSION    \
    "\r\n"
#define B(lit) S_INIT(lit)

/* clang-format off */
static const struct row ROWS[] = {
    {"http", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.1 200 Connection established\r\n\r\n"), B(""), OK, NULL, true},
    {"bytes behind it, fields ignored", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.0 200\r\nContent-Length: 99\r\nVia: x\r\n\r\n\0first"), B("\0first"), OK, NULL, true},
    {"bare line ends", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.1 204 ok\nA: b\n\nrest\n\n"), B("rest\n\n"), OK, NULL, true},
    {"an interim answer", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.1 100 Wait\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx"), B("x"), OK, NULL, true},
    {"user and password", TUNNEL_HTTP, "Aladdin", "open sesame", "up.test", 443,
     B(CONNECT "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"),
     B("HTTP/1.1 200 OK\r\n\r\n"), B(""), OK, NULL, true},
    {"IPv6", TUNNEL_HTTP, "", "", "2001:db8::1", 80,
     B("CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nUser-Agent: queqiao/"
       QUEQIAO_VERSION "\r\n\r\n"),
     B("HTTP/1.1 200 OK\r\n\r\n"), B(""), OK, NULL, true},
    {"not done yet", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.1 200 OK\r\nA: b\r\n"), B(""), OK, NULL, false},
    {"407 without a login", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"),
     B("HTTP/1.1 407 No\r\n"), B(""), E_ACCESS, "the proxy asks for a user and a password (407)", false},
    {"407 with one", TUNNEL_HTTP, "a", "", "up.test", 443,
     B(CONNECT "Proxy-Authorization: Basic YTo=\r\n\r\n"),
     B("HTTP/1.1 407"), B(""), E_ACCESS, "the proxy refuses the user or the password (407)", false},
    {"502", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 502 Bad"), B(""),
     E_REFUSED, "the proxy cannot reach upstream (502)", false},
    {"504", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 504 Slow"), B(""),
     E_TIMEOUT, "the proxy had no answer from upstream in time (504)", false},
    {"302", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 302 Login\r\n"), B(""),
     E_REFUSED, "the proxy refuses the connection to upstream", false},
    {"999", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 999 ?"), B(""),
     E_REFUSED, "the proxy refuses the connection to upstream", false},
    {"099", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 099 ?"), B(""),
     E_REFUSED, "the proxy refuses the connection to upstream", false},
    {"no HTTP", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("SSH-2.0"), B(""),
     E_SYNTAX, "what answers there is no HTTP proxy", false},
    {"HTTP/2", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/2 200"), B(""),
     E_SYNTAX, "what answers there is no HTTP proxy", false},
    {"letters for a status", TUNNEL_HTTP, "", "", "up.test", 443, B(CONNECT "\r\n"), B("HTTP/1.1 2x0"),
     B(""), E_SYNTAX, "what answers there is no HTTP proxy", false},

    {"socks", TUNNEL_SOCKS5, "", "", "up.test", 443,
     B("\5\1\0" "\5\1\0\3\7up.test\1\273"), B("\5\0" "\5\0\0\1\1\2\3\4\0\x50" "tail"), B("tail"),
     OK, NULL, true},
    {"socks, login", TUNNEL_SOCKS5, "me", "secret", "up.test", 80,
     B("\5\2\0\2" "\1\2me\6secret" "\5\1\0\3\7up.test\0\x50"),
     B("\5\2" "\1\0" "\5\0\0\4" "0123456789abcdef" "\0\x50" "\5"), B("\5"), OK, NULL, true},
    {"socks, login not asked for", TUNNEL_SOCKS5, "me", "", "1.2.3.4", 80,
     B("\5\2\0\2" "\5\1\0\1\1\2\3\4\0\x50"), B("\5\0" "\5\0\0\3\4name\0\x50"), B(""), OK, NULL, true},
    {"socks to IPv6, an empty name back", TUNNEL_SOCKS5, "", "", "::1", 80,
     B("\5\1\0" "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"), B("\5\0" "\5\0\0\3\0\0\0z"), B("z"),
     OK, NULL, true},
    {"socks, not done yet", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80, B("\5\1\0" "\5\1\0\1\1\2\3\4\0\x50"),
     B("\5\0" "\5\0\0\1\1\2\3\4\0"), B(""), OK, NULL, false},
    {"socks, none of our ways", TUNNEL_SOCKS5, "", "", "up.test", 80, B("\5\1\0"), B("\5\xff"), B(""),
     E_ACCESS, "the proxy asks for a user and a password", false},
    {"socks, no way at all", TUNNEL_SOCKS5, "a", "b", "up.test", 80, B("\5\2\0\2"), B("\5\xff"), B(""),
     E_ACCESS, "the proxy takes no user and password", false},
    {"socks, a way not offered", TUNNEL_SOCKS5, "", "", "up.test", 80, B("\5\1\0"), B("\5\2"), B(""),
     E_SYNTAX, "the proxy chose a way to log in that was not offered", false},
    {"socks, wrong password", TUNNEL_SOCKS5, "a", "b", "up.test", 80, B("\5\2\0\2" "\1\1a\1b"),
     B("\5\2\1\1"), B(""), E_ACCESS, "the proxy refuses the user or the password", false},
    {"socks, host unreachable", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80,
     B("\5\1\0" "\5\1\0\1\1\2\3\4\0\x50"), B("\5\0" "\5\4\0\1"), B(""), E_REFUSED,
     "the proxy cannot reach upstream's host", false},
    {"socks, an unknown reply, two bytes", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80,
     B("\5\1\0" "\5\1\0\1\1\2\3\4\0\x50"), B("\5\0" "\5\x63"), B(""), E_REFUSED,
     "the proxy refuses the connection to upstream", false},
    {"socks, an unknown kind of address", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80,
     B("\5\1\0" "\5\1\0\1\1\2\3\4\0\x50"), B("\5\0" "\5\0\0\7\0\0\0\0\0\0"), B(""), E_SYNTAX,
     "the proxy's answer is no SOCKS5", false},
    {"socks 4", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80, B("\5\1\0"), B("\4"), B(""), E_SYNTAX,
     "what answers there is no SOCKS5 proxy", false},
    {"http where socks was meant", TUNNEL_SOCKS5, "", "", "1.2.3.4", 80, B("\5\1\0"), B("HTTP/1.1 400"),
     B(""), E_SYNTAX, "what answers there is no SOCKS5 proxy", false},
};
/* clang-format on */

static struct tunnel_proxy proxy_of(const struct row *r)
{
    return (struct tunnel_proxy){
        .kind = r->kind, .user = str_z(r->user), .password = str_z(r->password)};
}

/* The bytes come in pieces that end at `cut`, or one by one when it is 0. */
static void play(const struct row *r, size_t cut)
{
    struct tunnel_proxy proxy = proxy_of(r);
    struct tunnel_talk t;
    struct buf said;
    struct str rest = S("");
    enum talk_verdict v = TALK_MORE;
    size_t at = 0;

    buf_init(&said, 4096);
    talk_begin(&t, &proxy, str_z(r->host), r->port);
    buf_put(&said, talk_say(&t));
    while (v == TALK_MORE && at < r->heard.n) {
        size_t n = cut == 0 ? 1 : at < cut ? cut - at : r->heard.n - at;
        char piece[256];

        assert_true(n <= sizeof piece);
        memcpy(piece, r->heard.p + at, n);
        rest = str_of(piece, n);
        v = talk_feed(&t, &rest);
        at += n - rest.n;
        buf_put(&said, talk_say(&t));
    }
    rest = str_skip(r->heard, at);
    if (v != (r->err != OK ? TALK_FAILED : r->open ? TALK_OPEN : TALK_MORE) || t.err != r->err)
        fail_msg("%s, cut %zu: %d %s", r->name, cut, (int)v, t.what);
    if (!str_eq(buf_str(&said), r->said))
        fail_msg("%s, cut %zu: said otherwise: %.*s", r->name, cut, S_ARG(buf_str(&said)));
    if (r->what != NULL)
        assert_string_equal(t.what, r->what);
    if (r->open)
        assert_true(str_eq(rest, r->rest));
    if (v == TALK_FAILED) { /* and it stays so */
        rest = S("HTTP/1.1 200 OK\r\n\r\n");
        assert_int_equal(talk_feed(&t, &rest), TALK_FAILED);
    }
    talk_fini(&t);
    for (size_t i = 0; i < sizeof t.say; i++)
        assert_int_equal(t.say[i], 0);
    buf_fini(&said);
}

static void talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++)
        for (size_t cut = 0; cut <= ROWS[i].heard.n; cut++)
            play(&ROWS[i], cut);
}

static void a_head_without_end(void **state)
{
    struct tunnel_proxy proxy = {.kind = TUNNEL_HTTP};
    struct tunnel_talk t;
    struct str in = S("HTTP/1.1 200 OK\r\n");
    enum talk_verdict v;

    (void)state;
    talk_begin(&t, &proxy, S("up.test"), 443);
    do {
        v = talk_feed(&t, &in);
        in = S("Field: value\r\n");
    } while (v == TALK_MORE);
    assert_int_equal(v, TALK_FAILED);
    assert_int_equal(t.err, E_TOOBIG);
    talk_fini(&t);
}

static void the_longest_names_fit(void **state)
{
    char name[TUNNEL_NAME_MAX];
    struct str longest = str_of(name, sizeof name);
    struct tunnel_proxy proxy = {.user = longest, .password = longest};
    struct tunnel_talk t;
    struct str in = S("\5\2\1\0");
    struct str all;

    (void)state;
    memset(name, 'n', sizeof name);
    talk_begin(&t, &proxy, longest, 65535);
    all = talk_say(&t);
    assert_true(str_ends(all, S("==\r\n\r\n")) || str_ends(all, S("\r\n\r\n")));
    assert_true(all.n < TUNNEL_SAY_MAX);
    proxy.kind = TUNNEL_SOCKS5;
    talk_begin(&t, &proxy, longest, 65535);
    assert_int_equal(talk_feed(&t, &in), TALK_MORE);
    assert_int_equal(talk_say(&t).n, 4 + 3 + 2 * 255 + 4 + 1 + 255 + 2);
    talk_fini(&t);
}

/* Dialling. The server end of the pair is the proxy, which a scene plays by hand. */

static struct tunnel_proxy dial_via(struct pair *p, enum tunnel_kind kind)
{
    return (struct tunnel_proxy){
        .kind = kind, .host = S("127.0.0.1"), .port = listener_port(p->l), .user = S("u")};
}

/* A dial through a proxy that the test plays itself. */
struct scene {
    struct pair p;
    struct tunnel_proxy via;
    struct dial_opts o;
};

static void open_scene(struct scene *x, enum tunnel_kind kind)
{
    pair_init(&x->p, NULL, "127.0.0.1");
    x->via = dial_via(&x->p, kind);
    x->o = pair_opts(&x->p, NULL, "no-such-host.invalid");
    x->o.port = 443;
    x->o.via = &x->via;
}

static void close_scene(struct scene *x)
{
    pair_fini(&x->p);
    assert_int_equal(mem_counted(), 0);
}

/* The host is never looked up here; what comes with the proxy's answer is not lost. */
static void the_tunnel_loses_nothing(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, TUNNEL_HTTP);
    dial_open(x.p.loop, &x.o, pair_dialled, &x.p);
    UNTIL(&x.p, x.p.server.got.n > 4 && str_ends(buf_str(&x.p.server.got), S("\r\n\r\n")));
    assert_true(str_starts(buf_str(&x.p.server.got), S("CONNECT no-such-host.invalid:443 ")));
    assert_false(x.p.dialled);
    buf_reset(&x.p.server.got);
    stream_write(x.p.server.s, S("HTTP/1.1 200 OK\r\n\r\nat once "));
    UNTIL(&x.p, x.p.dialled && x.p.client.got.n == 8);
    stream_write(x.p.client.s, S("hello"));
    stream_write(x.p.server.s, S("later"));
    UNTIL(&x.p, x.p.client.got.n == 13 && x.p.server.got.n == 5);
    assert_memory_equal(x.p.client.got.p, "at once later", 13);
    close_scene(&x);
}

static void dialled_but_not_read(void *owner, const struct dial_result *r)
{
    struct pair *p = owner;

    assert_int_equal(r->err, OK);
    p->dialled = true;
    p->client.s = r->stream;
    stream_bind(r->stream, &END_EVENTS, &p->client);
    loop_stop(p->loop);
}

static void bytes_that_nobody_wants_yet_wait(void **state)
{
    struct scene x;

    (void)state;
    open_scene(&x, TUNNEL_SOCKS5);
    dial_open(x.p.loop, &x.o, dialled_but_not_read, &x.p);
    UNTIL(&x.p, x.p.server.got.n > 0);
    stream_write(x.p.server.s, S("\5\0"));
    UNTIL(&x.p, x.p.server.got.n > 20);
    stream_write(x.p.server.s, S("\5\0\0\1\0\0\0\0\0\0early"));
    UNTIL(&x.p, x.p.dialled);
    for (int i = 0; i < 3; i++)
        pair_turn(&x.p);
    assert_int_equal(x.p.client.got.n, 0);
    stream_resume(x.p.client.s);
    stream_pause(x.p.client.s); /* and think again */
    pair_turn(&x.p);
    assert_int_equal(x.p.client.got.n, 0);
    stream_resume(x.p.client.s);
    UNTIL(&x.p, x.p.client.got.n == 5);
    close_scene(&x);
}

static void proxies_that_fail(void **state)
{
    static const struct {
        const char *says; /* NULL: it closes; "": it says nothing */
        enum err err;
        const char *what;
    } rows[] = {
        {NULL,                       E_CLOSED,  "the proxy closed the connection"                 },
        {"HTTP/1.1 407 No\r\n\r\n",  E_ACCESS,  "the proxy refuses the user or the password (407)"},
        {"HTTP/1.1 502 Bad\r\n\r\n", E_REFUSED, "the proxy cannot reach upstream (502)"           },
        {"hello\r\n",                E_SYNTAX,  "what answers there is no HTTP proxy"             },
        {"",                         E_TIMEOUT, "the proxy did not connect to upstream in time"   },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene x;

        open_scene(&x, TUNNEL_HTTP);
        if (rows[i].says != NULL && *rows[i].says == '\0')
            x.o.connect_ms = 50;
        dial_open(x.p.loop, &x.o, pair_dialled, &x.p);
        UNTIL(&x.p, x.p.server.s);
        if (rows[i].says == NULL) {
            stream_close(x.p.server.s);
            x.p.server.s = NULL;
        } else
            stream_write(x.p.server.s, str_z(rows[i].says));
        UNTIL(&x.p, x.p.dialled);
        assert_int_equal(x.p.result.err, rows[i].err);
        assert_int_equal(x.p.result.phase, DIAL_TUNNEL);
        assert_string_equal(x.p.result.what, rows[i].what);
        close_scene(&x);
    }
}

/* A proxy that takes its time, and TLS behind it that is never answered. */
struct slow {
    struct scene x;
    uint32_t limit_ms;
    struct timer answer, again;
    bool ran_again;
};

static void slow_answer(struct timer *t)
{
    struct slow *s = CONTAINER(t, struct slow, answer);

    stream_write(s->x.p.server.s, S("HTTP/1.1 200 OK\r\n\r\n"));
    timer_start(&s->again, s->limit_ms);
}

static void slow_again(struct timer *t)
{
    CONTAINER(t, struct slow, again)->ran_again = true;
}

/* LIM-11. There is one limit for TCP, the proxy and TLS: it ends the dial before it could have run
 * once more from the proxy's answer on. */
static void lim_11_one_limit(void **state)
{
    struct slow s = {.limit_ms = 500};
    struct tls_client *tls = tls_client_new(S(""));

    (void)state;
    open_scene(&s.x, TUNNEL_HTTP);
    s.x.o.tls = tls;
    s.x.o.connect_ms = s.limit_ms;
    timer_init(&s.answer, s.x.p.loop, slow_answer);
    timer_init(&s.again, s.x.p.loop, slow_again);
    dial_open(s.x.p.loop, &s.x.o, pair_dialled, &s.x.p);
    UNTIL(&s.x.p, s.x.p.server.s);
    timer_start(&s.answer, 50);
    UNTIL(&s.x.p, s.x.p.dialled);
    assert_false(s.ran_again);
    assert_int_equal(s.x.p.result.err, E_TIMEOUT);
    assert_int_equal(s.x.p.result.phase, DIAL_TLS);
    assert_string_equal(s.x.p.result.what, "the TLS handshake took too long");
    timer_stop(&s.again);
    close_scene(&s.x);
    tls_client_free(tls);
}

static void a_proxy_that_is_not_there(void **state)
{
    struct scene x;
    int shut;

    (void)state;
    open_scene(&x, TUNNEL_HTTP);
    x.via.port = shut_port(&shut);
    dial_open(x.p.loop, &x.o, pair_dialled, &x.p);
    UNTIL(&x.p, x.p.dialled);
    assert_int_equal(x.p.result.err, E_REFUSED);
    assert_int_equal(x.p.result.phase, DIAL_TUNNEL);
    assert_string_equal(x.p.result.what, "the proxy: connection refused");
    close(shut);
    close_scene(&x);
}

static void a_tunnel_can_be_given_up(void **state)
{
    struct scene x;
    struct dial *d;

    (void)state;
    open_scene(&x, TUNNEL_HTTP);
    d = dial_open(x.p.loop, &x.o, pair_dialled, &x.p);
    UNTIL(&x.p, x.p.server.got.n > 0);
    dial_cancel(d);
    UNTIL(&x.p, x.p.server.ended);
    assert_false(x.p.dialled);
    close_scene(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks),
        cmocka_unit_test(a_head_without_end),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(the_tunnel_loses_nothing),
        cmocka_unit_test(bytes_that_nobody_wants_yet_wait),
        cmocka_unit_test(proxies_that_fail),
        cmocka_unit_test(lim_11_one_limit),
        cmocka_unit_test(a_proxy_that_is_not_there),
        cmocka_unit_test(a_tunnel_can_be_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
