/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_client_time.c - the client on a clock that the test moves: time limits, silent peers, black
 * holes, freezes, dials that fail. No socket, no waiting. */
#include "fake_dial.h"
#include "http/client.h"
#include "net/tunnel_talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#define ANSWER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static struct loop *loop;
static struct client *client;
static struct origin origin = {.host = S_INIT("example.com"), .port = 80};

struct seen {
    struct client_req *r;
    int heads;
    size_t body_n;
    bool ended, failed;
    struct client_fault fault;
};

static void on_head(void *owner, int status, struct http_headers h)
{
    (void)status, (void)h;
    ((struct seen *)owner)->heads++;
}

static void on_data(void *owner, struct str bytes)
{
    ((struct seen *)owner)->body_n += bytes.n;
}

static void on_end(void *owner)
{
    ((struct seen *)owner)->ended = true;
}

static void on_fail(void *owner, const struct client_fault *f)
{
    ((struct seen *)owner)->failed = true;
    ((struct seen *)owner)->fault = *f;
}

static const struct client_events ON = {on_head, on_data, on_end, on_fail};

static void begin(const struct client_limits *lim, bool https)
{
    loop = fake_loop();
    client = client_new(loop, NULL, NULL, lim ? lim : &CLIENT_LIMITS_DEFAULT);
    origin.https = https;
    origin.port = https ? 443 : 80;
}

static void finish(void)
{
    client_free(client);
    assert_int_equal(fake_dialling(), 0);
    fake_free(loop);
    assert_int_equal(mem_counted(), 0);
}

static void ask(struct seen *s)
{
    *s = (struct seen){0};
    s->r = client_send(
        client, &(struct client_request){.origin = origin, .method = HTTP_GET, .target = S("/")},
        &ON, s);
    fake_turn(loop);
}

static void say(struct stream *s, const char *text)
{
    fake_feed(s, str_z(text));
}

static size_t requests(const struct stream *s)
{
    struct str all = buf_str(&s->sent);
    size_t n = 0, at;

    while ((at = str_find(all, S("\r\n\r\n"))) < all.n) {
        all = str_skip(all, at + 4);
        n++;
    }
    return n;
}

/* A request that is answered at once, on a new connection or (s) on one that is there. */
static struct stream *exchange_h1(struct stream *s)
{
    struct seen seen;
    size_t before = s ? requests(s) : 0;

    ask(&seen);
    if (s == NULL)
        s = fake_dial_ok("");
    assert_int_equal(fake_dialling(), 0);
    assert_int_equal(requests(s), before + 1);
    say(s, ANSWER);
    assert_true(seen.ended);
    return s;
}

static void told(const struct seen *s, enum err e, enum client_phase phase)
{
    assert_true(s->failed);
    assert_int_equal(s->fault.err, e);
    assert_int_equal(s->fault.phase, phase);
}

/* Time limits, at their edges */

/* LIM-11. */
static void limits_of_the_phases(void **state)
{
    const struct client_limits *lim = &CLIENT_LIMITS_DEFAULT;
    struct stream *s;
    struct seen seen;

    (void)state;
    begin(NULL, false);
    ask(&seen);
    s = fake_dial_ok("");
    fake_wait(loop, lim->first_byte_ms - 1);
    assert_false(seen.failed);
    fake_wait(loop, 1);
    told(&seen, E_TIMEOUT, CLIENT_HEAD);
    assert_true(s->closed);

    ask(&seen);
    s = fake_dial_ok("");
    fake_wait(loop, lim->first_byte_ms - 1);
    say(s, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    assert_int_equal(seen.heads, 1);
    for (int i = 0; i < 5; i++) {
        fake_wait(loop, lim->idle_ms - 1);
        say(s, "x");
    }
    client_pause(seen.r);
    fake_wait(loop, lim->idle_ms * 5);
    client_resume(seen.r);
    fake_wait(loop, lim->idle_ms - 1);
    assert_false(seen.failed);
    fake_wait(loop, 1);
    told(&seen, E_TIMEOUT, CLIENT_BODY);
    finish();
}

/* A body that trickles out is alive; one that stands still is not. */
static void the_limit_of_sending(void **state)
{
    const struct client_limits *lim = &CLIENT_LIMITS_DEFAULT;
    struct client_request r = {.origin = origin, .method = HTTP_POST, .target = S("/")};
    struct stream *s;
    struct rope body;
    struct seen seen = {0};

    (void)state;
    rope_init(&body, 1 << 30);
    assert_non_null(buf_reserve(&body.text, 2000 * 1000));
    memset(body.text.p, 'x', 2000 * 1000);
    body.text.n = 2000 * 1000;
    begin(NULL, false);
    r.body = &body;
    seen.r = client_send(client, &r, &ON, &seen);
    fake_turn(loop);
    s = fake_stream(loop, "");
    s->window = 0;
    fake_dial_over(&(struct dial_result){.phase = DIAL_DONE, .what = "", .stream = s});
    assert_in_range(s->queue.n, 200 * 1000, 400 * 1000); /* the rest waits in the rope */
    for (int i = 0; i < 4; i++) {
        fake_wait(loop, lim->idle_ms - 1);
        fake_take(s, 300 * 1000);
        assert_true(s->queue.n < 400 * 1000);
    }
    assert_false(seen.failed);
    fake_wait(loop, lim->idle_ms - 1);
    assert_false(seen.failed);
    fake_wait(loop, 1);
    told(&seen, E_TIMEOUT, CLIENT_SEND);
    rope_fini(&body);
    finish();
}

/* Dialling */

static void dials_that_fail(void **state)
{
    static const struct {
        enum dial_phase dial;
        enum client_phase phase;
        enum err err;
    } ROWS[] = {
        {DIAL_DNS,     CLIENT_DNS,     E_REFUSED },
        {DIAL_CONNECT, CLIENT_CONNECT, E_TIMEOUT },
        {DIAL_TUNNEL,  CLIENT_TUNNEL,  E_ACCESS  },
        {DIAL_TLS,     CLIENT_TLS,     E_UPSTREAM},
    };

    (void)state;
    begin(NULL, true);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct seen a, b;

        ask(&a);
        ask(&b);
        assert_int_equal(fake_dialling(), 1); /* they wait for one answer */
        assert_true(fake_dial()->opts.want_h2);
        assert_int_equal(fake_dial()->opts.connect_ms, CLIENT_LIMITS_DEFAULT.connect_ms);
        assert_string_equal(fake_dial()->host, "example.com");
        fake_dial_fail(ROWS[i].dial, ROWS[i].err);
        told(&a, ROWS[i].err, ROWS[i].phase);
        told(&b, ROWS[i].err, ROWS[i].phase);
        assert_string_equal(a.fault.what, "told so");
        assert_int_equal(fake_dialling(), 0);
    }
    finish();
}

static void ask_via(struct seen *s, const struct tunnel_proxy *via)
{
    origin.via = via;
    ask(s);
    origin.via = NULL;
}

/* Each way has connections of its own, also where only the password differs. */
static void proxies_do_not_share_connections(void **state)
{
    struct tunnel_proxy a = {.kind = TUNNEL_HTTP, .host = S("proxy"), .port = 3128, .user = S("u")};
    struct tunnel_proxy b = a, same = a;
    struct seen s[4];

    (void)state;
    b.password = S("p");
    begin(NULL, false);
    ask_via(&s[0], &a);
    ask_via(&s[1], &b);
    ask(&s[2]);
    assert_int_equal(fake_dialling(), 3);
    assert_true(tunnel_proxy_eq(fake_dial()->opts.via, &a));
    assert_ptr_not_equal(fake_dial()->opts.via, &a); /* a copy: ours may go */
    assert_string_equal(fake_dial()->host, "example.com");
    say(fake_dial_ok(""), ANSWER);
    assert_true(s[0].ended);
    assert_true(tunnel_proxy_eq(fake_dial()->opts.via, &b));
    say(fake_dial_ok(""), ANSWER);
    assert_true(s[1].ended);
    assert_null(fake_dial()->opts.via);
    say(fake_dial_ok(""), ANSWER);
    assert_true(s[2].ended);
    ask_via(&s[3], &same);
    assert_int_equal(fake_dialling(), 0);
    assert_int_equal(client_stats(client).reused, 1);
    client_cancel(s[3].r);
    finish();
}

/* What the peer chooses decides: h2 carries all who waited, HTTP/1.1 needs more connections. */
static void alpn_decides(void **state)
{
    static const char *const ALPN[] = {"h2", "http/1.1", ""};
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;

    (void)state;
    lim.h1_per_origin = 3;
    for (size_t i = 0; i < NELEM(ALPN); i++) {
        struct seen s[5];

        begin(&lim, true);
        for (size_t k = 0; k < NELEM(s); k++)
            ask(&s[k]);
        assert_int_equal(fake_dialling(), 1);
        fake_dial_ok(ALPN[i]);
        assert_int_equal(fake_dialling(), i == 0 ? 0 : 2);
        assert_int_equal(client_stats(client).streams, i == 0 ? 5 : 1);
        while (fake_dialling() > 0)
            fake_dial_ok(ALPN[i]);
        assert_int_equal(client_stats(client).connections, i == 0 ? 1 : 3);
        assert_int_equal(client_stats(client).waiting, i == 0 ? 0 : 2);
        finish();
    }
}

/* While another connection works, a failed dial is no reason to fail anybody. */
static void a_failed_dial_beside_a_working_connection(void **state)
{
    struct stream *s;
    struct seen a, b, c;

    (void)state;
    begin(NULL, false);
    ask(&a);
    s = fake_dial_ok("");
    ask(&b);
    fake_dial_fail(DIAL_CONNECT, E_TIMEOUT);
    assert_false(b.failed);
    assert_int_equal(fake_dialling(), 0); /* not at once again */
    ask(&c);
    assert_int_equal(fake_dialling(), 0);
    fake_wait(loop, 1000);
    assert_int_equal(fake_dialling(), 2);
    fake_dial_fail(DIAL_CONNECT, E_TIMEOUT);
    say(s, ANSWER); /* the working one becomes free */
    assert_true(a.ended);
    assert_int_equal(requests(s), 2);
    say(s, ANSWER);
    assert_true(b.ended);
    say(s, ANSWER);
    assert_true(c.ended);
    finish();
}

static void freed_while_dialling(void **state)
{
    struct seen s;

    (void)state;
    begin(NULL, true);
    ask(&s);
    assert_int_equal(fake_dialling(), 1);
    finish(); /* looks whether the dial is cancelled */
    assert_false(s.failed);
}

static void cancelled_while_dialling(void **state)
{
    struct seen a, b;
    struct stream *s;

    (void)state;
    begin(NULL, false);
    ask(&a);
    client_cancel(a.r);
    fake_turn(loop);
    assert_int_equal(client_stats(client).waiting, 0);
    s = fake_dial_ok(""); /* kept for the next */
    assert_int_equal(s->sent.n, 0);
    ask(&b);
    assert_int_equal(requests(s), 1);
    say(s, ANSWER);
    assert_true(b.ended);
    finish();
}

/* The pool */

static void idle_connections_are_closed(void **state)
{
    struct stream *s;

    (void)state;
    begin(NULL, false);
    s = exchange_h1(NULL);
    fake_wait(loop, 29000);
    exchange_h1(s);
    fake_wait(loop, 29000);
    assert_false(s->closed);
    fake_wait(loop, 2000);
    assert_true(s->closed);
    assert_int_equal(client_stats(client).connections, 0);
    exchange_h1(NULL);
    finish();
}

static void the_most_recent_is_reused(void **state)
{
    struct stream *s[3];
    struct seen seen[3];

    (void)state;
    begin(NULL, false);
    for (int i = 0; i < 3; i++)
        ask(&seen[i]);
    for (int i = 0; i < 3; i++)
        s[i] = fake_dial_ok("");
    for (int i = 0; i < 3; i++)
        say(s[i], ANSWER);
    for (int i = 0; i < 20; i++) {
        fake_wait(loop, 2000);
        exchange_h1(s[2]);
    }
    assert_true(s[0]->closed && s[1]->closed); /* nobody needed them */
    finish();
}

static void a_freeze_empties_the_pool(void **state)
{
    struct stream *idle, *busy;
    struct seen seen;

    (void)state;
    begin(NULL, false);
    idle = exchange_h1(NULL);
    ask(&seen);
    busy = idle;
    fake_freeze(loop);
    assert_false(busy->closed); /* somebody waits on it, perhaps not in vain */
    exchange_h1(NULL);
    say(busy, ANSWER);
    assert_true(seen.ended);
    assert_true(busy->closed);
    assert_int_equal(client_stats(client).connections, 1);
    fake_freeze(loop);
    assert_int_equal(client_stats(client).connections, 0);
    exchange_h1(NULL);
    finish();
}

/* HTTP/2. The server is nghttp2 on the other end of the fake stream. */

struct server {
    struct stream *s;
    nghttp2_session *ng;
    size_t requests, pings;
    int32_t last;
    bool deaf; /* a black hole: nothing is read, nothing comes back */
};

static int server_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct server *v = user;

    (void)ng;
    if (f->hd.type == NGHTTP2_HEADERS) {
        v->requests++;
        v->last = f->hd.stream_id;
    }
    v->pings += f->hd.type == NGHTTP2_PING && !(f->hd.flags & NGHTTP2_FLAG_ACK);
    return 0;
}

/* Both sides talk until neither has a word. */
static void converse(struct server *v)
{
    const uint8_t *out;
    ssize_t n;

    if (v->deaf || v->s->closed)
        return;
    do {
        nghttp2_session_mem_recv(v->ng, (uint8_t *)v->s->sent.p, v->s->sent.n);
        buf_reset(&v->s->sent);
        n = nghttp2_session_mem_send(v->ng, &out);
        if (n > 0)
            fake_feed(v->s, str_of((const char *)out, (size_t)n));
    } while (n > 0 || v->s->sent.n > 0);
}

static void server_open(struct server *v)
{
    nghttp2_session_callbacks *cb;

    *v = (struct server){.s = fake_dial_ok("h2")};
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, server_frame);
    nghttp2_session_server_new(&v->ng, cb, v);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(v->ng, NGHTTP2_FLAG_NONE, NULL, 0);
    converse(v);
}

static void server_answer(struct server *v, const char *status)
{
    nghttp2_nv nv = {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t)status, 7, 3, 0};

    nghttp2_submit_response(v->ng, v->last, &nv, 1, NULL);
    converse(v);
}

static void exchange_h2(struct server *v, bool open)
{
    struct seen seen;
    size_t before = open ? 0 : v->requests;

    ask(&seen);
    if (open)
        server_open(v);
    converse(v);
    assert_int_equal(v->requests, before + 1);
    server_answer(v, "200");
    assert_true(seen.ended);
}

/* The clock goes on, and the server hears what there is to hear. */
static void wait_with(struct server *v, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        fake_wait(loop, 100);
        converse(v);
    }
}

/* E04: a connection that went silent while nobody used it costs two seconds, not a time limit. */
static void a_black_hole_in_the_pool(void **state)
{
    struct server a, b;
    struct seen seen;

    (void)state;
    begin(NULL, true);
    exchange_h2(&a, true);
    wait_with(&a, 10 * 1000);
    a.deaf = true;
    ask(&seen);
    fake_wait(loop, 1999);
    assert_int_equal(fake_dialling(), 0);
    fake_wait(loop, 1);
    assert_true(a.s->closed);
    assert_int_equal(fake_dialling(), 1);
    server_open(&b);
    assert_int_equal(b.requests, 1);
    server_answer(&b, "200");
    assert_true(seen.ended);
    assert_int_equal(client_stats(client).retried_dead, 1);
    nghttp2_session_del(a.ng);
    nghttp2_session_del(b.ng);
    finish();
}

/* A quiet connection that answers the PING is waited on for as long as the answer may take. */
static void a_quiet_connection_that_lives(void **state)
{
    struct server a;
    struct seen seen;

    (void)state;
    begin(NULL, true);
    exchange_h2(&a, true);
    wait_with(&a, 10 * 1000);
    ask(&seen);
    converse(&a);
    assert_int_equal(a.pings, 1);
    wait_with(&a, 250 * 1000);
    assert_in_range(a.pings, 15, 25); /* every ping_after_ms of silence */
    server_answer(&a, "200");
    assert_true(seen.ended);
    assert_int_equal(client_stats(client).connections_opened, 1);
    /* no PING on a connection that was heard just now, none while nobody waits */
    a.pings = 0;
    exchange_h2(&a, false);
    wait_with(&a, 20 * 1000);
    assert_int_equal(a.pings, 0);
    nghttp2_session_del(a.ng);
    finish();
}

/* UPS-6. Half-open under a waiting request, found within 30 s. The connection was fresh:
 * told, and as what breaks, not as a time limit. */
static void a_peer_that_vanishes(void **state)
{
    struct server a;
    struct seen seen;

    (void)state;
    begin(NULL, true);
    ask(&seen);
    server_open(&a);
    a.deaf = true;
    fake_wait(loop, 20 * 1000);
    assert_false(seen.failed);
    fake_wait(loop, 10 * 1000);
    told(&seen, E_CLOSED, CLIENT_HEAD);
    assert_int_equal(fake_dialling(), 0);
    nghttp2_session_del(a.ng);
    finish();
}

/* A stream that still gets data is no sign of death; the watch sleeps while bytes come. */
static void a_freeze_under_a_waiting_request(void **state)
{
    struct server a, b;
    struct seen old, young;

    (void)state;
    for (int alive = 0; alive < 2; alive++) {
        begin(NULL, true);
        exchange_h2(&a, true);
        ask(&old);
        converse(&a);
        a.deaf = !alive;
        fake_freeze(loop);
        converse(&a);
        assert_int_equal(a.pings, alive);
        ask(&young); /* goes nowhere near the doubtful one */
        server_open(&b);
        assert_int_equal(b.requests, 1);
        server_answer(&b, "200");
        assert_true(young.ended);
        wait_with(&b, 2000);
        converse(&b);
        assert_int_equal(a.s->closed, !alive);
        if (alive) {
            converse(&a);
            server_answer(&a, "200");
        } else {
            assert_int_equal(b.requests, 2); /* unseen, on the fresh one */
            server_answer(&b, "200");
        }
        assert_true(old.ended);
        assert_true(a.s->closed);
        nghttp2_session_del(a.ng);
        nghttp2_session_del(b.ng);
        finish();
    }
}

/* The peer's windows are wide open and its socket takes nothing: what is queued stays bounded, and
 * a cancelled stream's reset does not wait behind what is not. */
static void a_body_that_the_socket_does_not_take(void **state)
{
    static char bytes[2000 * 1000];
    nghttp2_settings_entry wide = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, INT32_MAX};
    struct client_request r = {.method = HTTP_POST, .target = S("/")};
    struct seen seen = {0};
    struct server a;
    struct rope body;
    size_t queued;

    (void)state;
    begin(NULL, true);
    exchange_h2(&a, true);
    nghttp2_submit_settings(a.ng, NGHTTP2_FLAG_NONE, &wide, 1);
    nghttp2_submit_window_update(a.ng, NGHTTP2_FLAG_NONE, 0, INT32_MAX - 65535);
    converse(&a);
    a.s->window = 0;
    rope_init(&body, sizeof bytes);
    rope_borrow(&body, str_of(bytes, sizeof bytes));
    r.origin = origin;
    r.body = &body;
    seen.r = client_send(client, &r, &ON, &seen);
    fake_turn(loop);
    assert_in_range(a.s->queue.n, 200 * 1000, 300 * 1000);
    for (int i = 0; i < 5; i++) {
        fake_take(a.s, 270 * 1000);
        assert_in_range(a.s->queue.n, 200 * 1000, 300 * 1000);
    }
    queued = a.s->queue.n;
    client_cancel(seen.r);
    fake_turn(loop);
    assert_int_equal(a.s->queue.n, queued + 13);
    a.s->window = SIZE_MAX;
    converse(&a);
    exchange_h2(&a, false);
    rope_fini(&body);
    nghttp2_session_del(a.ng);
    finish();
}

/* PRC-3. Bytes that come for a paused reader and find no memory fail it, in good order. */
static void no_memory_for_what_is_held(void **state)
{
    struct seen seen;
    struct stream *s;

    (void)state;
    begin(NULL, false);
    ask(&seen);
    s = fake_dial_ok("");
    say(s, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    client_pause(seen.r);
    mem_set_budget(1);
    s->on->on_read(s->owner, S("abc"));
    mem_set_budget((size_t)1 << 30);
    told(&seen, E_TOOBIG, CLIENT_BODY);
    assert_true(s->closed);
    assert_int_equal(seen.body_n, 0);
    fake_turn(loop);
    finish();
}

static void phases_have_names(void **state)
{
    (void)state;
    assert_string_equal(client_phase_name(CLIENT_DNS), "dns");
    assert_string_equal(client_phase_name(CLIENT_BODY), "body");
}

/* A reset leaves in the turn of the cancel. */
static void cancel_is_at_once(void **state)
{
    struct server a;
    struct seen seen;
    size_t n;

    (void)state;
    begin(NULL, true);
    exchange_h2(&a, true);
    ask(&seen);
    converse(&a);
    client_cancel(seen.r);
    fake_turn(loop);
    n = a.s->sent.n;
    assert_true(n >= 13);
    assert_int_equal(a.s->sent.p[n - 13 + 3], NGHTTP2_RST_STREAM);
    assert_int_equal(a.s->sent.p[n - 1], NGHTTP2_CANCEL);
    nghttp2_session_del(a.ng);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_the_phases),
        cmocka_unit_test(the_limit_of_sending),
        cmocka_unit_test(dials_that_fail),
        cmocka_unit_test(proxies_do_not_share_connections),
        cmocka_unit_test(alpn_decides),
        cmocka_unit_test(a_failed_dial_beside_a_working_connection),
        cmocka_unit_test(freed_while_dialling),
        cmocka_unit_test(cancelled_while_dialling),
        cmocka_unit_test(idle_connections_are_closed),
        cmocka_unit_test(the_most_recent_is_reused),
        cmocka_unit_test(a_freeze_empties_the_pool),
        cmocka_unit_test(a_black_hole_in_the_pool),
        cmocka_unit_test(a_quiet_connection_that_lives),
        cmocka_unit_test(a_peer_that_vanishes),
        cmocka_unit_test(a_freeze_under_a_waiting_request),
        cmocka_unit_test(a_body_that_the_socket_does_not_take),
        cmocka_unit_test(no_memory_for_what_is_held),
        cmocka_unit_test(phases_have_names),
        cmocka_unit_test(cancel_is_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
