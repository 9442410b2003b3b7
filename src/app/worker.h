/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* worker.h - one loop with its listener, its upstream pool and its exchanges. */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/gateway.h"
#include "proxy/reply.h"

struct worker {
    struct gateway *g;
    struct settings *settings; /* held; what begins now is served by these */
    struct loop *loop;
    struct dns *dns;
    struct client *client;
    struct fetcher *fetcher;
    struct server *server;
    struct proxy proxy;
    struct metrics *metrics;
    struct task drain, reload; /* posted by the main loop */
    struct task warm;          /* posted by any */
    struct task turn;          /* of the loop */
    struct timer look;
    struct timer rest;
    size_t released;         /* mem_released() when `rest` was started */
    _Atomic uint64_t number; /* of the settings */
    uint64_t drain_until_ms;
    bool draining, abandoned;
    unsigned doctors;          /* examinations that are going on */
    struct reply_head refusal; /* of the server's own answers; one at a time */
    struct request_id refused;
};

struct worker *worker_open(struct gateway *g); /* it listens nowhere yet */
/* The limits of a worker's client, also for others who ask upstream. */
struct client_limits worker_client_limits(const struct config *c);
void worker_run(struct worker *w);   /* on the thread that owns it from now on */
void worker_close(struct worker *w); /* NULL is fine */

/* Every worker opens its connection to upstream, unless it has one. From any thread. */
void worker_warm(struct gateway *g);

/* routes.c */
extern const struct server_handler ROUTES_HANDLER; /* ctx is the worker */

#endif
