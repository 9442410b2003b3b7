/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* hooks.c - a row for each hook, and what it waits for before it answers. None of them changes
 * anything that a repetition would change again. */
#include "app/hooks.h"

#include "app/platform.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "http/client.h"
#include "http/server.h"
#include "proxy/reply.h"

enum {
    LOOK_MS = 10,
    WARM_MS = 2000, /* the first connection to upstream; without a network it never comes */
};

struct visit {
    struct worker *w;
    struct call *call;
    struct request_id id;
    const struct hook *hook;
    struct timer look;
    uint64_t until_ms;
    struct task free;
};

struct hook {
    const char *path;
    enum http_method method;
    void (*begin)(struct visit *v);      /* or NULL */
    bool (*done)(const struct visit *v); /* or NULL: at once */
    struct str status, says;
};

/* The instance may be frozen as soon as this is answered: what is worth having is had before. */
static void warm(struct visit *v)
{
    v->until_ms = loop_now_ms(v->w->loop) + WARM_MS;
    worker_warm(v->w->g);
}

static bool is_warm(const struct visit *v)
{
    return client_stats(v->w->client).connections > 0;
}

/* Running answers may finish; what still comes is served until the platform ends the process. */
static void prepare_to_stop(struct visit *v)
{
    atomic_store(&v->w->g->draining, true);
    v->until_ms = loop_now_ms(v->w->loop) + v->w->settings->config.drain_ms;
}

static bool is_quiet(const struct visit *v)
{
    return metrics_in_flight(v->w->g->metrics, v->w->g->nworkers) == 0;
}

static const struct hook HOOKS[] = {
    {"/initialize", HTTP_POST, warm,            is_warm,  S_INIT("ok"),      S_INIT("ready")           },
    {"/pre-stop",   HTTP_GET,  prepare_to_stop, is_quiet, S_INIT("ok"),
     S_INIT("every running answer has ended")                                                          },
    {"/pre-freeze", HTTP_GET,  NULL,            NULL,     S_INIT("ok"),      S_INIT("nothing to do")   },
    {"/invoke",     HTTP_POST, NULL,            NULL,     S_INIT("ignored"),
     S_INIT("An event has reached this function, but it serves HTTP: nothing was done with the "
            "event. Create an HTTP trigger and send OpenAI-format requests to its address, as "
            "POST /v1/chat/completions. "
            "函数收到了一个事件，但它只提供 HTTP 服务，事件未作任何处理。请创建 HTTP 触发器，"
            "并把 OpenAI 格式的请求发送到它的地址，例如 POST /v1/chat/completions。")},
};

static void free_task(struct task *t)
{
    mem_free(CONTAINER(t, struct visit, free));
}

static void leave(struct visit *v)
{
    timer_stop(&v->look);
    loop_defer(v->w->loop, &v->free);
}

static void answer(struct visit *v)
{
    struct jw j;
    struct buf out;

    buf_init(&out, 4096);
    jw_begin(&j, &out);
    jw_obj(&j, NULL);
    jw_str(&j, "status", v->hook->status);
    jw_str(&j, "message", v->hook->says);
    jw_end(&j);
    out.err = jw_end_all(&j);
    leave(v);
    reply_buf(&v->w->proxy, v->call, &v->id, 200, &out);
    buf_fini(&out);
}

static void look(struct visit *v)
{
    if (v->hook->done == NULL || v->hook->done(v) || loop_now_ms(v->w->loop) >= v->until_ms)
        answer(v);
    else
        timer_start(&v->look, LOOK_MS);
}

static void on_look(struct timer *t)
{
    look(CONTAINER(t, struct visit, look));
}

/* An event is read to its end: a connection of the platform's is never closed. */
static void on_body(void *owner, char *body, size_t n)
{
    (void)body, (void)n;
    look(owner);
}

static void on_gone(void *owner)
{
    leave(owner);
}

static void take(struct worker *w, struct call *c, const struct request_id *id,
                 const struct hook *hook)
{
    static const struct call_events on = {.on_body = on_body, .on_gone = on_gone};
    struct visit *v = mem_zalloc(sizeof *v);

    v->w = w;
    v->call = c;
    v->id = *id;
    v->hook = hook;
    timer_init(&v->look, w->loop, on_look);
    task_init(&v->free, free_task);
    call_bind(c, &on, v);
    if (hook->begin != NULL)
        hook->begin(v);
    if (hook->method == HTTP_POST)
        call_skip_body(c);
    else
        look(v);
}

bool hooks_take(struct worker *w, struct call *c, const struct request_id *id)
{
    struct str control = http_header_get(call_headers(c), S("x-fc-control-path"));
    struct str path = call_path(c);

    if (!w->g->platform->hooks || (control.n > 0 && !str_eq(control, path)))
        return false;
    for (size_t i = 0; i < NELEM(HOOKS); i++)
        if (str_eq(path, str_z(HOOKS[i].path)) && call_method(c) == HOOKS[i].method) {
            take(w, c, id, &HOOKS[i]);
            return true;
        }
    return false;
}
