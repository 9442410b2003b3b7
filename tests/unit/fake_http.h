/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fake_http.h - a handler for tests of http/server.h: it answers with what it was asked, by path.
 *
 *   /early    401 before the body was asked for
 *   /stream   three pieces of a streamed answer
 *   /hold     nothing; the test answers h->held
 *   /close    closes the server, where the test named it
 *   other     200, "METHOD path?query [body]" */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include "base/buf.h"
#include "base/mem.h"
#include "http/server.h"

#include <stdlib.h>

enum { FAKE_HELD = 512 };

struct fake_bound;
struct fake_handler {
    struct fake_bound *held[FAKE_HELD]; /* by order of arrival; NULL when answered or gone */
    size_t nheld;
    size_t heads, bodies, gone, drains;
    size_t most;       /* calls in work at once, where the test named the server */
    struct buf seen;   /* the head and body of the last call */
    struct call *last; /* that was bound */
    bool lazy;         /* ask for bodies only when the test says so */
    bool no_body;      /* keep what is held without its body */
    struct server *server;
};
struct fake_bound {
    struct fake_handler *h;
    struct call *call;
    size_t at; /* in held + 1 */
    bool stream;
};

static inline void fake_let_off(struct fake_bound *b)
{
    if (b->at > 0)
        b->h->held[b->at - 1] = NULL;
    mem_free(b);
}

static inline void fake_answer(struct call *c, int status, struct str body)
{
    struct http_header h = {S("content-type"), S("text/plain")};

    call_respond(c, status, (struct http_headers){&h, 1}, (int64_t)body.n);
    call_write(c, body);
    call_end(c);
}

/* The test answers a held call. */
static inline void fake_answer_held(struct fake_handler *h, size_t i, int status, struct str body)
{
    struct fake_bound *b = h->held[i];

    fake_answer(b->call, status, body);
    fake_let_off(b);
}

static inline void fake_on_body(void *owner, char *body, size_t n)
{
    struct fake_bound *b = owner;
    struct buf out;

    for (size_t i = 0; i < CALL_BODY_PAD; i++)
        if (body[n + i] != 0)
            abort();
    b->h->bodies++;
    buf_put(&b->h->seen, str_of(body, n));
    if (b->at > 0)
        return;
    if (b->stream) {
        call_respond(b->call, 200, (struct http_headers){NULL, 0}, -1);
        call_write(b->call, S("one "));
        call_write(b->call, S(""));
        call_write(b->call, S("two, which is longer "));
        call_write(b->call, S("three"));
        call_end(b->call);
    } else {
        buf_init(&out, SIZE_MAX / 4);
        buf_put(&out, http_method_str(call_method(b->call)));
        buf_putc(&out, ' ');
        buf_put(&out, call_path(b->call));
        buf_putc(&out, '?');
        buf_put(&out, call_query(b->call));
        buf_lit(&out, " [");
        buf_put(&out, str_of(body, n));
        buf_lit(&out, "]");
        fake_answer(b->call, 200, buf_str(&out));
        buf_fini(&out);
    }
    fake_let_off(b);
}

static inline void fake_on_drain(void *owner)
{
    ((struct fake_bound *)owner)->h->drains++;
}

static inline void fake_on_gone(void *owner)
{
    struct fake_bound *b = owner;

    b->h->gone++;
    fake_let_off(b);
}

static const struct call_events FAKE_EVENTS = {fake_on_body, fake_on_drain, fake_on_gone};

static inline void fake_on_head(void *ctx, struct call *c)
{
    struct fake_handler *h = ctx;
    struct fake_bound *b;
    struct http_headers fields = call_headers(c);

    h->heads++;
    if (h->server != NULL && server_calls(h->server) > h->most)
        h->most = server_calls(h->server);
    buf_reset(&h->seen);
    for (size_t i = 0; i < fields.n; i++) {
        buf_put(&h->seen, fields.v[i].name);
        buf_putc(&h->seen, '=');
        buf_put(&h->seen, fields.v[i].value);
        buf_putc(&h->seen, '\n');
    }
    if (str_eq(call_path(c), S("/early"))) {
        fake_answer(c, 401, S("no"));
        return;
    }
    if (h->server != NULL && str_eq(call_path(c), S("/close"))) {
        server_close(h->server);
        return;
    }
    b = mem_zalloc(sizeof *b);
    b->h = h;
    b->call = c;
    b->stream = str_eq(call_path(c), S("/stream"));
    if (str_eq(call_path(c), S("/hold")) && h->nheld < FAKE_HELD) {
        h->held[h->nheld++] = b;
        b->at = h->nheld;
    }
    call_bind(c, &FAKE_EVENTS, b);
    h->last = c;
    if (!h->lazy && !(h->no_body && b->at > 0))
        call_want_body(c);
}

static inline void fake_refuse(void *ctx, const struct refusal *r, struct buf *out)
{
    (void)ctx;
    buf_put(out, str_z(r->what));
}

static inline struct http_headers fake_refuse_fields(void *ctx, struct call *c)
{
    static const struct http_header MARK = {S_INIT("x-mark"), S_INIT("ours")};

    (void)ctx;
    (void)http_header_get(call_headers(c), S("origin")); /* legal whatever came of the head */
    return (struct http_headers){&MARK, 1};
}

static const struct str FAKE_KEPT[] = {S_INIT("kept"), S_INIT("origin"), S_INIT("absent")};

static inline struct server_handler fake_handler(struct fake_handler *h)
{
    *h = (struct fake_handler){0};
    buf_init(&h->seen, SIZE_MAX / 4);
    return (struct server_handler){.on_head = fake_on_head,
                                   .refuse = fake_refuse,
                                   .refuse_fields = fake_refuse_fields,
                                   .kept = FAKE_KEPT,
                                   .nkept = NELEM(FAKE_KEPT),
                                   .ctx = h};
}

#endif
