/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gateway.c - from the options to open ports, and from a signal to the end. */
#include "app/gateway.h"

#include "app/base_url.h"
#include "app/credentials.h"
#include "app/notify.h"
#include "app/platform.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void fill_opts(struct gateway *g, bool emulation)
{
    const struct config *c = g->config;
    struct proxy_opts *o = &g->opts;

    o->cors = str_eq(c->cors, S("*")) ? CORS_ANY : str_eq(c->cors, S("off")) ? CORS_OFF : CORS_LIST;
    o->cors_origins = c->cors;
    o->dialect.include_thoughts = c->include_thoughts;
    o->dialect.markdown_images = c->markdown_images;
    o->dialect.default_model = c->default_model;
    o->dialect.model_suffix = emulation ? S(" (emulated)") : S("");
    o->body_max = (size_t)c->body_max;
    o->answer_max = (size_t)c->answer_max;
    o->event_max = (size_t)c->event_max;
    o->first_byte_ms = (uint32_t)c->first_byte_ms;
    o->idle_ms = (uint32_t)c->idle_ms;
    o->total_ms = (uint32_t)c->total_ms;
    o->heartbeat_ms = (uint32_t)c->heartbeat_ms;
    o->attempts = (unsigned)c->attempts;
    o->emulation = emulation;
    o->request_id = str_z(g->platform->request_id);
    o->fc_marks = c->fc_marks && g->platform->hooks;
    o->auth.byok = c->byok;
    o->auth.anonymous = c->anonymous;
}

/* A listener on loopback with keys and no token makes one up and shows it, as notebooks do. */
static void settle_tokens(struct gateway *g)
{
    struct auth *a = &g->opts.auth;

    a->server_keys = keys_count(g->keys) > 0;
    if (a->server_keys && g->ntokens == 0 && !a->anonymous && !g->platform->fronted &&
        platform_is_loopback(&g->addr)) {
        credentials_make_token(&g->tokens[0]);
        g->ntokens = 1;
        fprintf(stderr,
                "AUTH_TOKEN is not set; for this run clients must send this API key:\n"
                "没有设置 AUTH_TOKEN，本次运行请把下面这一串作为客户端的 API key：\n\n    %.*s\n\n",
                S_ARG(secret_str(&g->tokens[0])));
    }
    a->tokens = g->tokens;
    a->ntokens = g->ntokens;
    if (a->server_keys && a->ntokens == 0 && !a->anonymous)
        log_text(LOG_WARN, "auth",
                 "AUTH_TOKEN is not set: every request gets a 401 that says so. "
                 "没有设置 AUTH_TOKEN：所有请求都会得到 401。");
    if (!a->server_keys && a->ntokens > 0 && !a->byok)
        log_text(LOG_WARN, "auth",
                 "AUTH_TOKEN is set but there is no GEMINI_API_KEY: nobody can be served. "
                 "设置了 AUTH_TOKEN 却没有 GEMINI_API_KEY：无法提供服务。");
}

/* A worker's listeners: a socket of its own on the shared port, or its copies of the inherited
 * ones. */
static enum err listen_worker(struct gateway *g, struct worker *w, struct fault *why)
{
    struct listen_opts listen = {.addr = g->addr, .reuse_port = g->nworkers > 1, .fd = -1};
    enum err err = OK;

    if (g->nsockets == 0)
        return server_listen(w->server, &listen, &g->addr.port, why);
    for (size_t i = 0; i < g->nsockets && err == OK; i++) {
        listen.fd = fcntl(g->sockets[i], F_DUPFD_CLOEXEC, g->sockets[i]);
        if (listen.fd < 0)
            return fault_set(why, E_SYSTEM, "cannot copy the inherited socket", NULL);
        err = server_listen(w->server, &listen, NULL, why);
    }
    return err;
}

static enum err take_sockets(struct gateway *g, struct buf *problem)
{
    g->nsockets = platform_sockets(g->sockets, NELEM(g->sockets));
    for (size_t i = 0; i < g->nsockets; i++) {
        struct listen_addr addr;

        if (!platform_socket_addr(g->sockets[i], &addr)) {
            buf_putf(problem, "descriptor %d (LISTEN_FDS) is no TCP socket", g->sockets[i]);
            return E_SYSTEM;
        }
        if (i == 0 || !platform_is_loopback(&addr))
            g->addr = addr; /* the most public one tells who may come */
    }
    return OK;
}

static void drain_workers(struct gateway *g)
{
    for (size_t i = 0; i < g->nworkers; i++)
        loop_post(g->workers[i]->loop, &g->workers[i]->drain);
}

static void on_delay(struct timer *t)
{
    drain_workers(CONTAINER(t, struct gateway, delay));
}

static void on_watchdog(struct timer *t)
{
    notify_say("WATCHDOG=1");
    timer_start(t, notify_watchdog_ms());
}

static void start_main_loop(struct gateway *g)
{
    g->main_loop = g->workers[0]->loop;
    timer_init(&g->delay, g->main_loop, on_delay);
    timer_init(&g->watchdog, g->main_loop, on_watchdog);
    if (notify_watchdog_ms() > 0)
        timer_start(&g->watchdog, notify_watchdog_ms());
}

enum err gateway_listen(struct gateway *g, struct buf *problem)
{
    struct fault why = {0};
    enum err err = take_sockets(g, problem);

    if (err != OK)
        return err;
    g->nworkers = g->config->workers ? (size_t)g->config->workers : platform_cores();
    g->workers = mem_zalloc(g->nworkers * sizeof *g->workers);
    g->metrics = mem_zalloc(g->nworkers * sizeof(struct metrics *));
    for (size_t i = 0; i < g->nworkers; i++) {
        g->workers[i] = worker_open(g);
        g->metrics[i] = g->workers[i]->metrics;
        err = listen_worker(g, g->workers[i], &why);
        if (err != OK) {
            buf_putf(problem, "cannot listen on %s port %u: %s (%s)", g->addr.host,
                     (unsigned)g->addr.port, strerror(errno), why.what ? why.what : "");
            return err;
        }
    }
    start_main_loop(g);
    settle_tokens(g);
    return OK;
}

enum err gateway_init(struct gateway *g, const struct config *c, const struct platform *p,
                      bool emulation, struct buf *problem)
{
    struct fault why = {0};
    enum err err;

    *g = (struct gateway){.config = c, .platform = p, .start_ms = clock_mono_ms()};
    random_bytes(&g->instance, sizeof g->instance);
    err = platform_listen(p, c->listen, &g->addr, &why);
    if (err != OK) {
        buf_putf(problem, "QUEQIAO_LISTEN %s", why.what ? why.what : "is not host:port");
        return err;
    }
    err = base_url_parse(c->base_url, &g->opts.origin, &g->opts.base_path, &why);
    if (err != OK) {
        buf_putf(problem, "GEMINI_BASE_URL %s", why.what);
        return err;
    }
    g->keys = keys_new();
    g->signatures = signatures_new((size_t)c->signatures_max);
    err = credentials_load_keys(c, g->keys, problem);
    if (err == OK)
        err = credentials_tokens(c, &g->tokens, &g->ntokens, problem);
    if (err != OK)
        return err;
    g->tls = tls_client_new(c->extra_roots);
    if (c->extra_roots.n > 0 && tls_client_check(g->tls, &why) != OK) {
        buf_putf(problem, "SSL_CERT_FILE %s", why.what);
        return why.code;
    }
    mem_set_budget((size_t)c->memory_budget);
    fill_opts(g, emulation);
    return OK;
}

static void *thread_main(void *arg)
{
    worker_run(arg);
    return NULL;
}

void gateway_run(struct gateway *g)
{
    pthread_t *threads = mem_zalloc(g->nworkers * sizeof *threads);

    for (size_t i = 1; i < g->nworkers; i++)
        if (pthread_create(&threads[i], NULL, thread_main, g->workers[i]) != 0) {
            log_text(LOG_ERROR, "start", "cannot start a worker thread");
            abort();
        }
    worker_run(g->workers[0]);
    for (size_t i = 1; i < g->nworkers; i++)
        pthread_join(threads[i], NULL);
    mem_free(threads);
}

void gateway_close(struct gateway *g)
{
    for (size_t i = 0; i < g->nworkers; i++)
        worker_close(g->workers[i]);
    mem_free(g->workers);
    mem_free(g->metrics);
    credentials_free_tokens(g->tokens, g->ntokens);
    tls_client_free(g->tls);
    keys_free(g->keys);
    signatures_free(g->signatures);
}

/*   serving --signal--> unready --the delay is over--> draining --nothing runs--> ended
 *                       any --another signal--> ended */
void gateway_drain(struct gateway *g)
{
    atomic_store(&g->draining, true);
    if (g->stopping) {
        atomic_store(&g->hurry, true);
        timer_stop(&g->delay);
    } else {
        g->stopping = true;
        notify_say("STOPPING=1\nSTATUS=running answers may finish");
        if (g->config->drain_delay_ms > 0) {
            timer_start(&g->delay, g->config->drain_delay_ms);
            return;
        }
    }
    drain_workers(g);
}

void gateway_reload(struct gateway *g)
{
    struct buf problem;

    buf_init(&problem, 1024);
    notify_say("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(clock_mono_ns() / 1000U));
    if (credentials_load_keys(g->config, g->keys, &problem) == OK)
        log_text(LOG_INFO, "reload", "%zu keys", keys_count(g->keys));
    else
        log_text(LOG_ERROR, "reload", "%.*s; the old keys stay", S_ARG(buf_str(&problem)));
    notify_say("READY=1");
    buf_fini(&problem);
}
