/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_conn.h - what a connection and a call are made of, for the server's own files.
 *
 *   server --1:n--> sconn (h1 or h2) --1:n--> call         h1: one call at a time
 *
 *   sconn  open --sconn_finish, its queue has left--> closed --end of turn--> freed
 *          open --sconn_close--> closed: every call in work is told on_gone
 *   call   told --want_body--> gathering --on_body--> answering --call_end, call_reset--> ended
 *          any --the client left, a limit--> cut: on_gone, once
 *
 * server.c and call.c hold what the HTTP versions share; struct http_version is where they differ.
 * Nothing here dies inside its own callback: memory goes back through loop_defer. */
#ifndef HTTP_SERVER_CONN_H
#define HTTP_SERVER_CONN_H

#include "base/sha256.h"
#include "http/server.h"
#include "http/server_stall.h"

enum {
    RESPONSE_FIELDS_MAX = 48, /* that a handler may name */
    REFUSAL_MAX = 16 * 1024,  /* bytes of a refusal's body */
    REFUSAL_FIELDS = 16,
    BODY_WHOLE_MAX = 64 * 1024, /* declared bodies up to here are allocated at once */
    BODY_RATE_AFTER_MS = 10000, /* LIM-8: from here on, */
    BODY_RATE_BYTES_S = 1024,   /* this much a second on average */
    SETTLE_MS = 10000,          /* H2-1: SETTINGS acknowledged */
    DRAIN_MS = 1000,            /* H1-6: how long a body that nobody wants may take */
};

struct sconn;
struct head_facts;

struct http_version {
    /* A connection. */
    void (*drain)(struct sconn *k);          /* take no new request, close when idle */
    void (*cut)(struct sconn *k);            /* every call in work is told on_gone */
    void (*free)(struct sconn *k);           /* all of its memory */
    size_t (*weight)(const struct sconn *k); /* bytes that its heaviest answer has waiting */
    void (*shed)(struct sconn *k);           /* reset that answer */
    /* A call. */
    void (*want_body)(struct call *c);
    void (*respond)(struct call *c, int status, struct http_headers h, int64_t length);
    enum flow (*write)(struct call *c, struct str bytes);
    void (*end)(struct call *c);
    void (*reset)(struct call *c);
    size_t (*queued)(const struct call *c);
    void (*free_call)(struct call *c);
};

struct server {
    struct loop *loop;
    struct server_handler handler;
    struct server_limits limits;
    struct list ports;
    struct list conns;
    size_t nconns, ncalls;
    bool draining;
    struct task relief; /* LIM-14, at the end of a turn: nobody is told from inside a call_* */
    int64_t date_s;     /* the second that `date` spells */
    char date[32];
    size_t date_n;
};

struct sconn {
    const struct http_version *version;
    struct server *server;
    struct stream *stream; /* NULL once closed */
    struct list link;
    struct timer timer;
    struct task soon; /* what the version does once a turn */
    struct task bury;
    struct stall stall;
    struct sha256_memo memo; /* the credential of its last request */
    bool closed;
    bool full;      /* the stream said FLOW_FULL and has not drained since */
    bool doomed;    /* closes in its soon-task: nobody is told on_gone from inside a call_* */
    bool finishing; /* closes as soon as its queue has left */
};

struct body {
    char *p;
    size_t n, room;
    size_t max;        /* the limit that held when the request began, or the handler's own */
    bool skipped;      /* counted, not kept */
    uint64_t declared; /* UINT64_MAX: not known */
    uint64_t began_ms, last_ms;
    struct timer timer;
};

struct call {
    struct sconn *conn;
    struct list link; /* of the connection's calls */
    const struct call_events *on;
    void *owner;
    void (*over)(void *ctx, void *what); /* or NULL */
    void *over_ctx, *over_what;
    enum http_method method;
    struct str path, query;
    struct http_headers headers; /* array and bytes are the version's: see call_compact */
    struct body body;
    int64_t length;   /* of the response; -1: streamed */
    uint64_t written; /* bytes of it */
    bool wants_body;
    bool body_whole;
    bool responded;
    bool bodyless; /* HEAD, 204, 304: body calls are legal and send nothing */
    bool full;     /* FLOW_FULL was answered and on_drain has not come since */
    bool ended;    /* by the handler, or cut: no event any more */
    struct task bury;
};

/* server.c */
void sconn_init(struct sconn *k, struct server *s, struct stream *stream,
                const struct http_version *version, void (*soon)(struct task *),
                void (*on_timer)(struct timer *));
enum flow sconn_write(struct sconn *k, struct str bytes);
MUST_CHECK char *sconn_reserve(struct sconn *k, size_t n); /* stream_reserve */
enum flow sconn_wrote(struct sconn *k, size_t n);          /* stream_wrote */
void sconn_close(struct sconn *k);                         /* at once */
void sconn_reset(struct sconn *k);                         /* at once, with RST */
void sconn_finish(struct sconn *k);  /* after what is queued has left; no new call may start */
void sconn_doom(struct sconn *k);    /* at once, but from the soon-task */
void sconn_drained(struct sconn *k); /* the stream's on_drain */
/* LIM-14: reset the answer that has most bytes waiting for its client, if it is a stalled one. */
void server_relieve(struct server *s);
void server_relieve_soon(struct server *s);
/* Let go of the connection without closing its stream. */
struct stream *sconn_hand_over(struct sconn *k);
struct str server_date(struct server *s); /* IMF-fixdate, RFC 9110, 5.6.7 */

/* server_h1.c, server_h2.c. `first`: bytes that were read already. */
void h1_open(struct server *s, struct stream *stream);
void h2_open(struct server *s, struct stream *stream, struct str first);

/* call.c, for the versions */
void call_init(struct call *c, struct sconn *k);
/* Check the head against what the server answers by itself, else tell the handler. */
void call_start(struct call *c, const struct head_facts *f);
void call_cut(struct call *c);  /* on_gone, when somebody is to be told */
void call_bury(struct call *c); /* the version is done with it */
void call_drained(struct call *c);
/* Answer without the handler, which is told on_gone when it knows the call already. */
void call_refuse(struct call *c, const struct refusal *r);

/* Only what the handler has named stays of the fields: one array of memory, bytes and all, for the
 * one that there was. */
void call_compact(struct call *c);

/* call_body.c */
void body_init(struct body *b, struct loop *loop, size_t max);
void body_fini(struct body *b);
/* More bytes. False: the call was refused (too large, no memory) and takes no more. */
bool call_take_body(struct call *c, struct str bytes);
void call_body_done(struct call *c);  /* all bytes came: on_body */
void call_body_await(struct call *c); /* the next bytes are not here yet: the clock runs */

#endif
