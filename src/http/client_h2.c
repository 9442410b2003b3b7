/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_h2.c - the life of one HTTP/2 connection: requests onto streams, frames onto the socket,
 * and whether the peer is still there. What the peer says is client_h2_recv.c's business.
 *
 * A request body is read by nghttp2 when the socket and the peer's windows have room; control
 * frames (a cancelled stream's RST_STREAM above all) never wait behind it. */
#include "http/client_h2.h"
#include "base/mem.h"

/* Sending */

void h2_flush(struct h2 *h)
{
    if (h->conn.dead) /* and its requests hear so one by one: one may cancel those behind it */
        return;
    loop_soon(h->conn.client->loop, &h->flush);
}

static void flush(struct task *t)
{
    struct h2 *h = CONTAINER(t, struct h2, flush);
    const uint8_t *p;
    ssize_t n = 0;

    while (stream_queued(h->conn.stream) < (size_t)2 * OUT_MAX) {
        n = nghttp2_session_mem_send(h->ng, &p);
        if (h->conn.dead)
            return; /* an owner that was told something inside has freed the client */
        if (n <= 0)
            break;
        (void)stream_write(h->conn.stream, str_of((const char *)p, (size_t)n));
    }
    if (n < 0 || (!nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng)))
        conn_kill(&h->conn, E_UPSTREAM, "upstream broke the HTTP/2 connection");
    else if (h->conn.draining && h->conn.nreqs == 0)
        conn_kill(&h->conn, OK, "drained");
}

/* nghttp2 asks for the next bytes of a body. */
static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct client_req *r = nghttp2_session_get_stream_user_data(ng, id);
    size_t n = 0;

    (void)source;
    if (r == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream_queued(h->conn.stream) >= OUT_MAX)
        return NGHTTP2_ERR_PAUSE; /* on_drain goes on */
    while (n < room && r->left > 0) {
        struct str piece = req_body_next(r, room - n);

        memcpy(to + n, piece.p, piece.n);
        n += piece.n;
    }
    req_progress(r);
    if (r->left == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        req_sent(r);
    }
    return (ssize_t)n;
}

static nghttp2_nv field(struct str name, struct str value, uint8_t flags)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .namelen = name.n,
                        .valuelen = value.n,
                        .flags = flags};
}

/* nghttp2 reads these bytes until the frame has left. They are the request's own, or its pool's; a
 * request that goes before that is reset, and a frame of a stream that was reset is not made. */
enum { BORROWED = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };

/* A credential stays out of the compression table. */
static uint8_t field_flags(struct str name)
{
    bool secret = false;

    switch (name.n) {
    case 6: secret = str_eq(name, S("cookie")); break;
    case 9: secret = str_eq(name, S("x-api-key")); break;
    case 13: secret = str_eq(name, S("authorization")); break;
    case 14: secret = str_eq(name, S("x-goog-api-key")); break;
    default: break;
    }
    return secret ? BORROWED | NGHTTP2_NV_FLAG_NO_INDEX : BORROWED;
}

/* What nghttp2_submit_request says. */
static int32_t submit_fields(struct h2 *h, struct client_req *r, nghttp2_nv *nv)
{
    const struct origin *o = &r->pool->origin;
    nghttp2_data_provider body = {.read_callback = read_body};
    char length[STR_U64_MAX];
    size_t n = 0;

    nv[n++] = field(S(":method"), http_method_str(r->method), BORROWED);
    nv[n++] = field(S(":scheme"), o->https ? S("https") : S("http"), BORROWED);
    nv[n++] = field(S(":authority"), r->pool->authority, BORROWED);
    nv[n++] = field(S(":path"), r->target, BORROWED);
    for (size_t i = 0; i < r->headers.n; i++)
        nv[n++] =
            field(r->headers.v[i].name, r->headers.v[i].value, field_flags(r->headers.v[i].name));
    if (req_has_length(r))
        nv[n++] = field(S("content-length"), str_of(length, str_put_u64(length, r->left)),
                        NGHTTP2_NV_FLAG_NO_COPY_NAME);
    return nghttp2_submit_request(h->ng, NULL, nv, n, r->left ? &body : NULL, r);
}

static int32_t submit(struct h2 *h, struct client_req *r)
{
    enum { OURS = 5, FEW = 24 };
    UNINITIALIZED nghttp2_nv few[FEW];
    nghttp2_nv *nv = few;
    int32_t id;

    if (r->headers.n + OURS > FEW)
        nv = mem_alloc((r->headers.n + OURS) * sizeof *nv);
    id = submit_fields(h, r, nv);
    if (nv != few)
        mem_free(nv);
    return id;
}

/* Called from the pool's walk: nothing that goes wrong here is told before the next task. */
static void start(struct conn *c, struct client_req *r)
{
    struct h2 *h = h2_of(c);
    int32_t id = submit(h, r);

    h2_flush(h);
    if (id < 0) { /* out of stream ids */
        c->draining = true;
        conn_refused(c, r);
        return;
    }
    r->stream_id = id;
    if (!timer_running(&h->watch))
        timer_start(&h->watch, c->client->lim.ping_after_ms);
}

static bool has_room(const struct conn *c)
{
    const struct h2 *h = CONTAINER(c, const struct h2, conn);
    size_t theirs =
        nghttp2_session_get_remote_settings(h->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    return c->nreqs < h->room && c->nreqs < theirs && nghttp2_session_check_request_allowed(h->ng);
}

void h2_leave(struct h2 *h, struct client_req *r, bool reset)
{
    nghttp2_session_set_stream_user_data(h->ng, r->stream_id, NULL);
    if (reset)
        nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, r->stream_id, NGHTTP2_CANCEL);
    req_detach(r);
    if (reset) /* else its end has just been read, and on_read() sees what there is to send */
        h2_flush(h);
}

static void cancel(struct conn *c, struct client_req *r)
{
    h2_leave(h2_of(c), r, true);
}

/* Back-pressure: a paused request gives no stream credit back, and that is all. */

static void pause(struct conn *c, struct client_req *r)
{
    (void)c, (void)r;
}

static void resume(struct conn *c, struct client_req *r)
{
    (void)c, (void)r;
}

static void taken(struct conn *c, struct client_req *r, size_t n)
{
    struct h2 *h = h2_of(c);

    nghttp2_session_consume_stream(h->ng, r->stream_id, n);
    h2_flush(h);
}

/* Is the peer still there? Any byte from it says yes. */

static void ping(struct h2 *h, uint64_t within_ms)
{
    uint64_t due = loop_now_ms(h->conn.client->loop) + within_ms;

    if (h->ping_due_ms == 0) {
        nghttp2_submit_ping(h->ng, NGHTTP2_FLAG_NONE, NULL);
        h2_flush(h);
    }
    if (h->ping_due_ms == 0 || h->ping_due_ms > due)
        h->ping_due_ms = due;
    if (!timer_running(&h->watch) || h->watch.due_ms > h->ping_due_ms)
        timer_start(&h->watch, within_ms);
}

static void probe(struct conn *c)
{
    ping(h2_of(c), PROBE_MS);
}

static void watch(struct timer *t)
{
    struct h2 *h = CONTAINER(t, struct h2, watch);
    uint64_t every = h->conn.client->lim.ping_after_ms;
    uint64_t now = loop_now_ms(h->conn.client->loop), quiet = now - h->conn.heard_ms;

    if (h->ping_due_ms != 0 && now >= h->ping_due_ms)
        conn_kill(&h->conn, E_CLOSED, "upstream does not answer on its connection any more");
    else if (h->ping_due_ms != 0)
        timer_start(t, h->ping_due_ms - now);
    else if (h->conn.nreqs > 0 && quiet >= every)
        ping(h, every);
    else if (h->conn.nreqs > 0)
        timer_start(t, every - quiet);
}

/* Receiving */

static void on_read(void *owner, struct str bytes)
{
    struct h2 *h = owner;
    ssize_t n;

    conn_heard(&h->conn);
    h->ping_due_ms = 0;
    n = nghttp2_session_mem_recv(h->ng, (const uint8_t *)bytes.p, bytes.n);
    if (h->conn.dead)
        return;
    if (n < 0)
        conn_kill(&h->conn, E_UPSTREAM, "upstream broke the HTTP/2 connection");
    else if (nghttp2_session_want_write(h->ng) || !nghttp2_session_want_read(h->ng) ||
             h->conn.draining) /* data alone mostly wants no answer */
        h2_flush(h);
}

static void on_drain(void *owner)
{
    h2_flush(owner);
}

static void on_end(void *owner, enum err why)
{
    struct h2 *h = owner;

    (void)why; /* the connection's end ends no stream well */
    conn_kill(&h->conn, E_CLOSED, "upstream closed the connection");
}

static const struct stream_events STREAM = {on_read, on_drain, on_end};

static void close_conn(struct conn *c)
{
    task_cancel(&h2_of(c)->flush);
    timer_stop(&h2_of(c)->watch);
}

static void free_conn(struct conn *c)
{
    nghttp2_session_del(h2_of(c)->ng);
    head_fini(&h2_of(c)->head);
    mem_free(h2_of(c));
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

static void greet(struct h2 *h)
{
    static const nghttp2_settings_entry SETTINGS[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH,          0            },
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,  H2_WINDOW    },
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
    };

    nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, SETTINGS, NELEM(SETTINGS));
    nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, 0, H2_CONN_WINDOW);
}

struct conn *h2_dialled(struct pool *p, struct stream *s)
{
    struct h2 *h = mem_zalloc(sizeof *h);

    conn_init(&h->conn, p, &OPS, s);
    head_init(&h->head);
    h->room = p->client->lim.h2_streams;
    h->glitches = H2_GLITCHES;
    h->glitched_ms = h->conn.heard_ms;
    task_init(&h->flush, flush);
    timer_init(&h->watch, p->client->loop, watch);
    h->ng = h2_session(h);
    greet(h);
    h2_flush(h);
    stream_bind(s, &STREAM, h);
    stream_resume(s);
    return &h->conn;
}
