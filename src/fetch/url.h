/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* url.h - URLs that strangers name, read so strictly that two readers cannot differ about the host
 * (SSR-1). Pure. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#include "base/str.h"

enum { FETCH_URL_MAX = 8 * 1024, FETCH_HOST_MAX = 253 };

struct fetch_url {
    bool https;
    bool usual_port; /* 443, or 80 for http */
    uint16_t port;
    char host[FETCH_HOST_MAX + 1]; /* lower case; an IPv6 literal without its brackets */
    char target[FETCH_URL_MAX];    /* path and query, what is not plain ASCII percent-encoded */
    size_t target_n;
};

/* http or https, a host of letters, digits and hyphens, or a literal in its canonical spelling; no
 * user, no odd port spelling. A fragment is dropped. False otherwise; *ret may be half-written. */
MUST_CHECK bool fetch_url_read(struct str text, struct fetch_url *ret);

/* Where a Location leads that came in answer to `from`. False also when it leads from https to
 * http. */
MUST_CHECK bool fetch_url_follow(const struct fetch_url *from, struct str location,
                                 struct fetch_url *ret);

static inline struct str fetch_url_target(const struct fetch_url *u)
{
    return str_of(u->target, u->target_n);
}

#endif
