/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls.h - TLS contexts. OpenSSL stays behind this room's doors.
 *
 * Verification is always on: chain, expiry, host name (SAN only), server EKU, TLS 1.2 and up. The
 * embedded roots are consulted one at a time by subject when a chain asks for them; nothing is
 * parsed at start. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/err.h"
#include "base/str.h"

const char *tls_library(void); /* "OpenSSL 3.0.17 1 Jul 2025", for the log at start */

struct tls_client; /* shared by all loops; thread-safe */
struct tls_server;

/* Makes no OpenSSL context before the first connection. extra_roots: path of a PEM file trusted
 * beside the embedded roots, or empty. Sessions are kept for each host and port, capped, so that
 * the next handshake is short. */
struct tls_client *tls_client_new(struct str extra_roots);
void tls_client_free(struct tls_client *c);
/* Reads the extra roots now, so that a wrong path is told at start and not at the first request. */
MUST_CHECK enum err tls_client_check(struct tls_client *c, struct fault *why);

/* PEM text: a certificate with its chain behind it, and its key. */
struct tls_pair {
    struct str cert, key;
};
enum { TLS_PAIRS_MAX = 64 };

/* A client gets the first pair whose certificate is for the name that it asks for, else the first
 * one. ALPN: h2 (when want_h2) and http/1.1.
 *
 *   shape   pairs and their text are borrowed for the call; n from 1 to TLS_PAIRS_MAX
 *   errors  E_FIELD: a certificate or key that cannot be used; why->at is its pair */
MUST_CHECK enum err tls_server_new(const struct tls_pair *pairs, size_t n, bool want_h2,
                                   struct tls_server **ret, struct fault *why);
/* Connections made from now on get what fresh has; fresh is gone. Open ones stay as they are.
 * Thread-safe, and legal while loops are running. */
void tls_server_take(struct tls_server *s, struct tls_server *fresh);
/* When the first of the certificates expires, in seconds since 1970; *ret_pair is which. */
int64_t tls_server_expires_s(struct tls_server *s, size_t *ret_pair);
void tls_server_free(struct tls_server *s);

#endif
