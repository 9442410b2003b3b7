/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_h2_peer.h - the HTTP/2 server of the client's tests: nghttp2 behind a stage's peer. It
 * does nothing by itself but acknowledge; the test answers, refuses, goes away. */
#ifndef TESTS_CLIENT_H2_PEER_H
#define TESTS_CLIENT_H2_PEER_H

#include "client_stage.h"

#include <nghttp2/nghttp2.h>

enum { H2_STREAMS = 1024 };

struct h2_peer;
struct h2_stream {
    struct h2_peer *h;
    int32_t id;
    char path[64], auth[64], length[24];
    size_t got;      /* bytes of the request's body */
    bool bad, ended; /* not the pattern of rope_fill; complete */
    bool closed;
    uint32_t code;       /* it was closed with */
    size_t answer, sent; /* length of the answer's body; what of it has left */
    bool hang;           /* no END_STREAM behind it */
};
struct h2_peer {
    struct peer *p;
    nghttp2_session *ng;
    struct h2_stream stream[H2_STREAMS];
    size_t streams;
    size_t pings, goaways;
    size_t max_streams; /* announced; 0: not */
};

static size_t h2_max_streams; /* announced by peers that open from now on */
static size_t h2_window;      /* of the streams of such peers; 0: the default */
static size_t h2_got_body;    /* over all peers */

static inline struct h2_peer *h2p(const struct peer *p)
{
    return p->session;
}

static inline void h2p_flush(struct h2_peer *h)
{
    const uint8_t *at;
    ssize_t n;

    while (h->p->s != NULL && (n = nghttp2_session_mem_send(h->ng, &at)) > 0)
        (void)stream_write(h->p->s, str_of((const char *)at, (size_t)n));
}

static inline struct h2_stream *h2p_find(struct h2_peer *h, int32_t id)
{
    for (size_t i = 0; i < h->streams; i++)
        if (h->stream[i].id == id)
            return &h->stream[i];
    return NULL;
}

static inline int h2p_begin(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct h2_peer *h = user;

    (void)ng;
    assert_true(h->streams < H2_STREAMS);
    h->stream[h->streams++] = (struct h2_stream){.h = h, .id = f->hd.stream_id};
    return 0;
}

static inline void h2p_keep(char *to, size_t room, const uint8_t *v, size_t n)
{
    n = n < room - 1 ? n : room - 1;
    memcpy(to, v, n);
    to[n] = '\0';
}

static inline int h2p_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name,
                             size_t nn, const uint8_t *v, size_t vn, uint8_t flags, void *user)
{
    struct h2_stream *s = h2p_find(user, f->hd.stream_id);
    struct str field = str_of((const char *)name, nn);

    (void)ng, (void)flags;
    if (str_eq(field, S(":path")))
        h2p_keep(s->path, sizeof s->path, v, vn);
    if (str_eq(field, S(":authority")))
        h2p_keep(s->auth, sizeof s->auth, v, vn);
    if (str_eq(field, S("content-length")))
        h2p_keep(s->length, sizeof s->length, v, vn);
    return 0;
}

static inline int h2p_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p,
                           size_t n, void *user)
{
    struct h2_stream *s = h2p_find(user, id);

    (void)ng, (void)flags;
    s->bad |= !filled(str_of((const char *)p, n), s->got);
    s->got += n;
    h2_got_body += n;
    return 0;
}

static inline int h2p_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct h2_peer *h = user;
    struct h2_stream *s = h2p_find(h, f->hd.stream_id);

    (void)ng;
    if (s != NULL && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
        (f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS))
        s->ended = true;
    h->pings += f->hd.type == NGHTTP2_PING && !(f->hd.flags & NGHTTP2_FLAG_ACK);
    h->goaways += f->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static inline int h2p_closed(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *s = h2p_find(user, id);

    (void)ng;
    s->closed = true;
    s->code = code;
    return 0;
}

static inline void h2p_open(struct peer *p)
{
    nghttp2_settings_entry set[2];
    size_t n = 0;
    struct h2_peer *h = calloc(1, sizeof *h);
    nghttp2_session_callbacks *cb;

    h->p = p;
    h->max_streams = h2_max_streams;
    p->session = h;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, h2p_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, h2p_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, h2p_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, h2p_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, h2p_closed);
    nghttp2_session_server_new(&h->ng, cb, h);
    nghttp2_session_callbacks_del(cb);
    if (h2_max_streams > 0)
        set[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                            (uint32_t)h2_max_streams};
    if (h2_window > 0)
        set[n++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)h2_window};
    nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, set, n);
    h2p_flush(h);
}

static inline void h2p_bytes(struct peer *p, struct str bytes)
{
    struct h2_peer *h = h2p(p);

    assert_int_equal(nghttp2_session_mem_recv(h->ng, (const uint8_t *)bytes.p, bytes.n), bytes.n);
    h2p_flush(h);
}

static inline void h2p_drain(struct peer *p)
{
    h2p_flush(h2p(p));
}

static inline void h2p_close(struct peer *p)
{
    nghttp2_session_del(h2p(p)->ng);
    free(h2p(p));
}

static const struct script H2_PEER = {h2p_open, h2p_bytes, h2p_drain, h2p_close};

/* What the test lets it do */

static inline ssize_t h2p_read(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room,
                               uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2_peer *h = user;
    struct h2_stream *s = h2p_find(h, id);
    size_t n = s->answer - s->sent < room ? s->answer - s->sent : room;

    (void)ng, (void)source;
    if (stream_queued(h->p->s) > 128 * 1024)
        return NGHTTP2_ERR_PAUSE;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)('a' + (s->sent + i) % 23);
    s->sent += n;
    if (s->sent == s->answer) {
        if (n == 0 && s->hang)
            return NGHTTP2_ERR_DEFERRED;
        if (!s->hang)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)n;
}

#define H2_NV(n, v)                                                                                \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0              \
    }

/* Status, up to two fields more ("name", "value"; NULL: none), and n bytes of the pattern. */
static inline void h2p_answer(struct h2_stream *s, const char *status, size_t n, bool hang,
                              const char *name, const char *value)
{
    nghttp2_nv nv[] = {H2_NV(":status", status), H2_NV(name ? name : "x", value ? value : "y")};
    nghttp2_data_provider body = {.read_callback = h2p_read};

    s->answer = n;
    s->hang = hang;
    assert_int_equal(
        nghttp2_submit_response(s->h->ng, s->id, nv, name ? 2 : 1, n || hang ? &body : NULL), 0);
    h2p_flush(s->h);
}

static inline void h2p_reset(struct h2_stream *s, uint32_t code)
{
    nghttp2_submit_rst_stream(s->h->ng, NGHTTP2_FLAG_NONE, s->id, code);
    h2p_flush(s->h);
}

static inline void h2p_goaway(struct h2_peer *h, int32_t last, uint32_t code)
{
    nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE, last, code, NULL, 0);
    h2p_flush(h);
}

/* A frame by hand, whatever the session thinks of it. */
static inline void h2p_raw(struct h2_peer *h, uint8_t type, uint8_t flags, int32_t id,
                           const void *payload, size_t n)
{
    uint32_t sid = (uint32_t)id;
    char hd[9] = {(char)(n >> 16),   (char)(n >> 8),    (char)n,          (char)type, (char)flags,
                  (char)(sid >> 24), (char)(sid >> 16), (char)(sid >> 8), (char)sid};

    (void)stream_write(h->p->s, str_of(hd, sizeof hd));
    (void)stream_write(h->p->s, str_of(payload, n));
}

#endif
