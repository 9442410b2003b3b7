/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* reload.c - SIGHUP: everything is read and judged first, then all of it takes the place of the
 * old. Reading happens on a thread of its own, so that no slow disk holds up an event loop; it
 * touches nothing but what it makes. What begins after that is served by it within one turn of each
 * worker's loop; what is running ends by the settings that it began with.
 *
 *   SIGHUP --> preparing --post--> refused, or published --each worker has taken it--> reported */
#include "app/certificates.h"
#include "app/credentials.h"
#include "app/gateway.h"
#include "app/notify.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/torture.h"

#include <errno.h>
#include <time.h>

enum { SLOW_MS = 5000, LAST_LOOKS = 100, LOOK_NS = 10 * 1000 * 1000 };

struct reload {
    struct gateway *g;
    struct settings *fresh;
    struct tls_server *tls;
    struct buf problem;
    enum err err;
    pthread_t thread;
    uint64_t begun_ms;
    bool again; /* another SIGHUP came meanwhile */
    bool tortured;
    struct task done;
};

/* What can fail is here, and changes nothing. Of the gateway only what stays as it is, and the
 * settings, which nobody else replaces meanwhile. */
static void *prepare(void *arg)
{
    struct reload *r = arg;
    const struct gateway *g = r->g;

    torture_here(r->tortured);
    r->err = settings_reread(r->fresh, g->settings, g->platform, &r->problem);
    if (r->err == OK)
        r->err = settings_settle(r->fresh, g->platform, g->emulation, &r->problem);
    if (r->err == OK)
        r->err = certificates_load(&r->fresh->config, &r->tls, &r->problem);
    if (r->err == OK)
        r->err = credentials_init(&r->fresh->credentials, &r->fresh->config, &r->fresh->opts.origin,
                                  &r->problem);
    loop_post(g->main_loop, &r->done);
    mem_settle();
    return NULL;
}

/* Between plain and TLS the listeners would have to change. */
static void take_certificates(struct gateway *g, struct reload *r)
{
    struct settings *fresh = r->fresh;
    struct tls_server *tls = r->tls;

    r->tls = NULL;
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

static void reload_free(struct reload *r)
{
    settings_drop(r->fresh);
    tls_server_free(r->tls);
    buf_fini(&r->problem);
    mem_free(r);
}

static void on_prepared(struct task *t)
{
    struct reload *r = CONTAINER(t, struct reload, done);
    struct gateway *g = r->g;
    bool again = r->again;

    pthread_join(r->thread, NULL);
    g->reload = NULL;
    if (r->err == OK && !g->stopping) {
        take_certificates(g, r);
        credentials_publish(&r->fresh->credentials, g->keys, g->egresses);
        publish(g, r->fresh);
    } else if (!g->stopping) {
        log_text(LOG_ERROR, "reload", "refused, everything stays as it was: %.*s",
                 S_ARG(r->problem.n > 0 ? buf_str(&r->problem) : S("out of memory")));
        notify_say("READY=1");
    }
    reload_free(r);
    if (again)
        gateway_reload(g);
}

void gateway_reload(struct gateway *g)
{
    struct reload *r;

    if (g->stopping)
        return;
    if (g->reload != NULL) {
        g->reload->again = true;
        if (clock_mono_ms() - g->reload->begun_ms > SLOW_MS)
            log_text(LOG_WARN, "reload",
                     "the one before still waits for a file that does not answer");
        return;
    }
    notify_say("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(clock_mono_ns() / 1000U));
    r = mem_zalloc(sizeof *r);
    r->g = g;
    r->tortured = torture_is_here();
    r->begun_ms = clock_mono_ms();
    r->fresh = settings_new();
    buf_init(&r->problem, 1024);
    task_init(&r->done, on_prepared);
    if (!torture_fails(TORTURE_THREAD) && pthread_create(&r->thread, NULL, prepare, r) == 0) {
        g->reload = r;
        return;
    }
    log_text(LOG_ERROR, "reload", "refused, everything stays as it was: no thread can be started");
    notify_say("READY=1");
    reload_free(r);
}

bool gateway_forget_reload(struct gateway *g)
{
    int error = EBUSY;

    if (g->reload == NULL)
        return true;
    for (int i = 0; i < LAST_LOOKS && error == EBUSY; i++) {
        error = pthread_tryjoin_np(g->reload->thread, NULL);
        if (error == EBUSY)
            nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    if (error != 0)
        return false;
    task_cancel(&g->reload->done); /* the loops have ended */
    reload_free(g->reload);
    g->reload = NULL;
    return true;
}
