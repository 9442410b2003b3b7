/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* call.c - one request and its response, as handlers see it: what is legal when, lengths, refusals.
 * How it is spelled on the wire is the business of struct http_version. */
#include "base/mem.h"
#include "base/torture.h"
#include "http/server_conn.h"
#include "http/server_head.h"

#include <assert.h>

static const struct http_version *version(const struct call *c)
{
    return c->conn->version;
}

/* Beginning and end. */

static void free_call(struct task *t)
{
    struct call *c = CONTAINER(t, struct call, bury);

    body_fini(&c->body);
    version(c)->free_call(c);
}

void call_init(struct call *c, struct sconn *k)
{
    *c = (struct call){.conn = k, .path = S(""), .query = S("")};
    list_init(&c->link);
    task_init(&c->bury, free_call);
    body_init(&c->body, k->server->loop, k->server->limits.body_max);
    k->server->ncalls++;
    loop_load(k->server->loop, 1);
}

void call_bury(struct call *c)
{
    list_remove(&c->link);
    timer_stop(&c->body.timer);
    c->ended = true;
    c->on = NULL;
    c->conn->server->ncalls--;
    loop_load(c->conn->server->loop, -1);
    if (c->over != NULL)
        c->over(c->over_ctx, c->over_what);
    loop_defer(c->conn->server->loop, &c->bury);
}

void call_cut(struct call *c)
{
    const struct call_events *on = c->on;

    c->on = NULL;
    if (on != NULL && !c->ended)
        on->on_gone(c->owner);
}

static bool memory_over(size_t percent)
{
    return mem_counted() > mem_budget() / 100 * percent;
}

/* What the server answers by itself once it knows where the request ends. LIM-14: what would need
 * memory is turned away before the last of it is gone. */
static const struct refusal *admit(const struct call *c, const struct head_facts *f)
{
    static const struct refusal METHOD = {405, "this method is not served here"};
    static const struct refusal EXPECT = {417, "only 100-continue can be expected"};
    static const struct refusal CODED = {415, "the request body must not be compressed"};
    static const struct refusal LARGE = {413, "the request body is larger than the limit"};
    static const struct refusal BUSY = {503, "the server is out of memory for requests"};

    if (c->method == HTTP_OTHER)
        return &METHOD;
    if (f->expects_other)
        return &EXPECT;
    if (!head_has_body(f))
        return NULL;
    if (f->encoded)
        return &CODED;
    if (f->has_length && f->length > c->body.max)
        return &LARGE;
    return memory_over(85) ? &BUSY : NULL;
}

void call_start(struct call *c, const struct head_facts *f)
{
    const struct server_handler *h = &c->conn->server->handler;
    const struct refusal *no;

    if (memory_over(95))
        server_relieve(c->conn->server);
    no = admit(c, f);
    if (no != NULL) {
        call_refuse(c, no);
        return;
    }
    if (f->has_length)
        c->body.declared = f->length;
    h->on_head(h->ctx, c);
    assert(c->on != NULL || c->ended); /* bound or answered */
}

/* The request, and its body. */

enum http_method call_method(const struct call *c)
{
    return c->method;
}

struct str call_path(const struct call *c)
{
    return c->path;
}

struct str call_query(const struct call *c)
{
    return c->query;
}

struct http_headers call_headers(const struct call *c)
{
    return c->headers;
}

struct peer_name call_peer(const struct call *c)
{
    return c->conn->stream ? stream_peer(c->conn->stream) : (struct peer_name){""};
}

uint64_t call_network(const struct call *c)
{
    return c->conn->stream ? stream_peer_network(c->conn->stream) : 0;
}

struct sha256_memo *call_memo(struct call *c)
{
    return &c->conn->memo;
}

void call_at_end(struct call *c, void (*over)(void *ctx, void *what), void *ctx, void *what)
{
    assert(c->over == NULL && !c->ended);
    c->over = over;
    c->over_ctx = ctx;
    c->over_what = what;
}

void call_bind(struct call *c, const struct call_events *on, void *owner)
{
    c->on = on;
    c->owner = owner;
}

void call_want_body(struct call *c)
{
    assert(c->on != NULL && !c->wants_body && !c->responded && !c->ended);
    c->wants_body = true;
    version(c)->want_body(c);
}

void call_want_body_upto(struct call *c, size_t max)
{
    if (max < c->body.max)
        c->body.max = max;
    call_want_body(c);
}

void call_skip_body(struct call *c)
{
    c->body.skipped = true;
    call_want_body(c);
}

/* The response. */

/* A name that a handler may give: none that says where the message ends. Names are words of our own
 * source, so they are looked at where the tests run and not for each answer. */
static bool name_good(struct str name)
{
    return !TORTURE_BUILD ||
           (http_name_ok(name) && !str_eq(name, S("date")) && !str_eq(name, S("content-length")) &&
            !str_eq(name, S("transfer-encoding")) && !str_eq(name, S("connection")));
}

/* A value may hold bytes of foreign origin. Control bytes are left out, so that no value ends its
 * line. `room` is for the few values that need it. */
static struct str clean(struct buf *room, struct str value)
{
    size_t from = room->n;

    for (size_t i = 0; i < value.n; i++)
        if (http_value_ok(str_sub(value, i, 1)))
            buf_putc(room, value.p[i]);
    return str_skip(buf_str(room), from);
}

/* Some of the values are not to be sent as they are. */
static void respond_cleaned(struct call *c, int status, struct http_headers h, int64_t length)
{
    UNINITIALIZED struct http_header fields[RESPONSE_FIELDS_MAX];
    struct buf room;
    size_t most = 0;

    for (size_t i = 0; i < h.n; i++)
        most += h.v[i].value.n;
    buf_init(&room, most);
    if (buf_reserve(&room, most) == NULL)
        room.err = E_TOOBIG; /* no memory: those values come out empty */
    for (size_t i = 0; i < h.n; i++) {
        fields[i] = h.v[i];
        if (!http_value_ok(h.v[i].value))
            fields[i].value = clean(&room, h.v[i].value);
    }
    version(c)->respond(c, status, (struct http_headers){fields, h.n}, length);
    buf_fini(&room);
}

void call_respond(struct call *c, int status, struct http_headers h, int64_t length)
{
    bool good = true;

    assert(!c->responded && !c->ended && status >= 200 && status <= 599 && length >= -1);
    assert(h.n <= RESPONSE_FIELDS_MAX);
    c->responded = true;
    c->length = length;
    c->bodyless = c->method == HTTP_HEAD || status == 204 || status == 304;
    timer_stop(&c->body.timer); /* an early answer: nobody waits for the rest */
    for (size_t i = 0; i < h.n; i++) {
        assert(name_good(h.v[i].name));
        good = good && http_value_ok(h.v[i].value);
    }
    if (good)
        version(c)->respond(c, status, h, length);
    else
        respond_cleaned(c, status, h, length);
}

enum flow call_write(struct call *c, struct str bytes)
{
    assert(c->responded && !c->ended);
    c->written += bytes.n;
    if (c->bodyless || bytes.n == 0)
        return FLOW_GO;
    if (c->length >= 0 && c->written > (uint64_t)c->length)
        return FLOW_GO; /* more than was named: call_end breaks it off */
    if (version(c)->write(c, bytes) == FLOW_FULL) {
        c->full = true;
        if (memory_over(95))
            server_relieve_soon(c->conn->server);
    }
    return c->full ? FLOW_FULL : FLOW_GO;
}

void call_drained(struct call *c)
{
    if (!c->full)
        return;
    c->full = false;
    if (c->on != NULL && !c->ended)
        c->on->on_drain(c->owner);
}

void call_end(struct call *c)
{
    bool wrong = c->length >= 0 && !c->bodyless && c->written != (uint64_t)c->length;

    assert(c->responded && !c->ended);
    c->ended = true;
    c->on = NULL;
    if (wrong)
        version(c)->reset(c);
    else
        version(c)->end(c);
}

void call_reset(struct call *c)
{
    assert(!c->ended);
    c->ended = true;
    c->on = NULL;
    timer_stop(&c->body.timer);
    version(c)->reset(c);
}

size_t call_queued(const struct call *c)
{
    return version(c)->queued(c);
}

void call_compact(struct call *c)
{
    const struct server_handler *h = &c->conn->server->handler;
    struct http_header kept[CALL_KEPT_MAX], *fields;
    size_t n = 0, bytes = 0;
    char *at;

    assert(h->nkept <= CALL_KEPT_MAX);
    for (size_t i = 0; i < h->nkept; i++) {
        struct str value = http_header_get(c->headers, h->kept[i]);

        if (value.n > 0 && value.n <= CALL_KEPT_BYTES) {
            kept[n++] = (struct http_header){h->kept[i], value};
            bytes += value.n;
        }
    }
    fields = mem_alloc(n * sizeof *fields + bytes + 1); /* never none */
    at = (char *)(fields + n);
    for (size_t i = 0; i < n; i++) {
        memcpy(at, kept[i].value.p, kept[i].value.n);
        fields[i] = (struct http_header){kept[i].name, str_of(at, kept[i].value.n)};
        at += kept[i].value.n;
    }
    mem_free((void *)c->headers.v);
    c->headers = (struct http_headers){fields, n};
}

/* The server's own answers. */

static size_t refusal_fields(struct call *c, const struct refusal *r, struct http_header *fields)
{
    const struct server_handler *h = &c->conn->server->handler;
    size_t n = 0;

    fields[n++] = (struct http_header){S("content-type"), S("application/json")};
    /* RFC 9110, 15.1: a cache may keep a 405, a 414 or a 501 for as long as it thinks fit */
    fields[n++] = (struct http_header){S("cache-control"), S("no-store")};
    if (r->status == 405)
        fields[n++] =
            (struct http_header){S("allow"), S("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")};
    if (r->status == 503)
        fields[n++] = (struct http_header){S("retry-after"), S("1")};
    if (h->refuse_fields != NULL) {
        struct http_headers more = h->refuse_fields(h->ctx, c);

        for (size_t i = 0; i < more.n && n < REFUSAL_FIELDS; i++)
            fields[n++] = more.v[i];
    }
    return n;
}

void call_refuse(struct call *c, const struct refusal *r)
{
    struct server *s = c->conn->server;
    UNINITIALIZED struct http_header fields[REFUSAL_FIELDS];
    size_t n = refusal_fields(c, r, fields);
    struct buf body;

    call_cut(c);
    if (c->ended)
        return; /* cutting it closed the server */
    buf_init(&body, REFUSAL_MAX);
    s->handler.refuse(s->handler.ctx, r, &body);
    if (body.err != OK) /* no memory for the words: the status speaks alone */
        buf_cut(&body, 0);
    call_respond(c, r->status, (struct http_headers){fields, n}, (int64_t)body.n);
    call_write(c, buf_str(&body));
    call_end(c);
    buf_fini(&body);
}
