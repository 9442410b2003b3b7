/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_h1.c - one HTTP/1.1 connection: one request at a time, kept alive between them. It reads
 * while it is idle as well, so that a peer that closes is noticed at once. Knows nothing of pools.
 *
 *   idle --start--> busy --answer complete, request sent, kept alive--> idle
 *                     '--anything else--> dead */
#include "base/mem.h"
#include "http/client_answer.h"
#include "http/client_pool.h"
#include "http/client_req.h"

#include <assert.h>

struct h1 {
    struct conn conn;
    struct answer answer;
    bool muted; /* the answer is an early refusal: the rest of the body stays here */
};

static struct h1 *h1_of(struct conn *c)
{
    return CONTAINER(c, struct h1, conn);
}

static struct client_req *current(const struct h1 *h)
{
    return h->conn.nreqs ? CONTAINER(h->conn.reqs.next, struct client_req, at) : NULL;
}

static bool has_room(const struct conn *c)
{
    return c->nreqs == 0;
}

/* Sending */

#define PUT(at, lit) str_put(at, S(lit))

/* No fewer bytes than the head will have. */
static size_t head_most(const struct client_req *r)
{
    enum { FIRST_LINE_LENGTH = 128 };

    return FIRST_LINE_LENGTH + r->target.n + r->pool->authority.n + r->lines.n;
}

static char *put_head(char *at, const struct client_req *r)
{
    at = str_put(at, http_method_str(r->method));
    at = PUT(at, " ");
    at = str_put(at, r->target);
    at = PUT(at, " HTTP/1.1\r\nhost: ");
    at = str_put(at, r->pool->authority);
    at = PUT(at, "\r\n");
    at = str_put(at, r->lines);
    if (req_has_length(r)) {
        at = PUT(at, "content-length: ");
        at += str_put_u64(at, r->left);
        at = PUT(at, "\r\n");
    }
    return PUT(at, "\r\n");
}

/* The body leaves the rope in slices, as fast as the socket takes them. */
static void pump(struct h1 *h)
{
    struct client_req *r = current(h);

    if (r == NULL || h->muted)
        return;
    while (r->left > 0 && stream_queued(h->conn.stream) < OUT_MAX) {
        (void)stream_write(h->conn.stream, req_body_next(r, FLOW_HIGH));
        req_progress(r);
    }
    if (r->left == 0)
        req_sent(r);
}

static void start(struct conn *c, struct client_req *r)
{
    struct h1 *h = h1_of(c);
    char *at;

    h->muted = false;
    h->answer.to_head = r->method == HTTP_HEAD;
    at = stream_reserve(c->stream, head_most(r));
    if (at != NULL)
        stream_wrote(c->stream, (size_t)(put_head(at, r) - at));
    pump(h);
}

static void on_drain(void *owner)
{
    pump(owner);
}

/* Receiving */

static void on_head(void *owner, int status, struct http_headers h)
{
    struct h1 *h1 = owner;

    h1->muted = status >= 300;
    req_head(current(h1), status, h);
}

static void on_data(void *owner, struct str bytes)
{
    struct h1 *h = owner;

    (void)req_data(current(h), bytes);
}

static const struct answer_events ANSWER = {on_head, on_data};

static void fresh_answer(struct h1 *h)
{
    answer_fini(&h->answer);
    answer_init(&h->answer, false, &ANSWER, h);
}

/* The connection is settled before the owner hears of the end: it may ask again at once, and gets
 * this connection. */
static void finish(struct h1 *h, bool clean)
{
    struct client_req *r = current(h);
    bool keep;

    assert(r != NULL); /* bytes that nobody asked for end the connection before */
    keep = clean && h->answer.keep && r->left == 0 && !h->conn.draining;

    req_detach(r);
    if (keep) {
        fresh_answer(h);
        stream_resume(h->conn.stream);
    } else {
        conn_kill(&h->conn, OK, "done");
    }
    req_end(r);
}

static void on_read(void *owner, struct str bytes)
{
    struct h1 *h = owner;
    struct client_req *r = current(h);
    size_t took;

    conn_heard(&h->conn);
    if (r == NULL) {
        conn_kill(&h->conn, E_UPSTREAM, "bytes that nobody asked for");
        return;
    }
    r->answered = true;
    took = answer_feed(&h->answer, bytes);
    if (h->conn.dead)
        return;
    if (h->answer.state == ANSWER_FAILED)
        conn_kill(&h->conn, h->answer.err, h->answer.what);
    else if (h->answer.state == ANSWER_DONE)
        finish(h, took == bytes.n);
    else if (r->paused && r->phase == CLIENT_BODY)
        stream_pause(h->conn.stream);
}

static void on_end(void *owner, enum err why)
{
    struct h1 *h = owner;
    struct client_req *r = current(h);

    if (r != NULL && r->answered && why == OK) {
        answer_eof(&h->answer);
        if (h->answer.state == ANSWER_DONE) {
            finish(h, false);
            return;
        }
    }
    conn_kill(&h->conn, E_CLOSED,
              r != NULL && r->answered ? "upstream closed the connection inside its answer"
                                       : "upstream closed the connection without an answer");
}

static const struct stream_events STREAM = {on_read, on_drain, on_end};

/* What the pool and the request ask */

static void cancel(struct conn *c, struct client_req *r)
{
    (void)r;
    conn_kill(c, E_CLOSED, "cancelled");
}

static void pause(struct conn *c, struct client_req *r)
{
    if (r->phase == CLIENT_BODY)
        stream_pause(c->stream);
}

static void resume(struct conn *c, struct client_req *r)
{
    (void)r;
    stream_resume(c->stream);
}

static void taken(struct conn *c, struct client_req *r, size_t n)
{
    (void)c, (void)r, (void)n;
}

static void probe(struct conn *c)
{
    (void)c; /* HTTP/1 has no way to ask */
}

static void close_conn(struct conn *c)
{
    answer_stop(&h1_of(c)->answer);
}

static void free_conn(struct conn *c)
{
    answer_fini(&h1_of(c)->answer);
    mem_free(h1_of(c));
}

static const struct conn_ops OPS = {
    .has_room = has_room,
    .start = start,
    .cancel = cancel,
    .pause = pause,
    .resume = resume,
    .taken = taken,
    .probe = probe,
    .close = close_conn,
    .free = free_conn,
};

struct conn *h1_dialled(struct pool *p, struct stream *s)
{
    struct h1 *h = mem_zalloc(sizeof *h);

    conn_init(&h->conn, p, &OPS, s);
    answer_init(&h->answer, false, &ANSWER, h);
    stream_bind(s, &STREAM, h);
    stream_resume(s);
    return &h->conn;
}
