/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* listen.c - listening sockets. accept(2) is called here and not by libuv, which would close
 * waiting connections when descriptors run out; we leave them in the backlog and come back.
 *
 *   watching --EMFILE, ENFILE, ENOMEM--> resting --100 ms--> watching */
#include "net/listen.h"
#include "base/mem.h"
#include "base/torture.h"
#include "net/loop_impl.h"
#include "net/tcp.h"
#include "net/tls_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,    /* net.core.somaxconn caps it */
    ACCEPT_BATCH = 64, /* then the connections that are already here get their turn */
    REST_MS = 100,     /* PRC-2 */
};

struct listener {
    struct loop *loop;
    uv_poll_t poll;
    int fd;
    listen_accept_f *accept;
    void *owner;
    struct tls_server *tls;
    const struct listen_gate *gate;
    struct timer rested;
    struct list handshakes; /* oldest first */
    size_t shaking;
    uint32_t handshake_ms;
    bool closed;
};
struct handshake {
    struct list link;
    struct listener *l;
    struct stream *tls;
};

/* Which addresses to try in turn. All addresses: one IPv6 socket that takes IPv4 as well, or IPv4
 * alone where the system has no IPv6. */
static size_t candidates(const struct listen_addr *a, union net_addr ret[2])
{
    struct str host = str_z(a->host);
    size_t n = 1;

    if (host.n == 0 || str_eq(host, S("*"))) {
        if (!addr_parse(S("::"), &ret[0]) || !addr_parse(S("0.0.0.0"), &ret[1]))
            return 0;
        n = 2;
    } else if (!addr_parse(addr_is_localhost(host) ? S("127.0.0.1") : host, &ret[0]))
        return 0;
    for (size_t i = 0; i < n; i++)
        addr_set_port(&ret[i], a->port);
    return n;
}

/* A bound socket, or -1 with errno and *call set. */
static int bind_to(const union net_addr *a, bool share, const char **call)
{
    static const int on = 1, off = 0;
    int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool any6 = a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
    int saved;

    *call = "cannot make a socket";
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any6 ? &off : &on, sizeof on);
    *call = "cannot share the port between workers";
    if (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) {
        *call = "cannot bind to the address";
        if (bind(fd, &a->sa, addr_len(a)) == 0)
            return fd;
    }
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* The system lets any process of the same user share a shared port, and half of the connections
 * would go to a process that somebody forgot. One that does not share is refused instead. */
static bool is_unclaimed(const union net_addr *a, const char **call)
{
    int fd = bind_to(a, false, call);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A bound, listening socket, or -1 with errno and *call set. */
static int listen_on(const union net_addr *a, const struct listen_opts *o, const char **call)
{
    int fd, saved;

    if (o->reuse_port && o->claim && !is_unclaimed(a, call))
        return -1;
    fd = bind_to(a, o->reuse_port, call);
    if (fd < 0)
        return -1;
    *call = "cannot listen on the address";
    if (listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static enum err open_socket(const struct listen_opts *o, int *ret, struct fault *why)
{
    union net_addr a[2];
    size_t n = candidates(&o->addr, a);
    const char *call = "cannot bind to the address";
    int fd = -1;

    errno = EINVAL;
    for (size_t i = 0; i < n && fd < 0; i++) {
        if (i > 0 && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
            break;
        fd = listen_on(&a[i], o, &call);
    }
    if (fd < 0)
        return fault_set(why, E_SYSTEM, call, NULL);
    *ret = fd;
    return OK;
}

static enum err take_inherited(int fd, struct fault *why)
{
    int listening = 0;
    socklen_t n = sizeof listening;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0)
        return fault_set(why, E_SYSTEM, "the inherited descriptor is not a socket", NULL);
    if (listening)
        return OK;
    errno = EINVAL;
    return fault_set(why, E_SYSTEM, "the inherited socket is not listening", NULL);
}

static void forget(struct handshake *h)
{
    list_remove(&h->link);
    h->l->shaking--;
    mem_free(h);
}

static void drop_oldest(struct listener *l)
{
    struct handshake *h = CONTAINER(l->handshakes.next, struct handshake, link);

    stream_close(h->tls);
    forget(h);
}

/* A client that fails the handshake is nobody's news. */
static void on_shaken(void *owner, enum err e, const char *what)
{
    struct handshake *h = owner;
    struct listener *l = h->l;
    struct stream *s = h->tls;

    (void)what;
    forget(h);
    if (e == OK)
        l->accept(l->owner, s);
}

static void arrived(struct listener *l, struct stream *s)
{
    struct handshake *h;
    SSL *ssl;

    if (l->tls == NULL) {
        l->accept(l->owner, s);
        return;
    }
    ssl = tls_server_ssl(l->tls);
    if (ssl == NULL) {
        stream_close(s);
        return;
    }
    if (l->shaking == LISTEN_HANDSHAKES_MAX)
        drop_oldest(l);
    h = mem_alloc(sizeof *h);
    h->l = l;
    h->tls = tls_start(s, ssl, NULL, l->handshake_ms, on_shaken, h);
    list_push(&l->handshakes, &h->link);
    l->shaking++;
}

/* A socket that was accepted. */
static void admit(struct listener *l, int fd, const union net_addr *peer)
{
    const struct listen_gate *g = l->gate;
    void *ticket = g != NULL ? g->enter(g->ctx, addr_network(peer), addr_is_loopback(peer)) : NULL;
    struct stream *s;

    if (g != NULL && ticket == NULL) {
        close(fd);
        return;
    }
    s = tcp_adopt(l->loop, fd, peer);
    if (s == NULL && g != NULL)
        g->leave(g->ctx, ticket);
    if (s == NULL)
        return;
    tcp_hold_ticket(s, g, ticket);
    arrived(l, s);
}

static bool out_of_room(int e)
{
    return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS;
}

static int accept_one(int listening, union net_addr *peer)
{
    socklen_t n = sizeof *peer;

    if (torture_fails(TORTURE_ACCEPT)) {
        errno = EMFILE;
        return -1;
    }
    return accept4(listening, &peer->sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void on_readable(uv_poll_t *h, int status, int events);

/* Still watched, though for nothing that comes to a listening socket: a loop without a watched
 * handle would take itself to be done. */
static void rest(struct listener *l, int error)
{
    if (l->gate != NULL)
        l->gate->shortage(l->gate->ctx, error);
    uv_poll_start(&l->poll, UV_DISCONNECT, on_readable);
    timer_start(&l->rested, REST_MS);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct listener *l = h->data;

    (void)status;
    (void)events;
    loop_woke(l->loop);
    for (int i = 0; i < ACCEPT_BATCH && !l->closed; i++) {
        union net_addr peer = {.in6 = {.sin6_family = AF_UNSPEC}};
        int fd = accept_one(l->fd, &peer);

        if (fd < 0 && out_of_room(errno)) {
            rest(l, errno);
            return;
        }
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0) /* ECONNABORTED and its like concern that one connection */
            continue;
        admit(l, fd, &peer);
    }
}

static void on_rested(struct timer *t)
{
    struct listener *l = CONTAINER(t, struct listener, rested);

    uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

enum err listener_open(struct loop *loop, const struct listen_opts *opts, listen_accept_f *accept,
                       void *owner, struct listener **ret, struct fault *why)
{
    struct listener *l;
    int fd = opts->fd;
    enum err e = fd >= 0 ? take_inherited(fd, why) : open_socket(opts, &fd, why);

    if (e != OK)
        return e;
    tcp_keep_alive(fd);
    l = mem_zalloc(sizeof *l);
    *l = (struct listener){.loop = loop,
                           .fd = fd,
                           .accept = accept,
                           .owner = owner,
                           .tls = opts->tls,
                           .gate = opts->gate,
                           .handshake_ms =
                               opts->handshake_ms ? opts->handshake_ms : LISTEN_HANDSHAKE_MS};
    timer_init(&l->rested, loop, on_rested);
    list_init(&l->handshakes);
    l->poll.data = l;
    if (uv_poll_init(&loop->uv, &l->poll, fd) != 0 ||
        uv_poll_start(&l->poll, UV_READABLE, on_readable) != 0) {
        close(fd);
        mem_free(l);
        return fault_set(why, E_SYSTEM, "cannot watch the listening socket", NULL);
    }
    *ret = l;
    return OK;
}

uint16_t listener_port(const struct listener *l)
{
    union net_addr a = {.in6 = {.sin6_family = AF_UNSPEC}};
    socklen_t n = sizeof a;

    getsockname(l->fd, &a.sa, &n);
    return addr_port(&a);
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

void listener_close(struct listener *l)
{
    if (l == NULL || l->closed)
        return;
    l->closed = true;
    while (l->shaking > 0)
        drop_oldest(l);
    timer_stop(&l->rested);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
}
