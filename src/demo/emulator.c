/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* emulator.c - the door: takes calls, asks for their credentials, and shows them where to go. */
#include "demo/emulator.h"
#include "base/mem.h"
#include "demo/answer.h"
#include "demo/control.h"
#include "demo/credential.h"
#include "http/server.h"

enum {
    VISIT_MEMORY_MAX = 512 << 20,
    LIST_MAX = 1 << 20,
    BODY_MAX = 100 << 20, /* Google's limit for a request with inline data */
};

struct emulator {
    struct emu_house house;
    struct server *server;
    char *keys;
    bool control;
};

static const char NOWHERE[] =
    "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not "
    "Found)!!1</title>\n  <p><b>404.</b> <ins>That's an error.</ins>\n  <p>The requested URL was "
    "not found on this server.  <ins>That's all we know.</ins>\n";

/* Calls that are answered at once have nobody to tell. */
static void ignore_body(void *owner, char *body, size_t n)
{
    (void)owner;
    (void)body;
    (void)n;
}
static void ignore(void *owner)
{
    (void)owner;
}
static const struct call_events NO_EVENTS = {ignore_body, ignore, ignore};

static void reply_problem(struct call *call, const struct emu_problem *p, bool compact)
{
    struct buf body;

    buf_init(&body, LIST_MAX);
    emu_problem_write(p, &body);
    emu_reply(call, p->http, buf_str(&body), compact);
    buf_fini(&body);
}

/* Page tokens are made by emu_catalog_list: "Ch" and how many models came before. */
static void reply_list(struct call *call, const struct emu_route *r, struct emu_problem *p)
{
    struct buf body;
    uint64_t from = 0;

    if (r->page_token.n > 0 && (!str_starts(r->page_token, S("Ch")) ||
                                !str_u64(str_skip(r->page_token, 2), LIST_MAX, &from))) {
        emu_refuse(p, 400, "Page token is invalid.");
        reply_problem(call, p, r->compact);
        return;
    }
    buf_init(&body, LIST_MAX);
    emu_catalog_list((size_t)from, r->page_size, &body);
    emu_reply(call, 200, buf_str(&body), r->compact);
    buf_fini(&body);
}

static void reply_model(struct call *call, const struct emu_route *r, struct emu_problem *p)
{
    struct emu_target target;
    struct buf body;

    if (!emu_catalog_find(r->model, &target)) {
        emu_refuse(p, 404, "Model is not found: models/%.*s for api version %.*s", S_ARG(r->model),
                   S_ARG(r->version));
        reply_problem(call, p, r->compact);
        return;
    }
    buf_init(&body, LIST_MAX);
    emu_catalog_one(&target, &body);
    emu_reply(call, 200, buf_str(&body), r->compact);
    buf_fini(&body);
}

/* Everything but the methods of models, which take the arena over and return true. */
static bool serve(struct emulator *e, struct call *call, struct emu_route *r, struct arena *a,
                  struct emu_problem *p)
{
    uint64_t serial;

    if (r->place >= EMU_AT_STATE && e->control) {
        emu_control(&e->house, call, r->place);
        return false;
    }
    if (r->place == EMU_NOWHERE || r->place >= EMU_AT_STATE) {
        emu_reply_html(call, 404, str_z(NOWHERE));
        return false;
    }
    serial = emu_journal_head(&e->house.journal, call_method(call), call_path(call),
                              call_query(call), call_headers(call));
    emu_credential_check(call_headers(call), r->key, e->house.keys, p);
    if (p->http != 0) {
        emu_journal_status(&e->house.journal, serial, p->http);
        reply_problem(call, p, r->compact);
        return false;
    }
    if (r->place == EMU_AT_METHOD) {
        emu_visit_open(&e->house, call, r, a, serial);
        return true;
    }
    emu_journal_status(&e->house.journal, serial, 200);
    if (r->place == EMU_AT_LIST)
        reply_list(call, r, p);
    else
        reply_model(call, r, p);
    return false;
}

static void on_head(void *ctx, struct call *call)
{
    struct emulator *e = ctx;
    struct emu_problem problem;
    struct emu_route route;
    struct arena arena;

    call_bind(call, &NO_EVENTS, e);
    arena_init(&arena, VISIT_MEMORY_MAX);
    emu_problem_init(&problem);
    emu_route_parse(&route, call_method(call), call_path(call), call_query(call), &arena, &problem);
    if (!serve(e, call, &route, &arena, &problem))
        arena_fini(&arena);
    emu_problem_fini(&problem);
}

static void on_refusal(void *ctx, const struct refusal *r, struct buf *out)
{
    struct emu_problem p;

    (void)ctx;
    emu_problem_init(&p);
    emu_refuse(&p, r->status, "%s", r->what);
    emu_problem_write(&p, out);
    emu_problem_fini(&p);
}

struct emulator *emulator_new(struct loop *loop, const struct emulator_opts *opts)
{
    struct emulator *e = mem_zalloc(sizeof *e);
    const struct server_handler handler = {.on_head = on_head, .refuse = on_refusal, .ctx = e};
    struct server_limits limits = SERVER_LIMITS_DEFAULT;

    e->house.loop = loop;
    e->house.pace_ms = opts->pace_ms;
    e->keys = mem_dup(opts->keys.p != NULL ? opts->keys.p : "", opts->keys.n);
    e->house.keys = str_of(e->keys, opts->keys.n);
    e->control = opts->control;
    emu_journal_init(&e->house.journal, opts->control);
    e->house.quotas = emu_quotas_new();
    emu_script_init(&e->house.script);
    limits.body_max = BODY_MAX;
    e->server = server_new(loop, &handler, &limits);
    return e;
}

enum err emulator_set_quotas(struct emulator *e, struct str rules, struct fault *why)
{
    struct json json;
    enum err err;

    json_init(&json);
    err = json_parse_copy(&json, rules, NULL, why);
    if (err == OK)
        err = emu_quotas_set(e->house.quotas, json.root, why);
    json_fini(&json);
    return err;
}

enum err emulator_listen(struct emulator *e, const struct listen_opts *opts, uint16_t *ret_port,
                         struct fault *why)
{
    return server_listen(e->server, opts, ret_port, why);
}

void emulator_close(struct emulator *e)
{
    if (e != NULL)
        server_close(e->server);
}

void emulator_free(struct emulator *e)
{
    if (e == NULL)
        return;
    server_free(e->server);
    emu_journal_fini(&e->house.journal);
    emu_quotas_free(e->house.quotas);
    emu_script_fini(&e->house.script);
    mem_free(e->keys);
    mem_free(e);
}
