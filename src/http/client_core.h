/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_core.h - the objects behind client.h: the client, its pools, connections and requests.
 *
 *   client --1:n--> pool (one origin) --1:n--> conn --1:n--> req        conn is h1 or h2
 *                        '--1:n--> dialing   '--waiting--> req
 *
 *   req    waiting --a connection has room--> on a connection --last byte--> tail --told--> gone
 *          on a connection --it died before an answer byte--> waiting (once)
 *          any --client_cancel--> gone
 *
 * Nothing here dies inside its own callback: what ends is unlinked at once and its memory goes back
 * through loop_defer. Every walk over a list that tells an owner something pops, so that whatever
 * the owner does inside is safe. */
#ifndef HTTP_CLIENT_CORE_H
#define HTTP_CLIENT_CORE_H

#include "http/client.h"
#include "net/stream.h"
#include "net/tunnel_talk.h"

enum {
    OUT_MAX = 256 * 1024,   /* request bytes queued on a connection; more wait in the rope */
    H2_WINDOW = 512 * 1024, /* of one stream; also the most that a paused request holds */
    HELD_MAX = H2_WINDOW + 128 * 1024,
    H2_PER_ORIGIN = 128, /* connections */
    REFUSALS_MAX = 3,    /* a request refused by the peer more often has failed */
    QUIET_MS = 3000,     /* h2 silent for longer: a PING goes with the next request */
    PROBE_MS = 2000,     /* and its answer has this long */
    REDIAL_MS = 1000,    /* after a failed dial, while another connection still works */
    TICK_MS = 1000,      /* how often idle connections are looked at */
};

enum proto { PROTO_UNKNOWN, PROTO_H1, PROTO_H2 };

struct client {
    struct loop *loop;
    struct dns *dns;
    struct tls_client *tls;
    struct client_limits lim;
    struct list pools;
    struct list reqs;  /* all that have not been told their outcome */
    struct timer tick; /* runs while there are connections */
    struct task thaw, sweep;
    uint64_t serial; /* of the newest connection */
    struct client_stats stats;
    struct task bury;
};

struct pool {
    struct list link;
    struct client *client;
    struct origin origin; /* host points behind the struct, via into it */
    struct tunnel_proxy via;
    size_t names;         /* bytes behind the struct; a proxy's password is among them */
    struct str authority; /* host, and the port where it is not the scheme's own */
    struct list conns;    /* those with room first, of them the most recently used */
    struct list dials;
    struct list waiting; /* requests; those that come back from a dead connection stand in front */
    size_t nconns, ndials, nwaiting;
    enum proto proto;    /* what the newest connection spoke */
    struct timer redial; /* running: no new dial yet */
    struct task dispatch;
    struct task bury;
};

struct conn;
struct conn_ops { /* the two HTTP versions */
    bool (*has_room)(const struct conn *c);
    void (*start)(struct conn *c, struct client_req *r);  /* r is on c->reqs already */
    void (*cancel)(struct conn *c, struct client_req *r); /* r is off c->reqs already */
    void (*pause)(struct conn *c, struct client_req *r);
    void (*resume)(struct conn *c, struct client_req *r);          /* what was held is delivered */
    void (*taken)(struct conn *c, struct client_req *r, size_t n); /* held bytes were delivered */
    void (*probe)(struct conn *c);                                 /* is the peer still there? */
    void (*close)(struct conn *c);                                 /* timers and tasks stop */
    void (*free)(struct conn *c);
};
struct conn {
    struct list link; /* in pool->conns, until it is dead */
    struct pool *pool;
    struct client *client;
    const struct conn_ops *ops;
    struct stream *stream;
    struct list reqs;
    size_t nreqs;
    uint64_t serial;
    uint64_t heard_ms; /* the last byte from the peer */
    bool used;         /* a request has left it */
    bool draining;     /* takes no new requests */
    bool dead;
    struct task bury;
};

enum outcome { OUT_NONE, OUT_END, OUT_FAIL };
struct client_req {
    struct list link; /* client->reqs */
    struct list at;   /* pool->waiting or conn->reqs */
    struct client *client;
    struct pool *pool; /* until the answer is complete */
    struct conn *conn; /* NULL while waiting, and in the tail */
    struct client_events on;
    void *owner;

    enum http_method method; /* what is asked: own copies, in one block with this struct */
    struct str target;
    struct http_headers headers;
    struct str lines; /* the same bytes as HTTP/1 has them: name, ": ", value, CRLF */
    const struct rope *body;
    uint32_t first_byte_ms, idle_ms;

    struct rope_pos pos; /* what of the body has left */
    size_t left;
    enum client_phase phase; /* CONNECT while waiting, then SEND, HEAD, BODY */
    bool reused;             /* on a connection that had carried others */
    bool answered;           /* a byte of its answer came: no unseen retry */
    bool retried;
    bool paused;
    bool done; /* told or cancelled; the memory lives until the end of the turn */
    int refusals;
    uint64_t born_serial;  /* the newest connection when r began to wait */
    uint64_t after_serial; /* only a connection newer than this will do */
    uint64_t not_serial;   /* nor this one: it refused */

    uint64_t stamp_ms; /* the last progress, for the time limit of the phase */
    struct timer timer;
    struct buf held; /* came while paused; delivered up to held_at */
    size_t held_at;
    enum outcome outcome; /* stands behind what is held */
    struct client_fault fault;
    struct task wake, bury;

    int32_t stream_id; /* h2's own */
    int status, interims;
};

#endif
