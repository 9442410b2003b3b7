/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2_send.c - a response in HTTP/2's spelling. Body bytes wait in the call's own queue until
 * the windows and the socket take them; nghttp2 frames them where they stand. */
#include "http/server_h2.h"

static ssize_t on_source(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2_call *hc = source->ptr;
    size_t left = h2_call_left(hc);
    size_t n = left < max ? left : max;

    (void)session;
    (void)id;
    (void)to;
    (void)user;
    if (hc->failed || (n == 0 && hc->broken)) /* a body with a hole must not come to its end */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM */
    if (n == 0 && !hc->done) {
        hc->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == left && hc->done && !hc->broken)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct h2_call *hc = source->ptr;

    (void)session;
    (void)frame;
    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (h->k.full)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (n > h2_call_left(hc))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  /* shed after the frame was begun */
    sconn_write(&h->k, str_of((const char *)head, 9)); /* no padding: nobody asked for it */
    sconn_write(&h->k, str_sub(buf_str(&hc->out), hc->out_at, n));
    hc->out_at += n;
    if (h2_call_left(hc) == 0) {
        hc->out_at = 0;
        buf_fini(&hc->out); /* a stream that waits for its next event holds no memory */
    }
    if (hc->c.full && h2_call_left(hc) < FLOW_LOW)
        h->drained = true;
    return 0;
}

/* H2-4: resets that the client's errors make us send. And the end of a response whose request goes
 * on: RST_STREAM with NO_ERROR says that nobody reads the rest. It waits a second, because there
 * are clients that drop the answer when both come together. RFC 9113, 8.1. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    int32_t id = frame->hd.stream_id;
    struct h2_call *hc = nghttp2_session_get_stream_user_data(session, id);
    uint64_t now = loop_now_ms(h->k.server->loop);

    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR && (hc == NULL || !hc->ours) &&
            !budget_spend(&h->guard.resets, now))
            h->overdrawn = true;
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && hc != NULL && !hc->request_whole)
            timer_start(&hc->linger, DRAIN_MS);
        break;
    default: break;
    }
    return 0;
}

/* A response head that nghttp2 would not frame (it is too large): no answer can follow it. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int why,
                             void *user)
{
    struct h2 *h = user;
    struct h2_call *hc = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)why;
    if (!h->k.closed && frame->hd.type == NGHTTP2_HEADERS && hc != NULL)
        h2_call_fail(hc);
    return 0;
}

void h2_send_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(cb, on_frame_not_send);
}

/* nghttp2 copies names and values. */
static nghttp2_nv nv_of(struct str name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)name.p, (uint8_t *)value.p, name.n, value.n,
                        NGHTTP2_NV_FLAG_NONE};
}

static struct str digits(char *room, size_t n, uint64_t v)
{
    char *at = room + n;

    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return str_of(at, (size_t)(room + n - at));
}

void h2_respond(struct call *c, int status, struct http_headers fields, int64_t length)
{
    struct h2_call *hc = h2_call_of(c);
    struct h2 *h = h2_call_conn(hc);
    nghttp2_nv nv[RESPONSE_FIELDS_MAX + 3];
    nghttp2_data_provider body = {{.ptr = hc}, on_source};
    char status_room[20], length_room[20];
    size_t n = 0;

    nv[n++] = nv_of(S(":status"), digits(status_room, sizeof status_room, (uint64_t)status));
    nv[n++] = nv_of(S("date"), server_date(h->k.server));
    for (size_t i = 0; i < fields.n; i++)
        nv[n++] = nv_of(fields.v[i].name, fields.v[i].value);
    if (length >= 0 && status != 204 && status != 304)
        nv[n++] =
            nv_of(S("content-length"), digits(length_room, sizeof length_room, (uint64_t)length));
    if (nghttp2_submit_response(h->session, hc->id, nv, n,
                                c->bodyless || length == 0 ? NULL : &body) != 0)
        sconn_doom(&h->k);
    h2_soon(h);
}

/* Something about the body has changed that nghttp2 may be waiting for. */
static void body_news(struct h2_call *hc)
{
    struct h2 *h = h2_call_conn(hc);

    if (hc->deferred) {
        hc->deferred = false;
        nghttp2_session_resume_data(h->session, hc->id);
    }
    h2_soon(h);
}

enum flow h2_write(struct call *c, struct str bytes)
{
    struct h2_call *hc = h2_call_of(c);
    struct h2 *h = h2_call_conn(hc);

    if (hc->failed || h->k.closed)
        return FLOW_GO;
    if (hc->out_at > 0 && hc->out_at >= hc->out.n / 2) {
        buf_drop_front(&hc->out, hc->out_at);
        hc->out_at = 0;
    }
    stall_put(&hc->stall, bytes.n);
    buf_put(&hc->out, bytes);
    if (hc->out.err != OK)
        h2_call_fail(hc);
    body_news(hc);
    return h2_call_left(hc) >= FLOW_HIGH ? FLOW_FULL : FLOW_GO;
}

void h2_end(struct call *c)
{
    h2_call_of(c)->done = true;
    body_news(h2_call_of(c));
}

/* What was written before leaves first, an error event among it. */
void h2_reset(struct call *c)
{
    struct h2_call *hc = h2_call_of(c);

    hc->broken = hc->ours = true; /* no fault of the client's */
    if (!c->responded || c->length == 0 || c->bodyless)
        h2_call_drop(hc, NGHTTP2_INTERNAL_ERROR);
    else
        body_news(hc);
}

size_t h2_queued(const struct call *c)
{
    return h2_call_left(h2_call_of(c));
}
