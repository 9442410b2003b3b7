/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* routes.c - which request goes where. A row for each endpoint; paths are understood by
 * proxy/target.c, so each stands here once, without a version. */
#include "app/worker.h"

#include "app/doctor_page.h"
#include "app/health.h"
#include "app/hooks.h"
#include "app/metrics_page.h"
#include "app/platform.h"
#include "dialect/list.h"
#include "guard/guard.h"
#include "http/server.h"
#include "proxy/exchange.h"
#include "proxy/model_list.h"
#include "proxy/reply.h"
#include "proxy/target.h"

#include <stdio.h>

enum { BUSY_S = 1 }; /* after which a client over its limit may ask again */

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
    exchange_start(&v->w->proxy, v->call, &OPENAI_CHAT, &v->pass, &v->id);
}

static void models(struct visit *v)
{
    model_list_start(&v->w->proxy, v->call, &v->pass, &v->id, S(""));
}

static void one_model(struct visit *v)
{
    model_list_start(&v->w->proxy, v->call, &v->pass, &v->id, target_rest(&v->target, 1, v->arena));
}

static void health(struct visit *v)
{
    health_reply(v->w, v->call, &v->id);
}

static void ready(struct visit *v)
{
    health_reply_ready(v->w, v->call, &v->id);
}

static void metrics(struct visit *v)
{
    metrics_page(v->w, v->call, &v->id);
}

static void doctor(struct visit *v)
{
    doctor_page(v->w, v->call, &v->id);
}

static void doctor_form(struct visit *v)
{
    doctor_page_post(v->w, v->call, &v->id);
}

static void doctor_stream(struct visit *v)
{
    doctor_page_stream(v->w, v->call, &v->id);
}

static void doctor_style(struct visit *v)
{
    doctor_page_style(v->w, v->call, &v->id);
}

enum { GET = 1 << HTTP_GET | 1 << HTTP_HEAD, POST = 1 << HTTP_POST };

/* Who may come: anybody; who has a key; who has one of our tokens. */
enum access { OPEN, CLIENT, OPERATOR };

static const struct route {
    const char *path[2]; /* segments; `*`: one or more of whatever; NULL: none */
    unsigned methods;
    enum access access;
    route_f *go;
} ROUTES[] = {
    {{"chat", "completions"}, POST,       CLIENT,   chat         }, /* first: nearly every request */
    {{NULL, NULL},            GET,        OPEN,     health       },
    {{"health", NULL},        GET,        OPEN,     health       },
    {{"healthz", NULL},       GET,        OPEN,     health       },
    {{"livez", NULL},         GET,        OPEN,     health       },
    {{"readyz", NULL},        GET,        OPEN,     ready        },
    {{"metrics", NULL},       GET,        OPERATOR, metrics      },
    {{"doctor", NULL},        GET,        OPERATOR, doctor       },
    {{"doctor", NULL},        POST,       OPEN,     doctor_form  }, /* the token is in its body */
    {{"doctor", "stream"},    GET,        OPERATOR, doctor_stream},
    {{"doctor", "style.css"}, GET,        OPEN,     doctor_style },
    {{"models", NULL},        GET | POST, CLIENT,   models       },
    {{"models", "*"},         GET,        CLIENT,   one_model    },
};

static bool matches(const struct route *r, const struct target *t)
{
    for (size_t i = 0; i < NELEM(r->path); i++) {
        if (r->path[i] == NULL)
            return t->n == i;
        if (r->path[i][0] == '*')
            return t->n > i;
        if (!target_is(t, i, r->path[i]))
            return false;
    }
    return t->n == NELEM(r->path);
}

static bool takes(const struct route *r, enum http_method m)
{
    return (r->methods & 1U << m) != 0;
}

/* The row for path and method; one for the path alone when there is none. */
static const struct route *find_route(const struct target *t, enum http_method m)
{
    const struct route *found = NULL;

    for (size_t i = 0; i < NELEM(ROUTES) && (found == NULL || !takes(found, m)); i++)
        if (matches(&ROUTES[i], t))
            found = &ROUTES[i];
    return found;
}

/* Of all rows for the path. */
static unsigned methods_of(const struct target *t)
{
    unsigned methods = 0;

    for (size_t i = 0; i < NELEM(ROUTES); i++)
        methods |= matches(&ROUTES[i], t) ? ROUTES[i].methods : 0;
    return methods;
}

static void refuse_later(struct visit *v, enum gm_cause cause, struct str what, uint32_t wait_s)
{
    struct gm_error e;

    gm_error_make(&e, cause, what);
    e.retry_after_s = wait_s;
    reply_log(&v->id, v->call, e.client_status);
    reply_error(&v->w->proxy, v->call, &v->id, &OPENAI_CHAT, &e);
}

static void refuse_with(struct visit *v, enum gm_cause cause, struct str what)
{
    refuse_later(v, cause, what, 0);
}

static void wrong_method(struct visit *v, unsigned methods)
{
    static const char *const ALLOW[] = {"OPTIONS", "GET, HEAD, OPTIONS", "POST, OPTIONS",
                                        "GET, HEAD, POST, OPTIONS"};
    unsigned takes = (methods & GET ? 1U : 0U) | (methods & POST ? 2U : 0U);
    static const char *const WORDS[] = {"this endpoint does not take that method",
                                        "this endpoint takes GET", "this endpoint takes POST",
                                        "this endpoint takes GET and POST"};
    struct gm_error e;

    gm_error_make(&e, GM_METHOD, str_z(WORDS[takes]));
    reply_log(&v->id, v->call, e.client_status);
    reply_not_allowed(&v->w->proxy, v->call, &v->id, &OPENAI_CHAT, &e, str_z(ALLOW[takes]));
}

static void not_found(struct visit *v)
{
    char text[1024];

    snprintf(
        text, sizeof text,
        "There is no endpoint %.*s here. This server has POST /v1/chat/completions, "
        "GET and POST /v1/models, GET /v1/models/{id} and GET /health: set the client to "
        "OpenAI's Chat Completions, with the base URL ending in /v1. "
        "没有这个接口：请把客户端设为 OpenAI（Chat Completions）兼容类型，base URL 以 /v1 结尾。",
        S_ARG(str_sub(call_path(v->call), 0, 200)));
    refuse_with(v, GM_NOT_FOUND, str_z(text));
}

/* models/ID:generateContent: Gemini's own API, which is not served. */
static bool names_gemini_method(const struct target *t)
{
    return t->n > 1 && str_find(t->v[t->n - 1], S(":")) < t->v[t->n - 1].n;
}

/* LIM-15: a credential that does not let in. Not where nobody can come in, nor where two came. */
static bool is_guess(const struct auth_pass *pass)
{
    return pass->credential.n > 0 && pass->verdict != AUTH_TWO && pass->verdict != AUTH_CLOSED;
}

static bool let_in(struct visit *v, enum access access)
{
    const struct auth *a = &v->w->proxy.opts->auth;
    struct str refusal;
    uint32_t wait_s;

    v->pass =
        auth_check(a, call_headers(v->call), call_query(v->call), v->arena, call_memo(v->call));
    refusal = auth_refusal(v->pass.verdict);
    if (access == OPERATOR && v->pass.verdict != AUTH_TWO && !auth_is_operator(&v->pass))
        refusal = S("This page is for the operator: send one of the server's AUTH_TOKEN values. "
                    "此页面仅供管理者使用，请带上服务器的 AUTH_TOKEN。");
    if (refusal.n == 0)
        return true;
    wait_s = is_guess(&v->pass)
                 ? guard_failed(v->w->g->guard, call_network(v->call), loop_now_ms(v->w->loop))
                 : 0;
    if (wait_s > 0) {
        refuse_later(v, GM_RATE,
                     S("Too many requests with a wrong API key came from your address. "
                       "来自你的地址的错误 API key 请求过多。"),
                     wait_s);
        return false;
    }
    if (access == OPERATOR && target_is(&v->target, 0, "doctor") && doctor_page_wanted(v->call)) {
        doctor_page_login(v->w, v->call, &v->id);
        return false;
    }
    refuse_with(v, v->pass.verdict == AUTH_TWO ? GM_BAD_REQUEST : GM_UNAUTHORIZED, refusal);
    return false;
}

static void on_over(void *guard, void *seat)
{
    guard_rise(guard, seat);
}

/* LIM-16: one client does not take all there is. Who came without a credential is not told apart,
 * and the operator is not kept from looking. */
static bool seated(struct visit *v)
{
    struct guard *g = v->w->g->guard;
    struct guard_seat *seat;

    if (v->pass.credential.n == 0)
        return true;
    seat = guard_sit(g, &v->pass.id, v->pass.requests);
    if (seat == NULL) {
        refuse_later(v, GM_RATE,
                     S("Too many requests with this API key are being answered at once. "
                       "使用这个 API key 的并发请求过多。"),
                     BUSY_S);
        return false;
    }
    call_at_end(v->call, on_over, g, seat);
    return true;
}

static void dispatch(struct visit *v)
{
    const struct route *r;

    if (call_method(v->call) == HTTP_OPTIONS) {
        reply_options(&v->w->proxy, v->call, &v->id);
        return;
    }
    if (target_parse(call_path(v->call), v->arena, &v->target) != OK) {
        refuse_with(v, GM_BAD_REQUEST, S("the path of this request is malformed"));
        return;
    }
    r = find_route(&v->target, call_method(v->call));
    if (r == NULL) {
        not_found(v);
        return;
    }
    if (!takes(r, call_method(v->call)) && names_gemini_method(&v->target)) {
        not_found(v);
        return;
    }
    if (!takes(r, call_method(v->call))) {
        wrong_method(v, methods_of(&v->target));
        return;
    }
    if (r->access == OPEN || (let_in(v, r->access) && (r->access == OPERATOR || seated(v))))
        r->go(v);
}

static void on_head(void *ctx, struct call *call)
{
    struct worker *w = ctx;
    struct arena arena;
    UNINITIALIZED struct visit v;

    v.w = w;
    v.call = call;
    v.arena = &arena;
    v.target.n = 0;
    v.pass = (struct auth_pass){.credential = S("")};
    v.id = request_id_new(w->proxy.opts, call);
    if (hooks_take(w, call, &v.id))
        return;
    arena_init(&arena, 64 * 1024);
    dispatch(&v);
    arena_fini(&arena);
}

static bool is_about_size(int status)
{
    return status == 413 || status == 414 || status == 431;
}

static enum gm_cause refusal_cause(int status)
{
    switch (status) {
    case 405: return GM_METHOD;
    case 413: return GM_TOO_LARGE;
    case 503: return GM_BUSY;
    case 400:
    case 415:
    case 417: return GM_BAD_REQUEST;
    default: return GM_OUR_LIMIT;
    }
}

/* The server's own refusals, in the same shape as every other error. Where the platform has limits
 * of its own, they are told too. */
static void refuse(void *ctx, const struct refusal *r, struct buf *out)
{
    const struct worker *w = ctx;
    struct gm_error e;
    char text[512];

    snprintf(text, sizeof text, "%s.%s", r->what,
             is_about_size(r->status) ? w->g->platform->limits : "");
    gm_error_make(&e, refusal_cause(r->status), str_z(text));
    e.client_status = r->status;
    OPENAI_CHAT.error(&e, out);
}

static struct http_headers refuse_fields(void *ctx, struct call *call)
{
    struct worker *w = ctx;

    w->refused = request_id_new(w->proxy.opts, call);
    reply_begin(&w->refusal, w->proxy.opts, call, &w->refused);
    return reply_fields(&w->refusal);
}

/* Read by pages that have waited: CORS, what the doctor prints and what it looks at. */
static const struct str KEPT[] = {S_INIT("origin"), S_INIT("accept"), S_INIT("accept-language"),
                                  S_INIT("x-fc-function-timeout")};

const struct server_handler ROUTES_HANDLER = {.kept = KEPT,
                                              .nkept = NELEM(KEPT),
                                              .on_head = on_head,
                                              .refuse = refuse,
                                              .refuse_fields = refuse_fields};
