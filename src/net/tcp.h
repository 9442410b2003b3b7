/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tcp.h - streams over TCP sockets. For net/ alone. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/addr.h"
#include "net/stream.h"

struct loop;

/* Has the kernel ask whether the other side is still there: one that vanished is found in 30 s.
 * From a listening socket, Linux hands it down to every accepted one, without a call. */
void tcp_keep_alive(int fd);

/* A stream over an accepted socket, which it owns from now on (also on failure). NULL when the
 * system will not have it. */
struct stream *tcp_adopt(struct loop *loop, int fd, const union net_addr *peer);

/* The gate that let it in is told when its socket is closed. */
struct listen_gate;
void tcp_hold_ticket(struct stream *s, const struct listen_gate *gate, void *ticket);

/* Start to connect. Told exactly once, never from inside, with 0 or a libuv error; not at all after
 * stream_close. A failed stream is still the owner's to close.
 *
 *   errors  a libuv error at once, and no stream */
typedef void tcp_connected_f(void *owner, struct stream *s, int status);
MUST_CHECK int tcp_connect(struct loop *loop, const union net_addr *to, tcp_connected_f *done,
                           void *owner, struct stream **ret);

/* Give bytes back that were read too far: whoever reads next gets them first. Legal while reading
 * is paused, once. They are copied. */
void tcp_unread(struct stream *s, struct str bytes);

const union net_addr *tcp_peer(const struct stream *s);
int tcp_fd(const struct stream *s);

#endif
