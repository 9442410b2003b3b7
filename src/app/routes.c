/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* routes.c - which request goes where. A row for each endpoint; paths are understood by
 * proxy/target.c, so each stands here once, without a version. */
#include "app/worker.h"

#include "app/health.h"
#include "dialect/list.h"
#include "http/server.h"
#include "proxy/exchange.h"
#include "proxy/model_list.h"
#include "proxy/reply.h"
#include "proxy/target.h"

#include <stdio.h>

struct visit {
    struct worker *w;
    struct call *call;
    struct arena *arena; /* for the length of the dispatch */
    struct target target;
    struct auth_pass pass;
    struct request_id id;
};
typedef void route_f(struct visit *v);

static void chat(struct visit *v)
{
    exchange_start(&v->w->proxy, v->call, &OPENAI_CHAT, &v->pass);
}

static void models(struct visit *v)
{
    model_list_start(&v->w->proxy, v->call, &v->pass, S(""));
}

static void one_model(struct visit *v)
{
    model_list_start(&v->w->proxy, v->call, &v->pass, target_rest(&v->target, 1, v->arena));
}

static void health(struct visit *v)
{
    health_reply(v->w, v->call, &v->id);
}

enum { GET = 1 << HTTP_GET | 1 << HTTP_HEAD, POST = 1 << HTTP_POST };

static const struct route {
    const char *path; /* `*`: one segment or more */
    unsigned methods;
    bool open; /* needs no credential */
    route_f *go;
} ROUTES[] = {
    {"",                 GET,        true,  health   },
    {"health",           GET,        true,  health   },
    {"healthz",          GET,        true,  health   },
    {"chat/completions", POST,       false, chat     },
    {"models",           GET | POST, false, models   },
    {"models/*",         GET,        false, one_model},
};

static bool matches(const struct route *r, const struct target *t)
{
    struct str path = str_z(r->path);
    size_t at = 0;

    while (path.n > 0) {
        struct str segment = str_cut(&path, '/');

        if (str_eq(segment, S("*")))
            return at < t->n;
        if (at == t->n || !str_eq(t->v[at], segment))
            return false;
        at++;
    }
    return at == t->n;
}

static const struct route *find_route(const struct target *t)
{
    for (size_t i = 0; i < NELEM(ROUTES); i++)
        if (matches(&ROUTES[i], t))
            return &ROUTES[i];
    return NULL;
}

static void refuse_with(struct visit *v, enum gm_cause cause, struct str what)
{
    struct gm_error e;

    gm_error_make(&e, cause, what);
    reply_error(&v->w->proxy, v->call, &v->id, &OPENAI_CHAT, &e);
}

static void not_found(struct visit *v)
{
    char text[512];

    snprintf(text, sizeof text,
             "There is no endpoint %.*s here. This server has POST /v1/chat/completions, "
             "GET and POST /v1/models, GET /v1/models/{id} and GET /health.",
             S_ARG(str_sub(call_path(v->call), 0, 200)));
    refuse_with(v, GM_NOT_FOUND, str_z(text));
}

static void dispatch(struct visit *v)
{
    const struct route *r;
    struct str refusal;

    if (call_method(v->call) == HTTP_OPTIONS) {
        reply_options(&v->w->proxy, v->call, &v->id);
        return;
    }
    if (target_parse(call_path(v->call), v->arena, &v->target) != OK) {
        refuse_with(v, GM_BAD_REQUEST, S("the path of this request is malformed"));
        return;
    }
    r = find_route(&v->target);
    if (r == NULL) {
        not_found(v);
        return;
    }
    if (!(r->methods & 1U << call_method(v->call))) {
        refuse_with(v, GM_METHOD, S("this endpoint does not take that method"));
        return;
    }
    if (!r->open) {
        v->pass = auth_check(&v->w->proxy.opts->auth, call_headers(v->call), call_query(v->call),
                             v->arena);
        refusal = auth_refusal(v->pass.verdict);
        if (refusal.n > 0) {
            refuse_with(v, v->pass.verdict == AUTH_TWO ? GM_BAD_REQUEST : GM_UNAUTHORIZED, refusal);
            return;
        }
    }
    r->go(v);
}

static void on_head(void *ctx, struct call *call)
{
    struct arena arena;
    struct visit v = {.w = ctx, .call = call, .arena = &arena, .id = request_id_new()};

    arena_init(&arena, 64 * 1024);
    dispatch(&v);
    arena_fini(&arena);
}

/* The server's own refusals, in the same shape as every other error. */
static void refuse(void *ctx, const struct refusal *r, struct buf *out)
{
    struct gm_error e;

    (void)ctx;
    gm_error_make(&e, r->status == 503 ? GM_BUSY : GM_OUR_LIMIT, str_z(r->what));
    e.client_status = r->status;
    OPENAI_CHAT.error(&e, out);
}

const struct server_handler ROUTES_HANDLER = {.on_head = on_head, .refuse = refuse};
