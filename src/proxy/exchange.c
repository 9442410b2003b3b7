/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exchange.c - the life of one request. Must not know JSON beyond "parsed or not", nor any
 * dialect's words; the bytes between the two sides are relay.c's, one upstream request is leg.c's.
 */
#include "proxy/exchange_impl.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdio.h>

enum { ARENA_MIN = 8 << 20, ROUND_MS = 1000 };

static void forget_translation(struct exchange *x)
{
    if (!x->translated)
        return;
    rope_fini(&x->tr.body);
    x->translated = false;
}

static void free_task(struct task *t)
{
    struct exchange *x = CONTAINER(t, struct exchange, free);

    if (x->aside)
        return; /* exchange_let_go() follows */
    forget_translation(x);
    links_fini(x);
    json_fini(&x->json);
    if (x->body_room > 0)
        mem_drop(x->body, x->body_room);
    secret_fini(&x->own_key);
    arena_fini(&x->arena);
    proxy_opts_drop(x->opts);
    mem_free(x);
}

/* The end of every exchange, however it came: upstream is cancelled in this turn, one line is
 * logged, memory goes back when the turn is over. */
static void over(struct exchange *x, const char *end)
{
    if (x->step == STEP_END)
        return;
    x->end = end;
    for (unsigned i = 0; i < x->nrunners; i++)
        leg_stop(&x->legs[i]);
    links_stop(x);
    timer_stop(&x->hedge);
    timer_stop(&x->total);
    timer_stop(&x->heartbeat);
    access_log(x);
    x->step = STEP_END;
    x->call = NULL;
    list_remove(&x->link);
    x->p->nexchanges--;
    loop_defer(x->p->loop, &x->free);
}

void exchange_fail(struct exchange *x, const struct gm_error *e)
{
    struct call *c = x->call;

    if (x->step == STEP_END)
        return;
    /* Upstream first, and the log before the last byte: on Function Compute everything may freeze
     * the moment that the answer is complete. */
    if (x->head_sent) {
        bool told = relay_stream_error(x, e);

        over(x, "stream_error");
        if (told)
            call_end(c);
        else
            call_reset(c); /* without a word of the error the end would look like success */
        return;
    }
    x->status = e->client_status;
    over(x, "error");
    reply_error(x->p, c, &x->id, x->d, e);
}

void exchange_let_go(struct exchange *x)
{
    loop_defer(x->p->loop, &x->free);
}

static void fail_fault(struct exchange *x, const struct fault *why, yyjson_val *root)
{
    struct gm_error e;

    gm_error_fault(&e, why, root);
    exchange_fail(x, &e);
}

void exchange_short_of_memory(struct gm_error *ret)
{
    gm_error_make(ret, GM_BUSY, S("this server is short of memory; please try again"));
    ret->retry_after_s = 1;
}

static void fail_memory(struct exchange *x)
{
    struct gm_error e;

    exchange_short_of_memory(&e);
    exchange_fail(x, &e);
}

static void on_total(struct timer *t)
{
    struct exchange *x = CONTAINER(t, struct exchange, total);
    struct gm_error e;

    gm_error_make(&e, GM_DEADLINE, S("the request took longer than this server allows"));
    exchange_fail(x, &e);
}

static void on_heartbeat(struct timer *t)
{
    relay_heartbeat(CONTAINER(t, struct exchange, heartbeat));
}

void exchange_leg_done(struct exchange *x)
{
    struct call *c = x->call;

    if (++x->nlegs_done < x->nlegs)
        return;
    for (unsigned i = 0; i < x->nlegs; i++)
        gm_reader_sum(&x->readers[i]);
    relay_finish(x);
    if (x->step == STEP_END)
        return;
    over(x, "finish");
    call_end(c);
}

static enum err start_legs(struct exchange *x)
{
    struct leg *legs;

    x->legs = arena_zalloc(&x->arena, (x->tr.choices + hedge_may(x)) * sizeof *x->legs);
    x->readers = arena_zalloc(&x->arena, x->tr.choices * sizeof *x->readers);
    if (x->legs == NULL || x->readers == NULL)
        return E_MEMORY;
    legs = x->legs;
    x->nlegs = x->nrunners = x->tr.choices;
    for (unsigned i = 0; i < x->nlegs; i++)
        leg_init(&x->legs[i], x, i);
    if (!timer_running(&x->total)) /* it runs on when the request is translated anew */
        timer_start(&x->total, x->opts->total_ms);
    if (x->tr.stream && x->opts->heartbeat_ms > 0 && !timer_running(&x->heartbeat))
        timer_start(&x->heartbeat, x->opts->heartbeat_ms);
    /* One may end the exchange, or have it begin again with others. */
    for (unsigned i = 0; legs == x->legs && i < x->nlegs && x->step != STEP_END; i++)
        leg_start(&legs[i]);
    return OK;
}

/* Of the translation its body alone is worthless; what it says of the answer may be needed. A
 * stream is kept alive, but not before one round of fetches could be over: while nothing has been
 * sent, a failure is a status and no event. */
static enum err bring_links(struct exchange *x)
{
    uint64_t round_ms = (uint64_t)x->opts->fetching.whole_ms + ROUND_MS;

    rope_fini(&x->tr.body);
    x->step = STEP_FETCH;
    if (!x->head_sent) {
        timer_stop(&x->heartbeat);
        if (x->tr.stream && x->opts->heartbeat_ms > 0)
            timer_start(&x->heartbeat,
                        x->opts->heartbeat_ms > round_ms ? x->opts->heartbeat_ms : round_ms);
    }
    if (!timer_running(&x->total))
        timer_start(&x->total, x->opts->total_ms);
    return links_bring(x);
}

static void fail_syntax(struct exchange *x, const struct translated *t)
{
    struct gm_error e;
    char text[256];

    snprintf(text, sizeof text, "We could not parse the JSON body of your request: %s (byte %zu)",
             t->why.what ? t->why.what : "bad syntax", t->at);
    gm_error_make(&e, GM_BAD_REQUEST, str_z(text));
    exchange_fail(x, &e);
}

/* Send it; but first fetch what it turns out to need. */
void exchange_translated(struct exchange *x, const struct translated *t)
{
    x->applied = t->applied;
    if (t->err == E_MEMORY)
        fail_memory(x);
    else if (t->malformed)
        fail_syntax(x, t);
    else if (t->err != OK)
        fail_fault(x, &t->why, x->json.root);
    else if ((x->links.wanted > 0 ? bring_links(x) : start_legs(x)) != OK)
        fail_memory(x);
}

static void begin(struct exchange *x)
{
    x->step = STEP_TRANSLATE;
    translate_begin(x);
}

void exchange_brought(struct exchange *x)
{
    if (!x->head_sent)
        timer_stop(&x->heartbeat); /* the legs start their own */
    forget_translation(x);
    begin(x);
}

bool exchange_began(const struct exchange *x)
{
    for (unsigned i = 0; i < x->nlegs; i++)
        if (x->readers[i].any_chunk)
            return true;
    return x->content_sent;
}

void exchange_again(struct exchange *x)
{
    for (unsigned i = 0; i < x->nrunners; i++)
        leg_stop(&x->legs[i]);
    timer_stop(&x->hedge);
    x->nlegs = x->nrunners = x->nlegs_done = 0;
    forget_translation(x);
    begin(x);
}

static void on_body(void *owner, char *body, size_t n)
{
    struct exchange *x = owner;

    x->body = body;
    x->body_n = n;
    if (translate_is_long(n))
        x->body_room = call_release_body(x->call);
    begin(x);
}

static void on_drain(void *owner)
{
    relay_drained(owner);
}

static void on_gone(void *owner)
{
    struct exchange *x = owner;

    x->call = NULL;
    x->status = x->status ? x->status : 499;
    over(x, "client_gone");
}

void exchange_start(struct proxy *p, struct call *c, const struct dialect *d,
                    const struct auth_pass *pass, const struct request_id *id)
{
    static const struct call_events on = {
        .on_body = on_body, .on_drain = on_drain, .on_gone = on_gone};
    struct exchange *x = mem_zalloc(sizeof *x);

    x->p = p;
    x->opts = proxy_opts_hold(p->opts);
    x->call = c;
    x->d = d;
    x->id = *id;
    x->start_ms = loop_now_ms(p->loop);
    if (id->made)
        memcpy(x->nonce, id->z + REQUEST_ID_MADE, sizeof x->nonce);
    else
        random_id(x->nonce, sizeof x->nonce);
    x->links.fetch = x->opts->fetch;
    x->links.http = x->opts->fetching.rules.http || x->opts->fetching.rules.intranet.n > 0;
    arena_init(&x->arena, x->opts->answer_max * 2 + ARENA_MIN);
    json_init_in(&x->json, &x->arena);
    x->who = pass->id;
    if (pass->verdict == AUTH_CLIENT_KEY)
        secret_init(&x->own_key, pass->credential);
    timer_init(&x->total, p->loop, on_total);
    hedge_init(x);
    timer_init(&x->heartbeat, p->loop, on_heartbeat);
    task_init(&x->free, free_task);
    list_init(&x->link);
    list_push(&p->exchanges, &x->link);
    p->nexchanges++;
    access_log_began(x);
    call_bind(c, &on, x);
    call_want_body(c);
}

/* Letters, digits and what ids have between them: it goes into a header and a log line. */
static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return s.n >= 8 && s.n < sizeof((struct request_id *)0)->z;
}

struct request_id request_id_new(const struct proxy_opts *o, struct call *c)
{
    struct request_id id = {.z = "req_", .n = REQUEST_ID_MADE + NONCE};
    struct str given = o->request_id.n ? http_header_get(call_headers(c), o->request_id) : S("");

    if (is_id(given)) {
        memcpy(id.z, given.p, given.n);
        id.n = given.n;
    } else {
        random_id(id.z + REQUEST_ID_MADE, NONCE);
        id.made = true;
    }
    return id;
}

const struct proxy_opts *proxy_opts_hold(const struct proxy_opts *o)
{
    atomic_fetch_add(&((struct proxy_opts *)(uintptr_t)o)->holders, 1); /* of which it is const */
    return o;
}

void proxy_opts_drop(const struct proxy_opts *o)
{
    struct proxy_opts *mine = (struct proxy_opts *)(uintptr_t)o;

    if (mine != NULL && atomic_fetch_sub(&mine->holders, 1) == 1)
        mine->free(mine);
}

void proxy_init(struct proxy *p, struct loop *loop, struct client *client, struct keys *keys,
                struct egresses *egresses, struct signatures *signatures,
                const struct proxy_opts *opts)
{
    *p = (struct proxy){.loop = loop,
                        .client = client,
                        .keys = keys,
                        .egresses = egresses,
                        .signatures = signatures};
    list_init(&p->exchanges);
    waits_init(&p->waits, loop);
    allowance_init(&p->retries, &ALLOW_RETRIES);
    allowance_init(&p->hedges, &ALLOW_HEDGES);
    json_init(&p->json);
    p->wholes = gm_form_of_wholes();
    buf_init(&p->out, 0);
    proxy_take_opts(p, opts);
}

void proxy_take_opts(struct proxy *p, const struct proxy_opts *opts)
{
    proxy_opts_hold(opts);
    proxy_opts_drop(p->opts);
    p->opts = opts;
    if (p->out.max < opts->answer_max * 2) /* exchanges that are in work keep their room */
        p->out.max = opts->answer_max * 2;
}

void proxy_fini(struct proxy *p)
{
    json_fini(&p->json);
    mem_free(p->wholes);
    buf_fini(&p->out);
    proxy_opts_drop(p->opts);
}

void proxy_drain(struct proxy *p)
{
    p->draining = true;
    wait_ask_all(&p->waits);
}

void proxy_abandon(struct proxy *p)
{
    struct gm_error e;

    gm_error_make(&e, GM_BUSY, S("this server is shutting down; please try again"));
    list_each (l, &p->exchanges) {
        struct exchange *x = CONTAINER(l, struct exchange, link);

        if (x->step == STEP_READ) /* its body has not even come */
            call_reset(x->call), over(x, "shutdown");
        else
            exchange_fail(x, &e);
    }
}
