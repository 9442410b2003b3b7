/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* worker.c - a worker's parts put together, and taken apart when the process ends. */
#include "app/worker.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"
#include "http/server.h"
#include "net/dns.h"
#include "net/work.h"
#include "proxy/model_list.h"

enum {
    LOOK_MS = 20,     /* how often a draining worker looks whether it is done */
    FETCHES_MAX = 64, /* going on at once, all workers together (SSR-5) */
    FLUSH_MS = 500,   /* after the limit: for the last error events to leave */
    REST_MS = 2000,   /* without large requests, before their pages go */
    REST_BYTES = 1 << 20,
};

/* Signals arrive on the first worker's loop, so it ends last: a second one must find somebody. */
static bool others_run(const struct worker *w)
{
    return w->loop == w->g->main_loop && atomic_load(&w->g->stopped) + 1 < w->g->nworkers;
}

static void stop(struct worker *w)
{
    atomic_fetch_add(&w->g->stopped, 1);
    loop_hold(w->loop, false);
    timer_stop(&w->look);
    server_close(w->server);
    client_drop_idle(w->client);
    loop_stop(w->loop);
}

static void on_look(struct timer *t)
{
    struct worker *w = CONTAINER(t, struct worker, look);
    uint64_t now_ms = loop_now_ms(w->loop);

    if (server_calls(w->server) == 0 || (w->abandoned && now_ms >= w->drain_until_ms + FLUSH_MS)) {
        if (others_run(w))
            timer_start(&w->look, LOOK_MS);
        else
            stop(w);
        return;
    }
    if (!w->abandoned && now_ms >= w->drain_until_ms) {
        w->abandoned = true;
        proxy_abandon(&w->proxy);
        model_cache_abandon(w->proxy.models);
    }
    timer_start(&w->look, LOOK_MS);
}

static void on_drain(struct task *t)
{
    struct worker *w = CONTAINER(t, struct worker, drain);

    if (!w->draining) {
        w->draining = true;
        loop_hold(w->loop, true); /* until stop(), and not only while connections are left */
        w->drain_until_ms = loop_now_ms(w->loop) + w->settings->config.drain_ms;
        server_drain(w->server);
        proxy_drain(&w->proxy);
        timer_start(&w->look, 0);
    }
    if (atomic_load(&w->g->hurry))
        w->drain_until_ms = 0;
}

static void on_warm(struct task *t)
{
    struct worker *w = CONTAINER(t, struct worker, warm);

    if (!w->draining) /* its client may be gone by then */
        proxy_warm(&w->proxy);
}

void worker_warm(struct gateway *g)
{
    for (size_t i = 0; i < g->nworkers; i++)
        loop_post(g->workers[i]->loop, &g->workers[i]->warm);
}

static struct server_limits server_limits_of(const struct config *c)
{
    struct server_limits l = SERVER_LIMITS_DEFAULT;

    l.body_max = (size_t)c->body_max;
    l.head_ms = (uint32_t)c->head_ms;
    l.body_idle_ms = (uint32_t)c->body_idle_ms;
    l.body_total_ms = (uint32_t)c->body_total_ms;
    l.write_stall_ms = (uint32_t)c->write_stall_ms;
    l.keep_alive_ms = (uint32_t)c->keep_alive_ms;
    if (c->keep_alive_ms == 0)
        l.h2_idle_ms = 0; /* a front end that pools may speak either version */
    return l;
}

struct client_limits worker_client_limits(const struct config *c)
{
    struct client_limits l = CLIENT_LIMITS_DEFAULT;

    l.dns_ms = (uint32_t)c->dns_ms;
    l.connect_ms = (uint32_t)c->connect_ms;
    l.first_byte_ms = (uint32_t)c->first_byte_ms;
    l.idle_ms = (uint32_t)c->idle_ms;
    return l;
}

/* A loop that drains takes nothing new. */
static void on_reload(struct task *t)
{
    struct worker *w = CONTAINER(t, struct worker, reload);
    struct server_limits sl;
    struct client_limits cl;

    if (w->draining)
        return;
    settings_drop(w->settings);
    w->settings = gateway_settings(w->g);
    sl = server_limits_of(&w->settings->config);
    cl = worker_client_limits(&w->settings->config);
    server_set_limits(w->server, &sl);
    client_set_limits(w->client, &cl);
    proxy_take_opts(&w->proxy, &w->settings->opts);
    model_cache_doubt(w->proxy.models);
    atomic_store(&w->number, w->settings->number);
    loop_post(w->g->main_loop, &w->g->reloaded);
}

/* Large requests were here. Their pages wait for the next ones, and go when none have come. */
static void tire(struct worker *w)
{
    if (timer_running(&w->rest))
        return;
    mem_keep();
    w->released = mem_released();
    timer_start(&w->rest, REST_MS);
}

static void rest(void)
{
    mem_rest();
    works_rest();
}

static void on_rest(struct timer *t)
{
    struct worker *w = CONTAINER(t, struct worker, rest);

    if (mem_released() - w->released < REST_BYTES)
        rest();
    else
        tire(w);
}

/* Before the answers are sent: a platform that freezes us once it has its answer has
 * the line about it as well. */
static void on_turn(struct task *t)
{
    log_flush();
    if (mem_released() >= REST_BYTES)
        tire(CONTAINER(t, struct worker, turn));
}

struct worker *worker_open(struct gateway *g)
{
    struct worker *w = mem_zalloc(sizeof *w);
    struct server_limits sl = server_limits_of(&g->settings->config);
    struct client_limits cl = worker_client_limits(&g->settings->config);
    struct server_handler h = ROUTES_HANDLER;

    h.ctx = w;
    w->g = g;
    w->settings = settings_hold(g->settings);
    w->loop = loop_new();
    w->dns = dns_new(w->loop);
    w->client = client_new(w->loop, w->dns, g->tls, &cl);
    w->fetcher = fetcher_new(w->loop, w->dns, g->fetch_tls, g->guard, FETCHES_MAX / g->nworkers);
    w->server = server_new(w->loop, &h, &sl);
    w->metrics = metrics_new();
    proxy_init(&w->proxy, w->loop, w->client, g->keys, g->egresses, g->signatures,
               &w->settings->opts);
    w->proxy.models = model_cache_new(&w->proxy);
    w->proxy.metrics = w->metrics;
    w->proxy.fetcher = w->fetcher;
    task_init(&w->drain, on_drain);
    task_init(&w->reload, on_reload);
    task_init(&w->warm, on_warm);
    task_init(&w->turn, on_turn);
    loop_on_turn(w->loop, &w->turn);
    timer_init(&w->rest, w->loop, on_rest);
    timer_init(&w->look, w->loop, on_look);
    return w;
}

void worker_run(struct worker *w)
{
    log_gather(true);
    loop_run(w->loop);
    log_gather(false);
}

void worker_close(struct worker *w)
{
    if (w == NULL)
        return;
    server_close(w->server);
    model_cache_free(w->proxy.models);
    fetcher_free(w->fetcher);
    client_free(w->client);
    dns_free(w->dns);
    timer_stop(&w->rest);
    loop_run(w->loop); /* what is being closed gets its turn */
    server_free(w->server);
    proxy_fini(&w->proxy);
    settings_drop(w->settings);
    metrics_free(w->metrics);
    loop_free(w->loop);
    mem_free(w);
}
