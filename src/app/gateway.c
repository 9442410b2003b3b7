/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gateway.c - from the options to open ports, and from a signal to the end. */
#include "app/gateway.h"

#include "app/certificates.h"
#include "app/credentials.h"
#include "app/notify.h"
#include "app/platform.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400 * 1000 };

/* Peers on loopback are programs of this machine, a reverse proxy perhaps, behind which everybody
 * is: they count in all, but not as one stranger. */
static void *gate_enter(void *ctx, uint64_t network, bool loopback)
{
    struct gateway *g = ctx;

    return guard_enter(g->guard, loopback ? 0 : network);
}

static void gate_leave(void *ctx, void *ticket)
{
    struct gateway *g = ctx;

    guard_leave(g->guard, ticket);
}

struct guard_limits gateway_guard_limits(const struct config *c)
{
    return (struct guard_limits){.connections = (uint32_t)c->connections,
                                 .per_address = (uint32_t)c->per_address,
                                 .failures = (uint32_t)c->auth_failures};
}

static const char *shortage_of(int error)
{
    return error == EMFILE   ? "this process may open no more descriptors (LimitNOFILE, ulimit -n)"
           : error == ENFILE ? "the system has no more descriptors"
                             : "the system is short of memory";
}

/* PRC-2: one line a second, whatever the number of workers. */
static void gate_shortage(void *ctx, int error)
{
    struct gateway *g = ctx;
    uint64_t now_ms = clock_mono_ms();
    uint64_t told_ms = atomic_load(&g->shortage_told_ms);

    if ((told_ms == 0 || now_ms - told_ms >= 1000) &&
        atomic_compare_exchange_strong(&g->shortage_told_ms, &told_ms, now_ms))
        log_text(LOG_ERROR, "accept", "new connections wait: %s", shortage_of(error));
}

static void open_gate(struct gateway *g, const struct config *c)
{
    struct guard_limits l = gateway_guard_limits(c);

    g->guard = guard_new(&l);
    g->gate = (struct listen_gate){gate_enter, gate_leave, gate_shortage, g};
}

/* A listener on loopback with keys and no token makes one up and shows it, as notebooks do. */
static void make_up_token(struct gateway *g, struct settings *s)
{
    if (g->made_up.n == 0) {
        credentials_make_token(&g->made_up);
        fprintf(stderr,
                "AUTH_TOKEN is not set; for this run clients must send this API key:\n"
                "没有设置 AUTH_TOKEN，本次运行请把下面这一串作为客户端的 API key：\n\n    %.*s\n\n",
                S_ARG(secret_str(&g->made_up)));
    }
    secret_init(&s->tokens[0].secret, secret_str(&g->made_up));
    s->ntokens = 1;
}

void gateway_settle_auth(struct gateway *g, struct settings *s)
{
    struct auth *a = &s->opts.auth;

    a->server_keys = keys_count(g->keys) > 0;
    if (a->server_keys && s->ntokens == 0 && !a->anonymous && !g->platform->fronted &&
        platform_is_loopback(&g->addr))
        make_up_token(g, s);
    settings_name_tokens(s);
    if (a->server_keys && a->ntokens == 0 && !a->anonymous)
        log_text(LOG_WARN, "auth",
                 "AUTH_TOKEN is not set: every request gets a 401 that says so. "
                 "没有设置 AUTH_TOKEN：所有请求都会得到 401。");
    if (!a->server_keys && a->ntokens > 0 && !a->byok)
        log_text(LOG_WARN, "auth",
                 "AUTH_TOKEN is set but there is no GEMINI_API_KEY: nobody can be served. "
                 "设置了 AUTH_TOKEN 却没有 GEMINI_API_KEY：无法提供服务。");
    if (!a->server_keys && a->ntokens == 0)
        log_text(LOG_INFO, "auth",
                 "there is no GEMINI_API_KEY: each client sends its own Gemini key as its API key. "
                 "没有设置 GEMINI_API_KEY：每个客户端用自己的 Gemini key 作为 API key。");
}

/* A worker's listeners: a socket of its own on the shared port, or its copies of the inherited
 * ones. */
static enum err listen_worker(struct gateway *g, struct worker *w, struct fault *why)
{
    struct listen_opts listen = {.addr = g->addr,
                                 .reuse_port = g->nworkers > 1,
                                 .claim = w == g->workers[0],
                                 .tls = g->certificates,
                                 .fd = -1,
                                 .gate = &g->gate};
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
    size_t given = platform_sockets(g->sockets, NELEM(g->sockets));

    g->nsockets = given < NELEM(g->sockets) ? given : NELEM(g->sockets);
    if (given > g->nsockets)
        log_text(LOG_WARN, "start",
                 "of %zu sockets that were handed over (LISTEN_FDS) the first %zu are used, and "
                 "nobody answers on the others",
                 given, g->nsockets);
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

static void on_day(struct timer *t)
{
    const struct gateway *g = CONTAINER(t, struct gateway, daily);

    certificates_warn(&g->settings->config, g->certificates);
    timer_start(t, DAY_MS);
}

static void start_main_loop(struct gateway *g)
{
    g->main_loop = g->workers[0]->loop;
    task_init(&g->reloaded, gateway_reloaded);
    timer_init(&g->delay, g->main_loop, on_delay);
    timer_init(&g->watchdog, g->main_loop, on_watchdog);
    timer_init(&g->daily, g->main_loop, on_day);
    if (g->certificates != NULL)
        timer_start(&g->daily, 0);
    if (notify_watchdog_ms() > 0)
        timer_start(&g->watchdog, notify_watchdog_ms());
}

/* What to do about it, for the end of the message. */
static const char *advice_for(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another program listens there, perhaps an earlier queqiao: end it, or choose "
               "another port with QUEQIAO_LISTEN=host:port";
    case EACCES:
        return "; ports below 1024 are the administrator's: choose another one with "
               "QUEQIAO_LISTEN=host:port";
    case EADDRNOTAVAIL:
        return "; this machine does not have that address: QUEQIAO_LISTEN=0.0.0.0:port listens on "
               "all that it has";
    default: return "";
    }
}

static void say_why(const struct gateway *g, int error, const struct fault *why,
                    struct buf *problem)
{
    buf_putf(problem, "cannot listen on %s port %u: %s (%s)%s", *g->addr.host ? g->addr.host : "*",
             (unsigned)g->addr.port, strerror(error), why->what ? why->what : "",
             g->nsockets == 0 ? advice_for(error) : "");
}

enum err gateway_listen(struct gateway *g, struct buf *problem)
{
    const struct config *c = &g->settings->config;
    struct fault why = {0};
    enum err err = take_sockets(g, problem);

    if (err != OK)
        return err;
    g->nworkers = c->workers ? (size_t)c->workers : platform_cores();
    g->workers = mem_zalloc(g->nworkers * sizeof *g->workers);
    g->metrics = mem_zalloc(g->nworkers * sizeof(struct metrics *));
    for (size_t i = 0; i < g->nworkers; i++) {
        g->workers[i] = worker_open(g);
        g->metrics[i] = g->workers[i]->metrics;
        err = listen_worker(g, g->workers[i], &why);
        if (err != OK) {
            say_why(g, errno, &why, problem);
            return err;
        }
    }
    start_main_loop(g);
    gateway_settle_auth(g, g->settings);
    return OK;
}

enum err gateway_init(struct gateway *g, struct settings *s, const struct platform *p,
                      bool emulation, struct buf *problem)
{
    const struct config *c = &s->config;
    struct fault why = {0};
    enum err err;

    *g = (struct gateway){
        .settings = s, .platform = p, .emulation = emulation, .start_ms = clock_mono_ms()};
    pthread_mutex_init(&g->lock, NULL);
    random_bytes(&g->instance, sizeof g->instance);
    err = platform_listen(p, c->listen, &g->addr, &why);
    if (err != OK) {
        buf_putf(problem, "QUEQIAO_LISTEN %s", why.what ? why.what : "is not host:port");
        return err;
    }
    g->keys = keys_new();
    g->egresses = egresses_new();
    g->signatures = signatures_new((size_t)c->signatures_max);
    err = settings_settle(s, p, emulation, problem);
    if (err == OK)
        err = credentials_init(&s->credentials, c, &s->opts.origin, problem);
    if (err != OK)
        return err;
    credentials_publish(&s->credentials, g->keys, g->egresses);
    g->tls = tls_client_new(c->extra_roots);
    g->fetch_tls = tls_client_new(c->extra_roots);
    if (c->extra_roots.n > 0 && tls_client_check(g->tls, &why) != OK) {
        buf_putf(problem, "SSL_CERT_FILE %s", why.what);
        return why.code;
    }
    mem_set_budget((size_t)c->memory_budget);
    open_gate(g, c);
    return certificates_load(c, &g->certificates, problem);
}

void gateway_say_ways(const struct gateway *g)
{
    enum { TOLD = 8 };
    struct egress_status v[TOLD];
    size_t n = egresses_status(g->egresses, 0, v, TOLD);
    size_t shared = egresses_count(g->egresses, 0).shared;
    struct buf out;

    if (n == 1 && str_eq(str_z(v[0].name.z), S("direct")))
        return;
    buf_init(&out, 4096);
    for (size_t i = 0; i < shared && i < TOLD; i++)
        buf_putf(&out, "%s%s", i ? ", " : "", v[i].name.z);
    if (shared > TOLD)
        buf_putf(&out, " and %zu more", shared - TOLD);
    if (n > shared)
        buf_putf(&out, "; some keys have their own");
    log_text(LOG_INFO, "ways", "requests leave by %.*s", S_ARG(buf_str(&out)));
    buf_fini(&out);
}

struct settings *gateway_settings(struct gateway *g)
{
    struct settings *s;

    pthread_mutex_lock(&g->lock);
    s = settings_hold(g->settings);
    pthread_mutex_unlock(&g->lock);
    return s;
}

static void *thread_main(void *arg)
{
    worker_run(arg);
    mem_settle();
    return NULL;
}

/* The first one runs on the caller's thread. */
static enum err start_threads(struct gateway *g, struct buf *problem)
{
    int error = 0;

    g->threads = mem_zalloc(g->nworkers * sizeof *g->threads);
    for (size_t i = 1; i < g->nworkers && error == 0; i++) {
        error = torture_fails(TORTURE_THREAD)
                    ? EAGAIN
                    : pthread_create(&g->threads[i], NULL, thread_main, g->workers[i]);
        g->nthreads = error == 0 ? i : i - 1;
    }
    if (error == 0)
        return OK;
    buf_putf(problem, "cannot start a thread for each of %zu workers: %s (QUEQIAO_WORKERS)",
             g->nworkers, strerror(error));
    return E_SYSTEM;
}

static void join_threads(struct gateway *g)
{
    for (size_t i = 1; i <= g->nthreads; i++)
        pthread_join(g->threads[i], NULL);
    mem_free(g->threads);
}

enum err gateway_start(struct gateway *g, struct buf *problem)
{
    enum err err = start_threads(g, problem);

    if (err == OK)
        return OK;
    atomic_store(&g->draining, true);
    atomic_store(&g->hurry, true);
    for (size_t i = 1; i <= g->nthreads; i++)
        loop_post(g->workers[i]->loop, &g->workers[i]->drain);
    join_threads(g);
    return err;
}

void gateway_run(struct gateway *g)
{
    worker_run(g->workers[0]);
    join_threads(g);
}

bool gateway_close(struct gateway *g)
{
    if (!gateway_forget_reload(g))
        return false;
    for (size_t i = 0; i < g->nworkers; i++)
        worker_close(g->workers[i]);
    mem_free(g->workers);
    mem_free(g->metrics);
    settings_drop(g->settings);
    secret_fini(&g->made_up);
    tls_client_free(g->tls);
    tls_server_free(g->certificates);
    tls_client_free(g->fetch_tls);
    keys_free(g->keys);
    egresses_free(g->egresses);
    signatures_free(g->signatures);
    guard_free(g->guard);
    if (g->platform != NULL)
        pthread_mutex_destroy(&g->lock);
    return true;
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
        if (g->settings->config.drain_delay_ms > 0) {
            timer_start(&g->delay, g->settings->config.drain_delay_ms);
            return;
        }
    }
    drain_workers(g);
}
