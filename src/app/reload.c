/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* reload.c - SIGHUP: everything is read and judged first, then all of it takes the place of the
 * old. What begins after that is served by it within one turn of each worker's loop; what is
 * running ends by the settings that it began with. */
#include "app/certificates.h"
#include "app/credentials.h"
#include "app/gateway.h"
#include "app/notify.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* What can fail is here, and nothing is changed before the last of it has gone well. */
static enum err prepare(struct gateway *g, struct settings *fresh, struct tls_server **ret_tls,
                        struct buf *problem)
{
    enum err err = settings_reread(fresh, g->settings, g->platform, problem);

    if (err == OK)
        err = settings_settle(fresh, g->platform, g->emulation, problem);
    if (err == OK)
        err = certificates_load(&fresh->config, ret_tls, problem);
    if (err == OK)
        err = credentials_load_keys(&fresh->config, &fresh->opts.origin, g->keys, g->egresses,
                                    problem);
    return err;
}

/* Between plain and TLS the listeners would have to change. */
static void take_certificates(struct gateway *g, struct settings *fresh, struct tls_server *tls)
{
    if (g->certificates != NULL && tls != NULL) {
        tls_server_take(g->certificates, tls);
        certificates_warn(&fresh->config, g->certificates);
        return;
    }
    if (g->certificates != tls)
        buf_putf(&fresh->fixed, "%sQUEQIAO_TLS_CERT", fresh->fixed.n ? ", " : "");
    tls_server_free(tls);
}

static void publish(struct gateway *g, struct settings *fresh)
{
    struct settings *old = g->settings;
    struct guard_limits limits = gateway_guard_limits(&fresh->config);

    gateway_settle_auth(g, fresh);
    mem_set_budget((size_t)fresh->config.memory_budget);
    guard_set_limits(g->guard, &limits);
    settings_set_log(fresh);
    gateway_say_ways(g);
    pthread_mutex_lock(&g->lock);
    g->settings = settings_hold(fresh);
    pthread_mutex_unlock(&g->lock);
    settings_drop(old);
    for (size_t i = 0; i < g->nworkers; i++)
        loop_post(g->workers[i]->loop, &g->workers[i]->reload);
}

/* The line comes when every worker serves by what it tells of. */
void gateway_reloaded(struct task *t)
{
    struct gateway *g = CONTAINER(t, struct gateway, reloaded);
    const struct settings *s = g->settings;

    if (s->number == g->reported)
        return;
    for (size_t i = 0; i < g->nworkers; i++)
        if (atomic_load(&g->workers[i]->number) != s->number)
            return;
    g->reported = s->number;
    log_text(LOG_INFO, "reload", "%zu key%s, %zu token%s%s%.*s", keys_count(g->keys),
             keys_count(g->keys) == 1 ? "" : "s", s->ntokens, s->ntokens == 1 ? "" : "s",
             s->fixed.n ? "; takes effect after a restart: " : "", S_ARG(buf_str(&s->fixed)));
    notify_say("READY=1");
}

void gateway_reload(struct gateway *g)
{
    struct settings *fresh;
    struct tls_server *tls = NULL;
    struct buf problem;

    if (g->stopping)
        return;
    fresh = settings_new();
    buf_init(&problem, 1024);
    notify_say("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(clock_mono_ns() / 1000U));
    if (prepare(g, fresh, &tls, &problem) == OK) {
        take_certificates(g, fresh, tls);
        publish(g, fresh);
    } else {
        tls_server_free(tls);
        log_text(LOG_ERROR, "reload", "refused, everything stays as it was: %.*s",
                 S_ARG(buf_str(&problem)));
        notify_say("READY=1");
    }
    settings_drop(fresh);
    buf_fini(&problem);
}
