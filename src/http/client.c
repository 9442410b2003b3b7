/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client.c - the client's front door: making and ending it, taking requests in. Who carries them is
 * client_pool.c's business, what their owners hear is client_req.c's. */
#include "http/client.h"
#include "base/mem.h"
#include "http/client_pool.h"
#include "http/client_req.h"

/* LIM-11 and UPS-6: a half-open h2 connection is found within two of its ping times. The idle time
 * is what a connection may have been silent for and still be trusted; hosts that never freeze may
 * raise it, for an h2 connection is tried with a PING before it is believed. */
const struct client_limits CLIENT_LIMITS_DEFAULT = {
    .dns_ms = 5000,
    .connect_ms = 5000,
    .first_byte_ms = 300 * 1000,
    .idle_ms = 120 * 1000,
    .pool_idle_ms = 30 * 1000,
    .doubt_ms = 100,
    .ping_after_ms = 12 * 1000,
    .h1_per_origin = 1024,
    .h2_streams = 100,
    .waiting = 16384,
};

const char *client_phase_name(enum client_phase p)
{
    static const char *const NAME[] = {
        [CLIENT_DNS] = "dns",   [CLIENT_CONNECT] = "connect", [CLIENT_TUNNEL] = "proxy",
        [CLIENT_TLS] = "tls",   [CLIENT_SEND] = "send",       [CLIENT_HEAD] = "head",
        [CLIENT_BODY] = "body",
    };

    return p <= CLIENT_BODY ? NAME[p] : "?";
}

static void bury(struct task *t)
{
    mem_free(CONTAINER(t, struct client, bury));
}

struct client *client_new(struct loop *loop, struct dns *dns, struct tls_client *tls,
                          const struct client_limits *limits)
{
    struct client *c = mem_zalloc(sizeof *c);

    c->loop = loop;
    c->dns = dns;
    c->tls = tls;
    c->lim = *limits;
    list_init(&c->pools);
    list_init(&c->reqs);
    timer_init(&c->tick, loop, pools_tick);
    task_init(&c->thaw, pools_thaw);
    task_init(&c->sweep, pools_sweep);
    loop_on_thaw(loop, &c->thaw);
    task_init(&c->bury, bury);
    return c;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (!list_empty(&c->reqs))
        client_cancel(CONTAINER(c->reqs.next, struct client_req, link));
    list_each (l, &c->pools) {
        struct pool *p = CONTAINER(l, struct pool, link);

        while (!list_empty(&p->conns))
            conn_kill(CONTAINER(p->conns.next, struct conn, link), E_CLOSED, "client freed");
        pool_free(p);
    }
    timer_stop(&c->tick);
    task_cancel(&c->thaw);
    task_cancel(&c->sweep);
    loop_defer(c->loop, &c->bury);
}

struct client_req *client_send(struct client *c, const struct client_request *r,
                               const struct client_events *on, void *owner)
{
    bool legal = req_check(r) == OK;
    struct client_req *req;

    if (!legal) {
        struct client_request nothing = {.method = r->method, .target = S("/")};

        req = req_new(c, &nothing, on, owner);
        req_fail_soon(req, E_FIELD, "the request cannot be put on the wire");
        return req;
    }
    req = req_new(c, r, on, owner);
    req->phase = CLIENT_CONNECT;
    if (c->stats.waiting >= c->lim.waiting)
        req_fail_soon(req, E_TOOBIG, "too many requests wait for a connection");
    else
        pool_wait(pool_get(c, &r->origin), req);
    return req;
}

void client_set_limits(struct client *c, const struct client_limits *limits)
{
    c->lim = *limits;
}

void client_warm(struct client *c, const struct origin *o)
{
    pool_warm(pool_get(c, o));
}

struct client_stats client_stats(const struct client *c)
{
    return c->stats;
}
