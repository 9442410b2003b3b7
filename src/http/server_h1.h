/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1.h - one HTTP/1 connection, for its two files: requests in, responses out. */
#ifndef HTTP_SERVER_H1_H
#define HTTP_SERVER_H1_H

#include "http/server_conn.h"
#include "http/server_h1_read.h"

enum {
    AHEAD_MAX = 16 * 1024, /* H1-8: pipelined bytes held; over it reading pauses */
    DRAIN_MAX = 64 * 1024, /* H1-6: bytes read of a body that nobody wants */
};

enum h1_wait { WAIT_NONE, WAIT_IDLE, WAIT_HEAD, WAIT_DRAIN };

struct h1 {
    struct sconn k;
    struct h1_reader reader;
    struct buf ahead;  /* read and not yet looked at; mostly empty */
    struct call *call; /* in work, or NULL */
    size_t dropped;    /* bytes of a body that nobody wants */
    enum h1_wait wait; /* what the connection's timer is for */
    bool sniffed;      /* it is HTTP/1 for sure */
    bool running;      /* requests are being read just now */
    bool paused;       /* too much is read ahead */
    bool whole;        /* the request of the call has been read to its end */
    bool draining;     /* the request was answered before its end; the rest is dropped */
    bool close;        /* after this answer */
    bool served;       /* a request before this one */
    bool kept;         /* the connection was idle since */
    bool looked;       /* behind the request in work, for a FIN */
    bool half_closed;  /* it was there: reading has stopped in front of it */
    bool expects;      /* 100 Continue, not sent yet */
};
static inline struct h1 *h1_of(struct sconn *k)
{
    return CONTAINER(k, struct h1, k);
}
static inline bool h1_request_whole(const struct h1 *h)
{
    return h->reader.at == AT_END;
}

/* server_h1_send.c; the functions of struct http_version */
void h1_send_continue(struct h1 *h);
void h1_respond(struct call *c, int status, struct http_headers fields, int64_t length);
enum flow h1_write(struct call *c, struct str bytes);
void h1_send_end(struct call *c); /* the last chunk, where there are chunks */

#endif
