/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_h2.h - one HTTP/2 connection, shared by client_h2.c (its life) and client_h2_recv.c (what
 * nghttp2 reports). */
#ifndef HTTP_CLIENT_H2_H
#define HTTP_CLIENT_H2_H

#include "http/client_head.h"
#include "http/client_pool.h"
#include "http/client_req.h"

#include <nghttp2/nghttp2.h>

enum {
    H2_CONN_WINDOW = 16 * 1024 * 1024, /* its credit is returned at once: it never stalls */
    H2_INTERIM_MAX = 10,               /* H1-11, here as well */
    H2_ACKS_MAX = 64,                  /* H2-5 */
    H2_GLITCHES = 1000,                /* frames without use: a burst of these, */
    H2_GLITCHES_S = 100,               /* and so many in a second */
    H2_GLITCH_WINDOW = 256,            /* a WINDOW_UPDATE under this is one */
};

struct h2 {
    struct conn conn;
    nghttp2_session *ng;
    struct head head;     /* of the answer whose HEADERS come in: nothing comes between them */
    size_t room;          /* streams; lowered when the peer refuses one */
    struct task flush;    /* everything of one turn leaves in one go */
    struct timer watch;   /* runs while somebody waits, or a PING is out */
    uint64_t ping_due_ms; /* 0: none is out */
    uint64_t glitched_ms; /* when `glitches` was last refilled */
    size_t glitches;      /* left to spend */
};

static inline struct h2 *h2_of(struct conn *c)
{
    return CONTAINER(c, struct h2, conn);
}

nghttp2_session *h2_session(struct h2 *h); /* with the callbacks of client_h2_recv.c */
void h2_flush(struct h2 *h);               /* in this turn; a dead one has nothing to say */

/* r leaves the connection; its stream is reset when either side is not finished with it. */
void h2_leave(struct h2 *h, struct client_req *r, bool reset);

#endif
