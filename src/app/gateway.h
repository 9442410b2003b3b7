/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gateway.h - the process's shared half: options, keys, TLS, and the workers that serve with them.
 */
#ifndef APP_GATEWAY_H
#define APP_GATEWAY_H

#include "app/config.h"
#include "keys/ring.h"
#include "net/listen.h"
#include "net/tls.h"
#include "proxy/proxy.h"
#include <stdatomic.h>

struct platform;
struct worker;

enum { SOCKETS_MAX = 8 }; /* that were handed to the process */

struct gateway {
    const struct config *config;
    const struct platform *platform;
    struct keys *keys;
    struct signatures *signatures;
    struct tls_client *tls;
    struct secret *tokens;
    size_t ntokens;
    struct proxy_opts opts;
    struct listen_addr addr;
    int sockets[SOCKETS_MAX]; /* inherited; each worker has a copy of each */
    size_t nsockets;
    uint64_t start_ms;
    uint32_t instance;      /* a number that only this process has */
    _Atomic bool draining;  /* not ready any more: what /readyz says */
    _Atomic bool hurry;     /* asked twice */
    _Atomic size_t stopped; /* workers whose loops have ended, or are about to */
    bool stopping;          /* the main loop's */
    struct timer delay, watchdog;
    struct worker **workers;
    struct metrics **metrics; /* one of each worker's */
    size_t nworkers;
    struct loop *main_loop; /* the first worker's; signals arrive there */
};

/* Read everything that can be wrong before a port is opened: addresses, keys, tokens, roots. One
 * line for a person in problem when something is. gateway_close is right after a failure too. */
MUST_CHECK enum err gateway_init(struct gateway *g, const struct config *c,
                                 const struct platform *p, bool emulation, struct buf *problem);
MUST_CHECK enum err gateway_listen(struct gateway *g, struct buf *problem);
void gateway_run(struct gateway *g); /* until drained */
void gateway_close(struct gateway *g);
void gateway_drain(struct gateway *g);  /* from the main loop; twice: at once */
void gateway_reload(struct gateway *g); /* SIGHUP: the keys' file */

#endif
