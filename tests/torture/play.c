/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* play.c - starts, asks and ends the product without a process around it. */
#include "play.h"

#include "../unit/test_certs.h"
#include "app/platform.h"
#include "app/worker.h"
#include "base/mem.h"
#include "base/torture.h"
#include "demo/emulator.h"
#include "http/client.h"
#include "http/server.h"
#include "net/listen.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------ emulated Gemini */

static void in_dir(const struct play *p, const char *name, char ret[96])
{
    assert_true(snprintf(ret, 96, "%s/%s", p->dir, name) < 96);
}

static struct str text_of(const char *file, char text[4096])
{
    FILE *f = fopen(file, "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, 4096, f);
    fclose(f);
    return str_of(text, n);
}

static bool front_has_tls(enum front f)
{
    return f == FRONT_TLS_H1 || f == FRONT_TLS_H2;
}

static void make_certificate(struct play *p)
{
    static const struct cert_spec root = {
        .cn = "torture", .ca = true, .from_s = -86400, .to_s = 86400};
    static const struct cert_spec host = {
        .cn = "host", .san = "DNS:localhost,IP:127.0.0.1", .from_s = -86400, .to_s = 86400};
    struct cert ca = cert_make(&root, NULL), c = cert_make(&host, &ca);
    struct fault why = {0};
    char ca_file[96], cert_file[96], key_file[96], cert_text[4096], key_text[4096];
    struct tls_pair pair;

    in_dir(p, "ca.pem", ca_file);
    in_dir(p, "cert.pem", cert_file);
    in_dir(p, "key.pem", key_file);
    cert_write(&ca, ca_file, NULL);
    cert_write(&c, cert_file, key_file);
    chmod(key_file, 0600);
    cert_free(&c);
    cert_free(&ca);
    if (front_has_tls(p->front))
        link_trust(ca_file);
    if (p->upstream != UPSTREAM_TLS)
        return;
    pair = (struct tls_pair){text_of(cert_file, cert_text), text_of(key_file, key_text)};
    assert_int_equal(tls_server_new(&pair, 1, true, &p->tls, &why), OK);
}

static void *emulate(void *arg)
{
    loop_run(arg);
    mem_settle();
    return NULL;
}

static void write_file(struct play *p, const char *file, const char *text)
{
    char name[96];
    FILE *f;

    in_dir(p, file, name);
    f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(name, 0600);
}

void play_open(struct play *p, enum upstream u, enum front front)
{
    static const struct emulator_opts opts = {.pace_ms = 0};
    struct listen_opts listen = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct fault why = {0};

    *p = (struct play){.upstream = u, .front = front, .dir = "/tmp/queqiao-torture-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    write_file(p, "keys", "torture-key-0123456789\n");
    write_file(p, "config.json", "{\"AUTH_TOKEN\": \"torture-token\"}\n");
    p->emu_loop = loop_new();
    if (u == UPSTREAM_TLS || front_has_tls(front))
        make_certificate(p);
    listen.tls = p->tls;
    p->emulator = emulator_new(p->emu_loop, &opts);
    assert_int_equal(emulator_listen(p->emulator, &listen, &p->emu_port, &why), OK);
    assert_int_equal(pthread_create(&p->emu_thread, NULL, emulate, p->emu_loop), 0);
    sem_init(&p->told, 0, 0);
}

static void on_emu_stop(struct task *t)
{
    struct play *p = CONTAINER(t, struct play, emu_stop);

    emulator_close(p->emulator);
    loop_stop(p->emu_loop);
}

void play_close(struct play *p)
{
    static const char *const files[] = {"keys", "config.json", "ca.pem", "cert.pem", "key.pem"};

    task_init(&p->emu_stop, on_emu_stop);
    loop_post(p->emu_loop, &p->emu_stop);
    pthread_join(p->emu_thread, NULL);
    loop_run(p->emu_loop);
    emulator_free(p->emulator);
    loop_free(p->emu_loop);
    tls_server_free(p->tls);
    link_trust(NULL);
    sem_destroy(&p->told);
    for (size_t i = 0; i < NELEM(files); i++) {
        char name[96];

        in_dir(p, files[i], name);
        unlink(name);
    }
    rmdir(p->dir);
}

/* --------------------------------------------------------------------------------- the product */

/* The path of a file where it is for this play, or as if it had never been set. */
static void set_file(const struct play *p, const char *variable, const char *file, bool set)
{
    char name[96];

    in_dir(p, file, name);
    if (set)
        setenv(variable, name, 1);
    else
        unsetenv(variable);
}

static void set_environment(const struct play *p)
{
    char url[64];

    snprintf(url, sizeof url, "%s://127.0.0.1:%u", p->tls != NULL ? "https" : "http",
             (unsigned)p->emu_port);
    setenv("GEMINI_BASE_URL", url, 1);
    set_file(p, "GEMINI_API_KEYS_FILE", "keys", true);
    set_file(p, "QUEQIAO_CONFIG", "config.json", true);
    set_file(p, "SSL_CERT_FILE", "ca.pem", p->tls != NULL);
    set_file(p, "QUEQIAO_TLS_CERT", "cert.pem", front_has_tls(p->front));
    set_file(p, "QUEQIAO_TLS_KEY", "key.pem", front_has_tls(p->front));
    setenv("QUEQIAO_LISTEN", "127.0.0.1:0", 1);
    setenv("QUEQIAO_WORKERS", "1", 1);
    setenv("QUEQIAO_DRAIN_TIMEOUT", "200ms", 1);
    setenv("QUEQIAO_ATTEMPTS", "2", 1); /* there is a pause before each */
    setenv("QUEQIAO_LOG_LEVEL", "error", 1);
}

static enum err start(struct play *p)
{
    enum err err = settings_read(p->settings, &p->platform, &p->problem);

    if (err == OK)
        settings_set_log(p->settings);
    if (err == OK)
        err = gateway_init(&p->g, p->settings, p->platform, false, &p->problem);
    if (err == OK)
        err = gateway_listen(&p->g, &p->problem);
    if (err == OK)
        err = gateway_start(&p->g, &p->problem);
    return err;
}

static void *serve(void *arg)
{
    struct play *p = arg;

    torture_here(true);
    p->started = start(p);
    p->port = p->g.addr.port;
    sem_post(&p->told);
    if (p->started == OK)
        gateway_run(&p->g);
    assert_true(gateway_close(&p->g)); /* and the settings with it */
    mem_settle();
    return NULL;
}

enum err play_start(struct play *p)
{
    p->settings = settings_new();
    p->g = (struct gateway){.settings = p->settings};
    buf_init(&p->problem, 4096);
    set_environment(p);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
    sem_wait(&p->told);
    return p->started;
}

bool play_ended(struct play *p, int within_ms)
{
    struct timespec until;
    bool ended;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += within_ms / 1000;
    ended = pthread_timedjoin_np(p->thread, NULL, &until) == 0;
    if (ended)
        buf_fini(&p->problem);
    return ended;
}

/* What is done on the product's own thread, between its turns. */
struct errand {
    struct task task;
    struct play *p;
    void (*run)(struct play *p, struct rest *ret);
    struct rest rest;
};

static void on_errand(struct task *t)
{
    struct errand *e = CONTAINER(t, struct errand, task);

    e->run(e->p, &e->rest);
    sem_post(&e->p->told);
}

static struct rest send_errand(struct play *p, void (*run)(struct play *, struct rest *))
{
    struct errand e = {.p = p, .run = run};

    task_init(&e.task, on_errand);
    loop_post(p->g.main_loop, &e.task);
    sem_wait(&p->told);
    return e.rest;
}

static void drain(struct play *p, struct rest *ret)
{
    (void)ret;
    gateway_drain(&p->g);
}

void play_drain(struct play *p)
{
    send_errand(p, drain);
}

static void reload(struct play *p, struct rest *ret)
{
    (void)ret;
    gateway_reload(&p->g);
}

/* Files are read by a thread of its own, which must have come to its end before another call is
 * made to fail. */
void play_reload(struct play *p)
{
    static const struct timespec moment = {.tv_nsec = 500000};

    send_errand(p, reload);
    while (play_rest(p).reloading)
        nanosleep(&moment, NULL);
}

static void forget(struct play *p, struct rest *ret)
{
    (void)ret;
    client_drop_idle(p->g.workers[0]->client);
}

void play_forget_upstream(struct play *p)
{
    send_errand(p, forget);
}

static void count(struct play *p, struct rest *ret)
{
    const struct worker *w = p->g.workers[0];
    struct client_stats s = client_stats(w->client);

    ret->calls = server_calls(w->server);
    ret->connections = server_connections(w->server);
    ret->upstream_connections = s.connections;
    ret->upstream_streams = s.streams + s.waiting;
    ret->reloading = p->g.reload != NULL;
}

struct rest play_rest(struct play *p)
{
    return send_errand(p, count);
}

bool play_quiet(struct play *p)
{
    static const struct timespec moment = {.tv_nsec = 500000};

    for (int i = 0; i < 20000; i++) {
        struct rest r = play_rest(p);

        if (r.calls + r.connections + r.upstream_streams == 0)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}
