/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server.c - listeners, connections and their ends. Which bytes make a request is known to the
 * versions (server_h1.c, server_h2.c), what a request means to the handler. */
#include "http/server.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "http/server_conn.h"

#include <assert.h>
#include <stdio.h>

const struct server_limits SERVER_LIMITS_DEFAULT = {
    .body_max = (size_t)32 << 20,
    .head_ms = 10000,
    .body_idle_ms = 30000,
    .body_total_ms = 300000,
    .write_stall_ms = 60000,
    .keep_alive_ms = 75000,
    .h2_idle_ms = 120000,
};

struct port {
    struct list link;
    struct listener *listener;
};

/* Connections. */

static size_t stream_left(const struct stall *s)
{
    return stream_queued(CONTAINER(s, struct sconn, stall)->stream);
}

static void on_stalled(struct stall *s)
{
    sconn_reset(CONTAINER(s, struct sconn, stall));
}

static void bury(struct task *t)
{
    struct sconn *k = CONTAINER(t, struct sconn, bury);

    secret_wipe(&k->memo, sizeof k->memo);
    k->version->free(k);
}

void sconn_init(struct sconn *k, struct server *s, struct stream *stream,
                const struct http_version *version, void (*soon)(struct task *),
                void (*on_timer)(struct timer *))
{
    *k = (struct sconn){.version = version, .server = s, .stream = stream};
    list_push(&s->conns, &k->link);
    s->nconns++;
    timer_init(&k->timer, s->loop, on_timer);
    task_init(&k->soon, soon);
    task_init(&k->bury, bury);
    stall_init(&k->stall, s->loop, s->limits.write_stall_ms, stream_left, on_stalled);
}

enum flow sconn_write(struct sconn *k, struct str bytes)
{
    if (k->closed)
        return FLOW_GO;
    stall_put(&k->stall, bytes.n);
    if (stream_write(k->stream, bytes) == FLOW_FULL)
        k->full = true;
    return k->full ? FLOW_FULL : FLOW_GO;
}

char *sconn_reserve(struct sconn *k, size_t n)
{
    return k->closed ? NULL : stream_reserve(k->stream, n);
}

enum flow sconn_wrote(struct sconn *k, size_t n)
{
    stall_put(&k->stall, n);
    if (stream_wrote(k->stream, n) == FLOW_FULL)
        k->full = true;
    return k->full ? FLOW_FULL : FLOW_GO;
}

/* What every way to the end has in common. The stream is no longer ours to touch. */
static void leave(struct sconn *k)
{
    assert(!k->closed);
    k->closed = true;
    k->stream = NULL;
    list_remove(&k->link);
    k->server->nconns--;
    k->version->cut(k);
    timer_stop(&k->timer);
    stall_stop(&k->stall);
    task_cancel(&k->soon);
    loop_defer(k->server->loop, &k->bury);
}

void sconn_close(struct sconn *k)
{
    if (k->closed)
        return;
    stream_close(k->stream);
    leave(k);
}

void sconn_reset(struct sconn *k)
{
    if (k->closed)
        return;
    stream_reset(k->stream);
    leave(k);
}

void sconn_finish(struct sconn *k)
{
    if (k->closed)
        return;
    k->finishing = true;
    timer_stop(&k->timer);
    if (k->full)
        return; /* a soft close has a time limit of its own: wait until little is left */
    stream_close_soft(k->stream);
    leave(k);
}

void sconn_doom(struct sconn *k)
{
    k->doomed = true;
    if (!k->closed)
        loop_soon(k->server->loop, &k->soon);
}

void sconn_drained(struct sconn *k)
{
    k->full = false;
    if (k->finishing)
        sconn_finish(k);
}

struct stream *sconn_hand_over(struct sconn *k)
{
    struct stream *stream = k->stream;

    leave(k);
    return stream;
}

void server_relieve(struct server *s)
{
    struct sconn *heaviest = NULL;
    size_t most = FLOW_HIGH - 1;

    list_each (l, &s->conns) {
        struct sconn *k = CONTAINER(l, struct sconn, link);
        size_t weight = k->version->weight(k);

        if (weight > most) {
            most = weight;
            heaviest = k;
        }
    }
    if (heaviest != NULL)
        heaviest->version->shed(heaviest);
}

static void on_relief(struct task *t)
{
    server_relieve(CONTAINER(t, struct server, relief));
}

void server_relieve_soon(struct server *s)
{
    loop_soon(s->loop, &s->relief);
}

static void on_accept(void *owner, struct stream *stream)
{
    struct server *s = owner;

    if (str_eq(stream_alpn(stream), S("h2")))
        h2_open(s, stream, S(""));
    else
        h1_open(s, stream);
}

/* The server. */

struct server *server_new(struct loop *loop, const struct server_handler *h,
                          const struct server_limits *limits)
{
    struct server *s = mem_zalloc(sizeof *s);

    s->loop = loop;
    s->handler = *h;
    s->limits = *limits;
    list_init(&s->ports);
    list_init(&s->conns);
    task_init(&s->relief, on_relief);
    s->date_s = -1;
    return s;
}

enum err server_listen(struct server *s, const struct listen_opts *opts, uint16_t *ret_port,
                       struct fault *why)
{
    struct port *p = mem_zalloc(sizeof *p);
    enum err e = listener_open(s->loop, opts, on_accept, s, &p->listener, why);

    if (e != OK) {
        mem_free(p);
        return e;
    }
    list_push(&s->ports, &p->link);
    if (ret_port != NULL)
        *ret_port = listener_port(p->listener);
    return OK;
}

void server_drain(struct server *s)
{
    struct list *l;

    while ((l = list_pop(&s->ports)) != NULL) {
        struct port *p = CONTAINER(l, struct port, link);

        listener_close(p->listener);
        mem_free(p);
    }
    if (s->draining)
        return;
    s->draining = true;
    list_each (k, &s->conns) {
        struct sconn *conn = CONTAINER(k, struct sconn, link);

        conn->version->drain(conn);
    }
}

void server_set_limits(struct server *s, const struct server_limits *limits)
{
    s->limits = *limits;
}

size_t server_calls(const struct server *s)
{
    return s->ncalls;
}

size_t server_connections(const struct server *s)
{
    return s->nconns;
}

void server_close(struct server *s)
{
    server_drain(s);
    while (!list_empty(&s->conns))
        sconn_close(CONTAINER(s->conns.next, struct sconn, link));
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    assert(list_empty(&s->conns) && list_empty(&s->ports));
    task_cancel(&s->relief);
    mem_free(s);
}

/* The date. */

/* Days since 1970 to a date: 400-year eras that begin on the first of March. */
static void civil(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;

    *ret_day = (unsigned)(doy - (153 * m + 2) / 5 + 1);
    *ret_month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *ret_year = (int)(yoe + era * 400 + (*ret_month <= 2 ? 1 : 0));
}

struct str server_date(struct server *s)
{
    static const char DAY[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char MONTH[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now = clock_wall_s();
    unsigned month, day;
    int year;

    if (now != s->date_s && now >= 0 && now < 253402300800) { /* the year 10000 */
        unsigned in_day = (unsigned)(now % 86400);

        civil(now / 86400, &year, &month, &day);
        s->date_n = (size_t)snprintf(s->date, sizeof s->date, "%s, %02u %s %04d %02u:%02u:%02u GMT",
                                     DAY[now / 86400 % 7], day, MONTH[month - 1], year,
                                     in_day / 3600, in_day / 60 % 60, in_day % 60);
        s->date_s = now;
    }
    return (struct str){s->date, s->date_n};
}
