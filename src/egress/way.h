/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* way.h - one way out of this machine: straight, or through a proxy; read from text. Pure. */
#ifndef EGRESS_WAY_H
#define EGRESS_WAY_H

#include "base/err.h"
#include "net/tunnel_talk.h"

/* A plain value; what is behind `direct` counts only when that is false. */
struct egress_way {
    bool direct;
    enum tunnel_kind kind;
    bool tls; /* the proxy itself is spoken to over TLS */
    uint16_t port;
    char host[TUNNEL_NAME_MAX + 1];
    char user[TUNNEL_NAME_MAX + 1], password[TUNNEL_NAME_MAX + 1]; /* secret */
};

/* `direct`, or `[scheme://][user[:password]@]host[:port][/]`.
 *
 *   scheme  http (also when there is none), https (TLS to the proxy), socks5, socks5h, socks; in
 * all of them it is the proxy that resolves upstream's name port    80, 443 for https, 1080 for
 * SOCKS5, when there is none user    and password are percent-decoded errors  E_SYNTAX, E_RANGE;
 * why->what never quotes the text */
MUST_CHECK enum err egress_way_parse(struct str text, struct egress_way *ret, struct fault *why);
void egress_way_wipe(struct egress_way *w);

bool egress_way_eq(const struct egress_way *a, const struct egress_way *b);
struct tunnel_proxy egress_way_proxy(const struct egress_way *w); /* points into w */

/* "direct", "socks5://192.0.2.1:1080": without user and password, for logs. */
enum { EGRESS_NAME_MAX = 288 };
struct egress_name {
    char z[EGRESS_NAME_MAX];
};
struct egress_name egress_way_name(const struct egress_way *w);

/* May this host be reached without a proxy, by the list of NO_PROXY?
 *
 *   list    separated by commas or blanks: a name stands for itself and all names under it, a dot
 *           before it makes no difference; an address; a network, 10.0.0.0/8; `*` for everything.
 *           Behind each may stand :port. What cannot be understood matches nothing.
 *   source  curl's manual, "NO_PROXY" */
bool egress_bypasses(struct str list, struct str host, uint16_t port);

#endif
