/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wire_h2.c - a client's side of HTTP/2, with one request after the other on a connection. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

struct wire_h2 {
    struct link *link;
    nghttp2_session *ng;
    int32_t id;             /* of the request; what comes for older ones is not wanted any more */
    const char *body;       /* what is still to be sent of it */
    bool begun, over, fine; /* the answer; fine: it ended well */
    struct wire_answer answer;
};

static bool flush(struct wire_h2 *h)
{
    const uint8_t *p;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(h->ng, &p)) > 0)
        if (!link_send(h->link, p, (size_t)n))
            return false;
    return n == 0;
}

static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct wire_h2 *h = source->ptr;
    size_t n = strlen(h->body) < room ? strlen(h->body) : room;

    (void)ng;
    (void)user;
    if (id != h->id)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    memcpy(to, h->body, n);
    h->body += n;
    if (*h->body == '\0')
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t nname,
                     const uint8_t *value, size_t nvalue, uint8_t flags, void *user)
{
    struct wire_h2 *h = user;

    (void)ng;
    (void)nvalue; /* nghttp2 puts a NUL behind */
    (void)flags;
    if (f->hd.stream_id != h->id)
        return 0;
    if (nname == 7 && memcmp(name, ":status", 7) == 0)
        h->answer.status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
    if (nname == 12 && memcmp(name, "content-type", 12) == 0)
        h->answer.stream = strncmp((const char *)value, "text/event-stream", 17) == 0;
    return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *user)
{
    struct wire_h2 *h = user;
    struct wire_answer *a = &h->answer;

    (void)ng;
    (void)flags;
    if (id != h->id)
        return 0;
    a->body = realloc(a->body, a->n + n + 1);
    memcpy(a->body + a->n, p, n);
    a->n += n;
    return 0;
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
    struct wire_h2 *h = user;
    bool part = f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA;

    (void)ng;
    if (f->hd.stream_id != h->id || !part)
        return 0;
    h->begun = true;
    if (f->hd.flags & NGHTTP2_FLAG_END_STREAM)
        h->over = h->fine = true;
    return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t error_code, void *user)
{
    struct wire_h2 *h = user;

    (void)ng;
    (void)error_code; /* an early answer may be whole and the request refused */
    if (id == h->id)
        h->over = true;
    return 0;
}

static int on_unlawful(nghttp2_session *ng, const nghttp2_frame *f, int error, void *user)
{
    (void)ng;
    (void)f;
    (void)error;
    ((struct wire_h2 *)user)->answer.unlawful = true;
    return 0;
}

/* The connection is going away. */
static int on_not_sent(nghttp2_session *ng, const nghttp2_frame *f, int error, void *user)
{
    struct wire_h2 *h = user;

    (void)ng;
    (void)error;
    if (f->hd.stream_id == h->id)
        h->over = true;
    return 0;
}

struct wire_h2 *wire_h2_new(struct link *l)
{
    struct wire_h2 *h = calloc(1, sizeof *h);
    nghttp2_session_callbacks *on;

    h->link = l;
    nghttp2_session_callbacks_new(&on);
    nghttp2_session_callbacks_set_on_header_callback(on, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(on, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(on, on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(on, on_unlawful);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(on, on_not_sent);
    nghttp2_session_client_new(&h->ng, on, h);
    nghttp2_session_callbacks_del(on);
    nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, NULL, 0);
    return h;
}

void wire_h2_free(struct wire_h2 *h)
{
    if (h == NULL)
        return;
    nghttp2_session_del(h->ng);
    wire_answer_fini(&h->answer);
    free(h);
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

bool wire_h2_ask(struct wire_h2 *h, const char *method, const char *path, const char *body)
{
    nghttp2_nv fields[] = {
        pair(":method", method),
        pair(":scheme", h->link->ssl != NULL ? "https" : "http"),
        pair(":authority", "torture"),
        pair(":path", path),
        pair("authorization", "Bearer torture-token"),
        pair("content-type", "application/json"),
    };
    nghttp2_data_provider from = {{.ptr = h}, read_body};

    wire_answer_fini(&h->answer);
    h->body = body;
    h->begun = h->over = h->fine = false;
    h->id = nghttp2_submit_request(h->ng, NULL, fields, sizeof fields / sizeof *fields,
                                   *body != '\0' ? &from : NULL, NULL);
    if (h->id < 0)
        h->over = true;
    return flush(h) && !h->over;
}

bool wire_h2_hear(struct wire_h2 *h, int within_ms)
{
    uint8_t some[65536];
    size_t n = link_recv(h->link, some, sizeof some, within_ms);

    if (n == 0)
        return false;
    if (nghttp2_session_mem_recv(h->ng, some, n) < 0) {
        h->answer.unlawful = true;
        return false;
    }
    (void)flush(h); /* that it reads no longer is seen when it is read */
    return true;
}

bool wire_h2_begun(const struct wire_h2 *h)
{
    return h->begun || h->over;
}

struct wire_answer wire_h2_read(struct wire_h2 *h)
{
    struct wire_answer a;

    while (!h->over && wire_h2_hear(h, PATIENCE_MS))
        ;
    a = h->answer;
    h->answer = (struct wire_answer){0};
    a.complete = h->fine;
    a.closed = h->over && !h->fine;
    return a;
}

bool wire_h2_cancel(struct wire_h2 *h)
{
    nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, h->id, NGHTTP2_CANCEL);
    return flush(h);
}
