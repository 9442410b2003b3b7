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

static void put_field(struct buf *b, struct str name, struct str value)
{
    buf_put(b, name);
    buf_lit(b, ": ");
    buf_put(b, value);
    buf_lit(b, "\r\n");
}

static void put_framing(struct buf *b, const struct h1 *h, const struct call *c, int status)
{
    if (c->length >= 0 && status != 204 && status != 304) {
        buf_lit(b, "content-length: ");
        buf_put_u64(b, (uint64_t)c->length);
        buf_lit(b, "\r\n");
    } else if (chunked(c)) {
        put_field(b, S("transfer-encoding"), S("chunked"));
    }
    if (h->close)
        put_field(b, S("connection"), S("close"));
    else if (h->reader.minor == 0)
        put_field(b, S("connection"), S("keep-alive"));
}

void h1_respond(struct call *c, int status, struct http_headers fields, int64_t length)
{
    struct h1 *h = h1_of(c->conn);
    struct buf *b = &h->k.server->scratch;

    (void)length; /* c->length */
    h->close = closes(h, c, status);
    buf_reset(b);
    buf_lit(b, "HTTP/1.1 ");
    buf_put_u64(b, (uint64_t)status);
    buf_putc(b, ' ');
    buf_put(b, http_reason(status));
    buf_lit(b, "\r\n");
    put_field(b, S("date"), server_date(h->k.server));
    for (size_t i = 0; i < fields.n; i++)
        put_field(b, fields.v[i].name, fields.v[i].value);
    put_framing(b, h, c, status);
    buf_lit(b, "\r\n");
    if (b->err == OK)
        sconn_write(&h->k, buf_str(b));
    else
        sconn_doom(&h->k); /* no memory, or a head that no client would take */
}

enum flow h1_write(struct call *c, struct str bytes)
{
    struct sconn *k = c->conn;
    char size[2 * sizeof bytes.n + 2];
    char *at = size + sizeof size;

    if (!chunked(c))
        return sconn_write(k, bytes);
    *--at = '\n';
    *--at = '\r';
    for (size_t n = bytes.n; n > 0; n >>= 4)
        *--at = "0123456789abcdef"[n & 15];
    sconn_write(k, str_of(at, (size_t)(size + sizeof size - at)));
    sconn_write(k, bytes);
    return sconn_write(k, S("\r\n"));
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
