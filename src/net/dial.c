/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dial.c - from a name to a connection. Attempts are staggered as RFC 8305 ("Happy Eyeballs") says:
 * the next address is tried when the last one has failed, or after 250 ms beside it; the first to
 * connect wins and the others are closed.
 *
 *   DNS --answer--> CONNECT --first socket--> TUNNEL (through a proxy) --> TLS (when asked for) -->
 *   DONE; any --failure or time limit--> DONE
 *
 * The lookup has a time limit, and all that follows has one together (LIM-11). */
#include "net/dial.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/loop_impl.h"
#include "net/tcp.h"
#include "net/tls_impl.h"
#include "net/tunnel.h"

#include <assert.h>
#include <sys/socket.h>

enum { NEXT_TRY_MS = 250 };

struct dial {
    struct loop *loop;
    struct dial_opts opts;
    char *host;
    dial_done_f *done;
    void *owner;
    enum dial_phase phase;
    struct dns_query *query;
    struct dns_answer addrs;
    struct stream *tries[DNS_MAX_ADDRS]; /* by address; NULL when not under way */
    size_t next;                         /* the first address that was not tried */
    size_t live;                         /* attempts under way */
    struct tunnel *tunnel;               /* until the proxy has connected us */
    struct stream *tls;                  /* during its handshake */
    int status;                          /* why the attempts failed, as far as it says something */
    struct timer step, limit;
    struct task bury;
};

static void bury(struct task *t)
{
    struct dial *d = CONTAINER(t, struct dial, bury);

    mem_free(d->host);
    mem_free(d);
}

static void stop_trying(struct dial *d)
{
    timer_stop(&d->step);
    for (size_t i = 0; i < d->next; i++) {
        stream_close(d->tries[i]);
        d->tries[i] = NULL;
    }
}

/* Everything that is still under way stops. */
static void wind_up(struct dial *d)
{
    d->phase = DIAL_DONE;
    stop_trying(d);
    timer_stop(&d->limit);
    dns_cancel(d->query);
    d->query = NULL;
    tunnel_close(d->tunnel);
    d->tunnel = NULL;
    stream_close(d->tls);
    d->tls = NULL;
    loop_defer(d->loop, &d->bury);
}

/* Of whom the failure speaks: upstream, or the proxy on the way there. */
#define SAY(d, text) ((d)->opts.via != NULL ? "the proxy: " text : text)

static void finish(struct dial *d, enum err e, const char *what, struct stream *s)
{
    struct dial_result r = {.err = e, .phase = d->phase, .what = what, .stream = s};

    if (d->opts.via != NULL && r.phase < DIAL_TUNNEL)
        r.phase = DIAL_TUNNEL;
    if (e == OK)
        r.phase = DIAL_DONE;
    wind_up(d);
    d->done(d->owner, &r);
}

static void on_shaken(void *owner, enum err e, const char *what)
{
    struct dial *d = owner;
    struct stream *s = d->tls;

    d->tls = NULL; /* it is the owner's now, or gone */
    finish(d, e, what, e == OK ? s : NULL);
}

/* The stream leads to upstream. */
static void reached(struct dial *d, struct stream *s)
{
    const char *what = NULL;
    SSL *ssl;

    if (d->opts.tls == NULL) {
        finish(d, OK, "", s);
        return;
    }
    d->phase = DIAL_TLS;
    ssl = tls_client_ssl(d->opts.tls, d->opts.host, d->opts.port, d->opts.want_h2, &what);
    if (ssl != NULL) {
        d->tls = tls_start(s, ssl, d->opts.tls, 0, on_shaken, d);
        return;
    }
    stream_close(s);
    finish(d, E_SYSTEM, what, NULL);
}

static void on_tunnel(void *owner, enum err e, const char *what, struct stream *s)
{
    struct dial *d = owner;

    d->tunnel = NULL;
    if (e == OK)
        reached(d, s);
    else
        finish(d, e, what, NULL);
}

static void ask_proxy(struct dial *d, struct stream *s)
{
    d->tunnel = tunnel_open(s, d->opts.via, d->opts.host, d->opts.port, on_tunnel, d);
}

static void on_proxy_shaken(void *owner, enum err e, const char *what)
{
    struct dial *d = owner;
    struct stream *s = d->tls;

    d->tls = NULL;
    if (e == OK)
        ask_proxy(d, s);
    else
        finish(d, e, what, NULL);
}

static void shake_proxy(struct dial *d, struct stream *s)
{
    const struct tunnel_proxy *via = d->opts.via;
    const char *what = NULL;
    SSL *ssl = tls_client_ssl(d->opts.via_tls, via->host, via->port, false, &what);

    if (ssl != NULL) {
        d->tls = tls_start(s, ssl, d->opts.via_tls, 0, on_proxy_shaken, d);
        return;
    }
    stream_close(s);
    finish(d, E_SYSTEM, what, NULL);
}

static void connected(struct dial *d, struct stream *s)
{
    stop_trying(d);
    if (d->opts.via == NULL) {
        reached(d, s);
        return;
    }
    d->phase = DIAL_TUNNEL;
    if (d->opts.via->tls)
        shake_proxy(d, s);
    else
        ask_proxy(d, s);
}

/* No route is what one expects of a family that this host does not have; another reason says more.
 */
static bool says_little(int status)
{
    return status == 0 || status == UV_ENETUNREACH || status == UV_EHOSTUNREACH ||
           status == UV_EADDRNOTAVAIL || status == UV_EAFNOSUPPORT;
}

static void connect_failed(struct dial *d)
{
    switch (d->status) {
    case UV_ECONNREFUSED: finish(d, E_REFUSED, SAY(d, "connection refused"), NULL); break;
    case UV_ETIMEDOUT:
        finish(d, E_TIMEOUT, SAY(d, "no answer to the connection attempt"), NULL);
        break;
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
    case UV_EHOSTUNREACH: finish(d, E_REFUSED, SAY(d, "no route to the host"), NULL); break;
    case UV_ECONNRESET: finish(d, E_CLOSED, SAY(d, "connection reset"), NULL); break;
    case UV_EMFILE:
    case UV_ENFILE: finish(d, E_SYSTEM, SAY(d, "out of file descriptors"), NULL); break;
    case UV_EACCES:
    case UV_EPERM: finish(d, E_SYSTEM, SAY(d, "the system forbids the connection"), NULL); break;
    default: finish(d, E_SYSTEM, SAY(d, "cannot connect"), NULL);
    }
}

static const char FORBIDDEN[] = "the name has an address that may not be connected to";

static bool all_allowed(const struct dial *d)
{
    for (size_t i = 0; d->opts.guard != NULL && i < d->addrs.n; i++)
        if (!d->opts.guard(&d->addrs.addr[i], NULL))
            return false;
    return true;
}

/* Is at the other end who was meant, and may it be talked to? */
static bool arrived(const struct dial *d, const union net_addr *to, const struct stream *s)
{
    union net_addr peer = {.in6 = {.sin6_family = AF_UNSPEC}}, own = peer;
    socklen_t peer_n = sizeof peer, own_n = sizeof own;

    if (d->opts.guard == NULL)
        return true;
    return getpeername(tcp_fd(s), &peer.sa, &peer_n) == 0 &&
           getsockname(tcp_fd(s), &own.sa, &own_n) == 0 && addr_same(&peer, to) &&
           addr_port(&peer) == addr_port(to) && d->opts.guard(&peer, &own);
}

static void try_next(struct dial *d);

static void on_tried(void *owner, struct stream *s, int status)
{
    struct dial *d = owner;
    size_t i = 0;

    while (d->tries[i] != s)
        i++;
    d->tries[i] = NULL;
    d->live--;
    if (status == 0 && arrived(d, &d->addrs.addr[i], s)) {
        connected(d, s);
        return;
    }
    stream_close(s);
    if (status == 0) {
        finish(d, E_REFUSED, FORBIDDEN, NULL);
        return;
    }
    if (says_little(d->status))
        d->status = status;
    try_next(d);
}

/* Starts one more attempt, passing over addresses that fail at once. */
static void try_next(struct dial *d)
{
    while (d->next < d->addrs.n) {
        union net_addr *a = &d->addrs.addr[d->next];
        struct stream **slot = &d->tries[d->next++];
        int r;

        addr_set_port(a, d->opts.via != NULL ? d->opts.via->port : d->opts.port);
        r = tcp_connect(d->loop, a, on_tried, d, slot);
        if (r == 0) {
            d->live++;
            if (d->next < d->addrs.n)
                timer_start(&d->step, NEXT_TRY_MS);
            return;
        }
        if (says_little(d->status))
            d->status = r;
    }
    timer_stop(&d->step);
    if (d->live == 0)
        connect_failed(d);
}

static void on_step(struct timer *t)
{
    try_next(CONTAINER(t, struct dial, step));
}

static void on_limit(struct timer *t)
{
    struct dial *d = CONTAINER(t, struct dial, limit);
    const char *what = SAY(d, "no answer to the connection attempt");

    if (d->phase == DIAL_TUNNEL)
        what = "the proxy did not connect to upstream in time";
    else if (d->phase == DIAL_TLS)
        what = "the TLS handshake took too long";
    finish(d, E_TIMEOUT, what, NULL);
}

static void on_answer(void *owner, const struct dns_answer *a)
{
    struct dial *d = owner;

    d->query = NULL;
    if (a->err != OK) {
        finish(d, a->err,
               a->err == E_REFUSED   ? SAY(d, "no such host name")
               : a->err == E_TIMEOUT ? SAY(d, "no answer from the name server")
                                     : SAY(d, "the name server is in trouble"),
               NULL);
        return;
    }
    d->addrs = *a;
    if (!all_allowed(d)) {
        finish(d, E_REFUSED, FORBIDDEN, NULL);
        return;
    }
    d->phase = DIAL_CONNECT;
    timer_start(&d->limit, d->opts.connect_ms);
    try_next(d);
}

struct dial *dial_open(struct loop *loop, const struct dial_opts *opts, dial_done_f *done,
                       void *owner)
{
    struct dial *d = mem_zalloc(sizeof *d);

    assert(opts->guard == NULL || opts->via == NULL);
    *d = (struct dial){.loop = loop, .opts = *opts, .done = done, .owner = owner};
    d->host = mem_dup(opts->host.p, opts->host.n);
    d->opts.host.p = d->host;
    timer_init(&d->step, loop, on_step);
    timer_init(&d->limit, loop, on_limit);
    task_init(&d->bury, bury);
    d->query = dns_lookup(opts->dns, opts->via != NULL ? opts->via->host : d->opts.host,
                          opts->dns_ms, on_answer, d);
    return d;
}

void dial_cancel(struct dial *d)
{
    if (d != NULL && d->phase != DIAL_DONE)
        wind_up(d);
}
