/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h2.h - one HTTP/2 connection and its calls, for its three files: the connection
 * (server_h2.c), requests in (server_h2_recv.c) and responses out (server_h2_send.c).
 *
 *   h2_call  fields --END_HEADERS--> told --END_STREAM--> request whole
 *            told --response's END_STREAM or RST_STREAM, either side--> freed
 *
 * nghttp2 judges frames and holds the flow control windows; what it calls a stream is our call. */
#ifndef HTTP_SERVER_H2_H
#define HTTP_SERVER_H2_H

#include "base/arena.h"
#include "http/server_conn.h"
#include "http/server_h2_guard.h"
#include "http/server_head.h"

#include <nghttp2/nghttp2.h>

enum {
    H2_STREAMS_MAX = 100,
    H2_STREAM_WINDOW = 64 * 1024,
    H2_CONN_WINDOW = 1024 * 1024,
    H2_ACKS_MAX = 64, /* H2-5: acknowledgements that wait to be sent */
};

struct h2 {
    struct sconn k;
    nghttp2_session *session;
    struct h2_guard guard;
    struct list calls;
    size_t ncalls;
    uint64_t settle_by, head_by, idle_by; /* when the connection is late; 0: it cannot be */
    bool going;                           /* GOAWAY for good: no new stream is looked at */
    bool overdrawn;                       /* a budget is empty (H2-4, H2-5) */
    bool over;    /* nothing is read any more; closes when what is to be sent has left */
    bool drained; /* the queue of a call fell below FLOW_LOW */
};
static inline struct h2 *h2_of(struct sconn *k)
{
    return CONTAINER(k, struct h2, k);
}

struct h2_call {
    struct call c;
    int32_t id;

    struct arena head;          /* the bytes of its fields, and of path and authority, */
    struct arena_mark target;   /* which come first and end here */
    struct http_header *fields; /* own memory until the head is whole, then c.headers */
    size_t nfields, room;
    size_t cost; /* against HTTP_HEAD_MAX */
    struct str path, authority;
    bool too_large, too_long, no_memory; /* the head: nothing more of it is kept (H2-3) */
    bool expects;                        /* 100 Continue, not sent yet */
    bool request_whole;                  /* END_STREAM came */
    size_t held;                         /* body bytes whose window was not given back */
    struct task wake;                    /* tell what must not be told from inside a call_* */

    struct buf out; /* of the response's body, not yet framed */
    size_t out_at;
    struct stall stall;
    struct timer linger; /* answered before its end; running: the client may still see that */
    bool deferred;       /* nghttp2 waits for more of it */
    bool done;           /* no more comes */
    bool broken;         /* it ends in RST_STREAM */
    bool failed;         /* no memory for it, or a head too large to be sent */
    bool ours;           /* the reset is not the client's fault */
};
static inline struct h2_call *h2_call_of(const struct call *c)
{
    return CONTAINER(c, struct h2_call, c);
}
static inline struct h2 *h2_call_conn(const struct h2_call *hc)
{
    return h2_of(hc->c.conn);
}
static inline size_t h2_call_left(const struct h2_call *hc)
{
    return hc->out.n - hc->out_at;
}

/* server_h2.c */
void h2_soon(struct h2 *h); /* something may be to send */
struct h2_call *h2_call_new(struct h2 *h, int32_t id);
void h2_call_over(struct h2_call *hc); /* its stream is closed */
/* Give the call up with RST_STREAM; the handler is told. */
void h2_call_drop(struct h2_call *hc, uint32_t code);

void h2_call_fail(struct h2_call *hc); /* the same, from the soon-task */

/* server_h2_recv.c */
void h2_recv_callbacks(nghttp2_session_callbacks *cb);
void h2_body_go_on(struct h2_call *hc); /* on_body, when it is time */
void h2_want_body(struct call *c);

/* server_h2_send.c */
void h2_send_callbacks(nghttp2_session_callbacks *cb);
void h2_respond(struct call *c, int status, struct http_headers fields, int64_t length);
enum flow h2_write(struct call *c, struct str bytes);
void h2_end(struct call *c);
void h2_reset(struct call *c);
size_t h2_queued(const struct call *c);

#endif
