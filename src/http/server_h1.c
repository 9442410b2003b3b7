/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1.c - an HTTP/1 connection: which bytes are read when, and when it ends.
 *
 *   idle --a byte--> head --whole--> call in work --answered, body read--> idle
 *                                        '--answered, body unread--> drain --1 s, 64 KiB--> closed
 *
 * One call is in work at a time. The socket is read meanwhile as well, because that is how we learn
 * that the client left; what arrives waits in `ahead`.
 *
 * EOF while a call is in work means that the client left, and what it asked for is cancelled. A
 * client that only closes its sending half looks the same, but it does so right behind its request:
 * when the FIN is there as soon as the request is, the client is answered, and its leaving shows
 * when a write fails. Who keeps the connection and does not tell that it ends has no reason to do
 * so, and is not looked at. What was answered already is sent to its end in any case. */
#include "http/server_h1.h"
#include "base/mem.h"

#include <assert.h>

static void run(struct h1 *h, struct str *in);

/* What the timer is for. Waiting on for the same thing does not start it anew (LIM-7). */
static void await(struct h1 *h, enum h1_wait wait)
{
    const struct server_limits *l = &h->k.server->limits;
    uint32_t ms = wait == WAIT_IDLE    ? l->keep_alive_ms
                  : wait == WAIT_HEAD  ? l->head_ms
                  : wait == WAIT_DRAIN ? DRAIN_MS
                                       : 0;

    if (h->wait == wait)
        return;
    h->wait = wait;
    if (ms > 0)
        timer_start(&h->k.timer, ms);
    else
        timer_stop(&h->k.timer);
}

/* Nothing more can be done with the bytes that are here. */
static void starve(struct h1 *h)
{
    if (h->call != NULL && h->call->wants_body && !h->call->responded)
        call_body_await(h->call);
    if (h->call != NULL) {
        await(h, WAIT_NONE);
    } else if (h->draining) {
        await(h, WAIT_DRAIN);
    } else if (h1_reader_begun(&h->reader)) {
        await(h, WAIT_HEAD);
    } else {
        await(h, WAIT_IDLE);
        h->kept = h->served;
    }
}

/* Does the FIN stand right behind the request in work? Then reading stops in front of it. Asked
 * once for each call that was not answered at once, and may be the last one. */
static void look_behind(struct h1 *h)
{
    if (h->call == NULL || !h->whole || h->looked || h->k.closed || h->k.finishing)
        return;
    h->looked = true;
    h->half_closed = stream_looks_dead(h->k.stream);
    if (h->half_closed)
        stream_pause(h->k.stream);
}

static void read_again(struct h1 *h)
{
    if (h->k.closed || h->ahead.n >= AHEAD_MAX)
        return;
    if (h->half_closed && (h->call != NULL || h->ahead.n > 0))
        return;
    if (h->paused || h->half_closed)
        stream_resume(h->k.stream);
    h->paused = h->half_closed = false;
}

/* Look at what was read ahead, and run what can run. */
static void run_ahead(struct h1 *h)
{
    struct buf held = h->ahead;
    struct str in = buf_str(&held);

    buf_init(&h->ahead, SIZE_MAX / 2);
    run(h, &in);
    buf_drop_front(&held, held.n - in.n);
    if (held.n == 0 || h->k.closed)
        buf_fini(&held);
    h->ahead = held;
    read_again(h);
}

static void on_soon(struct task *t)
{
    struct h1 *h = CONTAINER(t, struct h1, k.soon);

    if (h->k.doomed)
        sconn_close(&h->k);
    else
        run_ahead(h);
}

static void go_on(struct h1 *h)
{
    if (h->running || h->k.closed)
        return; /* run() sees by itself */
    if (h->ahead.n == 0 && h->call == NULL && !h->half_closed)
        starve(h);
    else
        loop_soon(h->k.server->loop, &h->k.soon);
}

static void next_request(struct h1 *h)
{
    h1_reader_next(&h->reader);
    h->whole = h->draining = false;
    h->served = true;
    await(h, WAIT_NONE);
    go_on(h);
}

/* The call is answered. */
static void call_over(struct h1 *h)
{
    call_bury(h->call);
    h->call = NULL;
    h->draining = !h1_request_whole(h);
    if (h->close)
        sconn_finish(&h->k);
    else if (h->draining)
        go_on(h);
    else
        next_request(h);
}

static struct call *call_new(struct h1 *h)
{
    struct call *c = mem_alloc(sizeof *c);

    assert(h->call == NULL);
    call_init(c, &h->k);
    h->call = c;
    return c;
}

/* Answer what is not a request, and close. */
static void refuse(struct h1 *h, const struct refusal *r)
{
    struct call *c = h->call;

    h->close = true;
    if (h->draining) {
        sconn_finish(&h->k);
    } else if (c == NULL) {
        c = call_new(h);
        c->method = h->reader.lines > 0 ? h->reader.method : HTTP_GET;
        call_refuse(c, r);
    } else if (!c->responded) {
        call_refuse(c, r);
    }
}

static void on_timer(struct timer *t)
{
    static const struct refusal SLOW = {408, "the request's head came too slowly"};
    struct h1 *h = CONTAINER(t, struct h1, k.timer);
    enum h1_wait wait = h->wait;

    h->wait = WAIT_NONE;
    if (wait == WAIT_HEAD)
        refuse(h, &SLOW);
    else if (wait == WAIT_IDLE && stream_queued(h->k.stream) > 0)
        await(h, WAIT_IDLE); /* the last answer is still on its way: LIM-9 watches that */
    else
        sconn_finish(&h->k);
}

/* Requests. */

static void on_head(struct h1 *h)
{
    struct h1_reader *r = &h->reader;
    struct call *c = call_new(h);

    await(h, WAIT_NONE);
    c->method = r->method;
    c->path = r->target.path;
    c->query = r->target.query;
    c->headers = h1_reader_fields(r);
    h->dropped = 0;
    h->expects = r->facts.expects_100 && !h1_request_whole(h);
    h->close = !r->facts.keep_alive || h->k.server->draining;
    h->looked = h->kept && !h->close;
    call_start(c, &r->facts);
}

static void on_data(struct h1 *h, struct str data)
{
    struct call *c = h->call;

    if (c != NULL && c->wants_body && !c->responded) {
        call_take_body(c, data);
        return;
    }
    h->dropped += data.n;
    if (h->dropped <= DRAIN_MAX)
        return;
    h->close = true;
    if (c == NULL)
        sconn_finish(&h->k);
}

static void on_whole(struct h1 *h)
{
    struct call *c = h->call;

    h->whole = true;
    if (c == NULL)
        next_request(h);
    else if (c->wants_body && !c->responded)
        call_body_done(c);
}

static bool may_run(const struct h1 *h)
{
    const struct call *c = h->call;

    if (h->k.closed || h->k.finishing)
        return false;
    if (c == NULL)
        return !h->k.full; /* answers that nobody takes do not pile up */
    return !h->whole && h->reader.at != AT_BAD && h->dropped <= DRAIN_MAX &&
           (c->wants_body || c->responded);
}

static void run(struct h1 *h, struct str *in)
{
    struct str data;
    enum h1_got got = H1_HEAD;

    h->running = true;
    while (got != H1_MORE && may_run(h)) {
        got = h1_read(&h->reader, in, &data);
        switch (got) {
        case H1_MORE: starve(h); break;
        case H1_HEAD: on_head(h); break;
        case H1_DATA: on_data(h, data); break;
        case H1_END: on_whole(h); break;
        case H1_BAD: {
            struct refusal why = h->reader.why;

            refuse(h, &why);
            break;
        }
        }
    }
    h->running = false;
    look_behind(h);
}

/* The stream. */

static void stash(struct h1 *h, struct str bytes)
{
    if (bytes.n == 0 || h->k.closed || h->k.finishing)
        return;
    buf_put(&h->ahead, bytes);
    if (h->ahead.err != OK) {
        sconn_close(&h->k); /* no memory */
    } else if (h->ahead.n >= AHEAD_MAX) {
        h->paused = true;
        stream_pause(h->k.stream);
    }
}

/* RFC 9113, 3.4: a client that knows that we speak HTTP/2 begins with these bytes. True when this
 * one does not; it stays HTTP/1 then, and *bytes is what is to be read. */
static bool sniff(struct h1 *h, struct str *bytes)
{
    static const struct str PREFACE = S_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    struct str rest = str_skip(PREFACE, h->ahead.n);
    size_t n = bytes->n < rest.n ? bytes->n : rest.n;
    struct server *s = h->k.server;

    h->sniffed = memcmp(bytes->p, rest.p, n) != 0;
    if (h->sniffed && h->ahead.n == 0)
        return true;
    stash(h, *bytes);
    if (h->k.closed)
        return false;
    if (h->sniffed)
        run_ahead(h);
    else if (n == rest.n)
        h2_open(s, sconn_hand_over(&h->k), buf_str(&h->ahead));
    else
        await(h, WAIT_HEAD);
    return false;
}

static void on_read(void *owner, struct str bytes)
{
    struct h1 *h = owner;

    if (h->k.finishing || (!h->sniffed && !sniff(h, &bytes)))
        return;
    if (h->ahead.n == 0)
        run(h, &bytes);
    stash(h, bytes);
}

static void on_drain(void *owner)
{
    struct h1 *h = owner;

    sconn_drained(&h->k);
    if (h->k.closed)
        return;
    if (h->call != NULL)
        call_drained(h->call);
    if (!h->k.closed)
        go_on(h);
}

static void on_end(void *owner, enum err why)
{
    struct h1 *h = owner;

    if (why != OK || h->call != NULL) {
        sconn_close(&h->k);
    } else {
        h->k.full = false; /* nothing will tell that it drained */
        sconn_finish(&h->k);
    }
}

static const struct stream_events EVENTS = {on_read, on_drain, on_end};

/* struct http_version */

static void h1_drain(struct sconn *k)
{
    struct h1 *h = h1_of(k);

    if (h->call == NULL && (h->draining || !h1_reader_begun(&h->reader)))
        sconn_finish(k);
    else
        h->close = true;
}

static void h1_cut(struct sconn *k)
{
    struct h1 *h = h1_of(k);
    struct call *c = h->call;

    if (c == NULL)
        return;
    h->call = NULL;
    call_cut(c);
    call_bury(c);
}

static void h1_free(struct sconn *k)
{
    struct h1 *h = h1_of(k);

    h1_reader_fini(&h->reader);
    buf_fini(&h->ahead);
    mem_free(h);
}

static size_t h1_weight(const struct sconn *k)
{
    return stream_queued(k->stream);
}

static void h1_want_body(struct call *c)
{
    struct h1 *h = h1_of(c->conn);

    if (h->expects)
        h1_send_continue(h);
    if (!h->running)
        loop_soon(h->k.server->loop, &h->k.soon);
}

static void h1_end(struct call *c)
{
    h1_send_end(c);
    if (!c->conn->closed)
        call_over(h1_of(c->conn));
}

/* Whatever was written still leaves, an error event among it; the missing end tells the rest. */
static void h1_reset(struct call *c)
{
    struct h1 *h = h1_of(c->conn);
    bool told_by_close = c->length < 0 && h->reader.minor == 0;

    if (h->k.closed)
        return;
    if (c->responded && !told_by_close) {
        h->close = true;
        call_over(h);
    } else {
        sconn_reset(&h->k);
    }
}

static size_t h1_queued(const struct call *c)
{
    return c->conn->stream ? stream_queued(c->conn->stream) : 0;
}

static void h1_free_call(struct call *c)
{
    mem_free(c);
}

static const struct http_version VERSION = {
    .drain = h1_drain,
    .cut = h1_cut,
    .free = h1_free,
    .weight = h1_weight,
    .shed = sconn_reset,
    .want_body = h1_want_body,
    .respond = h1_respond,
    .write = h1_write,
    .end = h1_end,
    .reset = h1_reset,
    .queued = h1_queued,
    .free_call = h1_free_call,
};

void h1_open(struct server *s, struct stream *stream)
{
    struct h1 *h = mem_zalloc(sizeof *h);

    sconn_init(&h->k, s, stream, &VERSION, on_soon, on_timer);
    h1_reader_init(&h->reader);
    buf_init(&h->ahead, SIZE_MAX / 2);
    h->sniffed = stream_is_tls(stream);
    await(h, WAIT_IDLE);
    stream_bind(stream, &EVENTS, h);
    stream_resume(stream);
}
