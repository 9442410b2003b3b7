/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* leg.c - one upstream request: the sending, the answer's head, and again when that is right. Must
 * not know what the answer says: relay.c does; nor which key it goes with: leg_key.c does. */
#include "proxy/exchange_impl.h"

#include "base/random.h"

static const struct str METHOD[] = {
    [GM_GENERATE] = S_INIT(":generateContent"),
    [GM_STREAM] = S_INIT(":streamGenerateContent?alt=sse"),
};

enum {
    ERROR_BODY_MAX = 64 * 1024,
    TARGET_MAX = 1024,
    SENT_MAX = 8,   /* requests upstream for each choice, mended ones and all */
    NAMED_MIN = 20, /* bytes of a key that is named by its digest; Google's have 39 */
};

static const struct secret *key_of(const struct leg *leg)
{
    return leg->lease.key ? key_secret(leg->lease.key) : &leg->x->own_key;
}

/* A client's own: short ones, words of people perhaps, could be guessed from their digest. */
static struct sha256_name name_of(const struct exchange *x)
{
    static const struct sha256_name SHORT = {"short"};

    return secret_str(&x->own_key).n < NAMED_MIN ? SHORT : sha256_name(&x->who);
}

void leg_named(struct leg *leg)
{
    struct exchange *x = leg->x;

    x->key_name = leg->lease.key ? *key_name(leg->lease.key) : name_of(x);
    str_to_z(x->way, sizeof x->way, str_z(way_proxy_name(&leg->way)));
}

static void forget_answer(struct leg *leg)
{
    sse_fini(&leg->sse);
    buf_fini(&leg->body);
    leg->status = 0;
}

void leg_stop(struct leg *leg)
{
    leg->cut = leg->cut || (leg->req != NULL && client_is_sent(leg->req));
    client_cancel(leg->req);
    leg->req = NULL;
    timer_stop(&leg->again);
    leg_key_leave(leg);
    leg_key_back(leg, KEY_BLAMELESS, NULL);
    way_leave(leg->x->p, &leg->way);
    forget_answer(leg);
}

static void on_head(void *owner, int status, struct http_headers h)
{
    struct leg *leg = owner;
    size_t max = status == 200 ? leg->x->opts->answer_max : ERROR_BODY_MAX;

    leg->x->step = STEP_HEAD;
    leg->status = status;
    leg->retry_after_s = retry_after_header(h);
    if (status == 200) {
        leg_key_accepted(leg);
        way_works(leg->x->p, &leg->way);
    }
    sse_init(&leg->sse, leg->x->opts->event_max, relay_event, leg);
    buf_init(&leg->body, max + JSON_PAD);
}

static bool is_stream(const struct leg *leg)
{
    return leg->status == 200 && leg->x->tr.method == GM_STREAM;
}

/* What went wrong while events were handed on. */
static void fail_feed(struct leg *leg, enum err err)
{
    struct gm_error e = leg->x->p->told;

    leg->broke = err == E_TOOBIG; /* it would be as large again */
    if (err == E_MEMORY || leg->x->arena.starved)
        exchange_short_of_memory(&e);
    else if (!e.set)
        gm_error_make(&e, GM_BROKEN,
                      err == E_TOOBIG ? S("upstream's answer is larger than this server allows")
                                      : S("upstream's answer could not be read"));
    leg_fail(leg, &e);
}

static void has_answered(struct leg *leg)
{
    if (!leg->began)
        hedge_first_byte(leg);
    leg->began = true;
}

static void on_data(void *owner, struct str bytes)
{
    struct leg *leg = owner;
    struct exchange *x = leg->x;
    enum err err;

    x->step = STEP_RELAY;
    if (leg->status == 200)
        has_answered(leg);
    if (!is_stream(leg)) {
        buf_put(&leg->body, bytes);
        if (leg->body.err != OK && leg->status == 200)
            fail_feed(leg, leg->body.err);
        return;
    }
    relay_begin(x);
    err = sse_feed(&leg->sse, bytes);
    if (x->step == STEP_END)
        return;
    if (err == OK && x->arena.starved)
        err = E_MEMORY;
    relay_flush(x);
    if (err != OK)
        fail_feed(leg, err);
}

static void on_error_body(struct leg *leg)
{
    struct gm_error e;
    struct buf *b = &leg->body;
    size_t n = b->n;

    b->err = OK;
    buf_put(b, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    gm_error_read(&e, leg->status, b->p, b->err == OK ? n : 0); /* no memory: the status tells */
    if (e.retry_after_s == 0)
        e.retry_after_s = leg->retry_after_s;
    leg_fail(leg, &e);
}

static enum err whole_answer(struct leg *leg)
{
    size_t n = leg->body.n;

    buf_put(&leg->body, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    if (leg->body.err != OK)
        return leg->body.err;
    return relay_event(leg, leg->body.p, n);
}

static bool sent_enough(const struct exchange *x)
{
    return x->attempts - x->spared >= SENT_MAX * x->nlegs;
}

/* An answer with nothing in it, or with a call that the model spoilt, of which the client has seen
 * nothing: asked for once more. With other choices gathered already it stays as it is. */
static bool is_glitch(const struct leg *leg)
{
    const struct exchange *x = leg->x;

    return x->nlegs == 1 && !x->glitched && !x->content_sent && x->opts->attempts > 1 &&
           !sent_enough(x) && gm_worth_again(&x->readers[leg->choice]) &&
           allowance_spend(&x->p->retries, loop_now_ms(x->p->loop));
}

static void on_end(void *owner)
{
    struct leg *leg = owner;
    struct exchange *x = leg->x;
    bool goes_on;
    enum err err;

    leg->req = NULL;
    if (leg->status != 200) {
        on_error_body(leg);
        return;
    }
    has_answered(leg);
    relay_begin(x);
    err = is_stream(leg) ? sse_finish(&leg->sse) : whole_answer(leg);
    relay_flush(x);
    if (err != OK) {
        fail_feed(leg, err);
        return;
    }
    goes_on = hop_begin(leg);
    leg_key_back(leg, KEY_SERVED, NULL);
    way_leave(x->p, &leg->way);
    forget_answer(leg);
    if (goes_on) {
        hop_go(leg);
        return;
    }
    if (is_glitch(leg)) {
        x->glitched = true;
        metrics_count(x->p->metrics, METRICS_GLITCHED);
        exchange_again(x);
        return;
    }
    leg->done = true;
    exchange_leg_done(x);
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct leg *leg = owner;
    struct gm_error e;

    leg->req = NULL;
    /* A proxy locks out whom it hears too often with a wrong password. */
    leg->broke = leg->began || f->err == E_ACCESS;
    retry_error_of(&e, f);
    leg_fail(leg, &e);
}

/* What upstream said through the last one says most. */
static void no_way(struct leg *leg)
{
    struct gm_error e;

    leg_key_back(leg, KEY_UNSENT, NULL);
    if (hedge_goes_on(leg) || hop_ends(leg))
        return;
    if (leg->last != NULL)
        e = *leg->last;
    else
        gm_error_make(&e, GM_UNREACHABLE, S("this server has no way out to upstream now"));
    way_explain(leg->x->p, &leg->way, &e);
    exchange_fail(leg->x, &e);
}

void leg_send(struct leg *leg)
{
    static const struct client_events on = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_fail = on_fail};
    struct exchange *x = leg->x;
    const struct proxy_opts *o = x->opts;
    const struct secret *key = key_of(leg);
    struct origin origin;
    UNINITIALIZED char target[TARGET_MAX];
    const struct http_header headers[] = {
        {S("content-type"),   S("application/json")        },
        {S("accept"),         S("*/*")                     },
        {S("user-agent"),     S("queqiao/" QUEQIAO_VERSION)},
        {S("x-goog-api-key"), secret_str(key)              },
    };
    struct str model = x->tr.model;
    const struct str pieces[] = {
        o->base_path,
        S("/v1beta/"),
        memchr(model.p, '/', model.n) != NULL ? S("") : S("models/"),
        model,
        METHOD[x->tr.method],
    };
    size_t n = str_join(target, sizeof target, pieces, NELEM(pieces));

    if (!way_take(x->p, &leg->way, leg->lease.way, &o->origin, &origin)) {
        no_way(leg);
        return;
    }
    leg_named(leg);
    x->step = STEP_SEND;
    leg->began = leg->broke = false;
    if (leg->attempts == 0)
        allowance_earn(&x->p->retries);
    leg->attempts++;
    x->attempts++;
    leg->req = client_send(x->p->client,
                           &(struct client_request){
                               .origin = origin,
                               .method = HTTP_POST,
                               .target = str_of(target, n),
                               .headers = {headers, NELEM(headers)},
                               .body = &x->tr.body,
                               .first_byte_ms = o->first_byte_ms,
                               .idle_ms = o->idle_ms,
    },
                           &on, leg);
    hedge_sent(leg);
}

void leg_start(struct leg *leg)
{
    leg->x->step = STEP_PICK_KEY;
    if (leg->hops == 0)
        gm_reader_init(&leg->x->readers[leg->choice], &leg->x->p->told);
    leg->began = false;
    if (leg_key_take(leg))
        leg_send(leg);
}

static void on_again(struct timer *t)
{
    leg_start(CONTAINER(t, struct leg, again));
}

void leg_init(struct leg *leg, struct exchange *x, unsigned choice)
{
    leg->x = x;
    leg->choice = choice;
    timer_init(&leg->again, x->p->loop, on_again);
}

/* It is large, and nearly no leg fails. Without memory for it the next error speaks for itself. */
static void remember(struct leg *leg, const struct gm_error *e)
{
    if (leg->last == NULL)
        leg->last = arena_alloc(&leg->x->arena, sizeof *leg->last);
    if (leg->last != NULL)
        *leg->last = *e;
}

/* Before the request's time is over. */
static uint64_t left_ms(const struct exchange *x)
{
    uint64_t now_ms = loop_now_ms(x->p->loop);

    return x->total.due_ms > now_ms ? x->total.due_ms - now_ms : 0;
}

/* Has something of this very request gone to the client, or will it? */
static bool has_told(const struct leg *leg)
{
    const struct exchange *x = leg->x;

    if (leg->hops > 0)
        return leg->began;
    return x->readers[leg->choice].any_chunk || x->content_sent;
}

static bool sends_again(struct leg *leg, const struct gm_error *e)
{
    struct exchange *x = leg->x;
    struct retry_state state = {
        .attempts_made = leg->attempts - leg->moves,
        .attempts_max = x->opts->attempts,
        .answer_began = leg->broke || has_told(leg),
        .own_key = x->own_key.p != NULL,
        .left_ms = left_ms(x),
    };
    struct retry_plan plan;

    random_bytes(&state.random, sizeof state.random);
    if (sent_enough(x) || !retry_again(e, &state, &plan))
        return false;
    if (plan.costs && !allowance_spend(&x->p->retries, loop_now_ms(x->p->loop))) {
        metrics_count(x->p->metrics, METRICS_RETRY_DENIED);
        return false;
    }
    metrics_count(x->p->metrics, METRICS_RETRIED);
    remember(leg, e);
    x->step = STEP_PICK_KEY;
    timer_start(&leg->again, plan.after_ms);
    return true;
}

/* Upstream has said what it would not take of the request: it is sent once more without that. The
 * next ones to the model go without it at once, where it is the model's way. */
static bool is_mended(struct leg *leg, const struct gm_error *e)
{
    struct exchange *x = leg->x;
    unsigned remedy = (unsigned)e->remedy;

    if (remedy == GM_NO_REMEDY || (x->applied & remedy) || sent_enough(x) || exchange_began(x))
        return false;
    if (e->remedy_lasts)
        lesson_learn(&x->p->lessons, x->tr.model, remedy, loop_now_ms(x->p->loop));
    for (unsigned i = 0; i < GM_REMEDIES; i++)
        if (remedy == 1U << i)
            metrics_repaired(x->p->metrics, gm_remedy_name(i));
    x->remedies |= remedy;
    exchange_again(x);
    return true;
}

/* The model cannot answer now, or is not there: another one may. */
static bool falls_back(struct exchange *x, const struct gm_error *e)
{
    if (exchange_began(x) || sent_enough(x))
        return false;
    switch (e->cause) {
    case GM_RATE: return exchange_fall_back(x, METRICS_FELL_FOR_QUOTA);
    case GM_OVERLOADED: return exchange_fall_back(x, METRICS_FELL_FOR_OVERLOAD);
    case GM_NO_MODEL: return exchange_fall_back(x, METRICS_FELL_FOR_ABSENCE);
    default: return false;
    }
}

/* As many keys were refused for quota as may be tried in a row, but there may be better ones: the
 * request stands in line for a moment and begins anew. */
static bool rests(struct leg *leg, const struct gm_error *e)
{
    struct exchange *x = leg->x;

    if (e->cause != GM_RATE || leg->broke || has_told(leg) || sent_enough(x) ||
        x->own_key.p != NULL || !leg_key_rest(leg))
        return false;
    remember(leg, e);
    leg->attempts = leg->moves = 0;
    return true;
}

/* The file or cache may be another project's, which costs next to nothing to ask: only the bound
 * for all that is sent counts such attempts. */
static void notes_foreign(struct leg *leg, const struct gm_error *e)
{
    if (e->cause != GM_FOREIGN)
        return;
    leg_key_foreign(leg, e);
    if (leg->x->opts->attempts > 1)
        leg->moves++;
}

/* Upstream was not asked, or refused the place it was asked from: the same again, another way. The
 * key has done nothing. */
static void moves_on(struct leg *leg, const struct gm_error *e)
{
    leg->moves++;
    leg->x->spared++;
    if (leg->ntried > 0)
        leg->ntried--;
    remember(leg, e);
    leg->x->step = STEP_PICK_KEY;
    timer_start(&leg->again, 0);
}

void leg_fail(struct leg *leg, const struct gm_error *e)
{
    struct exchange *x = leg->x;
    struct gm_error copy = *e; /* it may live in what is reset below */
    bool elsewhere;

    gm_error_hide(&copy, secret_str(key_of(leg)));
    client_cancel(leg->req);
    leg->req = NULL;
    notes_foreign(leg, &copy);
    leg_key_back(leg, retry_blame(&copy), &copy);
    elsewhere = way_failed(x->p, &leg->way, leg->status != 0, x->own_key.p == NULL, &copy);
    forget_answer(leg);
    if (x->step == STEP_END || hedge_goes_on(leg))
        return;
    if (elsewhere && (leg->hops > 0 ? !leg->began : !x->content_sent)) {
        moves_on(leg, &copy);
        return;
    }
    way_explain(x->p, &leg->way, &copy);
    if (!is_mended(leg, &copy) && !sends_again(leg, &copy) && !falls_back(x, &copy) &&
        !rests(leg, &copy) && !hop_ends(leg))
        exchange_fail(x, &copy);
}
