/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* rules.h - which URLs may be asked for at all, by their text; what they lead to is judged when the
 * name is resolved (fetch/address.h). Pure. */
#ifndef FETCH_RULES_H
#define FETCH_RULES_H

#include "fetch/url.h"
#include "net/dial.h"

/* The operator's; borrowed texts, lists separated by commas. */
struct fetch_rules {
    bool http;           /* http: too */
    struct str hosts;    /* "example.com, *.example.org"; empty: any host with a public address */
    struct str intranet; /* "minio.lan:9000": asked whatever their address, and over http too */
};

/* What is wrong with the lists, for a person; NULL when nothing is. */
const char *fetch_rules_fault(const struct fetch_rules *r);

/* The guard that the dial must ask, or NULL: the URL may not be asked for. */
dial_guard_f *fetch_rules_guard(const struct fetch_rules *r, const struct fetch_url *u);

#endif
