/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_pool.c - the pools: waiting requests meet connections here. Knows of the HTTP versions
 * only through conn_ops and what ALPN answered. */
#include "http/client_pool.h"
#include "base/mem.h"
#include "base/secret.h"
#include "http/client_req.h"

#include <stdio.h>

struct dialing {
    struct list link;
    struct pool *pool;
    struct dial *dial;
};

/* Connections */

void conn_place(struct conn *c)
{
    if (c->dead)
        return;
    list_remove(&c->link);
    if (!c->draining && c->ops->has_room(c))
        list_push_front(&c->pool->conns, &c->link);
    else
        list_push(&c->pool->conns, &c->link);
}

void conn_heard(struct conn *c)
{
    c->heard_ms = loop_now_ms(c->client->loop);
}

static void conn_bury(struct task *t)
{
    struct conn *c = CONTAINER(t, struct conn, bury);

    c->ops->free(c);
}

void conn_init(struct conn *c, struct pool *p, const struct conn_ops *ops, struct stream *s)
{
    struct client *cl = p->client;

    *c = (struct conn){.pool = p, .client = cl, .ops = ops, .stream = s, .serial = ++cl->serial};
    list_init(&c->reqs);
    list_init(&c->link);
    list_push_front(&p->conns, &c->link);
    task_init(&c->bury, conn_bury);
    conn_heard(c);
    p->nconns++;
    cl->stats.connections++;
    cl->stats.connections_opened++;
    if (!timer_running(&cl->tick))
        timer_start(&cl->tick, TICK_MS);
}

static void enqueue(struct pool *p, struct client_req *r)
{
    r->pool = p;
    r->born_serial = p->client->serial;
    p->nwaiting++;
    p->client->stats.waiting++;
    req_enter(r, CLIENT_CONNECT);
    pool_kick(p);
}

void pool_wait(struct pool *p, struct client_req *r)
{
    list_push(&p->waiting, &r->at);
    enqueue(p, r);
}

static void wait_again(struct pool *p, struct client_req *r)
{
    req_detach(r);
    req_rewind(r);
    list_push_front(&p->waiting, &r->at);
    enqueue(p, r);
}

static void conn_lost(struct conn *c, struct client_req *r, enum err e, const char *what)
{
    if (r->reused && !r->answered && !r->retried) {
        r->retried = true;
        r->after_serial = c->serial > r->born_serial ? c->serial : r->born_serial;
        c->client->stats.retried_dead++;
        wait_again(c->pool, r);
        return;
    }
    req_detach(r);
    req_fail(r, e, what);
}

void conn_refused(struct conn *c, struct client_req *r)
{
    if (++r->refusals > REFUSALS_MAX) {
        req_detach(r);
        req_fail_soon(r, E_REFUSED, "upstream refuses the request on every connection");
        return;
    }
    r->not_serial = c->serial;
    wait_again(c->pool, r);
}

void conn_kill(struct conn *c, enum err e, const char *what)
{
    if (c->dead)
        return;
    c->dead = true;
    list_remove(&c->link);
    c->pool->nconns--;
    c->client->stats.connections--;
    c->ops->close(c);
    stream_close(c->stream);
    c->stream = NULL;
    loop_defer(c->client->loop, &c->bury);
    pool_kick(c->pool);
    while (!list_empty(&c->reqs))
        conn_lost(c, CONTAINER(c->reqs.next, struct client_req, at), e, what);
}

/* Which connection? */

static bool conn_fit(const struct conn *c, const struct client_req *r)
{
    return !c->draining && c->serial > r->after_serial && c->serial != r->not_serial &&
           c->ops->has_room(c);
}

static uint64_t quiet_ms(const struct conn *c)
{
    return loop_now_ms(c->client->loop) - c->heard_ms;
}

/* Idle connections are read, so the loop has heard of every end but one that came since it last
 * looked. The system is asked for that only where a connection has been idle for a while; on a busy
 * one such a request is sent again unseen, on another. */
static bool stale(const struct conn *c)
{
    uint64_t quiet = quiet_ms(c);

    return c->nreqs == 0 && (quiet >= c->client->lim.pool_idle_ms ||
                             (quiet >= c->client->lim.doubt_ms && stream_looks_dead(c->stream)));
}

static struct conn *pick(struct pool *p, const struct client_req *r)
{
    list_each (l, &p->conns) {
        struct conn *c = CONTAINER(l, struct conn, link);

        if (!conn_fit(c, r))
            continue;
        if (!stale(c))
            return c;
        conn_kill(c, E_CLOSED, "idle for too long");
    }
    return NULL;
}

static void give(struct conn *c, struct client_req *r)
{
    struct client_stats *st = &c->client->stats;
    bool quiet = quiet_ms(c) > QUIET_MS;

    list_remove(&r->at);
    c->pool->nwaiting--;
    st->waiting--;
    st->streams++;
    r->conn = c;
    r->reused = c->used || c->serial <= r->born_serial;
    st->reused += r->reused;
    list_push(&c->reqs, &r->at);
    c->nreqs++;
    req_enter(r, CLIENT_SEND);
    c->ops->start(c, r);
    conn_place(c);
    if (quiet)
        c->ops->probe(c);
}

/* Dialling */

static bool any_usable(const struct pool *p)
{
    list_each (l, &p->conns)
        if (!CONTAINER(l, struct conn, link)->draining)
            return true;
    return false;
}

static enum client_phase phase_of(enum dial_phase p)
{
    switch (p) {
    case DIAL_DNS: return CLIENT_DNS;
    case DIAL_CONNECT: return CLIENT_CONNECT;
    case DIAL_TUNNEL: return CLIENT_TUNNEL;
    case DIAL_TLS:
    case DIAL_DONE: break;
    }
    return CLIENT_TLS;
}

/* Nothing is left to wait for: everyone who waited hears why. Who asks anew inside waits anew. */
static void fail_waiting(struct pool *p, const struct dial_result *res)
{
    struct list all;
    struct list *l;

    list_init(&all);
    while ((l = list_pop(&p->waiting)) != NULL)
        list_push(&all, l);
    while (!list_empty(&all)) {
        struct client_req *r = CONTAINER(all.next, struct client_req, at);

        r->phase = phase_of(res->phase);
        req_detach(r);
        req_fail(r, res->err, res->what);
    }
}

static void dial_done(void *owner, const struct dial_result *res)
{
    struct dialing *d = owner;
    struct pool *p = d->pool;
    bool h2;

    list_remove(&d->link);
    p->ndials--;
    mem_free(d);
    pool_kick(p);
    if (res->err == OK) {
        h2 = p->origin.https ? str_eq(stream_alpn(res->stream), S("h2")) : p->origin.h2_prior;
        p->proto = h2 ? PROTO_H2 : PROTO_H1;
        (h2 ? h2_dialled : h1_dialled)(p, res->stream);
    } else if (p->ndials == 0 && !any_usable(p)) {
        timer_stop(&p->redial);
        fail_waiting(p, res);
    } else {
        timer_start(&p->redial, REDIAL_MS);
    }
}

static void dial_one(struct pool *p)
{
    struct client *c = p->client;
    struct dialing *d = mem_zalloc(sizeof *d);

    d->pool = p;
    list_init(&d->link);
    list_push(&p->dials, &d->link);
    p->ndials++;
    d->dial = dial_open(c->loop,
                        &(struct dial_opts){
                            .dns = c->dns,
                            .host = p->origin.host,
                            .port = p->origin.port,
                            .tls = p->origin.https ? c->tls : NULL,
                            .want_h2 = p->origin.https,
                            .guard = p->origin.guard,
                            .via = p->origin.via,
                            .via_tls = c->tls,
                            .dns_ms = c->lim.dns_ms,
                            .connect_ms = c->lim.connect_ms,
                        },
                        dial_done, d);
}

/* One dial until we know what the origin speaks; one at a time for h2, whose connection carries
 * everybody; one for each waiting request for h1. */
static void dial_more(struct pool *p)
{
    size_t cap = p->proto == PROTO_H1 ? p->client->lim.h1_per_origin : H2_PER_ORIGIN;
    size_t want = p->proto == PROTO_H1 || p->nwaiting == 0 ? p->nwaiting : 1;

    if (want == 0 || timer_running(&p->redial))
        return;
    while (p->ndials < want && p->nconns + p->ndials < cap)
        dial_one(p);
}

static void redial(struct timer *t)
{
    pool_kick(CONTAINER(t, struct pool, redial));
}

/* Requests that may use any connection stand behind those that may not: the first of them that
 * finds none ends the walk. */
static void dispatch(struct task *t)
{
    struct pool *p = CONTAINER(t, struct pool, dispatch);

    list_each (l, &p->waiting) {
        struct client_req *r = CONTAINER(l, struct client_req, at);
        struct conn *c = pick(p, r);

        if (c != NULL)
            give(c, r);
        else if (r->after_serial == 0 && r->not_serial == 0)
            break;
    }
    dial_more(p);
    if (p->nconns == 0 && p->ndials == 0 && p->nwaiting == 0)
        pool_free(p);
}

/* Pools */

static void pool_bury(struct task *t)
{
    struct pool *p = CONTAINER(t, struct pool, bury);

    secret_wipe(p + 1, p->names);
    mem_free(p);
}

void pool_free(struct pool *p)
{
    list_each (l, &p->dials) {
        struct dialing *d = CONTAINER(l, struct dialing, link);

        dial_cancel(d->dial);
        mem_free(d);
    }
    list_init(&p->dials);
    list_remove(&p->link);
    task_cancel(&p->dispatch);
    timer_stop(&p->redial);
    loop_defer(p->client->loop, &p->bury);
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->https == b->https && a->h2_prior == b->h2_prior && a->port == b->port &&
           a->guard == b->guard && str_eq(a->host, b->host) &&
           (a->via == b->via ||
            (a->via != NULL && b->via != NULL && tunnel_proxy_eq(a->via, b->via)));
}

static struct str put_authority(char *at, size_t room, const struct origin *o)
{
    bool v6 = memchr(o->host.p, ':', o->host.n) != NULL;
    int n = snprintf(at, room, v6 ? "[%.*s]" : "%.*s", S_ARG(o->host));

    if (o->port != (o->https ? 443 : 80))
        n += snprintf(at + n, room - (size_t)n, ":%u", (unsigned)o->port);
    return str_of(at, (size_t)n);
}

static struct str put(char **at, struct str s)
{
    struct str copy = str_of(*at, s.n);

    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static void put_via(struct pool *p, char **at, const struct tunnel_proxy *via)
{
    p->via = *via;
    p->via.host = put(at, via->host);
    p->via.user = put(at, via->user);
    p->via.password = put(at, via->password);
    p->origin.via = &p->via;
}

static struct pool *pool_new(struct client *c, const struct origin *o)
{
    const struct tunnel_proxy *via = o->via;
    size_t authority = o->host.n + sizeof "[]:65535";
    size_t names = authority + o->host.n + (via ? via->host.n + via->user.n + via->password.n : 0);
    struct pool *p = mem_zalloc(sizeof *p + names);
    char *at = (char *)(p + 1);

    p->client = c;
    p->names = names;
    p->origin = *o;
    p->authority = put_authority(at, authority, o);
    at += authority;
    p->origin.host = put(&at, o->host);
    if (via != NULL)
        put_via(p, &at, via);
    p->proto = o->https ? PROTO_UNKNOWN : o->h2_prior ? PROTO_H2 : PROTO_H1;
    list_init(&p->conns);
    list_init(&p->dials);
    list_init(&p->waiting);
    list_init(&p->link);
    list_push(&c->pools, &p->link);
    timer_init(&p->redial, c->loop, redial);
    task_init(&p->dispatch, dispatch);
    task_init(&p->bury, pool_bury);
    return p;
}

struct pool *pool_get(struct client *c, const struct origin *o)
{
    list_each (l, &c->pools) {
        struct pool *p = CONTAINER(l, struct pool, link);

        if (same_origin(&p->origin, o))
            return p;
    }
    return pool_new(c, o);
}

void pool_kick(struct pool *p)
{
    loop_soon(p->client->loop, &p->dispatch);
}

void pool_warm(struct pool *p)
{
    if (p->ndials == 0 && !any_usable(p))
        dial_one(p);
}

/* Idle connections and frozen processes */

static void each_conn(struct client *c, void (*fn)(struct conn *))
{
    list_each (l, &c->pools) {
        struct pool *p = CONTAINER(l, struct pool, link);

        list_each (k, &p->conns)
            fn(CONTAINER(k, struct conn, link));
    }
}

static void drop_idle(struct conn *c)
{
    if (c->nreqs == 0)
        conn_kill(c, E_CLOSED, "dropped");
}

static void distrust(struct conn *c)
{
    c->draining = true;
}

/* Told in the middle of the loop's work on some socket: nothing is closed from in there. */
void pools_thaw(struct task *t)
{
    struct client *c = CONTAINER(t, struct client, thaw);

    each_conn(c, distrust);
    loop_soon(c->loop, &c->sweep);
}

/* Whoever waits for an answer on a doubtful connection goes on waiting; a PING tells whether in
 * vain. */
static void drop_or_probe(struct conn *c)
{
    if (!c->draining)
        return;
    drop_idle(c);
    if (!c->dead)
        c->ops->probe(c);
}

void pools_sweep(struct task *t)
{
    each_conn(CONTAINER(t, struct client, sweep), drop_or_probe);
}

static void drop_aged(struct conn *c)
{
    if (c->nreqs == 0 && (c->draining || quiet_ms(c) >= c->client->lim.pool_idle_ms))
        conn_kill(c, E_CLOSED, "idle for too long");
}

void pools_tick(struct timer *t)
{
    struct client *c = CONTAINER(t, struct client, tick);

    each_conn(c, drop_aged);
    if (c->stats.connections > 0)
        timer_start(t, TICK_MS);
}

void client_drop_idle(struct client *c)
{
    each_conn(c, drop_idle);
}
