/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* links.c - media that a request names by address, brought here before the request is sent.
 *
 * What the client may learn of a failure is that it is one: the same words whatever the cause, and
 * its time in steps of 100 ms (SSR-6). Must not know what the files are for. */
#include "proxy/exchange_impl.h"

#include "base/log.h"

enum { AT_ONCE = 4, STEP_MS = 100 };

struct brought {
    struct exchange *x;
    struct gm_link *link;
    struct fetch *fetch; /* NULL when it is not under way */
    struct buf base64;
};
struct bringing {
    struct brought one[GM_LINKS_MAX]; /* by link */
    size_t next, under_way;
    size_t held; /* base64 of all of them */
    bool failed;
    uint64_t start_ms;
    struct timer pause;
};

static void start_more(struct exchange *x);

static void on_pause(struct timer *t)
{
    exchange_brought(CONTAINER(t, struct bringing, pause)->one[0].x);
}

/* All of them are settled. */
static void settle(struct exchange *x)
{
    struct bringing *b = x->bringing;
    uint64_t ms = loop_now_ms(x->p->loop) - b->start_ms;

    if (b->failed)
        timer_start(&b->pause, STEP_MS - ms % STEP_MS);
    else
        exchange_brought(x);
}

/* For the operator: the host, never the path or the query of what a client wanted to show. */
static void log_failure(const struct exchange *x, const struct fetch_result *r)
{
    struct log_line l;

    if (!log_on(LOG_INFO))
        return;
    log_begin(&l, LOG_INFO, "fetch");
    log_str(&l, "id", str_of(x->id.z, x->id.n));
    log_str(&l, "host", r->host);
    if (r->status > 0)
        log_u64(&l, "status", (uint64_t)r->status);
    log_str(&l, "what", str_z(r->what));
    log_end(&l);
}

static void on_done(void *owner, struct fetch_result *r)
{
    struct brought *one = owner;
    struct exchange *x = one->x;
    struct bringing *b = x->bringing;

    one->fetch = NULL;
    b->under_way--;
    metrics_count(x->p->metrics, r->what == NULL ? METRICS_FETCHED : METRICS_UNFETCHED);
    if (r->what != NULL) {
        log_failure(x, r);
        one->link->state = GM_LINK_FAILED;
        b->failed = true;
    } else {
        one->base64 = r->base64;
        one->link->base64 = buf_str(&one->base64);
        one->link->state = GM_LINK_HERE;
        b->held += one->base64.n;
    }
    start_more(x);
}

static void start_one(struct exchange *x, size_t i)
{
    struct bringing *b = x->bringing;
    struct gm_link *link = &x->links.v[i];
    struct fetch_ask ask = {
        .opts = &x->opts->fetching,
        .url = link->url,
        .who = x->who,
        .bytes_max = b->held < GM_REQUEST_MAX ? (GM_REQUEST_MAX - b->held) / 4 * 3 : 0,
        .known = gm_media_known,
    };

    b->one[i].link = link;
    b->one[i].fetch = fetch_open(x->p->fetcher, &ask, on_done, &b->one[i]);
    if (b->one[i].fetch != NULL) {
        b->under_way++;
        return;
    }
    link->state = GM_LINK_FAILED;
    b->failed = true;
}

static void start_more(struct exchange *x)
{
    struct bringing *b = x->bringing;

    for (; b->under_way < AT_ONCE && b->next < x->links.n; b->next++)
        if (x->links.v[b->next].state == GM_LINK_WANTED)
            start_one(x, b->next);
    if (b->under_way == 0)
        settle(x);
}

static struct bringing *make(struct exchange *x)
{
    struct bringing *b = arena_zalloc(&x->arena, sizeof *b);

    if (b == NULL)
        return NULL;
    for (size_t i = 0; i < GM_LINKS_MAX; i++)
        b->one[i].x = x;
    timer_init(&b->pause, x->p->loop, on_pause);
    return b;
}

enum err links_bring(struct exchange *x)
{
    struct bringing *b;

    if (x->bringing == NULL)
        x->bringing = make(x);
    b = x->bringing;
    if (b == NULL)
        return E_TOOBIG;
    b->next = 0;
    b->failed = false;
    b->start_ms = loop_now_ms(x->p->loop);
    start_more(x);
    return OK;
}

void links_stop(struct exchange *x)
{
    struct bringing *b = x->bringing;

    if (b == NULL)
        return;
    timer_stop(&b->pause);
    for (size_t i = 0; i < GM_LINKS_MAX; i++) {
        fetch_cancel(b->one[i].fetch);
        b->one[i].fetch = NULL;
    }
}

size_t links_here(const struct exchange *x)
{
    size_t n = 0;

    for (size_t i = 0; i < x->links.n; i++)
        n += x->links.v[i].state == GM_LINK_HERE;
    return n;
}

void links_fini(struct exchange *x)
{
    for (size_t i = 0; x->bringing != NULL && i < GM_LINKS_MAX; i++)
        buf_fini(&x->bringing->one[i].base64);
    x->bringing = NULL;
}
