/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_pool.h - which connection carries a request, and when a new one is made.
 *
 * Reuse, from the most recently used connection down, never one that
 *   - has been silent for pool_idle_ms or longer,
 *   - was open over a freeze of the process,
 *   - was idle for doubt_ms or longer and shows EOF or a reset in its socket,
 *   - has been told to go away, or has no stream free.
 * A request whose reused connection dies before a byte of its answer goes to a fresh one, once: a
 * POST may then reach upstream twice, but only where the first copy was lost with its connection;
 * generation has no side effect but its price. Nothing is sent again after an answer byte, or when
 * the connection was fresh. */
#ifndef HTTP_CLIENT_POOL_H
#define HTTP_CLIENT_POOL_H

#include "http/client_core.h"

struct pool *pool_get(struct client *c, const struct origin *o); /* found or made */
void pool_kick(struct pool *p);                                  /* look at it in this turn */
void pool_warm(struct pool *p);
void pool_wait(struct pool *p, struct client_req *r); /* r joins the queue */
void pool_free(struct pool *p);                       /* nothing hangs on it any more */
void pools_thaw(struct task *t);                      /* the process was frozen */
void pools_sweep(struct task *t);
void pools_tick(struct timer *t);

void conn_init(struct conn *c, struct pool *p, const struct conn_ops *ops, struct stream *s);
void conn_heard(struct conn *c); /* a byte came */
void conn_place(struct conn *c); /* its load has changed: where it is looked for next */

/* The connection is over: unlinked, closed, freed at the turn's end. Its requests go to a fresh
 * connection where that is allowed and have failed otherwise. */
void conn_kill(struct conn *c, enum err e, const char *what);

/* The peer has certainly not worked on r: another connection, unseen. */
void conn_refused(struct conn *c, struct client_req *r);

struct conn *h1_dialled(struct pool *p, struct stream *s);
struct conn *h2_dialled(struct pool *p, struct stream *s);

#endif
