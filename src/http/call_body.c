/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* call_body.c - a request's body, gathered whole into one allocation, and its time limits (LIM-3,
 * LIM-8). The memory follows the bytes that came, never the length that was promised; it counts
 * against the process's budget. Must not know how bodies are framed. */
#include "base/mem.h"
#include "http/server_conn.h"

#include <assert.h>

enum { BODY_FIRST = 4096 };

static const struct refusal TOO_LARGE = {413, "the request body is larger than the limit"};
static const struct refusal NO_MEMORY = {503, "the server is out of memory for requests"};
static const struct refusal TOO_SLOW = {408, "the request body came too slowly"};

/* The earliest moment at which the body is late, by the bytes that came so far; 0: none. */
static uint64_t deadline(const struct body *b, const struct server_limits *l)
{
    uint64_t idle = l->body_idle_ms ? b->last_ms + l->body_idle_ms : UINT64_MAX;
    uint64_t total = l->body_total_ms ? b->began_ms + l->body_total_ms : UINT64_MAX;
    uint64_t rate = (uint64_t)b->n * 1000 / BODY_RATE_BYTES_S;

    if (l->body_total_ms != 0)
        rate = b->began_ms + (rate > BODY_RATE_AFTER_MS ? rate : BODY_RATE_AFTER_MS);
    else
        rate = UINT64_MAX;
    idle = idle < total ? idle : total;
    return idle < rate ? idle : rate;
}

static void await(struct call *c, uint64_t now)
{
    uint64_t due = deadline(&c->body, &c->conn->server->limits);

    if (due < UINT64_MAX)
        timer_start(&c->body.timer, due > now ? due - now : 0);
}

static void on_timer(struct timer *t)
{
    struct call *c = CONTAINER(t, struct call, body.timer);
    uint64_t now = loop_now_ms(t->loop);

    if (deadline(&c->body, &c->conn->server->limits) > now)
        await(c, now);
    else
        call_refuse(c, &TOO_SLOW);
}

void call_body_await(struct call *c)
{
    struct body *b = &c->body;

    if (timer_running(&b->timer))
        return; /* it looks at last_ms by itself */
    if (b->began_ms == 0)
        b->began_ms = b->last_ms = loop_now_ms(b->timer.loop);
    await(c, b->last_ms);
}

void body_init(struct body *b, struct loop *loop, size_t max)
{
    *b = (struct body){.declared = UINT64_MAX, .max = max};
    timer_init(&b->timer, loop, on_timer);
}

void body_fini(struct body *b)
{
    timer_stop(&b->timer);
    mem_drop(b->p, b->room);
    b->p = NULL;
    b->n = b->room = 0;
}

/* Room for n bytes and the pad. Doubles, but not beyond what the body can still become. */
static bool body_room(struct body *b, size_t n, size_t max)
{
    size_t most = b->declared < max ? (size_t)b->declared : max;
    size_t room = b->room < max / 2 ? b->room * 2 : max;
    char *p;

    if (n + CALL_BODY_PAD <= b->room)
        return true;
    if (b->room == 0 && b->declared <= BODY_WHOLE_MAX)
        room = most; /* at once */
    if (b->room == 0 && b->declared == UINT64_MAX)
        room = BODY_FIRST;
    room = room < most ? room : most;
    room = (room > n ? room : n) + CALL_BODY_PAD;
    p = mem_try_realloc(b->p, b->room, room);
    if (p == NULL)
        return false;
    b->p = p;
    b->room = room;
    return true;
}

bool call_take_body(struct call *c, struct str bytes)
{
    struct body *b = &c->body;

    if (b->n > b->max || bytes.n > b->max - b->n) { /* the handler may have come late */
        call_refuse(c, &TOO_LARGE);
        return false;
    }
    if (!b->skipped && !body_room(b, b->n + bytes.n, b->max)) {
        call_refuse(c, &NO_MEMORY);
        return false;
    }
    if (!b->skipped)
        memcpy(b->p + b->n, bytes.p, bytes.n);
    b->n += bytes.n;
    b->last_ms = loop_now_ms(b->timer.loop);
    if (b->began_ms == 0)
        b->began_ms = b->last_ms;
    return true;
}

/* A body of unknown length may have much more room than bytes; it stays for the whole exchange. */
static bool body_fit(struct body *b)
{
    size_t exact = b->n + CALL_BODY_PAD;
    char *p;

    if (!body_room(b, b->n, b->n))
        return false;
    memset(b->p + b->n, 0, CALL_BODY_PAD);
    if (b->room - exact < exact / 8)
        return true;
    p = mem_try_realloc(b->p, b->room, exact);
    if (p != NULL) {
        b->p = p;
        b->room = exact;
    }
    return true;
}

void call_body_done(struct call *c)
{
    struct body *b = &c->body;

    assert(c->wants_body && !c->body_whole);
    timer_stop(&b->timer);
    if (b->skipped)
        b->n = 0;
    if (!body_fit(b)) {
        call_refuse(c, &NO_MEMORY);
        return;
    }
    c->body_whole = true;
    c->on->on_body(c->owner, b->p, b->n);
}

size_t call_release_body(struct call *c)
{
    size_t room = c->body.room;

    timer_stop(&c->body.timer);
    c->body.p = NULL;
    c->body.n = c->body.room = 0;
    return room;
}

void call_drop_body(struct call *c)
{
    body_fini(&c->body);
}
