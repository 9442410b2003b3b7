/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ring.h - the upstream keys: which one next, and what each one's last answers say about it.
 *
 * One for the process, shared by all workers: a mutex is held inside each call for microseconds.
 * Time is an argument, so that a simulation can own the clock. */
#ifndef KEYS_RING_H
#define KEYS_RING_H

#include "base/secret.h"

struct keys;
struct key; /* counted: it lives until the last exchange that uses it has given it back */

struct keys *keys_new(void);
void keys_free(struct keys *k); /* NULL is fine; no key may be out */

/* Replace the set, whole. Keys that stay keep what is known about them; doubles and empty ones are
 * dropped. */
void keys_set(struct keys *k, const struct str *values, size_t n);
size_t keys_count(struct keys *k);

enum { KEYS_TRIED_MAX = 8 };

struct key_want {
    struct str model;
    uint64_t now_ms;                         /* monotonic */
    const struct key *tried[KEYS_TRIED_MAX]; /* not these, unless there is no other */
    size_t ntried;
};
enum key_verdict {
    KEY_PICKED,
    KEY_COOLING, /* all cool down for this model; *ret_wait_ms until the first is back */
    KEY_NONE,    /* there is no key at all, or none that upstream still takes */
};
/* The key that has the fewest requests in flight among those that are well for the model. Give it
 * back with keys_done. */
MUST_CHECK enum key_verdict keys_pick(struct keys *k, const struct key_want *want,
                                      struct key **ret_key, uint64_t *ret_wait_ms);

enum key_outcome {
    KEY_SERVED,    /* upstream took it */
    KEY_BLAMELESS, /* it failed, but not for the key: network, overload, a bad request, cancelled */
    KEY_LIMITED,   /* 429: cools for this model */
    KEY_REFUSED,   /* invalid, suspended, out of credit: out for every model, tried again rarely */
};
/*   units   cool_ms: what upstream asked to wait; 0 when it named nothing */
void keys_done(struct keys *k, struct key *key, struct str model, enum key_outcome outcome,
               uint64_t cool_ms, uint64_t now_ms);

const struct secret *
key_secret(const struct key *key); /* for the upstream header, and its tail for logs */

#endif
