/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* net_pair.h - two ends of one connection in one loop, for the tests of net/.
 *
 * Every event stops the loop, so that UNTIL can look at its condition. */
#ifndef TESTS_NET_PAIR_H
#define TESTS_NET_PAIR_H

#include "base/buf.h"
#include "net/dial.h"
#include "net/dns.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>

struct end {
    struct loop *loop;
    struct stream *s;
    struct buf got;
    size_t reads, drains;
    bool ended;
    enum err why;
    void (*on_read)(struct end *e, struct str bytes); /* instead of keeping the bytes */
};
struct pair {
    struct loop *loop;
    struct dns *dns;
    struct listener *l;
    struct end client, server;
    bool dialled;
    struct dial_result result; /* without the stream, which is client.s */
    struct timer guard;
};

static void end_read(void *owner, struct str bytes)
{
    struct end *e = owner;

    e->reads++;
    if (e->on_read)
        e->on_read(e, bytes);
    else
        buf_put(&e->got, bytes);
    loop_stop(e->loop);
}

static void end_drain(void *owner)
{
    struct end *e = owner;

    e->drains++;
    loop_stop(e->loop);
}

static void end_end(void *owner, enum err why)
{
    struct end *e = owner;

    assert_false(e->ended); /* once */
    e->ended = true;
    e->why = why;
    loop_stop(e->loop);
}

static const struct stream_events END_EVENTS = {end_read, end_drain, end_end};

static void end_take(struct end *e, struct stream *s)
{
    e->s = s;
    stream_bind(s, &END_EVENTS, e);
    stream_resume(s);
    loop_stop(e->loop);
}

/* A port where nobody listens and that nobody else is given, until the descriptor is closed. */
static inline uint16_t shut_port(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

static void pair_accepted(void *owner, struct stream *s)
{
    struct pair *p = owner;

    assert_null(p->server.s);
    end_take(&p->server, s);
}

static void pair_dialled(void *owner, const struct dial_result *r)
{
    struct pair *p = owner;

    assert_false(p->dialled); /* once */
    p->dialled = true;
    p->result = *r;
    if (r->err == OK)
        end_take(&p->client, r->stream);
    else
        assert_null(r->stream);
    loop_stop(p->loop);
}

static void pair_hangs(struct timer *t)
{
    (void)t;
    fail_msg("nothing happened for 30 seconds");
}

#define UNTIL(p, condition)                                                                        \
    do {                                                                                           \
        timer_start(&(p)->guard, 30000);                                                           \
        while (!(condition))                                                                       \
            loop_run((p)->loop);                                                                   \
        timer_stop(&(p)->guard);                                                                   \
    } while (0)

static inline void pair_turn_over(struct timer *t)
{
    loop_stop(t->loop);
}

/* A turn or two of the loop, whether something happens in them or not. */
static inline void pair_turn(struct pair *p)
{
    struct timer t;

    timer_init(&t, p->loop, pair_turn_over);
    timer_start(&t, 1);
    loop_run(p->loop);
    timer_stop(&t);
}

static inline void pair_init(struct pair *p, struct tls_server *tls, const char *host)
{
    struct listen_opts o = {.tls = tls, .fd = -1};

    *p = (struct pair){.loop = loop_new()};
    p->client.loop = p->server.loop = p->loop;
    buf_init(&p->client.got, 1 << 30);
    buf_init(&p->server.got, 1 << 30);
    p->dns = dns_new(p->loop);
    timer_init(&p->guard, p->loop, pair_hangs);
    memcpy(o.addr.host, host, strlen(host) + 1);
    assert_int_equal(listener_open(p->loop, &o, pair_accepted, p, &p->l, NULL), OK);
}

static inline struct dial_opts pair_opts(struct pair *p, struct tls_client *tls, const char *host)
{
    return (struct dial_opts){.dns = p->dns,
                              .host = str_z(host),
                              .port = listener_port(p->l),
                              .tls = tls,
                              .dns_ms = 20000,
                              .connect_ms = 20000};
}

static inline void pair_connect(struct pair *p)
{
    struct dial_opts o = pair_opts(p, NULL, "127.0.0.1");

    dial_open(p->loop, &o, pair_dialled, p);
    UNTIL(p, p->client.s && p->server.s);
}

/* The two ends, connected already, say something to each other so many times. */
static inline void pair_talk(struct pair *p, size_t times)
{
    for (size_t i = 1; i <= times; i++) {
        stream_write(p->client.s, S("?"));
        UNTIL(p, p->server.got.n == i);
        stream_write(p->server.s, S("!"));
        UNTIL(p, p->client.got.n == i);
    }
}

static inline void pair_fini(struct pair *p)
{
    stream_close(p->client.s);
    stream_close(p->server.s);
    listener_close(p->l);
    dns_free(p->dns);
    timer_stop(&p->guard);
    loop_run(p->loop);
    loop_run(p->loop);
    loop_free(p->loop);
    buf_fini(&p->client.got);
    buf_fini(&p->server.got);
}

#endif
