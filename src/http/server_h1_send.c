/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1_send.c - a response in HTTP/1's spelling. What is written here leaves at the end of the
 * turn in one piece, so nothing is gained by gathering it before. */
#include "http/server_h1.h"

static bool chunked(const struct call *c)
{
    return c->length < 0 && !c->bodyless && h1_of(c->conn)->reader.minor == 1;
}

/* Must the connection close after this answer? HTTP/1.0 marks the end of a stream by closing; a
 * request whose rest we shall not read leaves no place at which the next could begin (H1-6). */
static bool closes(const struct h1 *h, const struct call *c, int status)
{
    const struct h1_reader *r = &h->reader;

    if (h->close || h->k.server->draining || (c->length < 0 && !c->bodyless && r->minor == 0))
        return true;
    if (h1_request_whole(h))
        return false;
    return h->expects || status == 408 || status == 413 || r->at == AT_BAD ||
           (r->at == AT_LENGTH && r->left > DRAIN_MAX);
}

/* The head is written without looking at the room for each piece: head_most() was reserved. */
#define PUT(at, lit) str_put(at, S(lit))

static char *put_field(char *at, struct str name, struct str value)
{
    at = str_put(at, name);
    at = PUT(at, ": ");
    at = str_put(at, value);
    return PUT(at, "\r\n");
}

static char *put_framing(char *at, const struct h1 *h, const struct call *c, int status)
{
    if (c->length >= 0 && status != 204 && status != 304) {
        at = PUT(at, "content-length: ");
        at += str_put_u64(at, (uint64_t)c->length);
        at = PUT(at, "\r\n");
    } else if (chunked(c)) {
        at = PUT(at, "transfer-encoding: chunked\r\n");
    }
    if (h->close)
        at = PUT(at, "connection: close\r\n");
    else if (h->reader.minor == 0)
        at = PUT(at, "connection: keep-alive\r\n");
    return at;
}

/* No fewer bytes than the head will have. */
static size_t head_most(struct http_headers fields)
{
    enum { STATUS_DATE_FRAMING = 256, MARKS = 4 };
    size_t n = STATUS_DATE_FRAMING;

    for (size_t i = 0; i < fields.n; i++)
        n += fields.v[i].name.n + fields.v[i].value.n + MARKS;
    return n;
}

static char *put_head(char *at, const struct h1 *h, const struct call *c, int status,
                      struct http_headers fields)
{
    if (status == 200) {
        at = PUT(at, "HTTP/1.1 200 OK\r\ndate: ");
    } else {
        at = PUT(at, "HTTP/1.1 ");
        at += str_put_u64(at, (uint64_t)status);
        at = PUT(at, " ");
        at = str_put(at, http_reason(status));
        at = PUT(at, "\r\ndate: ");
    }
    at = str_put(at, server_date(h->k.server));
    at = PUT(at, "\r\n");
    for (size_t i = 0; i < fields.n; i++)
        at = put_field(at, fields.v[i].name, fields.v[i].value);
    at = put_framing(at, h, c, status);
    return PUT(at, "\r\n");
}

void h1_respond(struct call *c, int status, struct http_headers fields, int64_t length)
{
    struct h1 *h = h1_of(c->conn);
    size_t most = head_most(fields);
    char *p;

    (void)length; /* c->length */
    h->close = closes(h, c, status);
    if (most > HTTP_HEAD_MAX) {
        sconn_doom(&h->k); /* a head that no client would take */
        return;
    }
    p = sconn_reserve(&h->k, most);
    if (p != NULL)
        sconn_wrote(&h->k, (size_t)(put_head(p, h, c, status, fields) - p));
}

/* Size, bytes and line ends of a chunk. */
static char *put_chunk(char *at, struct str bytes)
{
    unsigned shift = 0;

    while (shift + 4 < 8 * sizeof bytes.n && bytes.n >> shift >> 4 != 0)
        shift += 4;
    for (;; shift -= 4) {
        *at++ = "0123456789abcdef"[bytes.n >> shift & 15];
        if (shift == 0)
            break;
    }
    at = PUT(at, "\r\n");
    at = str_put(at, bytes);
    return PUT(at, "\r\n");
}

enum flow h1_write(struct call *c, struct str bytes)
{
    struct sconn *k = c->conn;
    char *p;

    if (!chunked(c))
        return sconn_write(k, bytes);
    p = sconn_reserve(k, 2 * sizeof bytes.n + 4 + bytes.n);
    if (p != NULL)
        sconn_wrote(k, (size_t)(put_chunk(p, bytes) - p));
    return k->full ? FLOW_FULL : FLOW_GO;
}

void h1_send_end(struct call *c)
{
    if (chunked(c))
        sconn_write(c->conn, S("0\r\n\r\n"));
}

void h1_send_continue(struct h1 *h)
{
    h->expects = false;
    sconn_write(&h->k, S("HTTP/1.1 100 Continue\r\n\r\n"));
}
