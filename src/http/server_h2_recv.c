/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2_recv.c - requests out of HTTP/2 frames. nghttp2 has done the framing, HPACK and the
 * checks of RFC 9113, 8; here fields are counted while they are decoded (H2-3) and bodies gathered.
 *
 * Of a body, connection credit goes back at once, so that no call stalls another; stream credit
 * goes back when the handler wants the body. Until then a client can send one window of it. */
#include "base/mem.h"
#include "http/server_h2.h"

enum { HEAD_SMALL = 3072 }; /* it stands in the first block of its memory */

static struct h2_call *call_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* Fields. */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    int32_t id = frame->hd.stream_id;

    if (h->k.closed) /* by what an earlier callback led to: nothing more is interpreted */
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (h->ncalls >= H2_STREAMS_MAX) { /* H2-6; nghttp2 counts only streams that are open */
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    nghttp2_session_set_stream_user_data(session, id, h2_call_new(h, id));
    return 0;
}

static struct str bytes_of(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

    return str_of((const char *)v.base, v.len);
}

static struct str keep(struct h2_call *hc, struct str s)
{
    struct str kept = arena_dup(&hc->head, s);

    if (kept.n != s.n)
        hc->no_memory = true;
    return kept;
}

static void add_field(struct h2_call *hc, struct str name, struct str value)
{
    if (hc->nfields == hc->room) {
        hc->room = hc->room ? hc->room * 2 : 16;
        hc->fields = mem_realloc(hc->fields, hc->room * sizeof *hc->fields);
    }
    hc->fields[hc->nfields++] = (struct http_header){name, value};
}

/* Charge a field, of a head or of trailers. False: it is over a limit. */
static bool charge(struct h2_call *hc, struct str name, struct str value)
{
    hc->cost += name.n + value.n + HEAD_FIELD_COST_BYTES;
    return hc->cost <= HTTP_HEAD_MAX && name.n + value.n <= HTTP_FIELD_MAX &&
           hc->nfields < HTTP_FIELDS_MAX;
}

static void pseudo_field(struct h2_call *hc, struct str name, struct str value)
{
    if (str_eq(name, S(":method")))
        hc->c.method = method_find(value);
    else if (str_eq(name, S(":path")) && value.n > HTTP_LINE_MAX)
        hc->too_long = true;
    else if (str_eq(name, S(":path")))
        hc->path = keep(hc, value);
    else if (str_eq(name, S(":authority")) && !charge(hc, name, value))
        hc->too_large = true;
    else if (str_eq(name, S(":authority")))
        hc->authority = keep(hc, value);
    hc->target = arena_mark(&hc->head);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *rc_name,
                     nghttp2_rcbuf *rc_value, uint8_t flags, void *user)
{
    struct h2 *h = user;
    struct h2_call *hc = call_of(session, frame->hd.stream_id);
    struct str name = bytes_of(rc_name), value = bytes_of(rc_value);

    (void)flags;
    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (hc == NULL || hc->too_large || hc->too_long || hc->no_memory)
        return 0; /* the rest is decoded for HPACK's sake and dropped */
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) { /* trailers: counted, and dropped */
        if (!charge(hc, name, value))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        hc->nfields++;
        return 0;
    }
    if (name.n > 0 && name.p[0] == ':') {
        pseudo_field(hc, name, value);
    } else if (!charge(hc, name, value)) {
        hc->too_large = true;
    } else {
        name = keep(hc, name);
        add_field(hc, name, keep(hc, value));
    }
    return 0;
}

/* nghttp2 would only leave such a field out. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)value;
    (void)flags;
    (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Requests. */

static bool head_limits(const struct h2_call *hc, struct refusal *ret_why)
{
    if (hc->too_long)
        *ret_why = (struct refusal){414, "the request target is longer than the limit"};
    else if (hc->too_large)
        *ret_why = (struct refusal){431, "the request's fields are larger than the limit"};
    else if (hc->no_memory)
        *ret_why = (struct refusal){503, "the server is out of memory for requests"};
    else
        return true;
    return false;
}

static bool head_judge(struct h2_call *hc, struct head_facts *ret, struct refusal *ret_why)
{
    struct call *c = &hc->c;
    struct target t;

    if (!head_limits(hc, ret_why) || !target_split(hc->path, c->method, &t, ret_why) ||
        !head_facts((struct http_headers){hc->fields, hc->nfields}, HEAD_H2, ret, ret_why) ||
        !authority_agrees(hc->authority, ret, ret_why))
        return false;
    if (!ret->has_host && hc->authority.n > 0) { /* handlers find it where HTTP/1 has it */
        add_field(hc, S("host"), hc->authority);
        if (!head_facts((struct http_headers){hc->fields, hc->nfields}, HEAD_H2, ret, ret_why))
            return false;
    }
    c->path = t.path;
    c->query = t.query;
    return true;
}

/* Whoever waits, for a body or for an answer, keeps no large head meanwhile (H2-3): a connection
 * has a hundred of them. */
static void head_compact(struct h2_call *hc)
{
    if (hc->c.ended || hc->head.used <= HEAD_SMALL)
        return;
    call_compact(&hc->c);
    arena_reset(&hc->head, hc->target);
}

static void head_whole(struct h2 *h, struct h2_call *hc)
{
    static const nghttp2_extpri SHARED = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    struct head_facts facts;
    struct refusal why;

    /* Streams take turns frame by frame; by default one is sent to its end before the next. */
    nghttp2_session_change_extpri_stream_priority(h->session, hc->id, &SHARED, 1);
    if (!head_judge(hc, &facts, &why)) {
        call_refuse(&hc->c, &why);
        return;
    }
    hc->c.headers = (struct http_headers){hc->fields, hc->nfields};
    hc->fields = NULL;
    hc->expects = facts.expects_100 && !hc->request_whole;
    facts.chunked = !hc->request_whole && !facts.has_length; /* a body of unknown length */
    call_start(&hc->c, &facts);
    head_compact(hc);
    h2_body_go_on(hc);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    struct h2_call *hc;

    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        h->settle_by = 0;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    hc = call_of(session, frame->hd.stream_id);
    if (hc == NULL)
        return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        hc->request_whole = true;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        head_whole(h, hc);
    else
        h2_body_go_on(hc);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2 *h = user;
    struct h2_call *hc = call_of(session, id);

    (void)code;
    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (hc == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    h2_call_over(hc);
    return 0;
}

/* Bodies. */

static void give_credit(struct h2_call *hc)
{
    struct h2 *h = h2_call_conn(hc);

    nghttp2_session_consume_stream(h->session, hc->id, hc->held);
    hc->held = 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *user)
{
    struct h2 *h = user;
    struct h2_call *hc = call_of(session, id);

    (void)flags;
    if (h->k.closed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    nghttp2_session_consume_connection(session, n);
    if (hc == NULL || hc->c.ended || hc->c.responded)
        return 0; /* nobody wants it, and its stream's window stays shut */
    hc->held += n;
    if (call_take_body(&hc->c, str_of((const char *)p, n)) && hc->c.wants_body)
        give_credit(hc);
    return 0;
}

void h2_body_go_on(struct h2_call *hc)
{
    struct call *c = &hc->c;

    if (c->wants_body && !c->responded && !c->ended && !c->body_whole && hc->request_whole)
        call_body_done(c);
}

void h2_want_body(struct call *c)
{
    struct h2_call *hc = h2_call_of(c);
    struct h2 *h = h2_call_conn(hc);

    if (hc->expects) {
        nghttp2_nv nv = {(uint8_t *)":status", (uint8_t *)"100", 7, 3, NGHTTP2_NV_FLAG_NONE};

        nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, hc->id, NULL, &nv, 1, NULL);
        hc->expects = false;
    }
    if (hc->request_whole) {
        loop_soon(h->k.server->loop, &hc->wake);
        return;
    }
    give_credit(hc);
    call_body_await(c);
    h2_soon(h);
}

void h2_recv_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
}
