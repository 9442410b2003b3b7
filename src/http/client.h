/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client.h - HTTP to upstream: HTTP/2 where the peer speaks it, else an HTTP/1.1 keep-alive pool.
 *
 * One client for each loop. A request is told its outcome exactly once: on_end (complete by its
 * framing, DATA and content-length agreeing) or on_fail. A pooled connection that turns out dead
 * before a byte of the answer came is replaced by a fresh one without the caller seeing it. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/rope.h"
#include "http/msg.h"
#include "net/dial.h"
#include "net/loop.h"

struct client;
struct client_req;
struct tls_client;
struct tunnel_proxy; /* net/tunnel_talk.h */

/* Where requests go; copied on first use and pooled by all of its fields. */
struct origin {
    bool https;
    bool h2_prior;   /* plain http with h2 by prior knowledge (tests) */
    struct str host; /* IPv6 without brackets */
    uint16_t port;
    dial_guard_f *guard;            /* which addresses may be connected to; NULL: any */
    const struct tunnel_proxy *via; /* through this proxy; NULL: straight */
};

enum client_phase {
    CLIENT_DNS,
    CLIENT_CONNECT,
    CLIENT_TUNNEL, /* the proxy on the way: from its name to its answer */
    CLIENT_TLS,
    CLIENT_SEND,
    CLIENT_HEAD,
    CLIENT_BODY
};
const char *client_phase_name(enum client_phase p);

struct client_fault {
    enum err err; /* E_TIMEOUT, E_CLOSED, E_REFUSED, E_UPSTREAM (broken framing), E_TOOBIG (a cap),
                     E_FIELD (the request cannot be put on the wire), or what the dial said */
    enum client_phase phase;
    const char *what; /* static text for a person */
};

/* The head may come before the whole request has left: an early answer is told like any other. What
 * came while the request was paused is told before the outcome, also when that is a failure. */
struct client_events {
    void (*on_head)(void *owner, int status,
                    struct http_headers h);         /* borrowed; 1xx are not told */
    void (*on_data)(void *owner, struct str bytes); /* borrowed; any split */
    void (*on_end)(void *owner);
    void (*on_fail)(void *owner, const struct client_fault *f);
};

struct client_request {
    struct origin origin;
    enum http_method method;
    struct str target;           /* path and query; copied */
    struct http_headers headers; /* lower case; host, content-length, framing are ours; copied */
    const struct rope *body;     /* NULL: none; must stay until the request's outcome or cancel */
    uint32_t first_byte_ms;      /* from sent to the answer's head, and before that the wait for a
                                    connection; 0: the client's default */
    uint32_t idle_ms; /* between bytes of a body, either way; not while paused; 0: default */
};
struct client_limits {
    uint32_t dns_ms, connect_ms, first_byte_ms, idle_ms; /* LIM-11; connect_ms: TCP, proxy and
 TLS */
    uint32_t pool_idle_ms;  /* an idle connection is closed after this */
    uint32_t doubt_ms;      /* one idle for longer is looked at before it is used again */
    uint32_t ping_after_ms; /* h2 silent for this long while streams wait: PING; answer within the
                               same */
    size_t h1_per_origin;   /* open h1 connections */
    size_t h2_streams; /* on one connection before a second is opened, beside the peer's limit */
    size_t waiting;    /* requests queued for a connection */
};
extern const struct client_limits CLIENT_LIMITS_DEFAULT;

struct client *client_new(struct loop *loop, struct dns *dns, struct tls_client *tls,
                          const struct client_limits *limits);
void client_free(struct client *c); /* cancels everything without telling */

/* No event comes from inside client_send. */
struct client_req *client_send(struct client *c, const struct client_request *r,
                               const struct client_events *on, void *owner);
/* The upstream work is cancelled in this turn (RST_STREAM, or the h1 connection closed); no event
 * comes any more. NULL is fine. */
void client_cancel(struct client_req *r);
/* Has the whole request left, so that upstream may be at work on it? */
bool client_is_sent(const struct client_req *r);
void client_pause(struct client_req *r); /* back-pressure: no on_data until resumed */
void client_resume(struct client_req *r);

/* For what begins from now on. */
void client_set_limits(struct client *c, const struct client_limits *limits);
/* Open (and keep) a connection to the origin if there is none: warm-up. */
void client_warm(struct client *c, const struct origin *o);
/* Drop all idle connections, as after a long freeze. */
void client_drop_idle(struct client *c);

struct client_stats {
    uint64_t connections_opened, requests, reused, retried_dead;
    size_t connections, streams, waiting;
};
struct client_stats client_stats(const struct client *c);

#endif
