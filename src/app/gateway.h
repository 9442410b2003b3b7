/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gateway.h - the process's shared half: settings, keys, TLS, and the workers that serve with them.
 */
#ifndef APP_GATEWAY_H
#define APP_GATEWAY_H

#include "app/settings.h"
#include "egress/set.h"
#include "guard/guard.h"
#include "keys/ring.h"
#include "net/listen.h"
#include "net/tls.h"
#include <pthread.h>
#include <stdatomic.h>

struct worker;

enum { SOCKETS_MAX = 8 }; /* that were handed to the process */

struct gateway {
    pthread_mutex_t lock;      /* guards settings; the main loop alone writes */
    struct settings *settings; /* held; of the last reload */
    const struct platform *platform;
    struct keys *keys;
    struct egresses *egresses;
    struct signatures *signatures;
    struct tls_client *tls;
    struct tls_client *fetch_tls; /* for strangers' hosts: no session of theirs beside Google's */
    struct tls_server *certificates; /* what clients see; NULL: no TLS */
    struct secret made_up;           /* the token for a run that has none; or empty */
    bool emulation;
    struct guard *guard;
    struct listen_gate gate;
    struct listen_addr addr;
    int sockets[SOCKETS_MAX]; /* inherited; each worker has a copy of each */
    size_t nsockets;
    uint64_t start_ms;
    uint32_t instance;                 /* a number that only this process has */
    _Atomic bool draining;             /* not ready any more: what /readyz says */
    _Atomic bool hurry;                /* asked twice */
    _Atomic size_t stopped;            /* workers whose loops have ended, or are about to */
    bool stopping;                     /* the main loop's */
    _Atomic uint64_t shortage_told_ms; /* when the log said that descriptors are short; 0: never */
    struct timer delay, watchdog, daily;
    struct reload *reload; /* that is being prepared; or NULL */
    struct task reloaded;  /* posted by a worker that serves by the newest settings */
    uint64_t reported;     /* number of the settings whose reload has been told of */
    struct worker **workers;
    struct metrics **metrics; /* one of each worker's */
    size_t nworkers;
    pthread_t *threads; /* of the workers 1 to nthreads; the first runs on the caller's */
    size_t nthreads;
    struct loop *main_loop; /* the first worker's; signals arrive there */
};

/* Read everything that can be wrong before a port is opened: addresses, keys, tokens, roots. One
 * line for a person in problem when something is. gateway_close is right after a failure too.
 *
 *   shape   s has been read; it belongs to the gateway from here on, and is settled */
MUST_CHECK enum err gateway_init(struct gateway *g, struct settings *s, const struct platform *p,
                                 bool emulation, struct buf *problem);
struct guard_limits gateway_guard_limits(const struct config *c);
MUST_CHECK enum err gateway_listen(struct gateway *g, struct buf *problem);
/* Threads for the workers. On failure those that ran have ended again. */
MUST_CHECK enum err gateway_start(struct gateway *g, struct buf *problem);
void gateway_run(struct gateway *g); /* until drained */
/* False: a reload's thread waits for a file that does not answer, and what it may yet touch was
 * left alone. Then only _exit ends the process in order. */
MUST_CHECK bool gateway_close(struct gateway *g);
void gateway_drain(struct gateway *g); /* from the main loop; twice: at once */

/* Say where requests leave, when there is a proxy among the ways: it may stand in the environment
 * for somebody else. At the start, and after a reload. */
void gateway_say_ways(const struct gateway *g);

/* The settings of this moment, held for the caller. From any thread. */
struct settings *gateway_settings(struct gateway *g);
/* Complete the settings with what the keys and the listener say; they are published after it. */
void gateway_settle_auth(struct gateway *g, struct settings *s);

/* reload.c, from the main loop. SIGHUP: config file, keys, tokens, certificates; all of it or
 * nothing. Answers that are running end by the settings that they began with. */
void gateway_reload(struct gateway *g);
MUST_CHECK bool gateway_forget_reload(struct gateway *g); /* when the loops have ended */
void gateway_reloaded(struct task *t);                    /* of g->reloaded */

#endif
