/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns_channel.c - lets c-ares do its sockets and its retries on our loop. It must not know of names
 * that were asked before, nor of two families belonging together.
 *
 * ares_search and not ares_getaddrinfo, because the two families are waited for apart (RFC 8305);
 * nothing here calls getservbyname, which a static glibc could not serve. */
#include "net/dns_channel.h"
#include "base/mem.h"
#include "net/loop_impl.h"

#include <ares.h>

#include <arpa/nameser.h>
#include <pthread.h>

enum { FIRST_TRY_MS = 1000, TRIES = 3 }; /* each round waits twice as long */

struct dns_channel {
    struct loop *loop;
    ares_channel ares;
    struct timer tick;
    struct list sockets;
};
struct watch {
    uv_poll_t poll;
    struct list link;
    struct dns_channel *c;
    ares_socket_t fd;
    int events;
};
struct question {
    int family;
    dns_records_f *done;
    void *arg;
};

/* See that c-ares is called when its next time limit is reached. */
static void set_tick(struct dns_channel *c)
{
    struct timeval space, *next = ares_timeout(c->ares, NULL, &space);

    if (next == NULL)
        timer_stop(&c->tick);
    else
        timer_start(&c->tick, (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1);
}

static void on_tick(struct timer *t)
{
    struct dns_channel *c = CONTAINER(t, struct dns_channel, tick);

    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_tick(c);
}

static struct watch *find(struct dns_channel *c, ares_socket_t fd)
{
    list_each (l, &c->sockets) {
        struct watch *w = CONTAINER(l, struct watch, link);

        if (w->fd == fd)
            return w;
    }
    return NULL;
}

/* A status is an error on the socket (a refused datagram), which c-ares learns by reading; libuv
 * has stopped watching then. */
static void on_ready(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    struct dns_channel *c = w->c;
    ares_socket_t fd = w->fd;
    bool in = status < 0 || (events & UV_READABLE) != 0;
    bool out = status < 0 || (events & UV_WRITABLE) != 0;

    loop_woke(c->loop);
    ares_process_fd(c->ares, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
    if (status < 0 && find(c, fd) == w)
        uv_poll_start(&w->poll, w->events, on_ready);
    set_tick(c);
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static struct watch *add(struct dns_channel *c, ares_socket_t fd)
{
    struct watch *w = mem_zalloc(sizeof *w);

    if (uv_poll_init(&c->loop->uv, &w->poll, fd) != 0) {
        mem_free(w); /* the question runs into its time limit */
        return NULL;
    }
    w->poll.data = w;
    w->c = c;
    w->fd = fd;
    list_push(&c->sockets, &w->link);
    return w;
}

static void on_socket(void *arg, ares_socket_t fd, int in, int out)
{
    struct dns_channel *c = arg;
    struct watch *w = find(c, fd);

    if (in || out) {
        if (w == NULL)
            w = add(c, fd);
        if (w == NULL)
            return;
        w->events = (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0);
        uv_poll_start(&w->poll, w->events, on_ready);
    } else if (w != NULL) { /* c-ares is about to close the descriptor */
        list_remove(&w->link);
        uv_close((uv_handle_t *)&w->poll, on_closed);
    }
}

static enum err of_status(int status)
{
    switch (status) {
    case ARES_SUCCESS: return OK;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: return E_REFUSED;
    case ARES_ETIMEOUT: return E_TIMEOUT;
    default: return E_UPSTREAM;
    }
}

static void note_ttl(struct dns_records *r, int ttl)
{
    uint32_t s = ttl > 0 ? (uint32_t)ttl : 0;

    if (r->n == 1 || s < r->ttl_s)
        r->ttl_s = s;
}

static int parse4(struct dns_records *r, const unsigned char *p, int n)
{
    struct ares_addrttl a[DNS_FAMILY_MAX];
    int count = DNS_FAMILY_MAX;
    int status = ares_parse_a_reply(p, n, NULL, a, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        r->addr[r->n++].in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = a[i].ipaddr};
        note_ttl(r, a[i].ttl);
    }
    return status;
}

static int parse6(struct dns_records *r, const unsigned char *p, int n)
{
    struct ares_addr6ttl a[DNS_FAMILY_MAX];
    int count = DNS_FAMILY_MAX;
    int status = ares_parse_aaaa_reply(p, n, NULL, a, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct sockaddr_in6 *to = &r->addr[r->n++].in6;

        *to = (struct sockaddr_in6){.sin6_family = AF_INET6};
        memcpy(&to->sin6_addr, &a[i].ip6addr, sizeof to->sin6_addr);
        note_ttl(r, a[i].ttl);
    }
    return status;
}

struct dns_records dns_answer_read(int family, const unsigned char *p, int n)
{
    struct dns_records r = {.err = OK};

    r.err = of_status(family == AF_INET6 ? parse6(&r, p, n) : parse4(&r, p, n));
    if (r.err == OK && r.n == 0)
        r.err = E_REFUSED;
    return r;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
    struct question q = *(struct question *)arg;
    struct dns_records r = {.err = of_status(status)};

    (void)timeouts;
    mem_free(arg);
    if (r.err == OK)
        r = dns_answer_read(q.family, p, n);
    q.done(q.arg, q.family, &r);
}

static void prepare(void)
{
    ares_library_init_mem(ARES_LIB_INIT_ALL, mem_alloc, mem_free, mem_realloc);
}

struct dns_channel *dns_channel_new(struct loop *loop, const char *servers)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct dns_channel *c = mem_zalloc(sizeof *c);
    char lookups[] = "b"; /* servers only: the hosts file is read elsewhere, nsswitch.conf never */
    struct ares_options o = {
        .timeout = FIRST_TRY_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = c,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

    pthread_once(&once, prepare);
    c->loop = loop;
    list_init(&c->sockets);
    timer_init(&c->tick, loop, on_tick);
    if (ares_init_options(&c->ares, &o, mask) != ARES_SUCCESS) {
        mem_free(c);
        return NULL;
    }
    if (servers != NULL && ares_set_servers_ports_csv(c->ares, servers) != ARES_SUCCESS) {
        dns_channel_free(c);
        return NULL;
    }
    return c;
}

void dns_channel_free(struct dns_channel *c)
{
    if (c == NULL)
        return;
    ares_destroy(c->ares);
    timer_stop(&c->tick);
    mem_free(c);
}

void dns_channel_ask(struct dns_channel *c, const char *name, int family, dns_records_f *done,
                     void *arg)
{
    struct question *q = mem_alloc(sizeof *q);

    *q = (struct question){.family = family, .done = done, .arg = arg};
    ares_search(c->ares, name, ns_c_in, family == AF_INET6 ? ns_t_aaaa : ns_t_a, on_answer, q);
    set_tick(c);
}
