/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gateway.c - from the options to open ports, and from a signal to the end. */
#include "app/gateway.h"

#include "app/base_url.h"
#include "app/credentials.h"
#include "app/platform.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
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
    o->auth.byok = c->byok;
    o->auth.anonymous = c->anonymous;
}

/* A listener on loopback with keys and no token makes one up and shows it, as notebooks do. */
static void settle_tokens(struct gateway *g)
{
    struct auth *a = &g->opts.auth;

    a->server_keys = keys_count(g->keys) > 0;
    if (a->server_keys && g->ntokens == 0 && !a->anonymous && platform_is_loopback(&g->addr)) {
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

enum err gateway_listen(struct gateway *g, struct buf *problem)
{
    struct listen_opts listen = {.addr = g->addr, .reuse_port = true, .fd = -1};
    struct fault why = {0};

    g->nworkers = g->config->workers ? (size_t)g->config->workers : platform_cores();
    g->workers = mem_zalloc(g->nworkers * sizeof *g->workers);
    listen.reuse_port = g->nworkers > 1;
    for (size_t i = 0; i < g->nworkers; i++) {
        uint16_t port = 0;
        enum err err = worker_open(g, &listen, &port, &g->workers[i], &why);

        if (err != OK) {
            buf_putf(problem, "cannot listen on %s port %u: %s (%s)", listen.addr.host,
                     (unsigned)listen.addr.port, strerror(errno), why.what ? why.what : "");
            return err;
        }
        listen.addr.port = g->addr.port = port;
    }
    g->main_loop = g->workers[0]->loop;
    settle_tokens(g);
    return OK;
}

enum err gateway_init(struct gateway *g, const struct config *c, bool emulation,
                      struct buf *problem)
{
    struct fault why = {0};
    enum err err;

    *g = (struct gateway){.config = c, .start_ms = clock_mono_ms()};
    err = platform_listen(c->listen, &g->addr, &why);
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
    credentials_free_tokens(g->tokens, g->ntokens);
    tls_client_free(g->tls);
    keys_free(g->keys);
    signatures_free(g->signatures);
}

void gateway_drain(struct gateway *g)
{
    atomic_store(&g->draining, true);
    for (size_t i = 0; i < g->nworkers; i++)
        loop_post(g->workers[i]->loop, &g->workers[i]->drain);
}

void gateway_reload(struct gateway *g)
{
    struct buf problem;

    buf_init(&problem, 1024);
    if (credentials_load_keys(g->config, g->keys, &problem) == OK)
        log_text(LOG_INFO, "reload", "%zu keys", keys_count(g->keys));
    else
        log_text(LOG_ERROR, "reload", "%.*s; the old keys stay", S_ARG(buf_str(&problem)));
    buf_fini(&problem);
}
