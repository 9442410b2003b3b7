/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* set.h - the ways out of this machine, and how each of them is.
 *
 * Some are everybody's, in the operator's order; a key may have one of its own. The one that works
 * is stayed with: it changes when it fails, not when another recovers.
 *
 *   well --failed--> failing (2 s, then twice as long, up to 5 min) --works--> well
 *   any --upstream refuses its location--> refused (1 h) --works--> well
 *
 * One for the process, shared by all workers: a mutex is held inside each call for microseconds.
 * Time is an argument. */
#ifndef EGRESS_SET_H
#define EGRESS_SET_H

#include "egress/way.h"

struct egresses;
struct egress; /* counted: it lives until the last request on it has given it back */

struct egresses *egresses_new(void);    /* one way: direct */
void egresses_free(struct egresses *e); /* NULL is fine; none may be out */

/* Replace the set, whole. The first nshared are everybody's (none: direct is); doubles are one.
 * Ways that stay keep what is known of them. ret_ids: of each of v, for egress_want.own; may be
 * NULL. */
void egresses_set(struct egresses *e, const struct egress_way *v, size_t n, size_t nshared,
                  unsigned *ret_ids);
/* The same in two steps, for who names ways by their ids elsewhere: until egresses_settle the ways
 * that were replaced still serve who names one of them as its own. */
void egresses_renew(struct egresses *e, const struct egress_way *v, size_t n, size_t nshared,
                    unsigned *ret_ids);
void egresses_settle(struct egresses *e);

enum { EGRESS_TRIED_MAX = 8 };

struct egress_want {
    unsigned own; /* the one way that will do; 0: any of everybody's */
    uint64_t now_ms;
    unsigned tried[EGRESS_TRIED_MAX]; /* not these */
    size_t ntried;
};
/* A way that is held, from egresses_pick to egresses_done. */
struct egress_lease {
    struct egress *way; /* NULL: none is held */
    unsigned blames;    /* the room's own */
};
/* Choose a way: one that is well, of these the one in use; else one whose time has come; else the
 * one that is back soonest. A way that upstream has just refused is taken only by a request that
 * has tried none yet.
 *
 *   errors  false, and no lease: there is none left for this request */
MUST_CHECK bool egresses_pick(struct egresses *e, const struct egress_want *want,
                              struct egress_lease *ret);

/* Is there another one, for the same key or, when any_key, for some other? */
bool egresses_left(struct egresses *e, const struct egress_want *want, bool any_key);

unsigned egress_id(const struct egress *w);                      /* never 0 */
const char *egress_called(const struct egress *w);               /* its name; as long as it */
const struct tunnel_proxy *egress_proxy(const struct egress *w); /* NULL: direct; as long as it */

enum egress_state { EGRESS_WELL, EGRESS_FAILING, EGRESS_REFUSED };
const char *egress_state_name(enum egress_state s);

enum egress_result {
    EGRESS_UNTOLD,   /* it says nothing of the way */
    EGRESS_WORKS,    /* an answer came from upstream */
    EGRESS_FAILED,   /* upstream was not reached */
    EGRESS_LOCATION, /* upstream refuses the location that it sees */
};
/* What a request's fate has changed, for the log. */
struct egress_news {
    bool any; /* else nothing else is set */
    enum egress_state state;
    struct egress_name name;
    struct egress_name next; /* which is used from now on; empty: none is well, or it is the same */
};
/* Upstream has answered, however long the answer takes. Harmless on an empty lease, and again. */
void egresses_works(struct egresses *e, const struct egress_lease *lease, uint64_t now_ms,
                    struct egress_news *ret_news);
/* How it went. Empties the lease; harmless on an empty one. Of many requests that were on their way
 * together, the first failure counts. */
void egresses_done(struct egresses *e, struct egress_lease *lease, enum egress_result r,
                   uint64_t now_ms, struct egress_news *ret_news);

struct egress_status {
    struct egress_name name;
    bool shared;
    bool in_use; /* where everybody's requests go now */
    enum egress_state state;
    uint64_t back_ms; /* from now, until it is tried again; 0 when it is well */
    unsigned in_flight;
    uint64_t failed, refused; /* requests */
};
/* Fill what fits, return how many there are. Everybody's come first. */
size_t egresses_status(struct egresses *e, uint64_t now_ms, struct egress_status *v, size_t max);

struct egress_counts {
    size_t ways, shared;  /* in all, and everybody's */
    size_t well, refused; /* of everybody's */
};
struct egress_counts egresses_count(struct egresses *e, uint64_t now_ms);

/* The ids of ways that are not well, at most max. 0 among them: none of everybody's is, and some
 * key has one of its own, which tells it from the others. */
size_t egresses_unwell(struct egresses *e, uint64_t now_ms, unsigned *v, size_t max);

#endif
