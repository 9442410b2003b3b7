/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* link.h - a client's connection, plain or with TLS, that never waits longer than PATIENCE_MS.
 * Knows nothing of HTTP; none of its calls is one that torture breaks. */
#ifndef TORTURE_LINK_H
#define TORTURE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { PATIENCE_MS = 20000 };

struct link {
    int fd; /* -1: refused */
    SSL *ssl;
    bool ended, hung; /* over; and the other side neither moved nor closed */
};

/* alpn: "h2" or "http/1.1", and the handshake is made at once; NULL: plain. What fails has ended.
 */
void link_open(struct link *l, uint16_t port, const char *alpn);
void link_trust(const char *ca_file); /* whose certificates are right; NULL forgets it */
bool link_send(struct link *l, const void *p, size_t n); /* false: not all of it */
/* What there is, waiting for it within_ms; 0: nothing came, or it has ended. Out of patience only
 * when it was to wait PATIENCE_MS. */
size_t link_recv(struct link *l, void *p, size_t n, int within_ms);
void link_close(struct link *l); /* as a client that has gone: no farewell */

#endif
