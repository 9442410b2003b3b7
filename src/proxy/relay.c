/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* relay.c - upstream's events become the client's bytes, and a slow client slows upstream down.
 *
 * Back-pressure is FLOW_HIGH and FLOW_LOW (net/stream.h): the sink always takes what it is given
 * and answers how full it is; when it is full every leg is paused until it has drained. */
#include "proxy/exchange_impl.h"

#include <stdio.h>

/* What is not quite as the client wanted it. */
static void add_notes(const struct exchange *x, struct reply_head *h)
{
    reply_add(h, S("x-queqiao-ignored"), x->tr.ignored);
    if (exchange_fell_back(x))
        reply_add(h, S("x-queqiao-model"), x->tr.model);
}

static void send_head(struct exchange *x)
{
    struct reply_head h;

    reply_begin(&h, x->opts, x->call, &x->id);
    reply_add(&h, S("content-type"), x->d->stream_type);
    reply_add(&h, S("cache-control"), S("no-cache, no-store"));
    reply_add(&h, S("x-accel-buffering"), S("no"));
    add_notes(x, &h);
    call_respond(x->call, 200, reply_fields(&h), -1);
    x->head_sent = true;
    x->status = 200;
}

/* Every time, for a leg may have been sent since the last one. */
static void pause(struct exchange *x)
{
    for (unsigned i = 0; i < x->nrunners; i++)
        if (x->legs[i].req != NULL)
            client_pause(x->legs[i].req);
}

void relay_drained(struct exchange *x)
{
    for (unsigned i = 0; i < x->nrunners; i++)
        if (x->legs[i].req != NULL)
            client_resume(x->legs[i].req);
}

static void write_client(struct exchange *x, struct str bytes)
{
    if (!x->head_sent)
        send_head(x);
    if (x->opts->heartbeat_ms > 0)
        timer_start(&x->heartbeat, x->opts->heartbeat_ms);
    if (call_write(x->call, bytes) == FLOW_FULL)
        pause(x);
}

void relay_heartbeat(struct exchange *x)
{
    write_client(x, x->d->heartbeat);
}

static enum err on_gm_event(void *ctx, const struct gm_event *e)
{
    struct leg *leg = ctx;
    struct exchange *x = leg->x;

    if (x->first_ms == 0)
        x->first_ms = loop_now_ms(x->p->loop);
    leg->shown += e->text.n;
    return x->d->event(x->tr.answer, leg->choice, e, &x->p->out);
}

static struct buf *out_of(struct exchange *x)
{
    return &x->p->out;
}

/* The buffer is every exchange's of this worker. What another one left in it, an error's body or
 * what a failed callback appended, must never reach this client. */
void relay_begin(struct exchange *x)
{
    buf_reset(out_of(x));
    x->p->told.set = false;
}

enum err relay_event(void *ctx, char *data, size_t n)
{
    struct leg *leg = ctx;
    struct exchange *x = leg->x;
    struct gm_reader *r = &x->readers[leg->choice];
    enum err err;

    if (r->form == NULL)
        r->form = x->tr.method == GM_STREAM ? gm_form_new(&x->arena) : x->p->wholes;
    err = gm_read_event(r, &x->p->json, data, n, on_gm_event, leg);
    hop_note(leg, x->p->json.root);
    return err;
}

void relay_flush(struct exchange *x)
{
    struct buf *out = out_of(x);

    if (out->n > 0 && x->tr.stream && out->err == OK) {
        x->content_sent = true;
        write_client(x, buf_str(out));
    }
    buf_reset(out);
}

static void send_whole(struct exchange *x)
{
    UNINITIALIZED struct reply_head h;

    reply_begin(&h, x->opts, x->call, &x->id);
    reply_add(&h, S("content-type"), S("application/json; charset=utf-8"));
    reply_add(&h, S("cache-control"), S("no-store"));
    add_notes(x, &h);
    call_respond(x->call, 200, reply_fields(&h), (int64_t)x->p->out.n);
    call_write(x->call, buf_str(&x->p->out));
    x->status = 200;
}

/* Some front-ends show nothing at all of an answer that is empty and filtered. */
static bool tells_block(struct exchange *x)
{
    UNINITIALIZED struct gm_error e;
    UNINITIALIZED char text[GM_TEXT_MAX + 256];

    for (unsigned i = 0; i < x->nlegs && x->opts->blocked_as_error; i++) {
        const struct gm_reader *r = &x->readers[i];

        if (!r->blocked || r->any_answer)
            continue;
        snprintf(text, sizeof text,
                 "Google blocks this prompt (%s%s%s). Google 拒绝回答这个问题：请换一种说法。",
                 r->finish_word, r->finish_message[0] != '\0' ? ": " : "", r->finish_message);
        gm_error_make(&e, GM_BLOCKED, str_z(text));
        exchange_fail(x, &e);
        return true;
    }
    return false;
}

void relay_finish(struct exchange *x)
{
    struct buf *out = out_of(x);
    struct fault why = {0};
    enum err err;

    if (tells_block(x))
        return;
    buf_reset(out);
    err = x->d->end(x->tr.answer, x->readers, x->nlegs, out, &why);
    err = err != OK ? err : out->err;
    if (err != OK || x->arena.starved) {
        struct gm_error e;

        buf_reset(out);
        if (err == E_MEMORY || x->arena.starved)
            exchange_short_of_memory(&e);
        else
            gm_error_make(
                &e, GM_BROKEN,
                str_z(why.what ? why.what : "the answer is larger than this server allows"));
        exchange_fail(x, &e);
        return;
    }
    if (x->tr.stream)
        write_client(x, buf_str(out));
    else
        send_whole(x);
    buf_reset(out);
}

bool relay_stream_error(struct exchange *x, const struct gm_error *e)
{
    struct buf *out = out_of(x);
    bool told;

    buf_reset(out);
    x->d->stream_error(x->tr.answer, e, out);
    told = out->err == OK;
    if (told)
        call_write(x->call, buf_str(out));
    buf_reset(out);
    return told;
}
