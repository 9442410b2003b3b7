/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* listen.h - listening sockets: TCP, with TLS when a context is given. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/loop.h"
#include "net/stream.h"

struct listener;
struct tls_server; /* net/tls.h */

/* A parsed host:port. IPv6 in brackets; host may be empty or `*` for all addresses of both
 * families; names are not resolved but for "localhost". */
struct listen_addr {
    char host[64];
    uint16_t port; /* 0: the system picks one */
};
MUST_CHECK enum err listen_parse(struct str text, struct listen_addr *ret, struct fault *why);

/* Who may come in; asked for each connection before anything is read of it, on the loop's thread.
 * `leave` follows each ticket once, when the connection's socket is closed. The rest of the process
 * may outlive the listener, and so must the gate. */
struct listen_gate {
    void *(*enter)(void *ctx, uint64_t network, bool loopback); /* NULL: closed at once */
    void (*leave)(void *ctx, void *ticket);
    void (*shortage)(void *ctx, int error); /* accepting rests; error is EMFILE and the like */
    void *ctx;
};

enum {
    LISTEN_HANDSHAKE_MS = 10000,  /* LIM-6 */
    LISTEN_HANDSHAKES_MAX = 2048, /* at once; the oldest makes room */
};

struct listen_opts {
    struct listen_addr addr;
    bool reuse_port;                /* several loops on one port (SO_REUSEPORT) */
    bool claim;                     /* the first of them: nobody else may have the port yet */
    struct tls_server *tls;         /* NULL: plain */
    int fd;                         /* an inherited listening socket, or -1 */
    const struct listen_gate *gate; /* NULL: everybody */
    uint32_t handshake_ms;          /* 0: LISTEN_HANDSHAKE_MS */
};
typedef void listen_accept_f(void *owner, struct stream *s); /* s is the owner's now; TLS is done */

/*   errors  E_SYSTEM with errno kept; why->what says which call */
MUST_CHECK enum err listener_open(struct loop *loop, const struct listen_opts *opts,
                                  listen_accept_f *accept, void *owner, struct listener **ret,
                                  struct fault *why);
uint16_t listener_port(const struct listener *l);
void listener_close(struct listener *l); /* NULL is fine; no more accepts; open streams live on */

#endif
