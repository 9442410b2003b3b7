/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_h2_recv.c - what an HTTP/2 upstream sends: heads, data, resets and its leave. nghttp2
 * checks framing, field syntax, content-length and windows; the caps are checked here (H2-10).
 *
 * Connection credit is returned as data comes, stream credit as the owner takes it: a slow reader
 * stalls its own stream and no other. */
#include "base/mem.h"
#include "http/client_h2.h"

static struct client_req *req_of(nghttp2_session *ng, int32_t id)
{
    return nghttp2_session_get_stream_user_data(ng, id);
}

static void fail(struct h2 *h, struct client_req *r, enum err e, const char *what)
{
    h2_leave(h, r, true);
    req_fail(r, e, what);
}

/* Heads */

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    struct client_req *r;

    if (f->hd.type == NGHTTP2_PUSH_PROMISE)
        return nghttp2_session_terminate_session(ng, NGHTTP2_PROTOCOL_ERROR);
    r = req_of(ng, f->hd.stream_id);
    if (r != NULL)
        r->answered = true;
    head_reset(&h->head);
    return 0;
}

static enum err keep(struct head *h, struct str name, struct str value)
{
    enum err e = head_name(h, name);

    e = e ? e : head_value(h, value);
    return e ? e : head_next(h);
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t nn,
                     const uint8_t *value, size_t vn, uint8_t flags, void *user)
{
    struct h2 *h = user;
    struct client_req *r = req_of(ng, f->hd.stream_id);
    struct str n = str_of((const char *)name, nn), v = str_of((const char *)value, vn);
    uint64_t status = 0;
    enum err e;

    (void)flags;
    if (r == NULL)
        return 0;
    if (str_eq(n, S(":status"))) {
        r->status = str_u64(v, 599, &status) ? (int)status : 0;
        return 0;
    }
    e = r->phase == CLIENT_BODY ? head_skip(&h->head, nn + vn) : keep(&h->head, n, v);
    if (e != OK)
        fail(h, r, E_TOOBIG, "the head of the answer is larger than the limit");
    return 0;
}

static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name,
                             size_t nn, const uint8_t *value, size_t vn, uint8_t flags, void *user)
{
    struct client_req *r = req_of(ng, f->hd.stream_id);

    (void)name, (void)nn, (void)value, (void)vn, (void)flags;
    if (r != NULL)
        fail(user, r, E_UPSTREAM, "the answer has a field that HTTP does not allow");
    return 0;
}

static void end(struct h2 *h, struct client_req *r)
{
    if (h->room < h->conn.client->lim.h2_streams)
        h->room++; /* what was refused once is tried again, one at a time */
    h2_leave(h, r, r->left > 0);
    req_end(r);
}

static void on_head(struct h2 *h, struct client_req *r)
{
    if (r->phase == CLIENT_BODY)
        return; /* trailers */
    if (r->status < 100) {
        fail(h, r, E_UPSTREAM, "the answer has a status out of range");
    } else if (r->status < 200) {
        if (++r->interims > H2_INTERIM_MAX)
            fail(h, r, E_UPSTREAM, "upstream sent too many interim answers");
    } else {
        req_head(r, r->status, head_fields(&h->head));
        head_reset(&h->head);
    }
}

/* Frames that are nobody's progress are paid from a budget. */
static int glitch(struct h2 *h)
{
    uint64_t now = loop_now_ms(h->conn.client->loop);
    uint64_t more = (now - h->glitched_ms) * H2_GLITCHES_S / 1000;

    if (more > 0) {
        h->glitches = more > H2_GLITCHES - h->glitches ? H2_GLITCHES : h->glitches + (size_t)more;
        h->glitched_ms = now;
    }
    if (h->glitches == 0)
        return nghttp2_session_terminate_session(h->ng, NGHTTP2_ENHANCE_YOUR_CALM);
    h->glitches--;
    return 0;
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user)
{
    (void)ng;
    if (((struct h2 *)user)->conn.dead)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    switch (hd->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE: return 0;
    case NGHTTP2_DATA:
        return hd->length > 0 || (hd->flags & NGHTTP2_FLAG_END_STREAM) ? 0 : glitch(user);
    default: return glitch(user);
    }
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    struct client_req *r = req_of(ng, f->hd.stream_id);

    switch (f->hd.type) {
    case NGHTTP2_HEADERS:
        if (r != NULL)
            on_head(h, r);
        r = req_of(ng, f->hd.stream_id); /* its owner may have left */
        break;
    case NGHTTP2_DATA: break;
    case NGHTTP2_GOAWAY: h->conn.draining = true; return 0;
    case NGHTTP2_SETTINGS: pool_kick(h->conn.pool); return 0;
    case NGHTTP2_WINDOW_UPDATE:
        return f->window_update.window_size_increment < H2_GLITCH_WINDOW ? glitch(h) : 0;
    default: return 0;
    }
    if (r != NULL && (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        end(h, r);
    return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *user)
{
    struct client_req *r = req_of(ng, id);

    (void)flags, (void)user;
    nghttp2_session_consume_connection(ng, n);
    if (r != NULL && req_data(r, str_of((const char *)p, n)))
        nghttp2_session_consume_stream(ng, id, n);
    return 0;
}

/* Ends */

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct h2 *h = user;
    struct client_req *r = req_of(ng, id);

    if (r == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(ng, id, NULL);
    if (code == NGHTTP2_REFUSED_STREAM && !r->answered) {
        if (!h->conn.draining)
            h->room = h->conn.nreqs > 1 ? h->conn.nreqs - 1 : 1;
        conn_refused(&h->conn, r);
        return 0;
    }
    req_detach(r);
    req_fail(r, E_UPSTREAM, "upstream broke off the HTTP/2 stream of its answer");
    return 0;
}

static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct client_req *r;

    (void)user;
    if (f->hd.type != NGHTTP2_HEADERS || !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    r = req_of(ng, f->hd.stream_id);
    if (r != NULL)
        req_sent(r);
    return 0;
}

/* A request that was still queued when the peer said GOAWAY. Its stream never came to be, so its
 * request is found by its id. */
static int on_frame_not_sent(nghttp2_session *ng, const nghttp2_frame *f, int why, void *user)
{
    struct h2 *h = user;

    (void)ng, (void)why;
    if (f->hd.type != NGHTTP2_HEADERS)
        return 0;
    list_each (l, &h->conn.reqs) {
        struct client_req *r = CONTAINER(l, struct client_req, at);

        if (r->stream_id == f->hd.stream_id) {
            conn_refused(&h->conn, r);
            break;
        }
    }
    return 0;
}

/* Frames of unknown types mean nothing to us; nghttp2 names them in on_begin_frame only when
 * somebody wants to unpack them. */
static int on_unknown(nghttp2_session *ng, void **payload, const nghttp2_frame_hd *hd, void *user)
{
    (void)ng, (void)payload, (void)hd, (void)user;
    return NGHTTP2_ERR_CANCEL;
}

/* nghttp2's memory is the process's own (base/mem.h) */

static void *ng_malloc(size_t n, void *user)
{
    (void)user;
    return mem_alloc(n);
}

static void ng_free(void *p, void *user)
{
    (void)user;
    mem_free(p);
}

static void *ng_calloc(size_t n, size_t size, void *user)
{
    (void)user;
    return size != 0 && n > SIZE_MAX / size ? NULL : mem_zalloc(n * size);
}

static void *ng_realloc(void *p, size_t n, void *user)
{
    (void)user;
    return mem_realloc(p, n);
}

static nghttp2_session_callbacks *callbacks(void)
{
    nghttp2_session_callbacks *cb;

    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(cb, on_frame_not_sent);
    nghttp2_session_callbacks_set_unpack_extension_callback(cb, on_unknown);
    return cb;
}

nghttp2_session *h2_session(struct h2 *h)
{
    nghttp2_mem mem = {NULL, ng_malloc, ng_free, ng_calloc, ng_realloc};
    nghttp2_session_callbacks *cb = callbacks();
    nghttp2_option *opt;
    nghttp2_session *ng;

    nghttp2_option_new(&opt);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_max_outbound_ack(opt, H2_ACKS_MAX);
    for (int type = NGHTTP2_ALTSVC; type <= UINT8_MAX; type++)
        nghttp2_option_set_user_recv_extension_type(opt, (uint8_t)type);
    nghttp2_session_client_new3(&ng, cb, h, opt, &mem);
    nghttp2_option_del(opt);
    nghttp2_session_callbacks_del(cb);
    return ng;
}
