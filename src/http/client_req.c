/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_req.c - one request: its copy, its time limits, and what its owner is told in which order.
 * Knows that connections exist, not which version of HTTP they speak. */
#include "http/client_req.h"
#include "base/mem.h"
#include "http/client_pool.h"

enum {
    PIECE = 16 * 1024, /* of held bytes, delivered between two looks at `paused` */
    FIELD_MARKS = 4,   /* ": " and CRLF */
};

/* Fields that are the client's own business; a caller's are dropped (H1-9). */
static bool is_ours(struct str name)
{
    switch (name.n) {
    case 2: return str_eq(name, S("te"));
    case 4: return str_eq(name, S("host"));
    case 6: return str_eq(name, S("expect"));
    case 7: return str_eq(name, S("trailer")) || str_eq(name, S("upgrade"));
    case 10: return str_eq(name, S("connection")) || str_eq(name, S("keep-alive"));
    case 14: return str_eq(name, S("content-length"));
    case 16: return str_eq(name, S("proxy-connection"));
    case 17: return str_eq(name, S("transfer-encoding"));
    default: return false;
    }
}

enum err req_check(const struct client_request *r)
{
    if (r->method == HTTP_OTHER || !http_visible(r->target) || r->target.p[0] != '/' ||
        !http_visible(r->origin.host) || r->origin.host.n > 255)
        return E_FIELD;
    if (r->body != NULL && r->body->text.err != OK)
        return E_FIELD;
    for (size_t i = 0; i < r->headers.n; i++)
        if (!http_name_ok(r->headers.v[i].name) || !http_value_ok(r->headers.v[i].value))
            return E_FIELD;
    return OK;
}

static struct str put(char **at, struct str s)
{
    struct str copy = {*at, s.n};

    *at = str_put(*at, s);
    return copy;
}

/* The struct, its header table and all its strings are one block. */
static struct client_req *copy_request(const struct client_request *from)
{
    size_t table = from->headers.n * sizeof(struct http_header);
    size_t bytes = sizeof(struct client_req) + table + from->target.n;
    struct client_req *r;
    struct http_header *v;
    char *at;

    for (size_t i = 0; i < from->headers.n; i++)
        bytes += from->headers.v[i].name.n + from->headers.v[i].value.n + FIELD_MARKS;
    r = mem_alloc(bytes);
    *r = (struct client_req){.method = from->method, .body = from->body};
    v = (struct http_header *)(void *)(r + 1);
    at = (char *)(r + 1) + table;
    r->headers.v = v;
    r->target = put(&at, from->target);
    r->lines.p = at;
    for (size_t i = 0; i < from->headers.n; i++) {
        if (is_ours(from->headers.v[i].name))
            continue;
        v[r->headers.n].name = put(&at, from->headers.v[i].name);
        put(&at, S(": "));
        v[r->headers.n++].value = put(&at, from->headers.v[i].value);
        put(&at, S("\r\n"));
    }
    r->lines.n = (size_t)(at - r->lines.p);
    return r;
}

static void on_timer(struct timer *t);
static void on_wake(struct task *t);
static void on_bury(struct task *t);

struct client_req *req_new(struct client *c, const struct client_request *from,
                           const struct client_events *on, void *owner)
{
    struct client_req *r = copy_request(from);

    r->client = c;
    r->on = *on;
    r->owner = owner;
    r->first_byte_ms = from->first_byte_ms ? from->first_byte_ms : c->lim.first_byte_ms;
    r->idle_ms = from->idle_ms ? from->idle_ms : c->lim.idle_ms;
    list_init(&r->at);
    list_init(&r->link);
    list_push(&c->reqs, &r->link);
    timer_init(&r->timer, c->loop, on_timer);
    task_init(&r->wake, on_wake);
    task_init(&r->bury, on_bury);
    buf_init(&r->held, HELD_MAX);
    req_rewind(r);
    c->stats.requests++;
    return r;
}

void req_rewind(struct client_req *r)
{
    r->pos = (struct rope_pos){0};
    r->left = r->body ? rope_len(r->body) : 0;
    r->answered = r->reused = false;
    r->interims = r->status = 0;
    r->stream_id = 0;
}

bool req_has_length(const struct client_req *r)
{
    return r->body != NULL || r->method == HTTP_POST || r->method == HTTP_PUT ||
           r->method == HTTP_PATCH;
}

struct str req_body_next(struct client_req *r, size_t max)
{
    struct str piece = r->left ? rope_next(r->body, &r->pos, max) : S("");

    r->left -= piece.n;
    return piece;
}

/* Time. The limit is looked at when the timer fires, not moved with every byte. */

static uint32_t phase_limit(const struct client_req *r)
{
    return r->phase == CLIENT_SEND || r->phase == CLIENT_BODY ? r->idle_ms : r->first_byte_ms;
}

void req_progress(struct client_req *r)
{
    r->stamp_ms = loop_now_ms(r->client->loop);
}

static void arm(struct client_req *r)
{
    uint64_t due = r->stamp_ms + phase_limit(r), now = loop_now_ms(r->client->loop);

    if (!timer_running(&r->timer) || r->timer.due_ms > due)
        timer_start(&r->timer, due > now ? due - now : 0);
}

void req_enter(struct client_req *r, enum client_phase phase)
{
    r->phase = phase;
    req_progress(r);
    arm(r);
}

void req_sent(struct client_req *r)
{
    if (r->phase == CLIENT_SEND)
        req_enter(r, CLIENT_HEAD);
}

static void time_out(struct client_req *r)
{
    static const char *const WHAT[] = {
        [CLIENT_DNS] = "no connection became free in time",
        [CLIENT_CONNECT] = "no connection became free in time",
        [CLIENT_TUNNEL] = "no connection became free in time",
        [CLIENT_TLS] = "no connection became free in time",
        [CLIENT_SEND] = "upstream stopped taking the request",
        [CLIENT_HEAD] = "upstream sent no answer in time",
        [CLIENT_BODY] = "upstream fell silent inside its answer",
    };
    struct conn *c = r->conn;

    req_detach(r);
    if (c != NULL)
        c->ops->cancel(c, r);
    req_fail(r, E_TIMEOUT, WHAT[r->phase]);
}

static void on_timer(struct timer *t)
{
    struct client_req *r = CONTAINER(t, struct client_req, timer);
    uint64_t now = loop_now_ms(r->client->loop);

    if (r->paused && r->phase == CLIENT_BODY)
        return; /* our own slowness does not count; client_resume starts it again */
    if (now < r->stamp_ms + phase_limit(r))
        arm(r);
    else
        time_out(r);
}

/* Ends. */

void req_detach(struct client_req *r)
{
    struct conn *c = r->conn;

    if (list_empty(&r->at))
        return;
    list_remove(&r->at);
    if (c != NULL) {
        c->nreqs--;
        c->used = true;
        conn_place(c);
        r->client->stats.streams--;
    } else {
        r->pool->nwaiting--;
        r->client->stats.waiting--;
    }
    pool_kick(r->pool);
    r->conn = NULL;
    r->pool = NULL;
}

static void on_bury(struct task *t)
{
    struct client_req *r = CONTAINER(t, struct client_req, bury);

    buf_fini(&r->held);
    mem_free(r);
}

void req_drop(struct client_req *r)
{
    if (r->done)
        return;
    r->done = true;
    req_detach(r);
    timer_stop(&r->timer);
    task_cancel(&r->wake);
    list_remove(&r->link);
    loop_defer(r->client->loop, &r->bury);
}

static void tell(struct client_req *r)
{
    req_drop(r);
    if (r->outcome == OUT_END)
        r->on.on_end(r->owner);
    else
        r->on.on_fail(r->owner, &r->fault);
}

static void settle(struct client_req *r, enum outcome o)
{
    if (r->outcome != OUT_NONE || r->done)
        return;
    r->outcome = o;
    timer_stop(&r->timer);
    if (r->held_at == r->held.n)
        tell(r);
}

void req_end(struct client_req *r)
{
    settle(r, OUT_END);
}

void req_fail(struct client_req *r, enum err e, const char *what)
{
    if (r->outcome == OUT_NONE)
        r->fault = (struct client_fault){.err = e, .phase = r->phase, .what = what};
    settle(r, OUT_FAIL);
}

void req_fail_soon(struct client_req *r, enum err e, const char *what)
{
    r->outcome = OUT_FAIL;
    r->fault = (struct client_fault){.err = e, .phase = r->phase, .what = what};
    loop_soon(r->client->loop, &r->wake);
}

/* What came. */

void req_head(struct client_req *r, int status, struct http_headers h)
{
    req_enter(r, CLIENT_BODY);
    r->on.on_head(r->owner, status, h);
}

bool req_data(struct client_req *r, struct str bytes)
{
    req_progress(r);
    if (!r->paused && r->held_at == r->held.n) {
        r->on.on_data(r->owner, bytes);
        return true;
    }
    if (r->held_at > 0) { /* what was delivered does not count; at most once a pause */
        buf_drop_front(&r->held, r->held_at);
        r->held_at = 0;
    }
    buf_put(&r->held, bytes);
    if (r->held.err != OK) {
        struct conn *c = r->conn;

        req_detach(r);
        if (c != NULL)
            c->ops->cancel(c, r);
        req_fail(r, E_TOOBIG, "more than the limit came while the reader was paused");
    }
    return false;
}

/* Deliver what was held, then what stands behind it. */
static void on_wake(struct task *t)
{
    struct client_req *r = CONTAINER(t, struct client_req, wake);

    while (!r->paused && !r->done && r->held_at < r->held.n) {
        struct str piece = str_sub(buf_str(&r->held), r->held_at, PIECE);

        r->held_at += piece.n;
        if (r->conn != NULL)
            r->conn->ops->taken(r->conn, r, piece.n);
        r->on.on_data(r->owner, piece);
    }
    if (r->done || r->held_at < r->held.n)
        return;
    buf_fini(&r->held);
    r->held_at = 0;
    if (r->outcome != OUT_NONE)
        tell(r);
    else if (!r->paused && r->conn != NULL)
        r->conn->ops->resume(r->conn, r);
}

/* The owner's half. */

void client_pause(struct client_req *r)
{
    if (r->done || r->paused)
        return;
    r->paused = true;
    if (r->conn != NULL)
        r->conn->ops->pause(r->conn, r);
}

bool client_is_sent(const struct client_req *r)
{
    return r->phase > CLIENT_SEND;
}

void client_resume(struct client_req *r)
{
    if (r->done || !r->paused)
        return;
    r->paused = false;
    if (r->outcome == OUT_NONE && r->phase == CLIENT_BODY)
        req_enter(r, CLIENT_BODY);
    loop_soon(r->client->loop, &r->wake);
}

void client_cancel(struct client_req *r)
{
    struct conn *c;

    if (r == NULL || r->done)
        return;
    c = r->conn;
    req_drop(r);
    if (c != NULL)
        c->ops->cancel(c, r);
}
