/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics.h - what happened, counted; and the text in which Prometheus reads it.
 *
 * One `struct metrics` for each worker, which alone writes it; whoever prints adds them up. Its
 * mutex is held for microseconds. Label sets are capped: what does not fit is counted as "other".
 *
 *   source  OpenTelemetry semantic conventions for generative AI metrics, spelled by the rules of
 *           its Prometheus compatibility page */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/buf.h"

enum {
    METRICS_SERIES_MAX = 64,   /* models with histograms of their own */
    METRICS_OUTCOMES_MAX = 64, /* of dialect, status and end */
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* NULL is fine */

/* A request that was taken up, and the same one when it is over. */
void metrics_began(struct metrics *m);

/* Running totals of the upstream client, as they stand. */
struct metrics_upstream {
    uint64_t connections, requests, reused, retried_dead;
};
struct metrics_request {
    const char *dialect, *end; /* static text */
    struct str model;          /* empty: it was never understood */
    int status;
    uint64_t ms, first_ms;                    /* first_ms: to the first token; 0: none came */
    uint64_t input, output, cached, thoughts; /* tokens */
    unsigned attempts;
    const struct metrics_upstream *upstream; /* NULL: not told */
};
void metrics_ended(struct metrics *m, const struct metrics_request *r);

/* What was done for a request beyond sending it once; one row each in print.c. */
enum metrics_event {
    METRICS_RETRIED,        /* sent again after a failure */
    METRICS_RETRY_DENIED,   /* it would have been, but retries are a part of all requests only */
    METRICS_GLITCHED,       /* sent again because the answer was empty or spoilt */
    METRICS_WAIT_SERVED,    /* waited for quota, and got a key */
    METRICS_WAIT_REFUSED,   /* waited, and got a 429 */
    METRICS_WAIT_LEFT,      /* waited, until the client or the time was gone */
    METRICS_LINE_FULL,      /* could not even wait */
    METRICS_FELL_FOR_QUOTA, /* another model was asked instead */
    METRICS_FELL_FOR_OVERLOAD,
    METRICS_FELL_FOR_ABSENCE,
    METRICS_FETCHED,   /* a file that it named by address was fetched */
    METRICS_UNFETCHED, /* or was not to be had */
    METRICS_HEDGED,    /* another project was asked as well */
    METRICS_HEDGE_WON, /* and answered first */
    METRICS_CONTINUED, /* an answer went on after CONTINUATION */
    METRICS_EVENTS
};
void metrics_count(struct metrics *m, enum metrics_event e);
/* A request was sent again without what upstream refused; name is static text. */
void metrics_repaired(struct metrics *m, const char *name);
void metrics_waiting(struct metrics *m, uint64_t n); /* requests that wait for quota now */

/* Requests in work now, all workers together. */
uint64_t metrics_in_flight(struct metrics *const *v, size_t n);

/* A key, and a project's quota of a model. Keys are told by their place in the list: no part of one
 * is a label (SEC-1). Borrowed. */
enum { METRICS_KEYS_MAX = 256, METRICS_LANES_MAX = 256, METRICS_WAYS_MAX = 64, METRICS_QUOTAS = 4 };
struct metrics_key {
    size_t place; /* from 1 */
    unsigned project;
    const char *why;  /* NULL: it is well */
    uint64_t back_ms; /* UINT64_MAX: never by itself */
    uint64_t in_flight, served, limited, refused, failed;
};
struct metrics_lane {
    unsigned project;
    const char *model;
    const char *why; /* NULL: it is open */
    uint64_t back_ms;
    struct {
        const char *name;
        uint64_t limit, spent; /* limit 0: not known */
    } quota[METRICS_QUOTAS];
};

/* A way out. */
struct metrics_way {
    size_t place;     /* from 1: names are not unique, where passwords differ */
    const char *name; /* without one */
    const char *why;  /* NULL: it is well */
    bool in_use;      /* where requests of everybody go now */
    uint64_t back_ms;
    uint64_t in_flight, failed, refused;
};

/* What only the process knows. */
struct metrics_process {
    const char *version;
    uint64_t keys, workers;
    uint64_t keys_resting;                                       /* that are out for every model */
    uint64_t key_served, key_limited, key_refused, key_failed;   /* requests, all keys together */
    uint64_t out_credit, out_invalid, out_forbidden, out_leaked; /* keys put out, by why */
    bool draining;
    int64_t start_s;
    uint64_t memory_counted, memory_budget, log_dropped;
    uint64_t over_connections, over_address, over_failures, over_token; /* turned away */
    const struct metrics_key *key;
    size_t nkey;
    const struct metrics_lane *lane;
    size_t nlane;
    const struct metrics_way *way;
    size_t nway;
};
/* Prometheus' text format 0.0.4. Sticky in out->err. */
void metrics_print(struct metrics *const *v, size_t n, const struct metrics_process *p,
                   struct buf *out);

#endif
