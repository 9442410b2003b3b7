/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fetch.h - from a stranger's URL to the bytes behind it, as base64.
 *
 *   open --a place is free--> asked --redirect, three at most--> asked --last byte--> done
 *   any --a rule, a cap, a time limit, a failure--> done       any --fetch_cancel--> gone
 *
 * Straight from here, through no proxy: what a proxy resolves cannot be checked. Sent is a GET with
 * a fixed Accept and User-Agent, and nothing of the request that it is for. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "base/buf.h"
#include "base/sha256.h"
#include "fetch/rules.h"

struct fetch;
struct fetcher;
struct dns;
struct guard;
struct tls_client;

enum { FETCH_HEAD = 32, FETCH_HOPS_MAX = 3 };

struct fetch_opts {
    struct fetch_rules rules;
    size_t bytes_max;  /* of one file; SSR-5 */
    uint32_t whole_ms; /* from the asking to the last byte, a wait for a place included */
};

struct fetch_ask {
    const struct fetch_opts *opts;  /* must stay until the outcome */
    struct str url;                 /* copied */
    struct sha256 who;              /* the credential that it is for; zeroes: nobody's */
    size_t bytes_max;               /* what the asker has room for; the lower cap holds */
    bool (*known)(struct str head); /* is it of a kind that is wanted, by its first bytes? */
};
struct fetch_result {
    const char *what;  /* NULL: it is here. Else why not, static text, for the operator alone */
    int status;        /* of the last answer, or 0 */
    struct str host;   /* that was asked last; borrowed, may be empty */
    struct buf base64; /* the owner's to end; empty on failure */
};
typedef void fetch_done_f(void *owner, struct fetch_result *r);

/* One for each loop. at_once: fetches that go on at a time; more of them wait, and so does who has
 * as many as the guard allows each credential, in all workers together. */
struct fetcher *fetcher_new(struct loop *loop, struct dns *dns, struct tls_client *tls,
                            struct guard *guard, size_t at_once);
void fetcher_free(struct fetcher *f); /* cancels everything without telling; NULL is fine */

/* Exactly one call of done, never from inside; none after fetch_cancel. NULL when the memory budget
 * is exhausted: then nobody is told. */
MUST_CHECK struct fetch *fetch_open(struct fetcher *f, const struct fetch_ask *ask,
                                    fetch_done_f *done, void *owner);
void fetch_cancel(struct fetch *t); /* in this turn; NULL is fine */

#endif
