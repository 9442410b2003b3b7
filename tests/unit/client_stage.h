/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_stage.h - a client and a scripted server in one loop, for the tests of http/client.h.
 *
 * Every event stops the loop, so that UNTIL can look at its condition. */
#ifndef TESTS_CLIENT_STAGE_H
#define TESTS_CLIENT_STAGE_H

#include "base/buf.h"
#include "base/mem.h"
#include "http/client.h"
#include "net/dns.h"
#include "net/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEERS = 160 };

struct stage;
struct peer { /* the server's end of one connection */
    struct stage *stage;
    struct stream *s;
    struct buf got;
    bool ended;
    enum err why;
    void *session; /* of an HTTP/2 script */
};
struct script { /* each may be NULL; without on_bytes they are kept in got */
    void (*on_open)(struct peer *p);
    void (*on_bytes)(struct peer *p, struct str bytes);
    void (*on_drain)(struct peer *p);
    void (*on_close)(struct peer *p);
};
struct stage {
    struct loop *loop;
    struct dns *dns;
    struct client *client;
    struct client_limits lim;
    struct listener *l;
    struct origin origin;
    const struct script *script;
    struct peer peer[PEERS];
    size_t peers;
    struct timer guard, nap, look;
    bool napped;
    uint32_t first_byte_ms, idle_ms; /* of the requests to come; 0: the client's limits */
};

/* What the owner of a request hears. */
struct seen {
    struct stage *stage;
    struct client_req *r;
    int heads, status;
    struct buf fields, body;
    size_t body_n;  /* also when the body is not kept */
    bool drop_body; /* count it only */
    bool ended, failed;
    struct client_fault fault;
    void (*at_head)(struct seen *s); /* what to do inside the event; may be NULL */
    void (*at_data)(struct seen *s);
    void (*at_end)(struct seen *s);
};

static inline void seen_head(void *owner, int status, struct http_headers h)
{
    struct seen *s = owner;

    assert_false(s->ended || s->failed);
    assert_int_equal(s->heads, 0);
    s->heads++;
    s->status = status;
    for (size_t i = 0; i < h.n; i++)
        buf_putf(&s->fields, "%.*s=%.*s;", S_ARG(h.v[i].name), S_ARG(h.v[i].value));
    if (s->at_head)
        s->at_head(s);
    loop_stop(s->stage->loop);
}

static inline void seen_data(void *owner, struct str bytes)
{
    struct seen *s = owner;

    assert_false(s->ended || s->failed);
    assert_int_equal(s->heads, 1);
    s->body_n += bytes.n;
    if (!s->drop_body)
        buf_put(&s->body, bytes);
    if (s->at_data)
        s->at_data(s);
    loop_stop(s->stage->loop);
}

static inline void seen_end(void *owner)
{
    struct seen *s = owner;

    assert_false(s->ended || s->failed);
    assert_int_equal(s->heads, 1);
    s->ended = true;
    s->r = NULL;
    if (s->at_end)
        s->at_end(s);
    loop_stop(s->stage->loop);
}

static inline void seen_fail(void *owner, const struct client_fault *f)
{
    struct seen *s = owner;

    assert_false(s->ended || s->failed);
    assert_non_null(f->what);
    s->failed = true;
    s->fault = *f;
    s->r = NULL;
    if (s->at_end)
        s->at_end(s);
    loop_stop(s->stage->loop);
}

static const struct client_events SEEN = {seen_head, seen_data, seen_end, seen_fail};

static inline void seen_init(struct seen *s, struct stage *st)
{
    *s = (struct seen){.stage = st};
    buf_init(&s->fields, 1 << 20);
    buf_init(&s->body, 1 << 28);
}

static inline void seen_fini(struct seen *s)
{
    buf_fini(&s->fields);
    buf_fini(&s->body);
}

static inline bool told(const struct seen *s)
{
    return s->ended || s->failed;
}

/* The server's side */

static inline void peer_say(struct peer *p, const char *text)
{
    (void)stream_write(p->s, str_z(text));
}

static inline void peer_close(struct peer *p) /* FIN behind what was said */
{
    stream_close_soft(p->s);
    p->s = NULL;
}

static inline void peer_reset(struct peer *p)
{
    stream_reset(p->s);
    p->s = NULL;
}

static inline void peer_read(void *owner, struct str bytes)
{
    struct peer *p = owner;

    if (p->stage->script && p->stage->script->on_bytes)
        p->stage->script->on_bytes(p, bytes);
    else
        buf_put(&p->got, bytes);
    loop_stop(p->stage->loop);
}

static inline void peer_drain(void *owner)
{
    struct peer *p = owner;

    if (p->stage->script && p->stage->script->on_drain)
        p->stage->script->on_drain(p);
    loop_stop(p->stage->loop);
}

static inline void peer_end(void *owner, enum err why)
{
    struct peer *p = owner;

    p->ended = true;
    p->why = why;
    loop_stop(p->stage->loop);
}

static const struct stream_events PEER = {peer_read, peer_drain, peer_end};

static inline void stage_accept(void *owner, struct stream *s)
{
    struct stage *st = owner;
    struct peer *p = &st->peer[st->peers++];

    assert_true(st->peers <= PEERS);
    *p = (struct peer){.stage = st, .s = s};
    buf_init(&p->got, 1 << 28);
    stream_bind(s, &PEER, p);
    stream_resume(s);
    if (st->script && st->script->on_open)
        st->script->on_open(p);
    loop_stop(st->loop);
}

/* Time */

static inline void stage_hangs(struct timer *t)
{
    (void)t;
    fail_msg("nothing happened for 30 seconds");
}

/* Looks again after every event, and now and then for what makes none. */
#define UNTIL(st, condition)                                                                       \
    do {                                                                                           \
        timer_start(&(st)->guard, 30000);                                                          \
        while (!(condition)) {                                                                     \
            timer_start(&(st)->look, 2);                                                           \
            loop_run((st)->loop);                                                                  \
        }                                                                                          \
        timer_stop(&(st)->look);                                                                   \
        timer_stop(&(st)->guard);                                                                  \
    } while (0)

static inline void stage_look(struct timer *t)
{
    loop_stop(t->loop);
}

static inline void stage_woke(struct timer *t)
{
    struct stage *st = CONTAINER(t, struct stage, nap);

    st->napped = true;
    loop_stop(st->loop);
}

/* At least so long, with whatever happens meanwhile. */
static inline void stage_nap(struct stage *st, uint64_t ms)
{
    st->napped = false;
    timer_start(&st->nap, ms);
    UNTIL(st, st->napped);
}

/* Making and ending it */

static inline void stage_open_tls(struct stage *st, const struct script *script,
                                  const struct client_limits *lim, struct tls_server *server,
                                  struct tls_client *client)
{
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .tls = server, .fd = -1};

    *st = (struct stage){.loop = loop_new(), .script = script};
    st->lim = lim ? *lim : CLIENT_LIMITS_DEFAULT;
    st->dns = dns_new(st->loop);
    timer_init(&st->guard, st->loop, stage_hangs);
    timer_init(&st->nap, st->loop, stage_woke);
    timer_init(&st->look, st->loop, stage_look);
    assert_int_equal(listener_open(st->loop, &o, stage_accept, st, &st->l, NULL), OK);
    st->origin = (struct origin){
        .https = server != NULL, .host = S("127.0.0.1"), .port = listener_port(st->l)};
    st->client = client_new(st->loop, st->dns, client, &st->lim);
}

static inline void stage_open(struct stage *st, const struct script *script,
                              const struct client_limits *lim)
{
    stage_open_tls(st, script, lim, NULL, NULL);
}

static inline void stage_close(struct stage *st)
{
    client_free(st->client);
    listener_close(st->l);
    for (size_t i = 0; i < st->peers; i++) {
        if (st->script && st->script->on_close)
            st->script->on_close(&st->peer[i]);
        stream_close(st->peer[i].s);
        buf_fini(&st->peer[i].got);
    }
    dns_free(st->dns);
    timer_stop(&st->guard);
    loop_run(st->loop);
    loop_free(st->loop);
    assert_int_equal(mem_counted(), 0);
}

static inline void stage_send(struct stage *st, struct seen *s, enum http_method m,
                              const char *target, const struct rope *body)
{
    static const struct http_header FIELDS[] = {
        {S_INIT("content-type"),   S_INIT("application/json")},
        {S_INIT("x-goog-api-key"), S_INIT("k")               },
    };

    seen_init(s, st);
    s->r = client_send(st->client,
                       &(struct client_request){
                           .origin = st->origin,
                           .method = m,
                           .target = str_z(target),
                           .headers = {FIELDS, NELEM(FIELDS)},
                           .body = body,
                           .first_byte_ms = st->first_byte_ms,
                           .idle_ms = st->idle_ms
    },
                       &SEEN, s);
    assert_false(told(s)); /* no event comes from inside client_send */
}

/* A body that is cheap to make and to check: byte i is 'a' + i % 23. */
static inline void rope_fill(struct rope *r, size_t n)
{
    rope_init(r, (size_t)1 << 30);
    for (size_t i = 0; i < n; i++)
        buf_putc(&r->text, (char)('a' + i % 23));
}

static inline bool filled(struct str s, size_t from)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != (char)('a' + (from + i) % 23))
            return false;
    return true;
}

#endif
