/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* leg_key.c - the key of a leg: taken, waited for, given back. Must not know sockets. */
#include "proxy/exchange_impl.h"

#include "proxy/want.h"

/* Another request may just be finding out whether a key serves: that is waited for whatever the
 * options say, for so long in all. */
enum { MOMENT_MS = 500, MOMENTS_MS = 10 * 1000, REST_MS = 1000 };

static uint32_t tokens_of(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* e is NULL where nothing was told. */
void leg_key_back(struct leg *leg, enum key_result result, const struct gm_error *e)
{
    struct exchange *x = leg->x;
    const struct gm_usage *u = &x->readers[leg->choice].usage;
    UNINITIALIZED struct key_outcome o; /* of a failure there is much room, rarely used */

    if (leg->lease.key == NULL)
        return;
    o.result = result;
    o.now = proxy_now(x->p);
    o.tokens_in = o.tokens_out = o.tokens_cached = 0;
    if (result == KEY_SERVED) {
        o.tokens_in = tokens_of(u->prompt);
        o.tokens_out = tokens_of(u->candidates + u->thoughts);
        o.tokens_cached = tokens_of(u->cached);
    }
    if (e != NULL) {
        retry_failure(e, &o.failure);
    } else {
        o.failure.message = S("");
        o.failure.nv = 0;
        o.failure.retry_ms = 0;
    }
    keys_done(x->p->keys, &leg->lease, &o);
}

/* It waits no longer: how that ended. */
static void stop_waiting(struct leg *leg, enum metrics_event how)
{
    struct proxy *p = leg->x->p;

    if (leg->waiter.line == NULL)
        return;
    wait_leave(&p->waits, &leg->waiter);
    metrics_count(p->metrics, how);
    metrics_waiting(p->metrics, p->waits.n);
}

void leg_key_leave(struct leg *leg)
{
    stop_waiting(leg, METRICS_WAIT_LEFT);
}

static uint64_t now_of(const struct leg *leg)
{
    return loop_now_ms(leg->x->p->loop);
}

static void say_why(const struct leg *leg, enum key_verdict verdict, const struct key_wait *wait,
                    struct buf *text)
{
    uint64_t waited_ms = leg->waiter.ticket ? now_of(leg) - leg->wait_since_ms : 0;

    if (wait->keys == 0)
        buf_lit(text, "this server has no Gemini API key; set GEMINI_API_KEY. "
                      "服务器没有 Gemini key：请设置 GEMINI_API_KEY");
    else if (verdict == KEY_ABSENT)
        buf_lit(text, "upstream refuses every Gemini API key of this server (");
    else
        buf_putf(text, "every Gemini API key of this server is over its quota for %.*s (",
                 S_ARG(str_sub(leg->x->tr.model, 0, 64)));
    key_wait_say(wait, text);
    if (wait->keys > 0)
        buf_lit(text, ")");
    if (waited_ms >= 1000)
        buf_putf(text, "; this request has waited %llu s for it",
                 (unsigned long long)waited_ms / 1000);
    if (wait->keys > 0)
        buf_put(text, verdict == KEY_ABSENT ? S(". 服务器上的 key 都被 Google 拒绝，请检查或更换")
                                            : S(". 服务器上所有 key 的配额都已用完，请稍后再试"));
}

/* Nothing that could be waited for, nor asked of upstream, would help. */
static void is_split(struct leg *leg, const struct key_wait *wait)
{
    struct gm_error e;
    struct buf text;

    buf_init(&text, 1024);
    buf_putf(&text,
             "'%.*s' and '%.*s' belong to Gemini API keys of different projects, so no key can use "
             "both in one request. 两者属于不同项目的 key，无法在同一请求中使用",
             S_ARG(wait->split[0]), S_ARG(wait->split[1]));
    gm_error_make(&e, GM_BAD_REQUEST, buf_str(&text));
    buf_fini(&text);
    exchange_fail(leg->x, &e);
}

static void no_key(struct leg *leg, enum key_verdict verdict, const struct key_wait *wait)
{
    struct gm_error e;
    struct buf text;

    if (hop_ends(leg))
        return;
    if (verdict == KEY_SPLIT) {
        is_split(leg, wait);
        return;
    }
    /* What upstream said to the only key that there is, or to one that it refuses, says more; but
     * not of a quota: its delay is the minute's, where the day is lost. */
    if (leg->last != NULL &&
        (verdict == KEY_ABSENT || (wait->keys == 1 && leg->last->cause != GM_RATE))) {
        e = *leg->last;
    } else {
        buf_init(&text, 1024);
        say_why(leg, verdict, wait, &text);
        gm_error_make(&e, verdict == KEY_ABSENT ? GM_BUSY : GM_RATE, buf_str(&text));
        buf_fini(&text);
    }
    if (verdict == KEY_COOLING)
        e.retry_after_s = tokens_of((wait->wait_ms + 999) / 1000);
    exchange_fail(leg->x, &e);
}

/* Will the quota be back before the bound, and before the request's time is over? */
static bool may_wait(struct leg *leg, enum key_verdict verdict, const struct key_wait *wait)
{
    const struct proxy *p = leg->x->p;
    uint64_t bound_ms = p->draining ? 0 : leg->x->opts->quota_wait_ms;
    uint64_t now_ms = now_of(leg);

    if (verdict != KEY_COOLING)
        return false;
    if (leg->waiter.ticket == 0)
        leg->wait_since_ms = now_ms;
    if (wait->wait_ms <= MOMENT_MS && bound_ms < MOMENTS_MS)
        bound_ms = MOMENTS_MS;
    leg->waiter.until_ms = leg->wait_since_ms + bound_ms;
    if (leg->waiter.until_ms > leg->x->total.due_ms)
        leg->waiter.until_ms = leg->x->total.due_ms; /* it would be served too late */
    return now_ms + wait->wait_ms <= leg->waiter.until_ms;
}

static void want_for(const struct leg *leg, struct key_want *want)
{
    want_of(&leg->x->tr, want);
    want->apart = NULL;
    if (leg->must.n > 0) {
        want->must[0] = leg->must;
        want->nmust = 1;
    }
}

static enum key_verdict pick(struct leg *leg, struct key_want *want, struct key_wait *wait)
{
    enum key_verdict verdict;

    memcpy(want->tried, leg->tried, sizeof want->tried);
    want->ntried = leg->ntried;
    want->foreign = leg->foreign;
    want->now = proxy_now(leg->x->p);
    way_shut(leg->x->p, &leg->way, want);
    verdict = keys_pick(leg->x->p->keys, want, &leg->lease, wait);
    if (verdict == KEY_PICKED && leg->ntried < KEYS_TRIED_MAX)
        leg->tried[leg->ntried++] = leg->lease.key;
    return verdict;
}

bool leg_key_apart(struct leg *rival, const struct leg *first)
{
    UNINITIALIZED struct key_want want;
    UNINITIALIZED struct key_wait wait;

    if (first->lease.key == NULL)
        return false;
    memcpy(rival->tried, first->tried, sizeof rival->tried);
    rival->ntried = first->ntried;
    want_of(&rival->x->tr, &want);
    want.apart = first->lease.key;
    if (want.nmust > 0) /* what it names is known to one project alone */
        return false;
    return pick(rival, &want, &wait) == KEY_PICKED;
}

/* Another model may have quota, and nobody wants to wait for this one then. */
static bool goes_elsewhere(struct leg *leg, enum key_verdict verdict, const struct key_wait *wait)
{
    return verdict == KEY_COOLING && wait->wait_ms > MOMENT_MS && leg->hops == 0 &&
           exchange_no_quota(leg->x, wait->wait_ms);
}

/* It stands in front. */
static bool asked(struct waiter *w, uint64_t *ret_ms)
{
    struct leg *leg = CONTAINER(w, struct leg, waiter);
    UNINITIALIZED struct key_want want;
    UNINITIALIZED struct key_wait wait;
    enum key_verdict verdict;

    want_for(leg, &want);
    verdict = pick(leg, &want, &wait);
    if (goes_elsewhere(leg, verdict, &wait))
        return false;
    if (may_wait(leg, verdict, &wait)) {
        *ret_ms = wait.wait_ms;
        return true;
    }
    stop_waiting(leg, verdict == KEY_PICKED ? METRICS_WAIT_SERVED : METRICS_WAIT_REFUSED);
    if (verdict == KEY_PICKED)
        leg_send(leg);
    else
        no_key(leg, verdict, &wait);
    return false;
}

static bool join(struct leg *leg, uint64_t kind, uint64_t ask_ms)
{
    struct exchange *x = leg->x;

    leg->waiter.asked = asked;
    if (!wait_join(&x->p->waits, &leg->waiter, kind, ask_ms)) {
        metrics_count(x->p->metrics, METRICS_LINE_FULL);
        return false;
    }
    metrics_waiting(x->p->metrics, x->p->waits.n);
    x->step = STEP_WAIT;
    return true;
}

/* Requests of one kind wait in one line: what keeps them back is the same. */
static uint64_t kind_of(const struct key_want *want)
{
    return (str_hash(want->model) ^ want->extra) * 31 +
           (want->nmust > 0 ? str_hash(want->must[0]) : 0);
}

/* There is no other model to go to: whoever has one looks first. */
static bool is_patient(const struct exchange *x)
{
    return x->settled || fallback_of(&x->opts->fallbacks, x->tr.model).n == 0;
}

/* Others wait for the same: it joins them at once. */
static bool stands_behind(struct leg *leg, const struct key_want *want)
{
    static const struct key_wait NOT_KNOWN;
    const struct exchange *x = leg->x;
    uint64_t kind;

    if (x->p->waits.n == 0)
        return false;
    kind = kind_of(want);
    return wait_is_line(&x->p->waits, kind) && is_patient(x) &&
           may_wait(leg, KEY_COOLING, &NOT_KNOWN) && join(leg, kind, 0);
}

bool leg_key_take(struct leg *leg)
{
    struct exchange *x = leg->x;
    UNINITIALIZED struct key_want want;
    UNINITIALIZED struct key_wait wait;
    enum key_verdict verdict;

    if (x->own_key.p != NULL)
        return true;
    want_for(leg, &want);
    if (stands_behind(leg, &want))
        return false;
    verdict = pick(leg, &want, &wait);
    if (goes_elsewhere(leg, verdict, &wait))
        return false;
    if (verdict == KEY_PICKED)
        return true;
    if (!may_wait(leg, verdict, &wait) || !join(leg, kind_of(&want), wait.wait_ms))
        no_key(leg, verdict, &wait);
    return false;
}

void leg_key_accepted(struct leg *leg)
{
    struct keys *keys = leg->x->p->keys;
    UNINITIALIZED struct str names[KEYS_MUST_MAX];
    size_t n = want_names(&leg->x->tr, names);
    struct key_now now;

    if (leg->lease.key == NULL)
        return;
    now = proxy_now(leg->x->p);
    keys_accepted(keys, &leg->lease, now);
    if (n == 0)
        return;
    keys_pin(keys, leg->lease.key, names, n, now);
    for (size_t i = 0; i < leg->ntried; i++)
        if (leg->foreign >> i & 1)
            keys_told_apart(keys, leg->lease.key, leg->tried[i], now);
}

/* "abc" of ".../files/abc" */
static struct str id_of(struct str name)
{
    struct str id = str_cut(&name, '?');

    while (memchr(id.p, '/', id.n) != NULL)
        str_cut(&id, '/');
    return id;
}

/* Of a file upstream says which one; a cache is the only one in a request. */
static bool is_about(const struct gm_error *e, struct str name)
{
    bool cache = str_find(name, S("cachedContents/")) < name.n;

    return str_contains_nocase(str_z(e->message), cache ? S("CachedContent") : id_of(name));
}

void leg_key_foreign(struct leg *leg, const struct gm_error *e)
{
    struct str names[KEYS_MUST_MAX];
    size_t n = want_names(&leg->x->tr, names);

    for (size_t i = 0; i < leg->ntried; i++)
        if (leg->tried[i] == leg->lease.key)
            leg->foreign |= 1U << i;
    for (size_t i = 0; leg->lease.key != NULL && i < n; i++)
        if (n == 1 || is_about(e, names[i]))
            keys_unpin(leg->x->p->keys, leg->lease.key, names[i]);
}

bool leg_key_rest(struct leg *leg)
{
    static const struct key_wait wait = {.wait_ms = REST_MS};
    UNINITIALIZED struct key_want want;

    if (leg->x->opts->quota_wait_ms == 0 || !may_wait(leg, KEY_COOLING, &wait))
        return false;
    want_for(leg, &want);
    return join(leg, kind_of(&want), REST_MS);
}
