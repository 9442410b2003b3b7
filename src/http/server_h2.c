/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2.c - an HTTP/2 connection: what is announced, what goes through when, and how it ends.
 *
 *   open --server_drain, idle too long--> going: GOAWAY, the streams there are finish --> closed
 *   open --connection error, empty budget, late--> over: GOAWAY, nothing is read any more -->
 * closed
 *
 * Bytes pass the guard (server_h2_guard.h), then nghttp2. What is to be sent is collected once, in
 * the soon-task, and no more than the socket takes. */
#include "http/server_h2.h"
#include "base/mem.h"

/* The connection's clock: one timer for three deadlines. */

static void arm(struct h2 *h)
{
    uint64_t now = loop_now_ms(h->k.server->loop);
    uint64_t due[] = {h->settle_by, h->head_by, h->idle_by};
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < NELEM(due); i++)
        first = due[i] > 0 && due[i] < first ? due[i] : first;
    if (first < UINT64_MAX && (!timer_running(&h->k.timer) || h->k.timer.due_ms > first))
        timer_start(&h->k.timer, first > now ? first - now : 0);
}

static uint64_t after(const struct h2 *h, uint32_t ms)
{
    return ms > 0 ? loop_now_ms(h->k.server->loop) + ms : 0;
}

static void idle_begin(struct h2 *h)
{
    h->idle_by = after(h, h->k.server->limits.h2_idle_ms);
    arm(h);
}

/* The last frame is GOAWAY; what is in work ends with the connection. */
static void bye(struct h2 *h, uint32_t code)
{
    if (h->over)
        return;
    h->over = true;
    nghttp2_session_terminate_session(h->session, code);
    h2_soon(h);
}

/* Tell the client where to stop; streams up to there are served. */
static void go(struct h2 *h)
{
    if (h->going)
        return;
    h->going = true;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    h2_soon(h);
}

static void on_timer(struct timer *t)
{
    struct h2 *h = CONTAINER(t, struct h2, k.timer);
    uint64_t now = loop_now_ms(t->loop);

    if (h->settle_by > 0 && h->settle_by <= now) {
        bye(h, NGHTTP2_SETTINGS_TIMEOUT);
    } else if (h->head_by > 0 && h->head_by <= now) {
        bye(h, NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (h->idle_by > 0 && h->idle_by <= now) {
        h->idle_by = 0;
        go(h);
    }
    if (!h->over)
        arm(h);
}

/* Calls. */

static size_t call_waiting(const struct stall *s)
{
    return h2_call_left(CONTAINER(s, struct h2_call, stall));
}

static void call_stalled(struct stall *s)
{
    h2_call_drop(CONTAINER(s, struct h2_call, stall), NGHTTP2_CANCEL);
}

static void call_lingered(struct timer *t)
{
    struct h2_call *hc = CONTAINER(t, struct h2_call, linger);
    struct h2 *h = h2_call_conn(hc);

    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, hc->id, NGHTTP2_NO_ERROR);
    h2_soon(h);
}

static void call_wake(struct task *t)
{
    struct h2_call *hc = CONTAINER(t, struct h2_call, wake);

    if (hc->failed)
        h2_call_drop(hc, NGHTTP2_INTERNAL_ERROR);
    else
        h2_body_go_on(hc);
}

struct h2_call *h2_call_new(struct h2 *h, int32_t id)
{
    struct h2_call *hc = mem_zalloc(sizeof *hc);
    struct server *s = h->k.server;

    call_init(&hc->c, &h->k);
    hc->id = id;
    hc->path = hc->authority = S("");
    arena_init(&hc->head, (size_t)HTTP_LINE_MAX + HTTP_HEAD_MAX + HTTP_FIELDS_MAX * 32);
    buf_init(&hc->out, SIZE_MAX / 4);
    task_init(&hc->wake, call_wake);
    timer_init(&hc->linger, s->loop, call_lingered);
    stall_init(&hc->stall, s->loop, s->limits.write_stall_ms, call_waiting, call_stalled);
    list_push(&h->calls, &hc->c.link);
    h->ncalls++;
    h->idle_by = 0;
    return hc;
}

void h2_call_over(struct h2_call *hc)
{
    struct h2 *h = h2_call_conn(hc);

    stall_stop(&hc->stall);
    timer_stop(&hc->linger);
    task_cancel(&hc->wake);
    h->ncalls--;
    call_cut(&hc->c);
    call_bury(&hc->c);
    if (h->ncalls == 0 && !h->k.closed)
        idle_begin(h);
}

void h2_call_drop(struct h2_call *hc, uint32_t code)
{
    struct h2 *h = h2_call_conn(hc);

    stall_stop(&hc->stall);
    hc->ours = true;
    call_cut(&hc->c);
    hc->c.ended = true;
    if (h->k.closed)
        return;
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, hc->id, code);
    h2_soon(h);
}

void h2_call_fail(struct h2_call *hc)
{
    hc->failed = hc->ours = true;
    loop_soon(h2_call_conn(hc)->k.server->loop, &hc->wake);
}

static void free_call(struct call *c)
{
    struct h2_call *hc = h2_call_of(c);

    arena_fini(&hc->head);
    mem_free((void *)c->headers.v);
    mem_free(hc->fields);
    buf_fini(&hc->out);
    mem_free(hc);
}

/* Sending. */

void h2_soon(struct h2 *h)
{
    if (!h->k.closed)
        loop_soon(h->k.server->loop, &h->k.soon);
}

static void tell_drained(struct h2 *h)
{
    h->drained = false;
    list_each (l, &h->calls) {
        struct call *c = CONTAINER(l, struct call, link);

        if (c->full && h2_queued(c) < FLOW_LOW)
            call_drained(c);
    }
}

/* True when nothing more can come of this connection. */
static bool finished(const struct h2 *h)
{
    if (nghttp2_session_want_write(h->session) != 0)
        return false; /* want_write says 0 for data that waits for a window */
    return h->over || (h->going && h->ncalls == 0) || nghttp2_session_want_read(h->session) == 0;
}

static void flush(struct h2 *h)
{
    const uint8_t *p = NULL;
    ssize_t n = 0;

    while (!h->k.closed && !h->k.full && (n = nghttp2_session_mem_send(h->session, &p)) > 0)
        sconn_write(&h->k, str_of((const char *)p, (size_t)n));
    if (h->k.closed)
        return;
    if (h->overdrawn)
        bye(h, NGHTTP2_ENHANCE_YOUR_CALM); /* comes back here in this turn */
    else if (n < 0 || (!h->k.full && finished(h)))
        sconn_finish(&h->k);
    else if (h->drained)
        tell_drained(h);
    h->overdrawn = false;
}

static void on_soon(struct task *t)
{
    struct h2 *h = CONTAINER(t, struct h2, k.soon);

    if (h->k.doomed)
        sconn_close(&h->k);
    else if (!h->k.finishing)
        flush(h);
}

/* The stream. */

static void on_read(void *owner, struct str bytes)
{
    struct h2 *h = owner;
    uint64_t now = loop_now_ms(h->k.server->loop);
    size_t good;

    if (h->over || h->k.finishing)
        return;
    good = h2_guard_pass(&h->guard, bytes, now);
    if (good > 0 && nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.p, good) < 0)
        h->over = true; /* after what nghttp2 may still have to say */
    if (h->k.closed)
        return;
    if (good < bytes.n)
        bye(h, NGHTTP2_ENHANCE_YOUR_CALM);
    if (!h->guard.in_block) {
        h->head_by = 0;
    } else if (h->head_by == 0) {
        h->head_by = after(h, h->k.server->limits.head_ms);
        arm(h);
    }
    h2_soon(h);
}

static void on_drain(void *owner)
{
    struct h2 *h = owner;

    sconn_drained(&h->k);
    h2_soon(h);
}

static void on_end(void *owner, enum err why)
{
    struct h2 *h = owner;

    if (why == OK && h->ncalls == 0) {
        h->k.full = false; /* nothing will tell that it drained */
        sconn_finish(&h->k);
    } else {
        sconn_close(&h->k);
    }
}

static const struct stream_events EVENTS = {on_read, on_drain, on_end};

/* struct http_version */

static void h2_drain(struct sconn *k)
{
    go(h2_of(k));
}

static void h2_cut(struct sconn *k)
{
    struct h2 *h = h2_of(k);

    while (!list_empty(&h->calls))
        h2_call_over(h2_call_of(CONTAINER(h->calls.next, struct call, link)));
}

static struct h2_call *heaviest(const struct h2 *h)
{
    struct h2_call *found = NULL;

    list_each (l, &h->calls) {
        struct h2_call *hc = h2_call_of(CONTAINER(l, struct call, link));

        if (found == NULL || h2_call_left(hc) > h2_call_left(found))
            found = hc;
    }
    return found;
}

static size_t h2_weight(const struct sconn *k)
{
    const struct h2_call *hc = heaviest(CONTAINER(k, const struct h2, k));

    return hc != NULL ? h2_call_left(hc) : 0;
}

static void h2_shed(struct sconn *k)
{
    struct h2_call *hc = heaviest(h2_of(k));

    if (hc == NULL)
        return;
    h2_call_drop(hc, NGHTTP2_CANCEL);
    buf_fini(&hc->out);
    hc->out_at = 0;
}

static void h2_free(struct sconn *k)
{
    struct h2 *h = h2_of(k);

    nghttp2_session_del(h->session);
    mem_free(h);
}

static const struct http_version VERSION = {
    .drain = h2_drain,
    .cut = h2_cut,
    .free = h2_free,
    .weight = h2_weight,
    .shed = h2_shed,
    .want_body = h2_want_body,
    .respond = h2_respond,
    .write = h2_write,
    .end = h2_end,
    .reset = h2_reset,
    .queued = h2_queued,
    .free_call = free_call,
};

/* Opening. */

static void *m_alloc(size_t n, void *user)
{
    (void)user;
    return mem_alloc(n);
}
static void m_free(void *p, void *user)
{
    (void)user;
    mem_free(p);
}
static void *m_calloc(size_t n, size_t size, void *user)
{
    (void)user;
    return size == 0 || n <= SIZE_MAX / size ? mem_zalloc(n * size) : NULL;
}
static void *m_realloc(void *p, size_t n, void *user)
{
    (void)user;
    return mem_realloc(p, n);
}

/* Since 1.61, and in distributions' 1.52, nghttp2 counts CONTINUATION frames as well, but each of
 * them once for every read that its header came in. The guard counts them by what they are. */
void nghttp2_option_set_max_continuations(nghttp2_option *option, size_t val) __attribute__((weak));

static nghttp2_session *session_new(struct h2 *h)
{
    static nghttp2_mem mem = {NULL, m_alloc, m_free, m_calloc, m_realloc};
    nghttp2_session_callbacks *cb;
    nghttp2_option *opt;
    nghttp2_session *session;

    nghttp2_session_callbacks_new(&cb);
    h2_recv_callbacks(cb);
    h2_send_callbacks(cb);
    nghttp2_option_new(&opt);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_no_closed_streams(opt, 1);
    nghttp2_option_set_max_outbound_ack(opt, H2_ACKS_MAX);
    if (nghttp2_option_set_max_continuations != NULL)
        nghttp2_option_set_max_continuations(opt, (size_t)H2_CONTINUATIONS_MAX * 10);
    nghttp2_session_server_new3(&session, cb, h, opt, &mem);
    nghttp2_option_del(opt);
    nghttp2_session_callbacks_del(cb);
    return session;
}

/* H2-1. Frames of 16 KiB and a table of 4 KiB are the protocol's own defaults, and a server has
 * nothing to say about push. */
static void announce(struct h2 *h)
{
    static const nghttp2_settings_entry SETTINGS[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX  },
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,    H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,   HTTP_HEAD_MAX   },
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES,  1               },
    };

    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, SETTINGS, NELEM(SETTINGS));
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, H2_CONN_WINDOW);
}

void h2_open(struct server *s, struct stream *stream, struct str first)
{
    struct h2 *h = mem_zalloc(sizeof *h);

    sconn_init(&h->k, s, stream, &VERSION, on_soon, on_timer);
    list_init(&h->calls);
    h2_guard_init(&h->guard, loop_now_ms(s->loop));
    h->session = session_new(h);
    announce(h);
    if (s->draining)
        go(h);
    h->settle_by = after(h, SETTLE_MS);
    idle_begin(h);
    stream_bind(stream, &EVENTS, h);
    stream_resume(stream);
    h2_soon(h);
    if (first.n > 0)
        on_read(h, first);
}
