/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ways.h - the ways out that the options name: everybody's first, then those of single keys. */
#ifndef APP_WAYS_H
#define APP_WAYS_H

#include "app/config.h"
#include "egress/way.h"
#include "http/client.h"

enum { WAYS_MAX = 256 }; /* different ones, those of the keys included */

struct ways {
    struct egress_way *v; /* WAYS_MAX have room; each is there once */
    size_t n, nshared;    /* no shared one: it is direct */
};
/* HTTPS_PROXY or ALL_PROXY, where upstream needs a proxy at all: one on this machine does not, nor
 * one of NO_PROXY. What does not apply is not read. problem never holds a part of the values. */
MUST_CHECK enum err ways_init(struct ways *w, const struct config *c, const struct origin *upstream,
                              struct buf *problem);
void ways_fini(struct ways *w); /* wipes; after a failure of ways_init too */

/* One more; its place in *ret. */
MUST_CHECK enum err ways_add(struct ways *w, struct str text, size_t *ret, struct fault *why);

#endif
