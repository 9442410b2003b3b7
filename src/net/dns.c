/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns.c - name lookups. */
#include "net/dns.h"
#include "base/mem.h"
#include "net/loop_impl.h"

struct dns {
    struct loop *loop;
};
struct dns_query {
    struct task late;
    struct dns *dns;
    dns_done_f *done;
    void *owner;
    struct dns_answer answer;
};

static void literal(struct dns_answer *a, struct str host)
{
    if (addr_is_localhost(host)) {
        a->n = 2;
        if (!addr_parse(S("127.0.0.1"), &a->addr[0]) || !addr_parse(S("::1"), &a->addr[1]))
            a->n = 0;
    } else
        a->n = addr_parse(host, &a->addr[0]) ? 1 : 0;
    a->err = a->n > 0 ? OK : E_UPSTREAM;
}

static void answer_late(struct task *t)
{
    struct dns_query *q = CONTAINER(t, struct dns_query, late);

    q->done(q->owner, &q->answer);
    mem_free(q);
}

struct dns *dns_new(struct loop *loop)
{
    struct dns *d = mem_zalloc(sizeof *d);

    d->loop = loop;
    return d;
}

void dns_free(struct dns *dns)
{
    mem_free(dns);
}

struct dns_query *dns_lookup(struct dns *dns, struct str host, uint32_t timeout_ms,
                             dns_done_f *done, void *owner)
{
    struct dns_query *q = mem_zalloc(sizeof *q);

    (void)timeout_ms;
    *q = (struct dns_query){.dns = dns, .done = done, .owner = owner};
    task_init(&q->late, answer_late);
    literal(&q->answer, host);
    loop_soon(dns->loop, &q->late);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL)
        return;
    task_cancel(&q->late);
    mem_free(q);
}
