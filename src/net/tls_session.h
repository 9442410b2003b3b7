/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_session.h - sessions of a client, one for each host and port, for a shorter handshake next
 * time. The least recently used goes when there are too many. One mutex, held for microseconds. */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include "base/list.h"
#include "base/str.h"

#include <openssl/ssl.h>

#include <pthread.h>

enum { TLS_SESSIONS_MAX = 64 };

struct tls_sessions {
    pthread_mutex_t lock;
    struct list kept; /* most recently used first */
    size_t n;
};
void tls_sessions_init(struct tls_sessions *t);
void tls_sessions_fini(struct tls_sessions *t);
void tls_sessions_put(struct tls_sessions *t, struct str key, SSL_SESSION *s); /* copies */
SSL_SESSION *tls_sessions_get(struct tls_sessions *t, struct str key); /* a copy to free, or NULL */
void tls_sessions_drop(struct tls_sessions *t, struct str key);

#endif
