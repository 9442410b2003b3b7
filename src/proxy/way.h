/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* way.h - the way out that a request takes, what its failure says of it, and whether another one is
 * left. A change is logged here, once for the process. */
#ifndef PROXY_WAY_H
#define PROXY_WAY_H

#include "egress/set.h"
#include "gemini/error.h"
#include "proxy/proxy.h"

/* One for each request upstream, for all its attempts. Zeroed is: none taken, none tried. */
struct way {
    struct egress_lease lease;
    struct egress_want want; /* what was tried */
};

/* own: the way of the key, or 0. *ret is `to` through it, and points into it: until way_leave or
 * way_failed. False: none is left for this request. */
MUST_CHECK bool way_take(struct proxy *p, struct way *w, unsigned own, const struct origin *to,
                         struct origin *ret);

/* The proxy that was taken, without its password; empty when it goes straight. */
const char *way_proxy_name(const struct way *w);

/* Upstream has answered with 200. */
void way_works(struct proxy *p, struct way *w);
/* It is over, and says nothing of the way; what was tried is forgotten. Harmless when none is
 * taken.
 */
void way_leave(struct proxy *p, struct way *w);

/* It is over, with e. head: the answer's head had come. True: it was the way's fault, and there is
 * another one, for the same key or, when any_key, for another. False: what was tried is forgotten.
 */
bool way_failed(struct proxy *p, struct way *w, bool head, bool any_key, const struct gm_error *e);

/* When upstream refuses every location that we have to offer, the message says so. */
void way_explain(struct proxy *p, const struct way *w, struct gm_error *e);

/* Ways that lead nowhere now, and those that the request has tried, for the choice of a key. */
void way_shut(struct proxy *p, const struct way *w, struct key_want *want);

#endif
