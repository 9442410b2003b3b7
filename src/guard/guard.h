/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* guard.h - how much a stranger may have at once: connections in all and for each address, failed
 * credentials for each address, requests in work and files being fetched for each credential
 * (LIM-1, LIM-15, LIM-16, SSR-5).
 *
 * One for the process, because a stranger does not choose the worker that it meets. Its mutex is
 * held for microseconds; every function may be called from any thread. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "base/sha256.h"

struct guard;
struct guard_limits {
    uint32_t connections; /* in all */
    uint32_t per_address; /* connections; 0: no limit */
    uint32_t failures;    /* credentials that are none, in a row; 0: no limit */
};
struct guard *guard_new(const struct guard_limits *l);
void guard_set_limits(struct guard *g,
                      const struct guard_limits *l); /* for who comes from now on */
void guard_free(struct guard *g);                    /* NULL is fine; everything was given back */

/* A connection from `network` (net/addr.h; 0: from nobody who is to be counted by itself). The
 * ticket, or NULL: it may not come in. It goes back when the connection's socket is closed. */
struct guard_ticket;
MUST_CHECK struct guard_ticket *guard_enter(struct guard *g, uint64_t network);
void guard_leave(struct guard *g, struct guard_ticket *t);

/* A wrong credential came from `network`. 0: say so; else the seconds for a Retry-After. */
uint32_t guard_failed(struct guard *g, uint64_t network, uint64_t now_ms);

/* A request of who has this credential. NULL: `limit` of them are in work; 0: no limit. */
struct guard_seat;
MUST_CHECK struct guard_seat *guard_sit(struct guard *g, const struct sha256 *who, uint32_t limit);
void guard_rise(struct guard *g, struct guard_seat *s);

/* A fetch for who has this credential. NULL: as many of them go on as may; ask again. */
enum { GUARD_FETCHES_MAX = 4 };
struct guard_fetch;
MUST_CHECK struct guard_fetch *guard_fetch_begin(struct guard *g, const struct sha256 *who);
void guard_fetch_end(struct guard *g, struct guard_fetch *f);

/* What was refused so far. */
struct guard_stats {
    uint64_t connections, per_address, failures, per_token;
};
struct guard_stats guard_stats(struct guard *g);

#endif
