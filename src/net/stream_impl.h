/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* stream_impl.h - what tcp.c and tls.c have in common: the head of every stream, and the calls in
 * which they differ. For net/ alone.
 *
 *   closed  the owner gave it up: no callback any more, memory goes back by itself
 *   ended   on_end came or is under way */
#ifndef NET_STREAM_IMPL_H
#define NET_STREAM_IMPL_H

#include "net/addr.h"
#include "net/loop_impl.h"
#include "net/stream.h"

struct stream_ops {
    struct buf *(*queue)(struct stream *s);            /* where bytes to write are appended, */
    enum flow (*wrote)(struct stream *s, size_t more); /* and `more` of them, beyond its n, were */
    size_t (*queued)(const struct stream *s);
    void (*resume)(struct stream *s);
    void (*pause)(struct stream *s);
    void (*close)(struct stream *s);
    void (*close_soft)(struct stream *s);
    void (*reset)(struct stream *s);
    struct str (*alpn)(const struct stream *s);
    struct stream *(*lower)(const struct stream *s); /* NULL for tcp */
};
struct stream {
    const struct stream_ops *ops;
    struct loop *loop;
    const struct stream_events *on;
    void *owner;
    bool closed, ended;
    bool full; /* FLOW_FULL was answered and on_drain has not come since */
};

enum {
    STREAM_SOFT_MS = 5000, /* for what is queued to leave, */
    STREAM_FIN_MS = 1000,  /* and then for the peer's EOF; a process that ends waits for it */
};

/* The calls upward. Each may end in stream_close: look at s->closed before going on. */
static inline void stream_tell_read(struct stream *s, struct str bytes)
{
    if (!s->closed && !s->ended && s->on != NULL)
        s->on->on_read(s->owner, bytes);
}
void stream_tell_end(struct stream *s, enum err why); /* once; later calls do nothing */
void stream_tell_drain(struct stream *s);             /* when it was full and no longer is */

/* What stream_write answers after the bytes are queued. */
enum flow stream_flow(struct stream *s);

#endif
