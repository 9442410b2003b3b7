/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fake_net.h - net/ without sockets and with a clock that the test moves: what tests and fuzz
 * targets of http/ stand on. Include it in one file of the program; it defines the calls of
 * net/loop.h, net/stream.h and net/listen.h, so that none of the real ones is linked.
 *
 * The test is the peer: fake_feed() is what it sends, s->sent what it has received. Bytes come in
 * blocks of exactly their size, so that ASan sees every read beyond them. */
#ifndef TESTS_FAKE_NET_H
#define TESTS_FAKE_NET_H

#include "base/buf.h"
#include "base/mem.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"

#include <assert.h>
#include <stdlib.h>

enum { FAKE_TIMERS = 4096 };

struct loop {
    struct list soon, deferred, streams;
    uint64_t now_ms;
    struct timer *timers[FAKE_TIMERS];
    size_t ntimers;
    int load;
    struct listener *listener;
};
struct listener {
    struct loop *loop;
    listen_accept_f *accept;
    void *owner;
};
struct stream {
    struct loop *loop;
    struct list link;
    const struct stream_events *on;
    void *owner;
    struct buf in;    /* fed while reading was paused */
    struct buf queue; /* written, and not yet taken by the peer */
    struct buf sent;  /* taken by the peer */
    size_t window;    /* bytes that the peer will still take */
    const char *alpn; /* "" or "h2" */
    enum err end;     /* how it ends, when ending */
    bool reading, ending, full;
    bool closed, soft, reset; /* by our side */
};

/* loop.h */

static inline struct loop *fake_loop(void)
{
    struct loop *l = mem_zalloc(sizeof *l);

    list_init(&l->soon);
    list_init(&l->deferred);
    list_init(&l->streams);
    l->now_ms = 1000;
    return l;
}

void loop_soon(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->soon, &t->link);
}

void loop_defer(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->deferred, &t->link);
}

void loop_load(struct loop *loop, int more)
{
    loop->load += more;
}

uint64_t loop_now_ms(struct loop *loop)
{
    return loop->now_ms;
}

void timer_init(struct timer *t, struct loop *loop, void (*fire)(struct timer *))
{
    *t = (struct timer){.loop = loop, .fire = fire};
}

void timer_start(struct timer *t, uint64_t after_ms)
{
    struct loop *l = t->loop;

    if (t->slot == 0) {
        assert(l->ntimers < FAKE_TIMERS);
        l->timers[l->ntimers++] = t;
        t->slot = l->ntimers;
    }
    t->due_ms = l->now_ms + after_ms;
}

void timer_stop(struct timer *t)
{
    struct loop *l = t->loop;

    if (t->slot == 0)
        return;
    l->timers[t->slot - 1] = l->timers[--l->ntimers];
    l->timers[t->slot - 1]->slot = t->slot;
    t->slot = 0;
}

/* stream.h */

void stream_bind(struct stream *s, const struct stream_events *on, void *owner)
{
    s->on = on;
    s->owner = owner;
}

size_t stream_queued(const struct stream *s)
{
    return s->queue.n;
}

enum flow stream_write(struct stream *s, struct str bytes)
{
    assert(!s->closed);
    buf_put(&s->queue, bytes);
    if (s->queue.n >= FLOW_HIGH)
        s->full = true;
    return s->full ? FLOW_FULL : FLOW_GO;
}

char *stream_reserve(struct stream *s, size_t n)
{
    assert(!s->closed);
    return buf_reserve(&s->queue, n);
}

enum flow stream_wrote(struct stream *s, size_t n)
{
    s->queue.n += n;
    return stream_write(s, S(""));
}

void stream_pause(struct stream *s)
{
    assert(!s->closed);
    s->reading = false;
}

void stream_resume(struct stream *s)
{
    assert(!s->closed);
    s->reading = true;
}

static inline void fake_let_go(struct stream *s)
{
    s->on = NULL;
    s->closed = true;
}

void stream_close(struct stream *s)
{
    if (s == NULL || s->closed)
        return;
    fake_let_go(s);
    buf_reset(&s->queue);
}

void stream_close_soft(struct stream *s)
{
    if (s->closed)
        return;
    fake_let_go(s);
    s->soft = true;
}

void stream_reset(struct stream *s)
{
    if (s->closed)
        return;
    stream_close(s);
    s->reset = true;
}

bool stream_looks_dead(const struct stream *s)
{
    return s->closed || s->ending;
}

struct str stream_alpn(const struct stream *s)
{
    return str_z(s->alpn);
}

bool stream_is_tls(const struct stream *s)
{
    return s->alpn[0] != '\0';
}

struct peer_name stream_peer(const struct stream *s)
{
    (void)s;
    return (struct peer_name){"192.0.2.7"};
}

uint64_t stream_peer_network(const struct stream *s)
{
    (void)s;
    return (uint64_t)1 << 32 | 0xc0000207;
}

/* listen.h */

enum err listener_open(struct loop *loop, const struct listen_opts *opts, listen_accept_f *accept,
                       void *owner, struct listener **ret, struct fault *why)
{
    struct listener *l = mem_zalloc(sizeof *l);

    (void)opts;
    (void)why;
    *l = (struct listener){loop, accept, owner};
    loop->listener = l;
    *ret = l;
    return OK;
}

uint16_t listener_port(const struct listener *l)
{
    (void)l;
    return 8080;
}

void listener_close(struct listener *l)
{
    if (l != NULL)
        l->loop->listener = NULL;
    mem_free(l);
}

/* The test's side. */

static inline struct stream *fake_connect(struct loop *l, const char *alpn)
{
    struct stream *s = mem_zalloc(sizeof *s);

    s->loop = l;
    s->alpn = alpn;
    s->window = SIZE_MAX;
    buf_init(&s->in, SIZE_MAX / 4);
    buf_init(&s->queue, SIZE_MAX / 4);
    buf_init(&s->sent, SIZE_MAX / 4);
    list_push(&l->streams, &s->link);
    l->listener->accept(l->listener->owner, s);
    return s;
}

static inline bool fake_run_list(struct list *tasks)
{
    struct list *l = list_pop(tasks);
    struct task *t;

    if (l == NULL)
        return false;
    t = CONTAINER(l, struct task, link);
    t->run(t);
    return true;
}

static inline bool fake_deliver(struct stream *s)
{
    if (s->reading && s->in.n > 0 && s->on != NULL) {
        size_t n = s->in.n;
        char *exact = mem_alloc(n);

        memcpy(exact, s->in.p, n);
        buf_reset(&s->in);
        s->on->on_read(s->owner, str_of(exact, n));
        mem_free(exact);
        return true;
    }
    if (s->reading && s->ending && s->on != NULL) {
        s->ending = false;
        s->on->on_end(s->owner, s->end);
        return true;
    }
    return false;
}

static inline bool fake_flush(struct stream *s)
{
    size_t n = s->queue.n < s->window || s->soft ? s->queue.n : s->window;

    buf_put(&s->sent, str_sub(buf_str(&s->queue), 0, n));
    buf_drop_front(&s->queue, n);
    if (s->window != SIZE_MAX)
        s->window -= n < s->window ? n : s->window;
    if (s->on == NULL || !s->full || s->queue.n >= FLOW_LOW)
        return n > 0;
    s->full = false;
    s->on->on_drain(s->owner);
    return true;
}

/* Turn the loop until nothing is left to do at this moment. */
static inline void fake_turn(struct loop *l)
{
    bool again = true;

    while (again) {
        again = false;
        list_each (at, &l->streams)
            again |= fake_deliver(CONTAINER(at, struct stream, link));
        while (fake_run_list(&l->soon))
            again = true;
        list_each (at, &l->streams)
            again |= fake_flush(CONTAINER(at, struct stream, link));
        while (list_empty(&l->soon) && fake_run_list(&l->deferred))
            again = true;
    }
}

static inline void fake_feed(struct stream *s, struct str bytes)
{
    if (s->closed)
        return;
    buf_put(&s->in, bytes);
    fake_turn(s->loop);
}

static inline void fake_end(struct stream *s, enum err why)
{
    s->ending = true;
    s->end = why;
    fake_turn(s->loop);
}

/* Let the peer take n more bytes. */
static inline void fake_take(struct stream *s, size_t n)
{
    s->window += n;
    fake_turn(s->loop);
}

/* Move the clock, stopping at each timer on the way. */
static inline void fake_wait(struct loop *l, uint64_t ms)
{
    uint64_t until = l->now_ms + ms;

    for (;;) {
        struct timer *next = NULL;

        for (size_t i = 0; i < l->ntimers; i++)
            if (next == NULL || l->timers[i]->due_ms < next->due_ms)
                next = l->timers[i];
        if (next == NULL || next->due_ms > until)
            break;
        l->now_ms = next->due_ms > l->now_ms ? next->due_ms : l->now_ms;
        timer_stop(next);
        next->fire(next);
        fake_turn(l);
    }
    l->now_ms = until;
}

static inline void fake_stream_free(struct stream *s)
{
    list_remove(&s->link);
    buf_fini(&s->in);
    buf_fini(&s->queue);
    buf_fini(&s->sent);
    mem_free(s);
}

static inline void fake_free(struct loop *l)
{
    fake_turn(l);
    assert(l->ntimers == 0 && l->load == 0 && l->listener == NULL); /* nothing is left behind */
    while (!list_empty(&l->streams))
        fake_stream_free(CONTAINER(l->streams.next, struct stream, link));
    mem_free(l);
}

#endif
