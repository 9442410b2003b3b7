/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_client_h2.c - the client over HTTP/2 against a scripted nghttp2 server on loopback: sharing,
 * flow control, GOAWAY and refusals, cancelling, and what a hostile upstream may try (H2-10). */
#include "client_h2_peer.h"

static void open_stage(struct stage *st, const struct client_limits *lim)
{
    stage_open(st, &H2_PEER, lim);
    st->origin.h2_prior = true;
}

static size_t all_streams(const struct stage *st)
{
    size_t n = 0;

    for (size_t i = 0; i < st->peers; i++)
        n += h2p(&st->peer[i])->streams;
    return n;
}

/* Wait until the peer has n streams; the last of them. */
static struct h2_stream *stream_on(struct stage *st, size_t peer, size_t n)
{
    struct h2_peer *h;

    UNTIL(st, st->peers > peer && h2p(&st->peer[peer])->streams >= n);
    h = h2p(&st->peer[peer]);
    return &h->stream[n - 1];
}

static void exchange(struct stage *st, size_t peer, size_t nth)
{
    struct h2_stream *s;
    struct seen seen;

    stage_send(st, &seen, HTTP_GET, "/x", NULL);
    s = stream_on(st, peer, nth);
    h2p_answer(s, "200", 3, false, NULL, NULL);
    UNTIL(st, told(&seen));
    assert_true(seen.ended);
    assert_true(str_eq(buf_str(&seen.body), S("abc")));
    seen_fini(&seen);
}

static void one_exchange(void **state)
{
    struct stage st;
    struct seen s;
    struct rope body;
    struct h2_stream *hs;
    char auth[64];

    (void)state;
    open_stage(&st, NULL);
    rope_fill(&body, 1000);
    stage_send(&st, &s, HTTP_POST, "/v1beta/models/m:generateContent", &body);
    hs = stream_on(&st, 0, 1);
    UNTIL(&st, hs->ended);
    snprintf(auth, sizeof auth, "127.0.0.1:%u", (unsigned)st.origin.port);
    assert_string_equal(hs->path, "/v1beta/models/m:generateContent");
    assert_string_equal(hs->auth, auth);
    assert_string_equal(hs->length, "1000");
    assert_int_equal(hs->got, 1000);
    assert_false(hs->bad);
    h2p_answer(hs, "200", 5, false, "content-type", "text/plain");
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(s.status, 200);
    assert_true(str_eq(buf_str(&s.fields), S("content-type=text/plain;")));
    assert_true(str_eq(buf_str(&s.body), S("abcde")));
    seen_fini(&s);
    rope_fini(&body);
    exchange(&st, 0, 2); /* on the same connection */
    assert_int_equal(client_stats(st.client).connections_opened, 1);
    assert_int_equal(client_stats(st.client).reused, 1);
    stage_close(&st);
}

enum { MANY = 200 };

/* Everyone who asks while the first connection is being made shares it. */
static void many_on_one_connection(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    static struct seen s[MANY];
    struct stage st;

    (void)state;
    lim.h2_streams = 1000;
    h2_max_streams = 250;
    open_stage(&st, &lim);
    exchange(&st, 0, 1); /* now the peer's limit is known */
    for (size_t i = 0; i < MANY; i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, all_streams(&st) == MANY + 1);
    assert_int_equal(st.peers, 1);
    assert_int_equal(client_stats(st.client).streams, MANY);
    for (size_t i = MANY; i > 0; i--)
        h2p_answer(&h2p(&st.peer[0])->stream[i], "200", 100, false, NULL, NULL);
    for (size_t i = 0; i < MANY; i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        assert_int_equal(s[i].body_n, 100);
        seen_fini(&s[i]);
    }
    assert_int_equal(client_stats(st.client).streams, 0);
    h2_max_streams = 0;
    stage_close(&st);
}

static void more_streams_than_one_takes(void **state)
{
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    static struct seen s[10];
    struct stage st;

    (void)state;
    lim.h2_streams = 4;
    open_stage(&st, &lim);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, all_streams(&st) == NELEM(s));
    assert_int_equal(st.peers, 3);
    for (size_t p = 0; p < st.peers; p++) {
        struct h2_peer *h = h2p(&st.peer[p]);

        assert_true(h->streams <= 4);
        for (size_t i = 0; i < h->streams; i++)
            h2p_answer(&h->stream[i], "200", 1, false, NULL, NULL);
    }
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    stage_close(&st);
}

/* The peer's own limit counts once it is known; whoever is over it goes elsewhere. */
static void the_peers_limit(void **state)
{
    struct seen s[3];
    struct stage st;

    (void)state;
    h2_max_streams = 1;
    open_stage(&st, NULL);
    exchange(&st, 0, 1);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, all_streams(&st) == 1 + NELEM(s));
    for (size_t p = 0; p < st.peers; p++) {
        struct h2_peer *h = h2p(&st.peer[p]);

        for (size_t i = p == 0; i < h->streams; i++)
            if (!h->stream[i].closed)
                h2p_answer(&h->stream[i], "200", 1, false, NULL, NULL);
    }
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    h2_max_streams = 0;
    stage_close(&st);
}

/* LIM-18. As many connections to one server as are allowed, with a stream in each; who comes then
 * waits for a place in one of them. */
static void as_many_connections_as_may_be(void **state)
{
    enum { MOST = 128 };
    struct client_limits lim = CLIENT_LIMITS_DEFAULT;
    static struct seen s[MOST + 1];
    struct stage st;

    (void)state;
    lim.h2_streams = 1;
    open_stage(&st, &lim);
    exchange(&st, 0, 1);
    for (size_t i = 0; i < MOST; i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    UNTIL(&st, all_streams(&st) == 1 + MOST);
    assert_int_equal(st.peers, MOST);
    stage_send(&st, &s[MOST], HTTP_GET, "/last", NULL);
    stage_nap(&st, 50);
    assert_int_equal(st.peers, MOST);
    assert_int_equal(client_stats(st.client).waiting, 1);
    h2p_answer(&h2p(&st.peer[7])->stream[0], "200", 1, false, NULL, NULL);
    h2p_answer(stream_on(&st, 7, 2), "200", 1, false, NULL, NULL);
    UNTIL(&st, told(&s[MOST]));
    assert_true(s[MOST].ended);
    assert_int_equal(st.peers, MOST);
    for (size_t i = 0; i < NELEM(s); i++) {
        if (!told(&s[i]))
            client_cancel(s[i].r);
        seen_fini(&s[i]);
    }
    stage_close(&st);
}

/* Bodies */

enum { BIG = 20 * 1000 * 1000 };

static void a_large_body(void **state)
{
    struct stage st;
    struct seen s[2];
    struct rope body;
    size_t peak = 0, base;

    (void)state;
    rope_fill(&body, BIG);
    h2_got_body = 0;
    base = mem_counted();
    open_stage(&st, NULL);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_POST, "/", &body);
    UNTIL(&st, (peak = mem_counted() > peak ? mem_counted() : peak,
                h2_got_body == (size_t)BIG * NELEM(s)));
    assert_true(peak - base < 2000 * 1000);
    for (size_t i = 0; i < NELEM(s); i++) {
        struct h2_stream *hs = stream_on(&st, 0, i + 1);

        UNTIL(&st, hs->ended);
        assert_false(hs->bad);
        h2p_answer(hs, "200", 0, false, NULL, NULL);
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    rope_fini(&body);
    stage_close(&st);
}

/* H2-10. A window of one byte is slow, and no more than that; opened in the middle it lets the rest
 * out.
 */
static void a_body_through_a_keyhole(void **state)
{
    nghttp2_settings_entry wide = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535};
    struct stage st;
    struct seen s;
    struct rope body;
    struct h2_stream *hs;

    (void)state;
    rope_fill(&body, 100 * 1000);
    h2_window = 1;
    open_stage(&st, NULL);
    exchange(&st, 0, 1);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    hs = stream_on(&st, 0, 2);
    UNTIL(&st, hs->got > 200);
    assert_true(hs->got < 1000);
    nghttp2_submit_settings(hs->h->ng, NGHTTP2_FLAG_NONE, &wide, 1);
    h2p_flush(hs->h);
    UNTIL(&st, hs->ended);
    assert_int_equal(hs->got, 100 * 1000);
    assert_false(hs->bad);
    h2p_answer(hs, "200", 1, false, NULL, NULL);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    h2_window = 0;
    seen_fini(&s);
    rope_fini(&body);
    stage_close(&st);
}

/* 413 while the body is under way: delivered, the rest of the body stays here, the connection
 * lives. */
static void an_answer_before_the_body_has_left(void **state)
{
    struct stage st;
    struct seen s;
    struct rope body;
    struct h2_stream *hs;

    (void)state;
    rope_fill(&body, BIG);
    h2_got_body = 0;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    hs = stream_on(&st, 0, 1);
    h2p_answer(hs, "413", 3, false, NULL, NULL);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(s.status, 413);
    assert_true(str_eq(buf_str(&s.body), S("abc")));
    UNTIL(&st, hs->closed);
    assert_int_equal(hs->code, NGHTTP2_CANCEL);
    assert_true(h2_got_body < BIG);
    seen_fini(&s);
    exchange(&st, 0, 2);
    rope_fini(&body);
    stage_close(&st);
}

static void pause_it(struct seen *s)
{
    client_pause(s->r);
}

/* LIM-13. One reader pauses after its head; its neighbour on the connection runs on. What is held
 * for the slow one stays under the stream's window, and nothing is lost. */
static void a_slow_reader_and_a_fast_one(void **state)
{
    enum { ALL = 6 * 1000 * 1000 };
    struct stage st;
    struct seen slow, fast;
    struct h2_peer *h;
    size_t resumes = 0;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &slow, HTTP_GET, "/slow", NULL);
    stage_send(&st, &fast, HTTP_GET, "/fast", NULL);
    slow.drop_body = fast.drop_body = true;
    slow.at_head = pause_it;
    stream_on(&st, 0, 2);
    h = h2p(&st.peer[0]);
    h2p_answer(&h->stream[0], "200", ALL, false, NULL, NULL);
    h2p_answer(&h->stream[1], "200", ALL, false, NULL, NULL);
    UNTIL(&st, told(&fast));
    assert_int_equal(fast.body_n, ALL);
    stage_nap(&st, 5);
    assert_int_equal(slow.body_n, 0);
    assert_true(h->stream[0].sent <= 512 * 1024);
    assert_true(mem_counted() < 1200 * 1000);
    slow.at_data = pause_it; /* from now on a piece for each resume */
    while (!told(&slow)) {
        size_t before = slow.body_n;

        client_resume(slow.r);
        assert_int_equal(slow.body_n, before); /* no event from inside */
        UNTIL(&st, told(&slow) || slow.body_n > before);
        assert_true(slow.at_data == NULL || slow.body_n - before <= 64 * 1024);
        stage_nap(&st, 1);    /* its window is filled again */
        if (++resumes == 200) /* more than the window, a piece at a time */
            slow.at_data = NULL;
    }
    assert_true(slow.ended);
    assert_int_equal(slow.body_n, ALL);
    seen_fini(&slow);
    seen_fini(&fast);
    stage_close(&st);
}

static void the_tail_of_a_paused_answer(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    s.at_head = pause_it;
    h2p_answer(stream_on(&st, 0, 1), "200", 1000, false, NULL, NULL);
    UNTIL(&st, s.heads == 1 && client_stats(st.client).streams == 0);
    peer_reset(&st.peer[0]); /* what came is here, whatever becomes of the connection */
    UNTIL(&st, client_stats(st.client).connections == 0);
    assert_false(told(&s));
    client_resume(s.r);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_true(filled(buf_str(&s.body), 0));
    assert_int_equal(s.body.n, 1000);
    seen_fini(&s);
    stage_close(&st);
}

/* What was held is delivered before the failure behind it. */
static void a_paused_answer_that_broke(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    s.at_head = pause_it;
    h2p_answer(stream_on(&st, 0, 1), "200", 1000, true, NULL, NULL);
    UNTIL(&st, s.heads == 1);
    stage_nap(&st, 1);
    h2p_reset(stream_on(&st, 0, 1), NGHTTP2_INTERNAL_ERROR);
    UNTIL(&st, client_stats(st.client).streams == 0);
    assert_false(told(&s));
    client_resume(s.r);
    UNTIL(&st, told(&s));
    assert_true(s.failed);
    assert_int_equal(s.fault.err, E_UPSTREAM);
    assert_int_equal(s.body.n, 1000);
    seen_fini(&s);
    stage_close(&st);
}

/* Going away, and refusing */

static void goaway_while_idle(void **state)
{
    struct stage st;

    (void)state;
    open_stage(&st, NULL);
    exchange(&st, 0, 1);
    h2p_goaway(h2p(&st.peer[0]), 1, NGHTTP2_NO_ERROR);
    UNTIL(&st, client_stats(st.client).connections == 0);
    exchange(&st, 1, 1);
    assert_int_equal(client_stats(st.client).retried_dead, 0);
    stage_close(&st);
}

/* H2-10. Of three streams the peer will finish the first only; the two others start anew elsewhere
 * and nobody is told. */
static void goaway_in_the_middle(void **state)
{
    struct stage st;
    struct seen s[3];
    struct h2_peer *h;

    (void)state;
    open_stage(&st, NULL);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    stream_on(&st, 0, 3);
    h = h2p(&st.peer[0]);
    h2p_goaway(h, h->stream[0].id, NGHTTP2_NO_ERROR);
    stream_on(&st, 1, 2);
    assert_int_equal(h2p(&st.peer[1])->streams, 2);
    h2p_answer(&h->stream[0], "200", 9, false, NULL, NULL);
    for (size_t i = 0; i < 2; i++)
        h2p_answer(stream_on(&st, 1, i + 1), "200", 9, false, NULL, NULL);
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    UNTIL(&st, client_stats(st.client).connections == 1); /* the drained one is gone */
    stage_close(&st);
}

/* A polite server says GOAWAY with the largest id first, and the real one later. */
static void a_graceful_goaway(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    stream_on(&st, 0, 1);
    nghttp2_submit_shutdown_notice(h2p(&st.peer[0])->ng);
    h2p_flush(h2p(&st.peer[0]));
    stage_nap(&st, 1);
    exchange(&st, 1, 1); /* new work goes elsewhere */
    h2p_answer(stream_on(&st, 0, 1), "200", 9, false, NULL, NULL);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_int_equal(st.peers, 2);
    seen_fini(&s);
    stage_close(&st);
}

/* H2-10. */
static void refused_streams(void **state)
{
    struct stage st;
    struct seen s[4];
    struct h2_peer *h;

    (void)state;
    open_stage(&st, NULL);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_GET, "/", NULL);
    stream_on(&st, 0, 4);
    h = h2p(&st.peer[0]);
    h2p_reset(&h->stream[1], NGHTTP2_REFUSED_STREAM);
    h2p_reset(&h->stream[2], NGHTTP2_REFUSED_STREAM);
    stream_on(&st, 1, 2);
    for (size_t i = 0; i < 2; i++)
        h2p_answer(stream_on(&st, 1, i + 1), "200", 1, false, NULL, NULL);
    h2p_answer(&h->stream[0], "200", 1, false, NULL, NULL);
    h2p_answer(&h->stream[3], "200", 1, false, NULL, NULL);
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        seen_fini(&s[i]);
    }
    stage_close(&st);
}

static void refused_everywhere(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    for (size_t i = 0; i < 4; i++) {
        struct h2_stream *hs = stream_on(&st, i % 2, i / 2 + 1);

        h2p_reset(hs, NGHTTP2_REFUSED_STREAM);
    }
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_REFUSED);
    seen_fini(&s);
    stage_close(&st);
}

/* The connection breaks under requests that had not a byte of answer yet. */
static void died_under_the_requests(void **state)
{
    struct stage st;
    struct seen old, fresh;
    struct h2_stream *hs;

    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        open_stage(&st, NULL);
        exchange(&st, 0, 1);
        stage_send(&st, &old, HTTP_GET, "/", NULL);
        stage_send(&st, &fresh, HTTP_GET, "/", NULL);
        stream_on(&st, 0, 3);
        (reset ? peer_reset : peer_close)(&st.peer[0]);
        for (size_t i = 1; i <= 2; i++) {
            hs = stream_on(&st, 1, i);
            h2p_answer(hs, "200", 1, false, NULL, NULL);
        }
        UNTIL(&st, told(&old) && told(&fresh));
        assert_true(old.ended && fresh.ended);
        assert_int_equal(client_stats(st.client).retried_dead, 2);
        assert_int_equal(st.peers, 2);
        seen_fini(&old);
        seen_fini(&fresh);
        stage_close(&st);
    }
}

static void a_fresh_connection_that_breaks(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    stream_on(&st, 0, 1);
    peer_reset(&st.peer[0]);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_CLOSED);
    assert_int_equal(s.fault.phase, CLIENT_HEAD);
    assert_int_equal(st.peers, 1);
    seen_fini(&s);
    stage_close(&st);
}

/* Broken answers */

/* H2-10. */
static void broken_answers(void **state)
{
    static const struct {
        size_t n;
        const char *name, *value;
        uint32_t reset; /* 0: not, END_STREAM comes */
        enum err err;
        int heads;
    } ROWS[] = {
        {5, "content-length", "6",  0,                      E_UPSTREAM, 1},
        {5, "content-length", "4",  0,                      E_UPSTREAM, 1},
        {0, "content-length", "4",  0,                      E_UPSTREAM, 0}, /* already the head is wrong */
        {5, NULL,             NULL, NGHTTP2_INTERNAL_ERROR, E_UPSTREAM, 1},
        {5, NULL,             NULL, NGHTTP2_NO_ERROR,       E_UPSTREAM, 1},
        {5, NULL,             NULL, NGHTTP2_REFUSED_STREAM, E_UPSTREAM, 1}, /* too late for that */
    };
    struct stage st;

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct seen s;
        struct h2_stream *hs;

        open_stage(&st, NULL);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        hs = stream_on(&st, 0, 1);
        h2p_answer(hs, "200", ROWS[i].n, ROWS[i].reset || i == 4, ROWS[i].name, ROWS[i].value);
        if (ROWS[i].reset || i == 4) {
            UNTIL(&st, s.body_n == ROWS[i].n);
            h2p_reset(hs, ROWS[i].reset);
        }
        UNTIL(&st, told(&s));
        if (!s.failed || s.fault.err != ROWS[i].err || s.heads != ROWS[i].heads)
            fail_msg("row %zu: %s, %d heads", i, s.ended ? "ended" : err_name(s.fault.err),
                     s.heads);
        seen_fini(&s);
        exchange(&st, 0, 2); /* the connection lives on */
        stage_close(&st);
    }
}

static void closed_inside_an_answer(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    open_stage(&st, NULL);
    exchange(&st, 0, 1);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    h2p_answer(stream_on(&st, 0, 2), "200", 5, true, NULL, NULL);
    UNTIL(&st, s.body_n == 5);
    peer_close(&st.peer[0]);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_CLOSED);
    assert_int_equal(s.fault.phase, CLIENT_BODY);
    assert_int_equal(client_stats(st.client).retried_dead, 0);
    seen_fini(&s);
    stage_close(&st);
}

static void interim_answers_and_trailers(void **state)
{
    nghttp2_nv early[] = {H2_NV(":status", "103"), H2_NV("link", "a")};
    nghttp2_nv final[] = {H2_NV(":status", "200"), H2_NV("a", "b")};
    nghttp2_nv trailer[] = {H2_NV("t", "u")};
    struct stage st;
    struct seen s;
    struct h2_stream *hs;
    struct h2_peer *h;

    (void)state;
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    hs = stream_on(&st, 0, 1);
    h = h2p(&st.peer[0]);
    for (int i = 0; i < 10; i++)
        nghttp2_submit_headers(h->ng, 0, hs->id, NULL, early, NELEM(early), NULL);
    nghttp2_submit_headers(h->ng, 0, hs->id, NULL, final, NELEM(final), NULL);
    h2p_flush(h);
    nghttp2_submit_headers(h->ng, NGHTTP2_FLAG_END_STREAM, hs->id, NULL, trailer, NELEM(trailer),
                           NULL);
    h2p_flush(h);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_true(str_eq(buf_str(&s.fields), S("a=b;")));
    seen_fini(&s);
    /* one interim answer too many */
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    hs = stream_on(&st, 0, 2);
    for (int i = 0; i < 11; i++)
        nghttp2_submit_headers(h->ng, 0, hs->id, NULL, early, NELEM(early), NULL);
    h2p_flush(h);
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_UPSTREAM);
    seen_fini(&s);
    stage_close(&st);
}

/* H2-10. Heads that nghttp2 or we refuse, written by hand: each fails its stream and nothing else.
 */
static void bad_heads(void **state)
{
    static const struct {
        const char *name, *block;
        size_t n;
    } ROWS[] = {
        {"status 099",
         "\x08\x03"
         "099",                                                            5 },
        {"status of two digits",
         "\x08\x02"
         "20",                                                             4 },
        {"no status",               "\0\1a\1b",                            5 },
        {"two statuses",            "\x88\x88",                            2 },
        {"control byte in a value", "\x88\0\1a\3b\1c",                     8 },
        {"newline in a value",      "\x88\0\1a\3b\nc",                     8 },
        {"upper case",              "\x88\0\1A\1b",                        6 },
        {"space in a name",         "\x88\0\3a b\1c",                      8 },
        {"connection-specific",     "\x88\0\12connection\5close",          19},
        {"transfer-encoding",       "\x88\0\21transfer-encoding\7chunked", 28},
        {"two lengths",
         "\x88\0\16content-length\1"
         "1\0\16content-length\1"
         "2",                                                              37},
        {"length with a sign",      "\x88\0\16content-length\2+1",         20},
        {"a request's field",       "\x88\0\5:path\1/",                    10},
        {"status behind a field",   "\0\1a\1b\x88",                        6 },
    };
    struct stage st;

    (void)state;
    open_stage(&st, NULL);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct h2_stream *hs;
        struct seen s;

        stage_send(&st, &s, HTTP_GET, "/", NULL);
        hs = stream_on(&st, 0, i * 2 + 1);
        h2p_raw(hs->h, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, hs->id, ROWS[i].block, ROWS[i].n);
        UNTIL(&st, told(&s) || s.heads > 0);
        if (!s.failed || s.fault.err != E_UPSTREAM || s.heads != 0)
            fail_msg("%s: %s", ROWS[i].name, s.failed ? err_name(s.fault.err) : "taken");
        seen_fini(&s);
        exchange(&st, 0, i * 2 + 2);
    }
    assert_int_equal(st.peers, 1);
    stage_close(&st);
}

/* H2-10, LIM-4. Heads over the caps, by count and by bytes: the second is a field of 4000 bytes,
 * then twenty single bytes that each stand for it. The stream fails, the connection lives. */
static void header_floods(void **state)
{
    enum { FIELDS = 101, VALUE = 4000, AGAIN = 20 };
    static char bomb[7 + VALUE + AGAIN] = {
        (char)0x88, 0x40, 1, 'x', 0x7f, (char)((VALUE - 127) % 128 | 0x80), (VALUE - 127) / 128};
    nghttp2_nv nv[FIELDS + 1] = {H2_NV(":status", "200")};
    struct stage st;

    (void)state;
    memset(bomb + 7, 'v', VALUE);
    memset(bomb + 7 + VALUE, 0xbe, AGAIN);
    for (size_t i = 1; i <= FIELDS; i++)
        nv[i] = (nghttp2_nv)H2_NV("x", "y");
    open_stage(&st, NULL);
    for (size_t turn = 0; turn < 2; turn++) {
        struct h2_stream *hs;
        struct seen s;

        stage_send(&st, &s, HTTP_GET, "/", NULL);
        hs = stream_on(&st, 0, turn * 2 + 1);
        if (turn == 0)
            nghttp2_submit_headers(hs->h->ng, 0, hs->id, NULL, nv, FIELDS + 1, NULL);
        else
            h2p_raw(hs->h, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, hs->id, bomb, sizeof bomb);
        h2p_flush(hs->h);
        UNTIL(&st, told(&s));
        assert_int_equal(s.fault.err, E_TOOBIG);
        assert_int_equal(s.heads, 0);
        seen_fini(&s);
        exchange(&st, 0, turn * 2 + 2);
    }
    stage_close(&st);
}

/* H2-10. Hostile frames: each ends the connection with E_UPSTREAM for whoever waited on it. */
static void hostile_frames(void **state)
{
    static const char PUSH[] = {0, 0, 0, 2, (char)0x82, (char)0x86, (char)0x84, 0x41, 1, 'a'};
    static const char WINDOW0[] = {0, 0, 0, 0};
    static const char SETTINGS_BAD[] = {0, 2, 0, 0, 0, 7};
    static const struct {
        const char *name;
        uint8_t type, flags;
        int32_t id;
        const char *payload;
        size_t n, times;
    } ROWS[] = {
        {"a push",                    NGHTTP2_PUSH_PROMISE,  NGHTTP2_FLAG_END_HEADERS, 1,  PUSH,                   sizeof PUSH, 1   },
        {"window update of 0",        NGHTTP2_WINDOW_UPDATE, 0,                        0,  WINDOW0,                4,           1   },
        {"bad settings",              NGHTTP2_SETTINGS,      0,                        0,  SETTINGS_BAD,           6,           1   },
        {"data on stream 0",          NGHTTP2_DATA,          0,                        0,  "x",                    1,           1   },
        {"headers on an idle stream", NGHTTP2_HEADERS,       NGHTTP2_FLAG_END_HEADERS, 99, "\210",                 1,           1   },
        {"broken compression",        NGHTTP2_HEADERS,       NGHTTP2_FLAG_END_HEADERS, 1,  "\377\377\377\377\377",
         5,                                                                                                                     1   },
        {"continuation from nowhere", NGHTTP2_CONTINUATION,  0,                        1,  "\210",                 1,           1   },
        {"a frame of 1 MiB",          NGHTTP2_DATA,          0,                        1,  NULL,                   0,           0   },
        {"a flood of pings",          NGHTTP2_PING,          0,                        0,  "12345678",             8,           2000},
        {"a flood of settings",       NGHTTP2_SETTINGS,      0,                        0,  "",                     0,           2000},
        {"a flood of empty data",     NGHTTP2_DATA,          0,                        1,  "",                     0,           2000},
        {"a flood of unknown frames", 0x77,                  0,                        0,  "x",                    1,           2000},
        {"a flood of 1-byte windows", NGHTTP2_WINDOW_UPDATE, 0,                        0,  "\0\0\0\1",             4,           2000},
    };
    struct stage st;

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct seen s;
        struct h2_peer *h;

        open_stage(&st, NULL);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        h2p_answer(stream_on(&st, 0, 1), "200", 1, true, NULL, NULL);
        UNTIL(&st, s.body_n == 1);
        h = h2p(&st.peer[0]);
        if (ROWS[i].times == 0)
            (void)stream_write(h->p->s, str_of("\x10\0\0\0\0\0\0\0\1", 9));
        for (size_t k = 0; k < ROWS[i].times; k++)
            h2p_raw(h, ROWS[i].type, ROWS[i].flags, ROWS[i].id, ROWS[i].payload, ROWS[i].n);
        UNTIL(&st, told(&s));
        if (!s.failed || s.fault.err != E_UPSTREAM || client_stats(st.client).connections != 0)
            fail_msg("%s: %s", ROWS[i].name, s.failed ? err_name(s.fault.err) : "ended");
        seen_fini(&s);
        stage_close(&st);
    }
}

static void not_http2_at_all(void **state)
{
    static const struct script PLAIN = {0};
    struct stage st;
    struct seen s;

    (void)state;
    stage_open(&st, &PLAIN, NULL);
    st.origin.h2_prior = true;
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, st.peers == 1 && st.peer[0].got.n > 0);
    peer_say(&st.peer[0], "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    UNTIL(&st, told(&s));
    assert_int_equal(s.fault.err, E_UPSTREAM);
    seen_fini(&s);
    stage_close(&st);
}

/* Cancelling */

static void cancelled_requests_reset_their_streams(void **state)
{
    struct stage st;
    struct seen s;
    struct h2_stream *hs;

    (void)state;
    open_stage(&st, NULL);
    exchange(&st, 0, 1);
    /* before it was ever sent */
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    client_cancel(s.r);
    exchange(&st, 0, 2);
    /* before its head */
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    hs = stream_on(&st, 0, 3);
    client_cancel(s.r);
    UNTIL(&st, hs->closed);
    assert_int_equal(hs->code, NGHTTP2_CANCEL);
    assert_int_equal(client_stats(st.client).streams, 0);
    /* in its body */
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    hs = stream_on(&st, 0, 4);
    h2p_answer(hs, "200", 100, true, NULL, NULL);
    UNTIL(&st, s.body_n == 100);
    client_cancel(s.r);
    UNTIL(&st, hs->closed);
    assert_int_equal(hs->code, NGHTTP2_CANCEL);
    assert_false(told(&s));
    seen_fini(&s);
    exchange(&st, 0, 5);
    assert_int_equal(st.peers, 1);
    stage_close(&st);
}

/* The reset leaves although megabytes of a body wait for the socket. */
static void cancelled_in_the_middle_of_a_body(void **state)
{
    struct stage st;
    struct seen s;
    struct rope body;
    struct h2_stream *hs;

    (void)state;
    rope_fill(&body, BIG);
    open_stage(&st, NULL);
    stage_send(&st, &s, HTTP_POST, "/", &body);
    hs = stream_on(&st, 0, 1);
    UNTIL(&st, hs->got > 100 * 1000);
    client_cancel(s.r);
    rope_fini(&body); /* the body is the owner's again */
    UNTIL(&st, hs->closed);
    assert_int_equal(hs->code, NGHTTP2_CANCEL);
    assert_true(hs->got < BIG);
    seen_fini(&s);
    exchange(&st, 0, 2);
    stage_close(&st);
}

static void cancel_it(struct seen *s)
{
    client_cancel(s->r);
    client_cancel(s->r);
}

static struct seen *neighbour;

static void cancel_both(struct seen *s)
{
    client_cancel(neighbour->r);
    client_cancel(s->r);
}

static void free_client(struct seen *s)
{
    client_free(s->stage->client);
    s->stage->client = NULL;
}

static void inside_its_events(void **state)
{
    static void (*const WHAT[])(struct seen *) = {cancel_it, cancel_both, free_client};
    struct stage st;

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct seen s, other;
        struct h2_peer *h;

        open_stage(&st, NULL);
        exchange(&st, 0, 1);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        stage_send(&st, &other, HTTP_GET, "/", NULL);
        neighbour = &other;
        s.at_head = i / 3 == 0 ? WHAT[i % 3] : NULL;
        s.at_data = i / 3 == 1 ? WHAT[i % 3] : NULL;
        s.at_end = i / 3 == 2 ? WHAT[i % 3] : NULL;
        stream_on(&st, 0, 3);
        h = h2p(&st.peer[0]);
        h2p_answer(&h->stream[1], "200", 3, false, NULL, NULL);
        h2p_answer(&h->stream[2], "200", 3, false, NULL, NULL);
        if (i % 3 == 0)
            UNTIL(&st, told(&other) && h->stream[1].closed);
        stage_nap(&st, 2);
        assert_int_equal(s.body_n, i / 3 == 0 ? 0 : 3);
        assert_int_equal(told(&s), i / 3 == 2);
        assert_int_equal(told(&other), i % 3 == 0);
        seen_fini(&s);
        seen_fini(&other);
        stage_close(&st);
    }
}

static void cancel_neighbour(struct seen *s)
{
    (void)s;
    client_cancel(neighbour->r);
    neighbour->r = NULL;
}

/* The choices of one request share a connection: when it dies under them, the first that hears of
 * it cancels the others, which are on it still. */
static void cancelled_while_the_connection_dies(void **state)
{
    struct seen s, other;
    struct stage st;

    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        open_stage(&st, NULL);
        exchange(&st, 0, 1);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        stage_send(&st, &other, HTTP_GET, "/", NULL);
        neighbour = &other;
        s.at_end = cancel_neighbour;
        h2p_answer(stream_on(&st, 0, 2), "200", 3, true, NULL, NULL);
        if (answered)
            h2p_answer(stream_on(&st, 0, 3), "200", 3, true, NULL, NULL);
        UNTIL(&st, s.body_n == 3 && (!answered || other.body_n == 3));
        peer_reset(&st.peer[0]);
        UNTIL(&st, told(&s));
        assert_true(s.failed);
        stage_nap(&st, 2);
        assert_false(told(&other));
        assert_int_equal(client_stats(st.client).streams, 0);
        seen_fini(&s);
        seen_fini(&other);
        exchange(&st, 1, 1);
        stage_close(&st);
    }
}

/* Time limits */

static void late_answers(void **state)
{
    struct stage st;
    struct seen head, body;
    struct h2_stream *hs;

    (void)state;
    open_stage(&st, NULL);
    exchange(&st, 0, 1); /* the connection stands: nothing else can be late */
    st.first_byte_ms = 20;
    stage_send(&st, &head, HTTP_GET, "/", NULL);
    UNTIL(&st, told(&head));
    assert_int_equal(head.fault.err, E_TIMEOUT);
    assert_int_equal(head.fault.phase, CLIENT_HEAD);
    hs = stream_on(&st, 0, 2);
    UNTIL(&st, hs->closed);
    assert_int_equal(hs->code, NGHTTP2_CANCEL);
    st.first_byte_ms = 0;
    st.idle_ms = 20;
    stage_send(&st, &body, HTTP_GET, "/", NULL);
    h2p_answer(stream_on(&st, 0, 3), "200", 5, true, NULL, NULL);
    UNTIL(&st, told(&body));
    assert_int_equal(body.fault.err, E_TIMEOUT);
    assert_int_equal(body.fault.phase, CLIENT_BODY);
    seen_fini(&head);
    seen_fini(&body);
    stage_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exchange),
        cmocka_unit_test(many_on_one_connection),
        cmocka_unit_test(more_streams_than_one_takes),
        cmocka_unit_test(the_peers_limit),
        cmocka_unit_test(as_many_connections_as_may_be),
        cmocka_unit_test(a_large_body),
        cmocka_unit_test(a_body_through_a_keyhole),
        cmocka_unit_test(an_answer_before_the_body_has_left),
        cmocka_unit_test(a_slow_reader_and_a_fast_one),
        cmocka_unit_test(the_tail_of_a_paused_answer),
        cmocka_unit_test(a_paused_answer_that_broke),
        cmocka_unit_test(goaway_while_idle),
        cmocka_unit_test(goaway_in_the_middle),
        cmocka_unit_test(a_graceful_goaway),
        cmocka_unit_test(refused_streams),
        cmocka_unit_test(refused_everywhere),
        cmocka_unit_test(died_under_the_requests),
        cmocka_unit_test(a_fresh_connection_that_breaks),
        cmocka_unit_test(broken_answers),
        cmocka_unit_test(closed_inside_an_answer),
        cmocka_unit_test(interim_answers_and_trailers),
        cmocka_unit_test(bad_heads),
        cmocka_unit_test(header_floods),
        cmocka_unit_test(hostile_frames),
        cmocka_unit_test(not_http2_at_all),
        cmocka_unit_test(cancelled_requests_reset_their_streams),
        cmocka_unit_test(cancelled_in_the_middle_of_a_body),
        cmocka_unit_test(inside_its_events),
        cmocka_unit_test(cancelled_while_the_connection_dies),
        cmocka_unit_test(late_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
