/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* stream.c - the public face of connections; the work is in tcp.c and tls.c. */
#include "net/stream.h"
#include "net/stream_impl.h"
#include "net/tcp.h"

#include <assert.h>
#include <poll.h>

void stream_bind(struct stream *s, const struct stream_events *on, void *owner)
{
    s->on = on;
    s->owner = owner;
}

void stream_tell_end(struct stream *s, enum err why)
{
    if (s->closed || s->ended)
        return;
    s->ended = true;
    if (s->on != NULL)
        s->on->on_end(s->owner, why);
}

void stream_tell_drain(struct stream *s)
{
    if (!s->full || s->closed || s->ended || stream_queued(s) >= FLOW_LOW)
        return;
    s->full = false;
    if (s->on != NULL)
        s->on->on_drain(s->owner);
}

enum flow stream_flow(struct stream *s)
{
    if (stream_queued(s) >= FLOW_HIGH)
        s->full = true;
    return s->full ? FLOW_FULL : FLOW_GO;
}

enum flow stream_write(struct stream *s, struct str bytes)
{
    if (s->closed || s->ended)
        return FLOW_GO;
    if (bytes.n > 0)
        buf_put(s->ops->queue(s), bytes);
    return s->ops->wrote(s, 0);
}

char *stream_reserve(struct stream *s, size_t n)
{
    char *p;

    if (s->closed || s->ended)
        return NULL;
    p = buf_reserve(s->ops->queue(s), n);
    if (p == NULL)
        s->ops->wrote(s, 0); /* which finds the error */
    return p;
}

enum flow stream_wrote(struct stream *s, size_t n)
{
    return s->ops->wrote(s, n);
}

size_t stream_queued(const struct stream *s)
{
    return s->ops->queued(s);
}

void stream_resume(struct stream *s)
{
    if (!s->closed && !s->ended)
        s->ops->resume(s);
}

void stream_pause(struct stream *s)
{
    if (!s->closed && !s->ended)
        s->ops->pause(s);
}

/* Give the stream up; false when that was done before. */
static bool let_go(struct stream *s)
{
    if (s == NULL || s->closed)
        return false;
    s->closed = true;
    s->on = NULL;
    return true;
}

void stream_close(struct stream *s)
{
    if (let_go(s))
        s->ops->close(s);
}

void stream_close_soft(struct stream *s)
{
    if (let_go(s))
        s->ops->close_soft(s);
}

void stream_reset(struct stream *s)
{
    if (let_go(s))
        s->ops->reset(s);
}

struct str stream_alpn(const struct stream *s)
{
    return s->ops->alpn(s);
}

bool stream_is_tls(const struct stream *s)
{
    return s->ops->lower(s) != NULL;
}

static const struct stream *bottom(const struct stream *s)
{
    const struct stream *l;

    while ((l = s->ops->lower(s)) != NULL)
        s = l;
    return s;
}

struct peer_name stream_peer(const struct stream *s)
{
    struct addr_text t = addr_text(tcp_peer(bottom(s)));
    struct peer_name name;

    static_assert(sizeof name.z == sizeof t.z, "one text fits the other");
    memcpy(name.z, t.z, sizeof name.z);
    return name;
}

uint64_t stream_peer_network(const struct stream *s)
{
    return addr_network(tcp_peer(bottom(s)));
}

bool stream_peer_is_loopback(const struct stream *s)
{
    return addr_is_loopback(tcp_peer(bottom(s)));
}

/* POLLRDHUP tells of a FIN also when bytes are still waiting in front of it. */
bool stream_looks_dead(const struct stream *s)
{
    struct pollfd p = {.events = POLLRDHUP};

    if (s->closed || s->ended)
        return true;
    p.fd = tcp_fd(bottom(s));
    return poll(&p, 1, 0) != 0;
}
