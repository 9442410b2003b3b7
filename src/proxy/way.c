/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* way.c - between a request and egress/. Must not know what a leg or a list is. */
#include "proxy/way.h"

#include "base/buf.h"
#include "base/log.h"

/* Names hold no user and no password. */
static void log_news(const struct egress_news *n, const struct gm_error *e)
{
    UNINITIALIZED struct log_line l;

    if (!n->any)
        return;
    log_begin(&l, n->state == EGRESS_WELL ? LOG_INFO : LOG_WARN, "egress");
    log_str(&l, "way", str_z(n->name.z));
    log_str(&l, "state", str_z(egress_state_name(n->state)));
    if (n->next.z[0] != '\0')
        log_str(&l, "next", str_z(n->next.z));
    if (e != NULL && n->state != EGRESS_WELL)
        log_str(&l, "why", str_z(e->message));
    log_end(&l);
}

static uint64_t now_of(const struct proxy *p)
{
    return loop_now_ms(p->loop);
}

bool way_take(struct proxy *p, struct way *w, unsigned own, const struct origin *to,
              struct origin *ret)
{
    w->want.own = own;
    w->want.now_ms = now_of(p);
    if (!egresses_pick(p->egresses, &w->want, &w->lease))
        return false;
    *ret = *to;
    ret->via = egress_proxy(w->lease.way);
    return true;
}

const char *way_proxy_name(const struct way *w)
{
    const struct egress *way = w->lease.way;

    return way != NULL && egress_proxy(way) != NULL ? egress_called(way) : "";
}

void way_works(struct proxy *p, struct way *w)
{
    UNINITIALIZED struct egress_news news;

    egresses_works(p->egresses, &w->lease, now_of(p), &news);
    log_news(&news, NULL);
}

static void done(struct proxy *p, struct way *w, enum egress_result r, const struct gm_error *e)
{
    UNINITIALIZED struct egress_news news;

    egresses_done(p->egresses, &w->lease, r, now_of(p), &news);
    log_news(&news, e);
}

void way_leave(struct proxy *p, struct way *w)
{
    if (w->lease.way != NULL)
        done(p, w, EGRESS_UNTOLD, NULL);
    w->want.ntried = 0;
}

/* An error of upstream's own came through. One that broke before its head may be the way's doing or
 * upstream's: it is blamed for a moment, so that another attempt goes elsewhere. */
static enum egress_result result_of(const struct gm_error *e, bool head)
{
    if (e->cause == GM_LOCATION)
        return EGRESS_LOCATION;
    if (e->cause == GM_UNREACHABLE || (e->cause == GM_BROKEN && !head))
        return EGRESS_FAILED;
    return e->upstream_status != 0 ? EGRESS_WORKS : EGRESS_UNTOLD;
}

/* What its user can do about it. That another key does not help is what nobody expects. */
static struct str advice_on(enum gm_cause cause)
{
    if (cause == GM_LOCATION)
        return S(
            " Another key will not help: move this server, or name a proxy elsewhere in "
            "HTTPS_PROXY. Google 不接受服务器所在的地区，换 key 没有用：请把服务器换到其他地区，"
            "或在 HTTPS_PROXY 里写一个其他地区的代理。");
    if (cause == GM_UNREACHABLE)
        return S(
            ". This server cannot reach upstream (Google): name a proxy that works in HTTPS_PROXY. "
            "服务器连不上上游（Google）：请在 HTTPS_PROXY 里写一个可用的代理。");
    return S("");
}

/* Of several ways out: which of them are refused. */
static void put_which(struct buf *text, const struct way *w, const struct egress_counts *n,
                      const struct gm_error *e)
{
    if (e->cause != GM_LOCATION || n->ways < 2)
        return;
    if (w->want.own != 0)
        buf_lit(text, "upstream refuses the location of this key's own way out: ");
    else if (n->refused == n->shared)
        buf_putf(text, "upstream refuses the location of every way out of this server (%zu): ",
                 n->shared);
    else
        buf_putf(
            text,
            "upstream refuses this server's location, and of its %zu ways out no other works: ",
            n->shared);
}

void way_explain(struct proxy *p, const struct way *w, struct gm_error *e)
{
    struct egress_counts n = egresses_count(p->egresses, now_of(p));
    struct str advice = advice_on(e->cause);
    struct gm_error told;
    struct buf text;

    if (advice.n == 0 || str_find(str_z(e->message), advice) < strlen(e->message))
        return; /* nothing to say, or said already */
    buf_init(&text, 4096);
    put_which(&text, w, &n, e);
    buf_put(&text, str_z(e->message));
    buf_put(&text, advice);
    gm_error_make(&told, e->cause, buf_str(&text));
    memcpy(e->message, told.message, sizeof e->message);
    buf_fini(&text);
}

bool way_failed(struct proxy *p, struct way *w, bool head, bool any_key, const struct gm_error *e)
{
    enum egress_result r = result_of(e, head);
    struct egress_want *want = &w->want;

    if (w->lease.way == NULL)
        return false;
    if (r >= EGRESS_FAILED && e->cause != GM_BROKEN && want->ntried < EGRESS_TRIED_MAX) {
        want->tried[want->ntried++] = egress_id(w->lease.way);
        done(p, w, r, e);
        want->now_ms = now_of(p);
        if (want->ntried < EGRESS_TRIED_MAX && egresses_left(p->egresses, want, any_key))
            return true;
    } else {
        done(p, w, r, e);
    }
    want->ntried = 0;
    return false;
}

void way_shut(struct proxy *p, const struct way *w, struct key_want *want)
{
    want->nshut = egresses_unwell(p->egresses, now_of(p), want->shut, KEYS_SHUT_MAX / 2);
    for (size_t i = 0; i < w->want.ntried && want->nshut < KEYS_SHUT_MAX; i++)
        want->shut[want->nshut++] = w->want.tried[i];
}

void proxy_warm(struct proxy *p)
{
    struct way w = {0};
    struct origin to;

    if (way_take(p, &w, 0, &p->opts->origin, &to))
        client_warm(p->client, &to);
    way_leave(p, &w);
}
