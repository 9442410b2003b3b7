/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* demo_command.c - the emulated Gemini on a thread and a loop of its own. The gateway before it is
 * the ordinary one and knows no difference but the address. */
#include "app/demo_command.h"

#include "base/mem.h"
#include "demo/emulator.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdio.h>

#define DEMO_KEY   "emulated-gemini-key"
#define DEMO_TOKEN "demo"

struct demo {
    struct loop *loop;
    struct emulator *emulator;
    pthread_t thread;
    bool running;
    struct task stop;
};

static void *thread_main(void *arg)
{
    struct demo *d = arg;

    loop_run(d->loop);
    mem_settle();
    return NULL;
}

static void on_stop(struct task *t)
{
    struct demo *d = CONTAINER(t, struct demo, stop);

    emulator_close(d->emulator);
    loop_stop(d->loop);
}

static enum err set_options(struct config *c, uint16_t port, struct buf *problem)
{
    char url[64];
    enum err err;

    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    err = config_set(c, S("GEMINI_BASE_URL"), str_z(url), problem);
    if (err == OK)
        err = config_set(c, S("GEMINI_API_KEY"), S(DEMO_KEY), problem);
    if (err == OK)
        err = config_set(c, S("GEMINI_API_KEYS_FILE"), S(""), problem);
    if (err == OK && c->auth_tokens.n == 0)
        err = config_set(c, S("AUTH_TOKEN"), S(DEMO_TOKEN), problem);
    return err;
}

enum err demo_open(struct config *c, struct demo **ret, struct buf *problem)
{
    struct demo *d = mem_zalloc(sizeof *d);
    const struct emulator_opts opts = {.pace_ms = 30}; /* one sees it stream */
    const struct listen_opts listen = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct fault why = {0};
    uint16_t port = 0;
    enum err err;

    *ret = d;
    task_init(&d->stop, on_stop);
    d->loop = loop_new();
    d->emulator = emulator_new(d->loop, &opts);
    err = emulator_listen(d->emulator, &listen, &port, &why);
    if (err == OK)
        err = set_options(c, port, problem);
    else
        buf_putf(problem, "the emulation cannot listen on loopback: %s", why.what ? why.what : "");
    if (err == OK && pthread_create(&d->thread, NULL, thread_main, d) == 0)
        d->running = true;
    else if (err == OK) {
        buf_lit(problem, "no thread can be started for the emulation");
        err = E_SYSTEM;
    }
    return err;
}

void demo_greet(const struct gateway *g)
{
    const struct secret *token = &g->settings->tokens[0].secret;
    const char *s = g->certificates != NULL ? "s" : "";

    fprintf(
        stderr,
        "\nThis is a demo: answers come from an emulated Gemini inside this program, not from "
        "Google.\n这是演示：回答来自程序内置的模拟 Gemini，不是真正的 Google 服务。\n\n"
        "Try / 试一试:\n\n"
        "  curl -N http%s://127.0.0.1:%u/v1/chat/completions -H 'Authorization: Bearer %.*s' \\\n"
        "    -H 'Content-Type: application/json' \\\n"
        "    -d '{\"model\":\"gemini-3.8-flash\",\"stream\":true,"
        "\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]}'\n\n"
        "Base URL: http%s://127.0.0.1:%u/v1   API key: %.*s\n\n",
        s, (unsigned)g->addr.port, S_ARG(secret_str(token)), s, (unsigned)g->addr.port,
        S_ARG(secret_str(token)));
}

void demo_close(struct demo *d)
{
    if (d == NULL)
        return;
    if (d->running) {
        loop_post(d->loop, &d->stop);
        pthread_join(d->thread, NULL);
    } else {
        emulator_close(d->emulator);
    }
    loop_run(d->loop); /* what is being closed gets its turn */
    emulator_free(d->emulator);
    loop_free(d->loop);
    mem_free(d);
}
