/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server.h - HTTP for clients: HTTP/1.1 on every listener, HTTP/2 by ALPN or prior knowledge.
 *
 * One `struct call` is one request and its response. The handler sees a call when its head is
 * complete; the body is gathered by the server, whole and capped. Framing errors, limits and time
 * limits are answered by the server itself, in the shape that the handler's `refuse` spells.
 *
 *   on_head -> call_want_body -> on_body -> call_respond -> call_write* -> call_end
 *           '-> call_respond (early: the unread body is drained or the connection closed)
 *   at any time: on_gone (the client left), once; or the handler's call_reset */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/buf.h"
#include "http/msg.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"

struct server;
struct sha256_memo;
struct call;

struct call_events {
    /* The whole body. It belongs to the call and may be changed in place; at least CALL_BODY_PAD
     * zero bytes follow it. It stays until call_drop_body or the end of the call. */
    void (*on_body)(void *owner, char *body, size_t n);
    void (*on_drain)(void *owner); /* after FLOW_FULL */
    /* The client left or was shed; the call is dead, touch it no more. On HTTP/1 EOF counts as
     * leaving, unless it stood right behind the request. */
    void (*on_gone)(void *owner);
};
enum { CALL_BODY_PAD = 8 };

/* Why the server answers by itself. */
struct refusal {
    int status;       /* 400 405 408 411 413 414 415 417 431 501 503 505 */
    const char *what; /* static text for a person: "the request body is larger than the limit" */
};
struct server_handler {
    /* A complete head. Bind the call, then answer it or ask for its body. */
    void (*on_head)(void *ctx, struct call *call);
    /* Write the body (JSON) of an answer that the server gives by itself. */
    void (*refuse)(void *ctx, const struct refusal *r, struct buf *out);
    void *ctx;
    /* The fields that each of the handler's own answers carries, for those that the server gives by
     * itself; valid until the next call. May be NULL. */
    struct http_headers (*refuse_fields)(void *ctx, struct call *call);
    /* Fields that are looked at when on_head is over, at most CALL_KEPT_MAX of them. */
    const struct str *kept;
    size_t nkept;
};
enum { CALL_KEPT_MAX = 8, CALL_KEPT_BYTES = 512 };
struct server_limits {
    size_t body_max;         /* bytes, LIM-3 */
    uint32_t head_ms;        /* LIM-7; 0: none */
    uint32_t body_idle_ms;   /* LIM-8 */
    uint32_t body_total_ms;  /* LIM-8; with it comes the least rate, 1 KiB/s after 10 s */
    uint32_t write_stall_ms; /* LIM-9 */
    uint32_t keep_alive_ms;  /* LIM-10, h1; 0: none */
    uint32_t h2_idle_ms;     /* LIM-10, h2 without streams; 0: none */
};
extern const struct server_limits SERVER_LIMITS_DEFAULT;

struct server *server_new(struct loop *loop, const struct server_handler *h,
                          const struct server_limits *limits);
MUST_CHECK enum err server_listen(struct server *s, const struct listen_opts *opts,
                                  uint16_t *ret_port, struct fault *why);
/* Stop accepting; idle connections close now, busy ones after their answer (connection: close, or
 * GOAWAY). */
void server_drain(struct server *s);
/* For what begins from now on: connections, requests, waits. */
void server_set_limits(struct server *s, const struct server_limits *limits);
size_t server_calls(const struct server *s); /* in work */
size_t server_connections(const struct server *s);
void server_close(struct server *s); /* at once: every call gets on_gone */
void server_free(struct server *s); /* after server_close, from a deferred task or after the loop */

/* The request. Strings are valid until the call ends; but of a large head, once on_head is over,
 * the fields are only those that the handler has named, of up to CALL_KEPT_BYTES each, and what was
 * borrowed from them before is gone (H2-3). */
enum http_method call_method(const struct call *c);
struct str call_path(const struct call *c);  /* as sent, still percent-encoded, no query */
struct str call_query(const struct call *c); /* without the `?` */
struct http_headers call_headers(const struct call *c);
struct peer_name call_peer(const struct call *c);
uint64_t call_network(const struct call *c);   /* net/stream.h; 0 when the client is gone */
struct sha256_memo *call_memo(struct call *c); /* of its connection, and wiped with it */

void call_bind(struct call *c, const struct call_events *on, void *owner);
/* Told once when the call is over, however it ends, after everything else; one for each call. */
void call_at_end(struct call *c, void (*over)(void *ctx, void *what), void *ctx, void *what);
void call_want_body(struct call *c);
/* The same, for less than the server's limit: one byte more is a 413. */
void call_want_body_upto(struct call *c, size_t max);
/* The same, but the bytes are dropped as they come, and on_body is told of none. */
void call_skip_body(struct call *c);
void call_drop_body(struct call *c); /* its memory is not needed any longer */
/* The memory is the caller's from now on, and outlives the call: mem_drop(body, room) ends it. */
MUST_CHECK size_t call_release_body(struct call *c);

/* The response. Name the length, or -1 for a body that is streamed (chunked on HTTP/1.1, until
 * close on 1.0). `date`, `content-length`/`transfer-encoding` and `connection` are the server's own
 * business. For HEAD the body calls are legal and send nothing. */
void call_respond(struct call *c, int status, struct http_headers h, int64_t length);
enum flow call_write(struct call *c, struct str bytes); /* copied; leaves at the end of the turn */
void call_end(struct call *c);   /* complete; the call is gone, no event comes any more */
void call_reset(struct call *c); /* broken off: RST_STREAM, or the connection closed without the
                                    last chunk, so that nobody takes it for complete */
size_t call_queued(const struct call *c);

#endif
