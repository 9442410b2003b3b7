/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns.c - names and what is known about them. Asking is dns_channel.c's business.
 *
 * Both families are asked for at once. When one has answered, the other gets a little longer (RFC
 * 8305, "Resolution Delay") and then those who wait are told what there is.
 *
 *   unknown --lookup--> asking --both families, or one and the delay--> known --TTL--> unknown */
#include "net/dns.h"
#include "base/mem.h"
#include "net/dns_channel.h"
#include "net/dns_hosts.h"
#include "net/loop_impl.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAMES_MAX = 256,
    NAME_BYTES = 254,
    TTL_MIN_MS = 1000, /* also for failures */
    TTL_MAX_MS = 300 * 1000,
    TTL_DOUBT_MS = 10 * 1000, /* one family was in trouble: ask again soon */
    HOSTS_TTL_MS = 5000,      /* a changed hosts file is noticed after that */
    WAIT_FOR_IPV6_MS = 50,    /* IPv4 has come */
    WAIT_FOR_IPV4_MS = 250,   /* IPv6 has come; hosts without IPv4 are rare, slow IPv6 is not */
};

struct dns {
    struct loop *loop;
    char *servers; /* NULL: resolv.conf */
    struct dns_channel *channel;
    struct stat resolv_conf; /* as it was when the channel was made */
    size_t asking;           /* questions under way */
    struct list names;       /* most recently used first */
    size_t n;
    struct task thaw;
    bool dying;
};
struct family {
    bool asked, came;
    struct dns_records r;
};
struct name {
    struct list link;
    struct dns *dns;
    struct list waiting; /* queries */
    struct family v4, v6;
    struct timer patience;
    struct task tell;
    bool known; /* answer holds until expires_ms */
    uint64_t expires_ms;
    struct dns_answer answer;
    char z[NAME_BYTES];
};
struct dns_query {
    struct list link; /* in name->waiting */
    struct dns *dns;
    struct task late;
    struct timer limit;
    dns_done_f *done;
    void *owner;
    struct dns_answer answer;
};

static bool is_asking(const struct name *n)
{
    return (n->v4.asked && !n->v4.came) || (n->v6.asked && !n->v6.came);
}

/* Putting an answer together. */

/* Would a packet to this address leave with a source that reaches it? Connecting a datagram socket
 * sends nothing. A host with only a local IPv6 address (ULA, link-local) is better off with IPv4:
 * RFC 6724, rules 1, 2 and 6. */
static bool ipv6_works(const union net_addr *to)
{
    union net_addr probe = *to, from = {.in6 = {.sin6_family = AF_UNSPEC}};
    socklen_t n = sizeof from;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool works;

    if (fd < 0)
        return false;
    addr_set_port(&probe, 443);
    works = connect(fd, &probe.sa, addr_len(&probe)) == 0 && getsockname(fd, &from.sa, &n) == 0;
    close(fd);
    if (!works || IN6_IS_ADDR_LINKLOCAL(&from.in6.sin6_addr))
        return false;
    return (from.in6.sin6_addr.s6_addr[0] & 0xfe) != 0xfc ||
           (to->in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
}

/* One family, then the other, in turn, the better one first. */
static void interleave(struct dns_answer *a, const struct dns_records *x,
                       const struct dns_records *y)
{
    const struct dns_records *first = x, *second = y;

    if (x->n == 0 || !ipv6_works(&x->addr[0])) {
        first = y;
        second = x;
    }
    a->n = 0;
    for (size_t i = 0; i < first->n || i < second->n; i++) {
        if (i < first->n && a->n < DNS_MAX_ADDRS)
            a->addr[a->n++] = first->addr[i];
        if (i < second->n && a->n < DNS_MAX_ADDRS)
            a->addr[a->n++] = second->addr[i];
    }
}

static enum err worse(enum err x, enum err y)
{
    if (x == E_UPSTREAM || y == E_UPSTREAM)
        return E_UPSTREAM;
    return x == E_TIMEOUT || y == E_TIMEOUT ? E_TIMEOUT : E_REFUSED;
}

static uint64_t ttl_ms(const struct name *n)
{
    const struct dns_records *x = &n->v6.r, *y = &n->v4.r;
    uint64_t ms = TTL_MAX_MS;

    if (n->answer.err != OK)
        return TTL_MIN_MS;
    if (x->n > 0 && x->ttl_s < ms / 1000)
        ms = (uint64_t)x->ttl_s * 1000;
    if (y->n > 0 && y->ttl_s < ms / 1000)
        ms = (uint64_t)y->ttl_s * 1000;
    if (worse(x->err, y->err) != E_REFUSED && ms > TTL_DOUBT_MS)
        ms = TTL_DOUBT_MS;
    return ms > TTL_MIN_MS ? ms : TTL_MIN_MS;
}

/* What has come so far is the answer. A family that is still missing may better it later. */
static void conclude(struct name *n)
{
    timer_stop(&n->patience);
    interleave(&n->answer, &n->v6.r, &n->v4.r);
    n->answer.err = n->answer.n > 0 ? OK : worse(n->v4.r.err, n->v6.r.err);
    n->known = true;
    n->expires_ms = loop_now_ms(n->dns->loop) + ttl_ms(n);
    loop_soon(n->dns->loop, &n->tell);
}

static void on_patience(struct timer *t)
{
    conclude(CONTAINER(t, struct name, patience));
}

static void on_records(void *arg, int family, const struct dns_records *r)
{
    struct name *n = arg;
    struct family *f = family == AF_INET6 ? &n->v6 : &n->v4;

    n->dns->asking--;
    f->came = true;
    f->r = *r;
    if (n->dns->dying)
        return;
    if (!is_asking(n))
        conclude(n);
    else if (r->n > 0)
        timer_start(&n->patience, family == AF_INET6 ? WAIT_FOR_IPV4_MS : WAIT_FOR_IPV6_MS);
}

static void finish(struct dns_query *q, const struct dns_answer *a)
{
    list_remove(&q->link);
    timer_stop(&q->limit);
    q->done(q->owner, a);
    mem_free(q);
}

static void tell(struct task *t)
{
    struct name *n = CONTAINER(t, struct name, tell);
    struct dns_answer a = n->answer;
    struct list told;
    struct list *l;

    list_init(&told); /* a callback may look up again, and push n out of the table */
    while (n->known && (l = list_pop(&n->waiting)) != NULL)
        list_push(&told, l);
    while ((l = list_pop(&told)) != NULL)
        finish(CONTAINER(l, struct dns_query, link), &a);
}

/* Asking. */

static bool resolv_conf_changed(const struct dns *d)
{
    struct stat now = {0};

    if (d->servers != NULL)
        return false;
    if (stat("/etc/resolv.conf", &now) != 0)
        now = (struct stat){0};
    return now.st_ino != d->resolv_conf.st_ino || now.st_size != d->resolv_conf.st_size ||
           now.st_mtim.tv_sec != d->resolv_conf.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != d->resolv_conf.st_mtim.tv_nsec;
}

static struct dns_channel *channel(struct dns *d)
{
    if (d->channel != NULL && d->asking == 0 && resolv_conf_changed(d)) {
        dns_channel_free(d->channel);
        d->channel = NULL;
    }
    if (d->channel == NULL) {
        if (stat("/etc/resolv.conf", &d->resolv_conf) != 0)
            d->resolv_conf = (struct stat){0};
        d->channel = dns_channel_new(d->loop, d->servers);
    }
    return d->channel;
}

static void answer_from_hosts(struct name *n, const union net_addr *a, size_t count)
{
    n->v4.r = n->v6.r = (struct dns_records){.err = E_REFUSED, .ttl_s = HOSTS_TTL_MS / 1000};
    for (size_t i = 0; i < count; i++) {
        struct dns_records *r = a[i].sa.sa_family == AF_INET6 ? &n->v6.r : &n->v4.r;

        if (r->n < DNS_FAMILY_MAX)
            r->addr[r->n++] = a[i];
    }
    conclude(n);
}

static void ask(struct name *n)
{
    struct dns *d = n->dns;
    union net_addr a[DNS_MAX_ADDRS];
    size_t count = dns_hosts_find("/etc/hosts", str_z(n->z), a, NELEM(a));
    struct dns_channel *c;

    n->known = false;
    n->v4 = n->v6 = (struct family){.r = {.err = E_UPSTREAM}};
    c = count == 0 ? channel(d) : NULL;
    if (count > 0)
        answer_from_hosts(n, a, count);
    else if (c == NULL)
        conclude(n);
    else {
        n->v4.asked = n->v6.asked = true;
        d->asking += 2;
        dns_channel_ask(c, n->z, AF_INET6, on_records, n);
        dns_channel_ask(c, n->z, AF_INET, on_records, n);
    }
}

/* The table of names. */

static void drop(struct name *n)
{
    list_remove(&n->link);
    n->dns->n--;
    timer_stop(&n->patience);
    task_cancel(&n->tell);
    mem_free(n);
}

static bool make_room(struct dns *d)
{
    if (d->n < NAMES_MAX)
        return true;
    for (struct list *l = d->names.prev; l != &d->names; l = l->prev) {
        struct name *n = CONTAINER(l, struct name, link);

        if (!is_asking(n) && list_empty(&n->waiting)) {
            drop(n);
            return true;
        }
    }
    return false;
}

static struct name *find(struct dns *d, const char *z)
{
    list_each (l, &d->names) {
        struct name *n = CONTAINER(l, struct name, link);

        if (strcmp(n->z, z) == 0)
            return n;
    }
    return NULL;
}

static struct name *find_or_add(struct dns *d, const char *z)
{
    struct name *n = find(d, z);

    if (n != NULL)
        list_remove(&n->link);
    else if (!make_room(d))
        return NULL;
    else {
        n = mem_zalloc(sizeof *n);
        n->dns = d;
        memcpy(n->z, z, strlen(z) + 1);
        list_init(&n->waiting);
        timer_init(&n->patience, d->loop, on_patience);
        task_init(&n->tell, tell);
        d->n++;
    }
    list_push_front(&d->names, &n->link);
    return n;
}

/* After a freeze nothing is sure any more. */
static void on_thaw(struct task *t)
{
    struct dns *d = CONTAINER(t, struct dns, thaw);

    list_each (l, &d->names)
        CONTAINER(l, struct name, link)->expires_ms = 0;
}

struct dns *dns_new_with_servers(struct loop *loop, const char *servers)
{
    struct dns *d = mem_zalloc(sizeof *d);

    d->loop = loop;
    if (servers != NULL)
        d->servers = mem_dup(servers, strlen(servers));
    list_init(&d->names);
    task_init(&d->thaw, on_thaw);
    loop_on_thaw(loop, &d->thaw);
    return d;
}

struct dns *dns_new(struct loop *loop)
{
    return dns_new_with_servers(loop, NULL);
}

void dns_free(struct dns *dns)
{
    if (dns == NULL)
        return;
    dns->dying = true;
    dns_channel_free(dns->channel);
    list_each (l, &dns->names) {
        struct name *n = CONTAINER(l, struct name, link);
        struct list *q;

        while ((q = list_pop(&n->waiting)) != NULL)
            dns_cancel(CONTAINER(q, struct dns_query, link));
        drop(n);
    }
    task_cancel(&dns->thaw);
    mem_free(dns->servers);
    mem_free(dns);
}

/* Queries. */

static void answer_late(struct task *t)
{
    struct dns_query *q = CONTAINER(t, struct dns_query, late);

    finish(q, &q->answer);
}

static void on_limit(struct timer *t)
{
    struct dns_query *q = CONTAINER(t, struct dns_query, limit);

    q->answer.err = E_TIMEOUT;
    finish(q, &q->answer);
}

static void put(struct dns_answer *a, struct str literal)
{
    if (addr_parse(literal, &a->addr[a->n]))
        a->n++;
}

/* What needs no asking: literals, localhost, and texts that are no names. */
static bool answer_at_once(struct dns_answer *a, struct str host)
{
    *a = (struct dns_answer){.err = OK};
    if (addr_is_localhost(host)) {
        put(a, S("127.0.0.1"));
        put(a, S("::1"));
        return true;
    }
    put(a, host);
    if (a->n > 0)
        return true;
    a->err = E_REFUSED;
    return host.n == 0 || host.n >= NAME_BYTES || memchr(host.p, '\0', host.n) != NULL;
}

static void lower(char *z, struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        z[i] = host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i];
    z[host.n] = '\0';
}

struct dns_query *dns_lookup(struct dns *dns, struct str host, uint32_t timeout_ms,
                             dns_done_f *done, void *owner)
{
    struct dns_query *q = mem_zalloc(sizeof *q);
    struct name *n;
    char z[NAME_BYTES];

    *q = (struct dns_query){.dns = dns, .done = done, .owner = owner};
    list_init(&q->link);
    task_init(&q->late, answer_late);
    timer_init(&q->limit, dns->loop, on_limit);
    if (answer_at_once(&q->answer, host)) {
        loop_soon(dns->loop, &q->late);
        return q;
    }
    lower(z, host);
    n = find_or_add(dns, z);
    if (n == NULL) {
        q->answer.err = E_TOOBIG;
        loop_soon(dns->loop, &q->late);
        return q;
    }
    timer_start(&q->limit, timeout_ms);
    list_push(&n->waiting, &q->link);
    if (n->known && loop_now_ms(dns->loop) < n->expires_ms)
        loop_soon(dns->loop, &n->tell);
    else if (!is_asking(n))
        ask(n);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL)
        return;
    list_remove(&q->link);
    task_cancel(&q->late);
    timer_stop(&q->limit);
    mem_free(q);
}
