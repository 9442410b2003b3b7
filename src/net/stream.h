/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* stream.h - a connection that carries bytes both ways: TCP, or TLS over TCP.
 *
 *   opened by net/dial.h (client) or net/listen.h (server), reading is paused at first
 *   open --stream_close--> closing: no more callbacks; memory goes back by itself
 *   open --peer's EOF or a failure--> ended: on_end came, once; only closing is legal
 *
 * While it is paused nothing is read, so the peer's EOF is not seen either. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/err.h"
#include "base/str.h"

enum flow { FLOW_GO, FLOW_FULL };
enum { FLOW_HIGH = 64 * 1024, FLOW_LOW = 16 * 1024 }; /* queued bytes: pause above, go on below */

struct stream;
struct stream_events {
    void (*on_read)(void *owner,
                    struct str bytes); /* borrowed; close, pause and write are legal inside */
    void (*on_drain)(void *owner);     /* after FLOW_FULL: the queue fell under FLOW_LOW */
    void (*on_end)(void *owner, enum err why); /* OK: orderly EOF (TLS: close_notify); E_CLOSED,
                                                  E_SYSTEM, E_SYNTAX (TLS) else */
};

void stream_bind(struct stream *s, const struct stream_events *on, void *owner);

/* Queue bytes; they are copied, and leave in this loop turn, in as few writes as
 * possible. Always takes everything; the answer says how full the queue is (libuv's part included).
 */
enum flow stream_write(struct stream *s, struct str bytes);
/* The same without a copy: room for n bytes behind what is queued, to be written at once, and then
 * how many of them were. NULL: closed; or no memory, and then on_end follows. */
MUST_CHECK char *stream_reserve(struct stream *s, size_t n);
enum flow stream_wrote(struct stream *s, size_t n);
size_t stream_queued(const struct stream *s);

void stream_resume(struct stream *s); /* reading starts paused */
void stream_pause(struct stream *s);
void stream_close(struct stream *s); /* NULL is fine; at once, what is queued is dropped */
void stream_close_soft(
    struct stream *s);               /* what is queued leaves first (5 s at most), then closes */
void stream_reset(struct stream *s); /* at once, with RST */

struct str stream_alpn(const struct stream *s); /* "h2", "http/1.1" or empty; static text */
bool stream_is_tls(const struct stream *s);

/* The peer's address as text, "192.0.2.7" or "2001:db8::1"; empty for other families. */
struct peer_name {
    char z[48];
};
struct peer_name stream_peer(const struct stream *s);
bool stream_peer_is_loopback(const struct stream *s);
/* What one stranger has: an IPv4 address, or the /64 of an IPv6 one. 0 for other families. */
uint64_t stream_peer_network(const struct stream *s);

/* Has the peer closed or reset the connection without our having been told yet? For pooled
 * connections before they are used again. Costs one poll(2). */
bool stream_looks_dead(const struct stream *s);

#endif
