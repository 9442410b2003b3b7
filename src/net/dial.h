/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dial.h - an outgoing connection: name lookup, both address families (RFC 8305, "Happy Eyeballs"),
 * TCP, a proxy on the way, and TLS with ALPN when asked for.
 *
 * With a proxy it is the proxy's name that is looked up; the host's goes to the proxy as it is. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/loop.h"
#include "net/stream.h"

struct dial;
union net_addr;      /* net/addr.h */
struct dns;          /* net/dns.h */
struct tls_client;   /* net/tls.h */
struct tunnel_proxy; /* net/tunnel_talk.h */

/* May this address be connected to? For destinations that a stranger names (SSR-2).
 *
 *   when    of every address that a name has, before any is used, with own NULL: one that may not
 *           be connected to refuses them all. Again when connected, with both ends as the system
 *           tells them, before a byte has left
 *   shape   pure; there is no second lookup between the two */
typedef bool dial_guard_f(const union net_addr *peer, const union net_addr *own);

/* DIAL_TUNNEL: whatever fails before a proxy has connected us, its own name and address included.
 */
enum dial_phase { DIAL_DNS, DIAL_CONNECT, DIAL_TUNNEL, DIAL_TLS, DIAL_DONE };

struct dial_opts {
    struct dns *dns;
    struct str host; /* a name or an address, IPv6 without brackets; copied */
    uint16_t port;
    struct tls_client *tls;         /* NULL: plain */
    bool want_h2;                   /* offer h2 before http/1.1 */
    dial_guard_f *guard;            /* NULL: any address will do */
    struct tls_client *via_tls;     /* for a proxy that is spoken to over TLS */
    const struct tunnel_proxy *via; /* NULL: straight; must stay until it is over. Not with a
                                       guard: it is the proxy that resolves the host */
    uint32_t dns_ms, connect_ms;    /* time limits; connect_ms is one for TCP, the proxy's
                                       answer and every TLS handshake together */
};
struct dial_result {
    enum err err;          /* OK: stream is set and belongs to the owner */
    enum dial_phase phase; /* where it failed */
    const char *what;      /* static text, or OpenSSL's verify text: "certificate has expired" */
    struct stream *stream;
};
typedef void dial_done_f(void *owner, const struct dial_result *r);

/* Exactly one call of done, never from inside dial_open; none after dial_cancel. */
struct dial *dial_open(struct loop *loop, const struct dial_opts *opts, dial_done_f *done,
                       void *owner);
void dial_cancel(struct dial *d); /* NULL is fine */

#endif
