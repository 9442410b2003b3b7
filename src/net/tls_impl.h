/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_impl.h - TLS inside net/: contexts give one SSL for each connection, tls.c makes streams of
 * them. */
#ifndef NET_TLS_IMPL_H
#define NET_TLS_IMPL_H

#include "net/stream.h"
#include "net/tls.h"

#include <openssl/ssl.h>

/* Once for the process, before any other use of OpenSSL: our heap, no configuration file. */
void tls_prepare(void);

/* What both kinds of context have in common: versions, ciphers, no renegotiation. NULL: failed. */
SSL_CTX *tls_context(const SSL_METHOD *method);

/* A short name for OpenSSL's last error, static text; the error queue is emptied. */
const char *tls_last_error(void);

/* ALPN in wire form: h2 and http/1.1, or http/1.1 alone. */
struct str tls_alpn_list(bool want_h2);

/* An SSL set up to verify the name, offering the session kept for it. NULL with *what set when the
 * context cannot be made. */
SSL *tls_client_ssl(struct tls_client *c, struct str host, uint16_t port, bool want_h2,
                    const char **what);
/* The session under which that host and port is kept failed us. */
void tls_client_forget(struct tls_client *c, SSL *ssl);
SSL *tls_server_ssl(struct tls_server *s);

/* What OpenSSL reads and writes. tls_bio.c */
struct tls_wire {
    struct stream *lower;
    struct str in; /* what came of it and was not yet read */
};
BIO *tls_bio_new(struct tls_wire *w); /* w outlives it; NULL: failed */

/* Wrap a connected stream, which belongs to the new one from now on.
 *
 * ready is called once, never from inside: with OK when the handshake is done, else with why, and
 * then the stream is gone by itself. stream_close gives up at any time, and ready does not come.
 * limit_ms is the handshake's; 0: the caller has a limit of its own. */
typedef void tls_ready_f(void *owner, enum err err, const char *what);
struct stream *tls_start(struct stream *lower, SSL *ssl, struct tls_client *client,
                         uint32_t limit_ms, tls_ready_f *ready, void *owner);

bool tls_resumed(const struct stream *s); /* the handshake was a short one; for tests */

#endif
