/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_client_h1.c - the client over HTTP/1.1 against a scripted server on loopback: framing,
 * reuse, dead connections, back-pressure, cancelling, limits. */
#include "client_stage.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ANSWER  OK_HEAD "content-length: 2\r\n\r\nok"

/* Has the server got n whole requests without bodies? */
static size_t requests(const struct peer *p)
{
    struct str s = buf_str(&p->got);
    size_t n = 0, at;

    while ((at = str_find(s, S("\r\n\r\n"))) < s.n) {
        s = str_skip(s, at + 4);
        n++;
    }
    return n;
}

static size_t all_requests(const struct stage *st)
{
    size_t n = 0;

    for (size_t i = 0; i < st->peers; i++)
        n += requests(&st->peer[i]);
    return n;
}

/* One exchange on the connection `peer`. */
static void exchange(struct stage *st, size_t peer, const char *answer)
{
    struct seen s;
    size_t before = peer < st->peers ? requests(&st->peer[peer]) : 0;

    stage_send(st, &s, HTTP_GET, "/x", NULL);
    UNTIL(st, peer < st->peers && requests(&st->peer[peer]) > before);
    peer_say(&st->peer[peer], answer);
    UNTIL(st, told(&s));
    assert_true(s.ended);
    seen_fini(&s);
}

static void one_exchange(void **state)
{
    struct stage st;
    struct seen s;
    struct rope body;
    char want[400];

    (void)state;
    stage_open(&st, NULL, NULL);
    rope_init(&body, 1000);
    buf_lit(&body.text, "{\"a\":");
    rope_borrow(&body, S("\"long\""));
    buf_lit(&body.text, "}");
    stage_send(&st, &s, HTTP_POST, "/v1beta/models/m:generateContent?alt=sse", &body);
    snprintf(want, sizeof want,
             "POST /v1beta/models/m:generateContent?alt=sse HTTP/1.1\r\n"
             "host: 127.0.0.1:%u\r\n"
             "content-type: application/json\r\n"
             "x-goog-api-key: k\r\n"
             "content-length: 12\r\n"
             "\r\n{\"a\":\"long\"}",
             (unsigned)st.origin.port);
    UNTIL(&st, st.peers == 1 && st.peer[0].got.n >= strlen(want));
    assert_true(str_eq(buf_str(&st.peer[0].got), str_z(want)));
    peer_say(&st.peer[0], OK_HEAD "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(s.status, 200);
    assert_true(str_eq(buf_str(&s.fields), S("content-type=text/plain;content-length=5;")));
    assert_true(str_eq(buf_str(&s.body), S("hello")));
    seen_fini(&s);
    rope_fini(&body);
    stage_close(&st);
}

/* Framing is the client's own; a caller's word on it is dropped. A GET names no length, a POST
 * without a body names 0. */
static void framing_is_ours(void **state)
{
    static const struct http_header FIELDS[] = {
        {S_INIT("host"),              S_INIT("evil")   },
        {S_INIT("content-length"),    S_INIT("7")      },
        {S_INIT("transfer-encoding"), S_INIT("chunked")},
        {S_INIT("connection"),        S_INIT("close")  },
        {S_INIT("a"),                 S_INIT("b")      },
    };
    struct stage st;
    struct seen s;
    char want[200];

    (void)state;
    stage_open(&st, NULL, NULL);
    seen_init(&s, &st);
    client_send(st.client,
                &(struct client_request){
                    .origin = st.origin,
                    .method = HTTP_POST,
                    .target = S("/"),
                    .headers = {FIELDS, NELEM(FIELDS)}
    },
                &SEEN, &s);
    UNTIL(&st, all_requests(&st) == 1);
    snprintf(want, sizeof want,
             "POST / HTTP/1.1\r\nhost: 127.0.0.1:%u\r\na: b\r\ncontent-length: 0\r\n\r\n",
             (unsigned)st.origin.port);
    assert_true(str_eq(buf_str(&st.peer[0].got), str_z(want)));
    peer_say(&st.peer[0], ANSWER);
    UNTIL(&st, told(&s));
    seen_fini(&s);
    buf_reset(&st.peer[0].got);
    exchange(&st, 0, ANSWER);
    assert_int_equal(str_find(buf_str(&st.peer[0].got), S("content-length")), st.peer[0].got.n);
    stage_close(&st);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    static const struct {
        struct str target;
        struct http_header field;
        enum http_method method;
    } ROWS[] = {
        {S_INIT("/a b"),       {S_INIT("a"), S_INIT("b")},         HTTP_GET  },
        {S_INIT("/a\r\nx: y"), {S_INIT("a"), S_INIT("b")},         HTTP_GET  },
        {S_INIT(""),           {S_INIT("a"), S_INIT("b")},         HTTP_GET  },
        {S_INIT("a"),          {S_INIT("a"), S_INIT("b")},         HTTP_GET  },
        {S_INIT("/\303\244"),  {S_INIT("a"), S_INIT("b")},         HTTP_GET  },
        {S_INIT("/"),          {S_INIT("a"), S_INIT("b\r\nc: d")}, HTTP_GET  },
        {S_INIT("/"),          {S_INIT("a"), S_INIT("b\0c")},      HTTP_GET  },
        {S_INIT("/"),          {S_INIT("a b"), S_INIT("c")},       HTTP_GET  },
        {S_INIT("/"),          {S_INIT("A"), S_INIT("c")},         HTTP_GET  },
        {S_INIT("/"),          {S_INIT(""), S_INIT("c")},          HTTP_GET  },
        {S_INIT("/"),          {S_INIT("a"), S_INIT("b")},         HTTP_OTHER},
    };
    struct stage st;

    (void)state;
    stage_open(&st, NULL, NULL);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct seen s;

        seen_init(&s, &st);
        client_send(st.client,
                    &(struct client_request){
                        .origin = st.origin,
                        .method = ROWS[i].method,
                        .target = ROWS[i].target,
                        .headers = {&ROWS[i].field, 1}
        },
                    &SEEN, &s);
        assert_false(told(&s));
        UNTIL(&st, told(&s));
        assert_int_equal(s.fault.err, E_FIELD);
    }
    assert_int_equal(st.peers, 0);
    stage_close(&st);
}

/* Reuse */

static void connections_are_kept(void **state)
{
    struct stage st;
    struct client_stats n;

    (void)state;
    stage_open(&st, NULL, NULL);
    for (int i = 0; i < 10; i++)
        exchange(&st, 0, ANSWER);
    n = client_stats(st.client);
    assert_int_equal(st.peers, 1);
    assert_int_equal(n.connections_opened, 1);
    assert_int_equal(n.requests, 10);
    assert_int_equal(n.reused, 9);
    assert_int_equal(n.retried_dead, 0);
    assert_int_equal(n.connections, 1);
    assert_int_equal(n.streams + n.waiting, 0);
    client_drop_idle(st.client);
    assert_int_equal(client_stats(st.client).connections, 0);
    exchange(&st, 1, ANSWER);
    stage_close(&st);
}

/* Answers behind which a connection is not used again: the next request opens another. */
static void connections_that_are_not_kept(void **state)
{
    static const char *const ANSWERS[] = {
        OK_HEAD "connection: close\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        ANSWER "extra",
        ANSWER ANSWER,
    };
    struct stage st;

    (void)state;
    stage_open(&st, NULL, NULL);
    for (size_t i = 0; i < NELEM(ANSWERS); i++)
        exchange(&st, i, ANSWERS[i]);
    assert_int_equal(st.peers, NELEM(ANSWERS));
    assert_int_equal(client_stats(st.client).connections, 0);
    stage_close(&st);
}

static void bytes_on_an_idle_connection_end_it(void **state)
{
    struct stage st;

    (void)state;
    stage_open(&st, NULL, NULL);
    exchange(&st, 0, ANSWER);
    peer_say(&st.peer[0], ANSWER);
    UNTIL(&st, st.peer[0].ended);
    exchange(&st, 1, ANSWER);
    stage_close(&st);
}

static void idle_connections_age(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;

    (void)state;
    lim.pool_idle_ms = 5;
    stage_open(&st, NULL, &lim);
    exchange(&st, 0, ANSWER);
    stage_nap(&st, 10);
    exchange(&st, 1, ANSWER);
    UNTIL(&st, st.peer[1].ended); /* by the tick, without a request */
    assert_int_equal(client_stats(st.client).connections, 0);
    stage_close(&st);
}

static void send_again(struct seen *s)
{
    struct seen *next = malloc(sizeof *next);

    stage_send(s->stage, next, HTTP_GET, "/again", NULL);
    s->r = (struct client_req *)(void *)next; /* where the test finds it */
}

static void the_end_of_one_may_begin_another(void **state)
{
    struct stage st;
    struct seen s, *next;

    (void)state;
    stage_open(&st, NULL, NULL);
    stage_send(&st, &s, HTTP_GET, "/x", NULL);
    s.at_end = send_again;
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], ANSWER);
    UNTIL(&st, all_requests(&st) == 2);
    assert_int_equal(st.peers, 1); /* on the connection that just became free */
    peer_say(&st.peer[0], ANSWER);
    next = (struct seen *)(void *)s.r;
    UNTIL(&st, told(next));
    assert_true(next->ended);
    seen_fini(next);
    free(next);
    seen_fini(&s);
    stage_close(&st);
}

static void warm_up(void **state)
{
    struct stage st;

    (void)state;
    stage_open(&st, NULL, NULL);
    client_warm(st.client, &st.origin);
    client_warm(st.client, &st.origin);
    UNTIL(&st, client_stats(st.client).connections == 1 && st.peers == 1);
    client_warm(st.client, &st.origin);
    exchange(&st, 0, ANSWER);
    assert_int_equal(st.peers, 1);
    assert_int_equal(client_stats(st.client).reused, 1);
    stage_close(&st);
}

/* Answers */

static void say_slowly(struct stage *st, struct peer *p, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        (void)stream_write(p->s, str_of(text + i, 1));
        stage_nap(st, 0);
    }
}

static void answers_byte_by_byte(void **state)
{
    static const char *const ANSWERS[] = {
        OK_HEAD "content-length: 5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD "transfer-encoding: chunked\r\n\r\n"
        "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nt: u\r\n\r\n",
    };
    struct stage st;

    (void)state;
    stage_open(&st, NULL, NULL);
    for (size_t i = 0; i < NELEM(ANSWERS); i++) {
        struct seen s;

        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, all_requests(&st) == i + 1);
        say_slowly(&st, &st.peer[0], ANSWERS[i]);
        UNTIL(&st, told(&s));
        assert_true(s.ended);
        assert_true(str_eq(buf_str(&s.body), S("hello")));
        seen_fini(&s);
    }
    assert_int_equal(st.peers, 1);
    stage_close(&st);
}

/* H1-11. */
static void an_answer_to_head(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    stage_send(&st, &s, HTTP_HEAD, "/", NULL);
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], OK_HEAD "content-length: 1000\r\n\r\n");
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    seen_fini(&s);
    exchange(&st, 0, ANSWER);
    stage_close(&st);
}

enum how { CLOSE, RESET };

/* H1-11. Answers that never became whole, and how they are reported. */
static void broken_answers(void **state)
{
    static const struct {
        const char *answer;
        enum how how;
        enum err err;
        enum client_phase phase;
        int heads;
    } ROWS[] = {
        {"",                                                           CLOSE, E_CLOSED,   CLIENT_HEAD, 0},
        {"",                                                           RESET, E_CLOSED,   CLIENT_HEAD, 0},
        {"HTTP/1.1 200",                                               CLOSE, E_CLOSED,   CLIENT_HEAD, 0},
        {"HTTP/1.1 100 Continue\r\n\r\n",                              CLOSE, E_CLOSED,   CLIENT_HEAD, 0},
        {OK_HEAD "content-length: 3\r\n\r\nok",                        CLOSE, E_CLOSED,   CLIENT_BODY, 1},
        {OK_HEAD "content-length: 3\r\n\r\nok",                        RESET, E_CLOSED,   CLIENT_BODY, 1},
        {OK_HEAD "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n",      CLOSE, E_CLOSED,   CLIENT_BODY, 1},
        {OK_HEAD "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", CLOSE, E_CLOSED,   CLIENT_BODY,
         1                                                                                              },
        {OK_HEAD "transfer-encoding: chunked\r\n\r\n2\r\nok\r\nx",     CLOSE, E_UPSTREAM, CLIENT_BODY,
         1                                                                                              },
        {OK_HEAD "\r\nframed by the close",                            RESET, E_CLOSED,   CLIENT_BODY, 1},
        {OK_HEAD "content-length: 1\r\ncontent-length: 1\r\n\r\n",     CLOSE, E_UPSTREAM, CLIENT_HEAD,
         0                                                                                              },
        {"220 smtp ready\r\n",                                         CLOSE, E_UPSTREAM, CLIENT_HEAD, 0},
    };
    struct stage st;

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct seen s;

        stage_open(&st, NULL, NULL);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, all_requests(&st) == 1);
        peer_say(&st.peer[0], ROWS[i].answer);
        UNTIL(&st, ROWS[i].heads == s.heads);
        stage_nap(&st, 1);
        if (!st.peer[0].ended)
            (ROWS[i].how == CLOSE ? peer_close : peer_reset)(&st.peer[0]);
        UNTIL(&st, told(&s));
        if (!s.failed || s.fault.err != ROWS[i].err || s.fault.phase != ROWS[i].phase)
            fail_msg("row %zu: %s in %s: %s", i, err_name(s.fault.err),
                     client_phase_name(s.fault.phase), s.fault.what ? s.fault.what : "ended");
        assert_int_equal(st.peers, 1); /* a fresh connection's failure is not retried here */
        assert_int_equal(client_stats(st.client).connections, 0);
        seen_fini(&s);
        stage_close(&st);
    }
}

static void an_answer_framed_by_the_close(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], OK_HEAD "\r\nall of it");
    peer_close(&st.peer[0]);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_true(str_eq(buf_str(&s.body), S("all of it")));
    seen_fini(&s);
    stage_close(&st);
}

/* Dead connections in the pool */

/* Either the connection is looked at before it is used, or the request goes out once more: whoever
 * asks sees neither. */
static void closed_while_idle(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;

    (void)state;
    for (enum how how = CLOSE; how <= RESET; how++)
        for (int looks = 0; looks <= 1; looks++) {
            lim.doubt_ms = looks ? 0 : 60000;
            stage_open(&st, NULL, &lim);
            exchange(&st, 0, ANSWER);
            (how == CLOSE ? peer_close : peer_reset)(&st.peer[0]);
            exchange(&st, 1, ANSWER);
            if (looks)
                assert_int_equal(client_stats(st.client).reused, 0);
            assert_int_equal(client_stats(st.client).retried_dead, client_stats(st.client).reused);
            stage_close(&st);
        }
}

/* The peer closes just when the second request arrives: nobody could have known. */
static void died_under_the_request(void **state)
{
    struct stage st;
    struct seen s;
    struct rope body;

    (void)state;
    for (enum how how = CLOSE; how <= RESET; how++) {
        stage_open(&st, NULL, NULL);
        exchange(&st, 0, ANSWER);
        rope_fill(&body, 1000);
        stage_send(&st, &s, HTTP_POST, "/", &body);
        UNTIL(&st, requests(&st.peer[0]) == 2);
        (how == CLOSE ? peer_close : peer_reset)(&st.peer[0]);
        UNTIL(&st, st.peers == 2 && requests(&st.peer[1]) == 1 && st.peer[1].got.n > 1000);
        assert_true(filled(str_skip(buf_str(&st.peer[1].got), st.peer[1].got.n - 1000), 0));
        peer_say(&st.peer[1], ANSWER);
        UNTIL(&st, told(&s));
        assert_true(s.ended);
        assert_int_equal(client_stats(st.client).retried_dead, 1);
        seen_fini(&s);
        rope_fini(&body);
        stage_close(&st);
    }
}

static void retried_once_and_no_more(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    exchange(&st, 0, ANSWER);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, requests(&st.peer[0]) == 2);
    peer_close(&st.peer[0]);
    UNTIL(&st, st.peers == 2 && requests(&st.peer[1]) == 1);
    peer_close(&st.peer[1]);
    UNTIL(&st, told(&s));
    assert_true(s.failed);
    assert_int_equal(s.fault.err, E_CLOSED);
    assert_int_equal(s.fault.phase, CLIENT_HEAD);
    assert_int_equal(st.peers, 2);
    seen_fini(&s);
    stage_close(&st);
}

static void not_retried_after_an_answer_byte(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    exchange(&st, 0, ANSWER);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, requests(&st.peer[0]) == 2);
    peer_say(&st.peer[0], "H");
    peer_close(&st.peer[0]);
    UNTIL(&st, told(&s));
    assert_true(s.failed);
    assert_int_equal(st.peers, 1);
    assert_int_equal(client_stats(st.client).retried_dead, 0);
    seen_fini(&s);
    stage_close(&st);
}

static void nobody_listens(void **state)
{
    struct stage st;
    struct seen s[3];

    (void)state;
    stage_open(&st, NULL, NULL);
    listener_close(st.l);
    st.l = NULL;
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_int_equal(s[i].fault.err, E_REFUSED);
        assert_int_equal(s[i].fault.phase, CLIENT_CONNECT);
        seen_fini(&s[i]);
    }
    stage_close(&st);
}

static void free_client(struct seen *s)
{
    client_free(s->stage->client);
    s->stage->client = NULL;
}

static void freed_when_the_first_of_many_fails(void **state)
{
    struct stage st;
    struct seen s[3];

    (void)state;
    stage_open(&st, NULL, NULL);
    listener_close(st.l);
    st.l = NULL;
    for (size_t i = 0; i < NELEM(s); i++) {
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
        s[i].at_end = free_client;
    }
    UNTIL(&st, st.client == NULL);
    assert_true(told(&s[0]) && !told(&s[1]) && !told(&s[2]));
    for (size_t i = 0; i < NELEM(s); i++)
        seen_fini(&s[i]);
    stage_close(&st);
}

/* Many at once */

static void more_requests_than_connections(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s[5];
    size_t answered = 0;

    (void)state;
    lim.h1_per_origin = 2;
    stage_open(&st, NULL, &lim);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, all_requests(&st) == 2);
    assert_int_equal(client_stats(st.client).streams, 2);
    assert_int_equal(client_stats(st.client).waiting, 3);
    while (answered < NELEM(s)) {
        for (size_t i = 0; i < st.peers; i++)
            if (requests(&st.peer[i]) > 0) {
                buf_reset(&st.peer[i].got);
                peer_say(&st.peer[i], ANSWER);
                answered++;
            }
        loop_run(st.loop);
    }
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    assert_int_equal(st.peers, 2);
    stage_close(&st);
}

static void the_queue_has_an_end(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s[3];

    (void)state;
    lim.h1_per_origin = 1;
    lim.waiting = 2;
    stage_open(&st, NULL, &lim);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, told(&s[2]));
    assert_int_equal(s[2].fault.err, E_TOOBIG);
    client_cancel(s[0].r);
    client_cancel(s[1].r);
    assert_int_equal(client_stats(st.client).waiting, 0);
    stage_close(&st);
}

/* Bodies */

enum { BIG = 20 * 1000 * 1000 };

static size_t upload_got;
static bool upload_bad;
static size_t upload_peak;

static void take_upload(struct peer *p, struct str bytes)
{
    size_t head;

    if (upload_got == 0) {
        buf_put(&p->got, bytes);
        head = str_find(buf_str(&p->got), S("\r\n\r\n")) + 4;
        if (head > p->got.n)
            return;
        bytes = str_skip(buf_str(&p->got), head);
    }
    upload_bad |= !filled(bytes, upload_got);
    upload_got += bytes.n;
    upload_peak = mem_counted() > upload_peak ? mem_counted() : upload_peak;
}

/* Twenty megabytes go out without ever being copied as a whole. */
static void a_large_body(void **state)
{
    static const struct script TAKE = {.on_bytes = take_upload};
    struct stage st;
    struct seen s;
    struct rope body;
    char *file = malloc(BIG);

    (void)state;
    upload_got = upload_peak = 0;
    upload_bad = false;
    for (size_t i = 0; i < BIG; i++)
        file[i] = (char)('a' + i % 23);
    rope_init(&body, (size_t)1 << 30);
    buf_put(&body.text, str_of(file, 1000));
    rope_borrow(&body, str_of(file + 1000, BIG - 2000));
    buf_put(&body.text, str_of(file + BIG - 1000, 1000));
    stage_open(&st, &TAKE, NULL);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    UNTIL(&st, upload_got == BIG);
    assert_false(upload_bad);
    assert_true(upload_peak < 1500 * 1000);
    peer_say(&st.peer[0], ANSWER);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(client_stats(st.client).connections, 1);
    seen_fini(&s);
    rope_fini(&body);
    free(file);
    stage_close(&st);
}

static void refuse_upload(struct peer *p, struct str bytes)
{
    buf_put(&p->got, bytes);
    if (str_find(buf_str(&p->got), S("\r\n\r\n")) == p->got.n || p->s == NULL)
        return;
    stream_pause(p->s); /* takes no more of it */
    peer_say(p, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nno!");
}

static void an_answer_before_the_body_has_left(void **state)
{
    static const struct script REFUSE = {.on_bytes = refuse_upload};
    struct stage st;
    struct seen s;
    struct rope body;

    (void)state;
    rope_fill(&body, BIG);
    stage_open(&st, &REFUSE, NULL);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(s.status, 413);
    assert_true(str_eq(buf_str(&s.body), S("no!")));
    assert_true(st.peer[0].got.n < BIG);
    assert_int_equal(client_stats(st.client).connections, 0);
    seen_fini(&s);
    rope_fini(&body);
    stage_close(&st);
}

static void refuse_and_close(struct peer *p, struct str bytes)
{
    refuse_upload(p, bytes);
    if (p->s != NULL)
        peer_close(p);
}

/* The same, and the connection is gone at once: the answer is still read. */
static void an_answer_and_the_door_shut(void **state)
{
    static const struct script REFUSE = {.on_bytes = refuse_and_close};
    struct stage st;
    struct seen s;
    struct rope body;

    (void)state;
    rope_fill(&body, BIG);
    stage_open(&st, &REFUSE, NULL);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(s.status, 413);
    seen_fini(&s);
    rope_fini(&body);
    stage_close(&st);
}

static void pause_it(struct seen *s)
{
    client_pause(s->r);
}

/* LIM-13. A reader that pauses after every event stops the sender, and loses nothing. */
static void a_slow_reader(void **state)
{
    enum { ALL = 8 * 1000 * 1000 };
    struct stage st;
    struct seen s;
    struct rope out;
    struct rope_pos pos = {0};
    size_t sent = 0, peak = 0;

    (void)state;
    rope_fill(&out, ALL);
    stage_open(&st, NULL, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    s.drop_body = true;
    s.at_head = s.at_data = pause_it;
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], OK_HEAD "content-length: 8000000\r\n\r\n");
    while (!told(&s)) {
        size_t before = s.body_n;

        while (sent < ALL && stream_queued(st.peer[0].s) < 64 * 1024) {
            struct str piece = rope_next(&out, &pos, 64 * 1024);

            (void)stream_write(st.peer[0].s, piece);
            sent += piece.n;
        }
        stage_nap(&st, 0);
        assert_true(s.body_n - before <= 64 * 1024); /* one read after a resume, no more */
        peak = mem_counted() > peak ? mem_counted() : peak;
        if (s.r != NULL)
            client_resume(s.r);
    }
    assert_true(s.ended);
    assert_int_equal(s.body_n, ALL);
    assert_true(peak - out.text.room < 1000 * 1000);
    seen_fini(&s);
    rope_fini(&out);
    stage_close(&st);
}

/* The answer is complete while its reader pauses: the connection is free, the rest waits here. */
static void the_tail_of_a_paused_answer(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    s.at_head = pause_it;
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], ANSWER);
    UNTIL(&st, s.heads == 1);
    exchange(&st, 0, ANSWER);
    assert_int_equal(s.body_n, 0);
    assert_false(told(&s));
    client_resume(s.r);
    assert_int_equal(s.body_n, 0); /* no event from inside */
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_true(str_eq(buf_str(&s.body), S("ok")));
    seen_fini(&s);
    stage_close(&st);
}

/* Cancelling */

static void cancel_it(struct seen *s)
{
    client_cancel(s->r);
    client_cancel(s->r); /* a dead request until the turn ends */
}

static void cancelled_before_anything(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    client_cancel(NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    client_cancel(s.r);
    stage_nap(&st, 1);
    assert_int_equal(st.peers, 0);
    exchange(&st, 0, ANSWER);
    assert_false(told(&s));
    assert_int_equal(all_requests(&st), 1);
    seen_fini(&s);
    stage_close(&st);
}

static void cancelled_while_it_works(void **state)
{
    static const char *const SAID[] = {"", "HTTP/1.1 2", OK_HEAD "content-length: 9\r\n\r\nabc"};
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, NULL, NULL);
    for (size_t i = 0; i < NELEM(SAID); i++) {
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, st.peers == i + 1 && requests(&st.peer[i]) == 1);
        peer_say(&st.peer[i], SAID[i]);
        UNTIL(&st, i < 2 || s.body_n == 3);
        client_cancel(s.r);
        assert_int_equal(client_stats(st.client).connections, 0);
        UNTIL(&st, st.peer[i].ended);
        assert_false(told(&s));
        seen_fini(&s);
    }
    stage_close(&st);
}

static void cancelled_inside_its_events(void **state)
{
    struct stage st;

    (void)state;
    for (int where = 0; where < 3; where++) {
        struct seen s;

        stage_open(&st, NULL, NULL);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        s.at_head = where == 0 ? cancel_it : NULL;
        s.at_data = where == 1 ? cancel_it : NULL;
        s.at_end = where == 2 ? cancel_it : NULL;
        UNTIL(&st, all_requests(&st) == 1);
        peer_say(&st.peer[0],
                 OK_HEAD "transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
        UNTIL(&st, where == 2 ? told(&s) : st.peer[0].ended);
        assert_int_equal(s.heads, 1);
        assert_int_equal(s.body_n, where);
        assert_int_equal(told(&s), where == 2);
        seen_fini(&s);
        stage_close(&st);
    }
}

/* The client goes with requests in every state, from inside an event of one of them. */
static void freed_in_the_middle(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;

    (void)state;
    lim.h1_per_origin = 2;
    for (int where = 0; where < 3; where++) {
        struct seen s[4];
        int ends = 0;

        stage_open(&st, NULL, &lim);
        for (size_t i = 0; i < NELEM(s); i++) {
            stage_send(&st, &s[i], HTTP_GET, "/", NULL);
            s[i].at_head = where == 0 ? free_client : NULL;
            s[i].at_data = where == 1 ? free_client : NULL;
            s[i].at_end = where == 2 ? free_client : NULL;
        }
        UNTIL(&st, all_requests(&st) == 2);
        peer_say(&st.peer[0], ANSWER);
        peer_say(&st.peer[1], OK_HEAD "content-length: 3\r\n\r\n");
        UNTIL(&st, st.client == NULL);
        stage_nap(&st, 1);
        for (size_t i = 0; i < NELEM(s); i++) {
            ends += told(&s[i]);
            seen_fini(&s[i]);
        }
        assert_int_equal(ends, where == 2);
        stage_close(&st);
    }
}

/* Time limits. What is too slow is told with its phase; how long it took is not asked. A limit that
 * is short is given to the one request that is to meet it, on a connection that stands: on a busy
 * machine whatever came before would meet it as well. */

static void the_head_is_late(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s, waits;

    (void)state;
    lim.h1_per_origin = 1;
    stage_open(&st, NULL, &lim);
    exchange(&st, 0, OK_HEAD "content-length: 2\r\n\r\nok");
    st.first_byte_ms = 20;
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    stage_nap(&st, 10);
    stage_send(&st, &waits, HTTP_GET, "/", NULL);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_TIMEOUT);
    assert_int_equal(s.fault.phase, CLIENT_HEAD);
    UNTIL(&st, st.peer[0].ended);
    UNTIL(&st, told(&waits));
    assert_int_equal(waits.fault.err, E_TIMEOUT);
    seen_fini(&waits);
    seen_fini(&s);
    stage_close(&st);
}

static void no_connection_becomes_free(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s, waits;

    (void)state;
    lim.h1_per_origin = 1;
    stage_open(&st, NULL, &lim);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], OK_HEAD "content-length: 3\r\n\r\n");
    UNTIL(&st, s.heads == 1);
    st.first_byte_ms = 20;
    stage_send(&st, &waits, HTTP_GET, "/", NULL);
    UNTIL(&st, told(&waits));
    assert_int_equal(waits.fault.err, E_TIMEOUT);
    assert_int_equal(waits.fault.phase, CLIENT_CONNECT);
    assert_false(told(&s));
    seen_fini(&waits);
    seen_fini(&s);
    stage_close(&st);
}

static void the_body_stops(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s;

    (void)state;
    lim.idle_ms = 20;
    stage_open(&st, NULL, &lim);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, all_requests(&st) == 1);
    peer_say(&st.peer[0], OK_HEAD "content-length: 3\r\n\r\nab");
    s.at_data = pause_it;
    UNTIL(&st, s.body_n == 2);
    stage_nap(&st, 60); /* our own slowness is not upstream's */
    assert_false(told(&s));
    s.at_data = NULL;
    client_resume(s.r);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_TIMEOUT);
    assert_int_equal(s.fault.phase, CLIENT_BODY);
    seen_fini(&s);
    stage_close(&st);
}

static void never_read(struct peer *p)
{
    stream_pause(p->s);
}

static void the_request_is_not_taken(void **state)
{
    static const struct script DEAF = {.on_open = never_read};
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    struct stage st;
    struct seen s;
    struct rope body;

    (void)state;
    lim.idle_ms = 50;
    rope_fill(&body, BIG);
    stage_open(&st, &DEAF, &lim);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_TIMEOUT);
    assert_int_equal(s.fault.phase, CLIENT_SEND);
    seen_fini(&s);
    rope_fini(&body);
    stage_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exchange),
        cmocka_unit_test(framing_is_ours),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(connections_that_are_not_kept),
        cmocka_unit_test(bytes_on_an_idle_connection_end_it),
        cmocka_unit_test(idle_connections_age),
        cmocka_unit_test(the_end_of_one_may_begin_another),
        cmocka_unit_test(warm_up),
        cmocka_unit_test(answers_byte_by_byte),
        cmocka_unit_test(an_answer_to_head),
        cmocka_unit_test(broken_answers),
        cmocka_unit_test(an_answer_framed_by_the_close),
        cmocka_unit_test(closed_while_idle),
        cmocka_unit_test(died_under_the_request),
        cmocka_unit_test(retried_once_and_no_more),
        cmocka_unit_test(not_retried_after_an_answer_byte),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(freed_when_the_first_of_many_fails),
        cmocka_unit_test(more_requests_than_connections),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(a_large_body),
        cmocka_unit_test(an_answer_before_the_body_has_left),
        cmocka_unit_test(an_answer_and_the_door_shut),
        cmocka_unit_test(a_slow_reader),
        cmocka_unit_test(the_tail_of_a_paused_answer),
        cmocka_unit_test(cancelled_before_anything),
        cmocka_unit_test(cancelled_while_it_works),
        cmocka_unit_test(cancelled_inside_its_events),
        cmocka_unit_test(freed_in_the_middle),
        cmocka_unit_test(the_head_is_late),
        cmocka_unit_test(no_connection_becomes_free),
        cmocka_unit_test(the_body_stops),
        cmocka_unit_test(the_request_is_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
