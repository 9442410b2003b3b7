/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tunnel.h - a stream to a proxy becomes a stream through it. For net/ alone. */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include "net/stream.h"
#include "net/tunnel_talk.h"

struct tunnel;

/* Takes the stream. Exactly one call of done, never from inside tunnel_open, none after
 * tunnel_close: with OK and the stream, paused, which is the owner's again and begins with the
 * first byte behind the proxy's answer; else with why, and the stream is gone. There is no time
 * limit. */
typedef void tunnel_done_f(void *owner, enum err e, const char *what, struct stream *s);
struct tunnel *tunnel_open(struct stream *s, const struct tunnel_proxy *proxy, struct str host,
                           uint16_t port, tunnel_done_f *done, void *owner);
void tunnel_close(struct tunnel *t); /* NULL is fine; the stream is closed too */

#endif
