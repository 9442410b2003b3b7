/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wait.h - requests that wait for quota, in lines: who came first is asked first, and only when he
 * has been served the next one is. So a quota that comes back wakes as many as it has room for.
 *
 * Each worker has lines of its own. What another worker's outcome frees, or a reload brings, is
 * noticed because whoever is at the front is asked once a second at least. */
#ifndef PROXY_WAIT_H
#define PROXY_WAIT_H

#include "base/list.h"
#include "net/loop.h"

enum { WAITERS_MAX = 1024 }; /* of a worker; each holds its request */

struct wait_line;

/* Embedded in its owner. Zeroed is: in no line, never was in one. */
struct waiter {
    struct list link;
    struct wait_line *line; /* NULL: in none */
    uint64_t ticket;   /* in order of the first time that it joined; kept when it joins again */
    uint64_t until_ms; /* then it is asked although it is not its turn; asked() moves it */
    /* Is it its turn: true, it is not, ask again after *ret_ms. Otherwise it has called wait_leave,
     * and whatever it did then is its own affair. */
    bool (*asked)(struct waiter *w, uint64_t *ret_ms);
};

struct waits {
    struct loop *loop;
    struct list lines;
    size_t n; /* waiting, all lines together */
    uint64_t tickets;
};
void waits_init(struct waits *all, struct loop *loop);

/* Requests of one kind compete for one quota: is anybody waiting for it already? */
bool wait_is_line(const struct waits *all, uint64_t kind);

/* At the place that its ticket gives, and asked after ask_ms when that is the front. False when too
 * many wait: then it is in no line. */
bool wait_join(struct waits *all, struct waiter *w, uint64_t kind, uint64_t ask_ms);
void wait_leave(struct waits *all, struct waiter *w); /* harmless when it is in none */

void wait_ask_all(struct waits *all); /* soon: things have changed */

#endif
