/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* visit.c - reads the body, has the answer made up, and sends it: whole, as events, or as an array;
 * at its pace; and broken, where the model's name says so.
 *
 *   reading --body--> waiting (slow models) --> sending --> over
 *   at any time: the client leaves */
#include "demo/visit.h"
#include "base/clock.h"
#include "base/mem.h"
#include "demo/answer.h"
#include "demo/chunk.h"
#include "demo/credential.h"
#include "demo/layout.h"

enum {
    CHUNK_MAX = 192 << 20,
    MISHAP_AFTER = 3, /* chunks before a stream goes wrong */
    FLUSH_MS = 20,    /* for what was written to leave before the connection breaks */
};

struct visit {
    struct emu_house *house;
    struct str key;
    struct call *call;
    struct emu_route route;
    uint64_t serial;
    struct arena arena;
    struct json json;
    struct emu_ask ask;
    struct emu_answer answer;
    struct emu_cursor cursor;
    struct buf chunk, wire;
    struct timer timer;
    void (*next)(struct visit *); /* when the timer fires */
    struct task over;
    uint32_t delay_ms; /* before anything is answered */
    bool streaming;
    bool stalled; /* EMU_STALL: it is behind us */
    bool full;    /* the client is slow */
    bool paced;   /* the pause before the next event is over */
};

static const struct http_header JSON_HEAD[] = {
    {S_INIT("content-type"),          S_INIT("application/json; charset=UTF-8")},
    {S_INIT("vary"),                  S_INIT("Origin, X-Origin, Referer")      },
    {S_INIT("x-gemini-service-tier"), S_INIT("standard")                       },
    {S_INIT("x-queqiao-emulation"),   S_INIT("1")                              },
};
static const struct http_header STREAM_HEAD[] = {
    {S_INIT("content-type"),          S_INIT("text/event-stream")},
    {S_INIT("content-disposition"),   S_INIT("attachment")       },
    {S_INIT("x-gemini-service-tier"), S_INIT("standard")         },
    {S_INIT("x-queqiao-emulation"),   S_INIT("1")                },
};
static const struct http_header HTML_HEAD[] = {
    {S_INIT("content-type"),        S_INIT("text/html; charset=UTF-8")},
    {S_INIT("x-queqiao-emulation"), S_INIT("1")                       },
};
#define HEADERS(h) ((struct http_headers){h, NELEM(h)})

int64_t emu_house_wall_ms(const struct emu_house *h)
{
    return clock_wall_ms() + h->ahead_ms;
}

void emu_reply(struct call *call, int status, struct str json, bool compact)
{
    struct buf pretty;

    buf_init(&pretty, CHUNK_MAX);
    if (!compact) {
        emu_layout_pretty(json, &pretty);
        buf_putc(&pretty, '\n');
        json = buf_str(&pretty);
    }
    call_respond(call, status, HEADERS(JSON_HEAD), (int64_t)json.n);
    call_write(call, json);
    call_end(call);
    buf_fini(&pretty);
}

void emu_reply_html(struct call *call, int status, struct str html)
{
    call_respond(call, status, HEADERS(HTML_HEAD), (int64_t)html.n);
    call_write(call, html);
    call_end(call);
}

static void free_visit(struct task *t)
{
    struct visit *v = CONTAINER(t, struct visit, over);

    emu_answer_fini(&v->answer);
    json_fini(&v->json);
    buf_fini(&v->chunk);
    buf_fini(&v->wire);
    arena_fini(&v->arena);
    mem_free(v);
}

/* The call is gone; so is the visit, at the end of this turn. */
static void over(struct visit *v)
{
    v->house->journal.in_flight--;
    v->house->journal.streams -= v->streaming;
    timer_stop(&v->timer);
    loop_defer(v->house->loop, &v->over);
}

static void on_gone(void *owner)
{
    struct visit *v = owner;

    v->house->journal.cancelled++;
    over(v);
}

static void on_timer(struct timer *t)
{
    struct visit *v = CONTAINER(t, struct visit, timer);

    v->next(v);
}

static void after(struct visit *v, uint32_t ms, void (*next)(struct visit *))
{
    v->next = next;
    timer_start(&v->timer, ms);
}

/* A refusal, in the form of the method: streams without alt=sse are arrays. */
static void refuse(struct visit *v)
{
    bool array = v->route.method == EMU_STREAM && !v->route.sse;

    buf_reset(&v->chunk);
    if (array)
        buf_putc(&v->chunk, '[');
    emu_problem_write(&v->answer.problem, &v->chunk);
    if (array)
        buf_putc(&v->chunk, ']');
    emu_journal_status(&v->house->journal, v->serial, v->answer.problem.http);
    emu_reply(v->call, v->answer.problem.http, buf_str(&v->chunk), v->route.compact);
    over(v);
}

/* ------------------------------------------------------------------ one answer, whole */

static void end_call(struct visit *v)
{
    call_end(v->call);
    over(v);
}

static void reset_call(struct visit *v)
{
    call_reset(v->call);
    over(v);
}

static void write_rest(struct visit *v)
{
    call_write(v->call, str_skip(buf_str(&v->wire), v->wire.n / 2));
    end_call(v);
}

/* Half of it now, the rest later or never. */
static void send_half(struct visit *v, enum emu_fault_kind kind)
{
    call_respond(v->call, 200, HEADERS(JSON_HEAD), (int64_t)v->wire.n);
    call_write(v->call, str_sub(buf_str(&v->wire), 0, v->wire.n / 2));
    if (kind == EMU_STALL)
        after(v, v->ask.target.fault.number[0], write_rest);
    else
        after(v, FLUSH_MS, reset_call);
}

static void send_whole(struct visit *v)
{
    enum emu_fault_kind kind = v->ask.target.fault.kind;

    if (kind == EMU_ERROR_MID) { /* there is no middle: the answer is the error */
        emu_fault_refuse(&v->ask.target.fault, v->ask.target.asked, &v->answer.problem);
        refuse(v);
        return;
    }
    if (v->route.method == EMU_GENERATE)
        emu_whole(&v->answer.plan, &v->chunk);
    else
        buf_put(&v->chunk, buf_str(&v->answer.json));
    if (v->route.compact)
        buf_put(&v->wire, buf_str(&v->chunk));
    else
        emu_layout_pretty(buf_str(&v->chunk), &v->wire);
    if (kind == EMU_BAD_JSON)
        buf_cut(&v->wire, v->wire.n * 2 / 3);
    emu_journal_status(&v->house->journal, v->serial, 200);
    if (kind == EMU_STALL || kind == EMU_RESET) {
        send_half(v, kind);
        return;
    }
    call_respond(v->call, 200, HEADERS(JSON_HEAD), (int64_t)v->wire.n);
    call_write(v->call, buf_str(&v->wire));
    end_call(v);
}

/* ------------------------------------------------------------------ a stream */

static void pump(struct visit *v);

/* Put compact JSON on the wire: as an event, or as the next element of the array. */
static enum flow write_chunk(struct visit *v, struct str json)
{
    buf_reset(&v->wire);
    if (v->route.sse) {
        buf_lit(&v->wire, "data: ");
        emu_layout_line(json, &v->wire);
        buf_lit(&v->wire, "\r\n\r\n");
    } else {
        buf_put(&v->wire, v->cursor.chunks > 1 ? S("\n,\r\n") : S("["));
        if (v->route.compact)
            buf_put(&v->wire, json);
        else
            emu_layout_pretty(json, &v->wire);
    }
    return call_write(v->call, buf_str(&v->wire));
}

static void end_stream(struct visit *v)
{
    if (!v->route.sse)
        call_write(v->call, S("]"));
    end_call(v);
}

static void write_error(struct visit *v)
{
    emu_fault_refuse(&v->ask.target.fault, v->ask.target.asked, &v->answer.problem);
    buf_reset(&v->chunk);
    emu_problem_write(&v->answer.problem, &v->chunk);
    v->cursor.chunks++;
    write_chunk(v, buf_str(&v->chunk));
    end_stream(v);
}

/* What a misbehaving model does in mid-stream; true when it has been done, or waits for a timer. */
static bool mishap(struct visit *v)
{
    const struct emu_fault *f = &v->ask.target.fault;

    if (v->cursor.chunks < MISHAP_AFTER || v->stalled)
        return false;
    v->stalled = true;
    switch (f->kind) {
    case EMU_STALL: after(v, f->number[0], pump); return true;
    case EMU_ERROR_MID: write_error(v); return true;
    case EMU_RESET: after(v, FLUSH_MS, reset_call); return true;
    case EMU_BAD_JSON:
        write_chunk(v, S("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"half"));
        return false;
    default: return false;
    }
}

static uint32_t pause_of(const struct visit *v)
{
    return v->ask.target.fault.kind == EMU_PACED ? v->ask.target.fault.number[1]
                                                 : v->house->pace_ms;
}

static void pace_over(struct visit *v)
{
    v->paced = true;
    pump(v);
}

/* Send events until the client is full, the pace says to wait, or there are none left. */
static void pump(struct visit *v)
{
    while (!v->full && !timer_running(&v->timer)) {
        if (mishap(v))
            return;
        if (pause_of(v) > 0 && v->cursor.chunks > 0 && !v->cursor.done && !v->paced) {
            after(v, pause_of(v), pace_over);
            return;
        }
        v->paced = false;
        buf_reset(&v->chunk);
        if (!emu_chunk_next(&v->cursor, &v->chunk)) {
            end_stream(v);
            return;
        }
        v->full = write_chunk(v, buf_str(&v->chunk)) == FLOW_FULL;
    }
}

static void on_drain(void *owner)
{
    struct visit *v = owner;

    v->full = false;
    if (v->streaming && !timer_running(&v->timer))
        pump(v);
}

static void send_stream(struct visit *v)
{
    v->streaming = true;
    v->house->journal.streams++;
    emu_cursor_init(&v->cursor, &v->answer.plan);
    emu_journal_status(&v->house->journal, v->serial, 200);
    call_respond(v->call, 200, v->route.sse ? HEADERS(STREAM_HEAD) : HEADERS(JSON_HEAD), -1);
    pump(v);
}

/* ------------------------------------------------------------------ the request */

static void send_answer(struct visit *v)
{
    if (v->route.method == EMU_STREAM)
        send_stream(v);
    else
        send_whole(v);
}

static void refuse_syntax(struct visit *v, const struct fault *why)
{
    emu_refuse(&v->answer.problem, 400, "Invalid JSON payload received. %s\n\n^",
               why->code == E_TOOBIG ? "Message too long or nested too deeply."
                                     : "Unexpected token.");
    refuse(v);
}

/* May this request be served now? A method that spends no quota is always let in. */
static bool is_within_quota(struct visit *v)
{
    const struct emu_target *t = &v->ask.target;
    struct emu_prompt prompt = {0};

    if (v->ask.method == EMU_COUNT)
        return true;
    emu_prompt_weigh(&prompt, v->ask.body, t->family);
    return emu_quotas_admit(v->house->quotas, v->key, str_z(t->model->name),
                            emu_prompt_tokens(&prompt), emu_house_wall_ms(v->house),
                            &v->answer.problem);
}

static bool admit(struct visit *v)
{
    const struct emu_fault *f = &v->ask.target.fault;
    bool refused =
        f->kind == EMU_REFUSES || (f->kind == EMU_REFUSES_ONCE && v->house->once++ % 2 == 0);

    if (refused)
        emu_fault_refuse(f, v->ask.target.asked, &v->answer.problem);
    return !refused && is_within_quota(v);
}

/* The answer is made; when and whether it leaves is the fault's business. */
static void answer(struct visit *v)
{
    enum emu_fault_kind kind = v->ask.target.fault.kind;

    if (v->answer.problem.http != 0) {
        refuse(v);
    } else if (kind == EMU_HTML) {
        emu_journal_status(&v->house->journal, v->serial, 502);
        emu_reply_html(v->call, 502, emu_fault_html);
        over(v);
    } else if (kind == EMU_HOLE)
        timer_stop(&v->timer); /* nothing comes but the client's leaving */
    else if (kind == EMU_RESET_HEAD)
        reset_call(v);
    else if (kind == EMU_SLOW)
        after(v, v->ask.target.fault.number[0], send_answer);
    else
        send_answer(v);
}

static void on_body(void *owner, char *body, size_t n)
{
    struct visit *v = owner;
    struct fault why = {0};
    enum err err;

    emu_journal_body(&v->house->journal, v->serial, str_of(body, n));
    if (n == 0)
        err = json_parse_copy(&v->json, S("{}"), NULL, &why);
    else
        err = json_parse(&v->json, body, n, NULL, &why);
    if (err != OK) {
        refuse_syntax(v, &why);
        return;
    }
    emu_journal_is_json(&v->house->journal, v->serial);
    v->ask.body = v->json.root;
    v->ask.held = emu_quotas_held(v->house->quotas, v->key);
    if (admit(v))
        emu_answer(&v->ask, &v->arena, &v->answer);
    json_fini(&v->json); /* the answer owns all of its text */
    call_drop_body(v->call);
    if (v->delay_ms > 0)
        after(v, v->delay_ms, answer);
    else
        answer(v);
}

/* A step of the script that is meant for this request comes before what the model's name says. */
static void follow_script(struct visit *v)
{
    const struct emu_step *step = emu_script_next(&v->house->script, v->key, v->ask.target.asked);

    if (step == NULL)
        return;
    v->delay_ms = step->delay_ms;
    if (step->fault.kind == EMU_FINE)
        return;
    v->ask.target.fault = step->fault;
    v->ask.target.fault.word = arena_dup(&v->arena, step->fault.word); /* the script may go */
}

static const struct call_events VISIT_EVENTS = {on_body, on_drain, on_gone};

void emu_visit_open(struct emu_house *h, struct call *call, const struct emu_route *route,
                    struct arena *arena, uint64_t serial)
{
    struct visit *v = mem_zalloc(sizeof *v);

    v->house = h;
    v->call = call;
    v->route = *route;
    v->serial = serial;
    v->arena = *arena;
    json_init(&v->json);
    emu_answer_init(&v->answer);
    buf_init(&v->chunk, CHUNK_MAX);
    buf_init(&v->wire, CHUNK_MAX);
    timer_init(&v->timer, h->loop, on_timer);
    task_init(&v->over, free_visit);
    h->journal.in_flight++;
    v->ask = (struct emu_ask){.method = route->method, .version = route->version, .serial = serial};
    v->key = arena_dup(&v->arena, emu_credential_key(call_headers(call), v->route.key));
    call_bind(call, &VISIT_EVENTS, v);
    if (!emu_catalog_find(route->model, &v->ask.target)) {
        emu_not_found(&v->answer.problem, route->version, route->model, route->method);
        refuse(v);
    } else {
        follow_script(v);
        call_want_body(call);
    }
}
