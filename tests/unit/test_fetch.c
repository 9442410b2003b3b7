/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_fetch.c - files fetched from a server of our own, by names that a DNS stub resolves: what
 * the dial asks of the addresses (SSR-2), the queue, the caps, and that nobody is told twice. */
#include "fetch/fetch.h"

#include "base/mem.h"
#include "codec/base64.h"
#include "fetch/address.h"
#include "guard/guard.h"
#include "http/server.h"
#include "net/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The DNS stub, in place of net/dns.c: a name has the addresses of its row. */

struct dns {
    struct loop *loop;
};
struct dns_query {
    struct task task;
    dns_done_f *done;
    void *owner;
    struct dns_answer answer;
};
static const struct zone {
    const char *name, *addresses;
} ZONES[] = {
    {"media.test",          "127.0.0.1"                                },
    {"other.test",          "127.0.0.1"                                },
    {"private.example",     "10.0.0.1"                                 },
    {"mixed4.example",      "93.184.216.34,127.0.0.1"                  },
    {"mixed4-late.example", "93.184.216.34,1.1.1.1,8.8.8.8,192.168.0.1"},
    {"mixed6.example",      "2606:2800:220:1::1,fe80::1"               },
    {"families.example",    "93.184.216.34,fd00::1"                    },
    {"mapped.example",      "::ffff:127.0.0.1"                         },
    {"nat64.example",       "64:ff9b::7f00:1"                          },
    {"alibaba.example",     "100.100.100.200"                          },
    {"azure.example",       "168.63.129.16"                            },
    {"aws.example",         "fd00:ec2::254"                            },
};
static unsigned lookups;

static void answer_query(struct task *t)
{
    struct dns_query *q = CONTAINER(t, struct dns_query, task);
    struct dns_query copy = *q;

    mem_free(q);
    copy.done(copy.owner, &copy.answer);
}

struct dns_query *dns_lookup(struct dns *dns, struct str host, uint32_t timeout_ms,
                             dns_done_f *done, void *owner)
{
    struct dns_query *q = mem_zalloc(sizeof *q);

    (void)timeout_ms;
    lookups++;
    q->done = done;
    q->owner = owner;
    q->answer.err = E_REFUSED;
    for (size_t i = 0; i < NELEM(ZONES); i++) {
        struct str list = str_z(ZONES[i].addresses);

        if (!str_eq(str_z(ZONES[i].name), host))
            continue;
        q->answer.err = OK;
        while (list.n > 0)
            assert_true(addr_parse(str_cut(&list, ','), &q->answer.addr[q->answer.n++]));
    }
    task_init(&q->task, answer_query);
    loop_soon(dns->loop, &q->task);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL)
        return;
    task_cancel(&q->task);
    mem_free(q);
}

/* The server: what it does with a path. */

enum { FILE_N = 5000 };
static char file[FILE_N];

struct scene {
    struct loop *loop;
    struct dns dns;
    struct server *server;
    struct guard *limits;
    struct fetcher *fetcher;
    struct fetch_opts opts;
    uint16_t port;
    char listed[64];
    unsigned asked, gone; /* requests that came; of them, whose asker left */
    struct call *held;
    struct timer guard;
};

static void on_gone(void *owner)
{
    struct scene *s = owner;

    s->gone++;
    s->held = NULL;
    loop_stop(s->loop);
}

/* /split/7: the file in pieces of 7; /held: no answer; else the file. */
static void on_head(void *ctx, struct call *c)
{
    static const struct call_events on = {.on_gone = on_gone};
    struct scene *s = ctx;
    uint64_t piece = 0;

    s->asked++;
    call_bind(c, &on, s);
    if (str_eq(call_path(c), S("/held"))) {
        s->held = c;
        loop_stop(s->loop);
        return;
    }
    call_respond(c, 200, (struct http_headers){NULL, 0}, -1);
    if (!str_starts(call_path(c), S("/split/")) ||
        !str_u64(str_skip(call_path(c), 7), FILE_N, &piece))
        piece = FILE_N;
    for (size_t at = 0; at < FILE_N; at += piece)
        call_write(c, str_sub(str_of(file, FILE_N), at, piece));
    call_end(c);
}

static void refuse(void *ctx, const struct refusal *r, struct buf *out)
{
    (void)ctx;
    buf_put(out, str_z(r->what));
}

static void too_long(struct timer *t)
{
    (void)t;
    fail_msg("the scene did not come to its end");
}

static void scene_open(struct scene *s, size_t at_once)
{
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct server_handler h = {.on_head = on_head, .refuse = refuse, .ctx = s};

    *s = (struct scene){.loop = loop_new()};
    s->dns.loop = s->loop;
    s->server = server_new(s->loop, &h, &SERVER_LIMITS_DEFAULT);
    assert_int_equal(server_listen(s->server, &o, &s->port, NULL), OK);
    snprintf(s->listed, sizeof s->listed, "media.test:%u", (unsigned)s->port);
    s->limits = guard_new(&(struct guard_limits){0});
    s->fetcher = fetcher_new(s->loop, &s->dns, NULL, s->limits, at_once);
    s->opts = (struct fetch_opts){
        .rules = {.hosts = S(""), .intranet = str_z(s->listed)},
        .bytes_max = 1 << 20,
        .whole_ms = 60 * 1000
    };
    timer_init(&s->guard, s->loop, too_long);
    timer_start(&s->guard, 30 * 1000);
    lookups = 0;
}

static void scene_close(struct scene *s)
{
    fetcher_free(s->fetcher);
    server_close(s->server);
    timer_stop(&s->guard);
    loop_run(s->loop);
    server_free(s->server);
    guard_free(s->limits);
    loop_free(s->loop);
}

/* What the asker hears. */
struct heard {
    struct scene *s;
    struct fetch *t;
    unsigned told;
    const char *what;
    struct buf base64;
};

static void on_done(void *owner, struct fetch_result *r)
{
    struct heard *h = owner;

    h->told++;
    h->t = NULL;
    h->what = r->what;
    h->base64 = r->base64;
    loop_stop(h->s->loop);
}

static bool anything(struct str head)
{
    return head.n > 0;
}

static bool nothing(struct str head)
{
    (void)head;
    return false;
}

/* path: on our server; or a whole URL. */
static void ask(struct scene *s, struct heard *h, const char *path, size_t bytes_max)
{
    char url[128];
    struct fetch_ask a = {.opts = &s->opts, .bytes_max = bytes_max, .known = anything};

    snprintf(url, sizeof url, "http://media.test:%u%s", (unsigned)s->port, path);
    a.url = str_z(path[0] == '/' ? url : path);
    *h = (struct heard){.s = s};
    h->t = fetch_open(s->fetcher, &a, on_done, h);
    assert_non_null(h->t);
    assert_int_equal(h->told, 0); /* never from inside */
}

static void wait_for(struct heard *h)
{
    while (h->told == 0)
        loop_run(h->s->loop);
    assert_int_equal(h->told, 1);
}

/* However the bytes come, they are the same; one lookup for one fetch. */
static void test_ssr_2_any_split(void **state)
{
    static const unsigned PIECES[] = {1, 2, 3, 4, 5, 7, 31, 33, 4999, 5000};
    struct scene s;
    struct heard h;
    struct buf want;

    (void)state;
    buf_init(&want, (size_t)2 * FILE_N);
    base64_encode(str_of(file, FILE_N), &want);
    scene_open(&s, 4);
    for (size_t i = 0; i < NELEM(PIECES); i++) {
        char path[32];

        snprintf(path, sizeof path, "/split/%u", PIECES[i]);
        ask(&s, &h, path, SIZE_MAX);
        wait_for(&h);
        assert_null(h.what);
        assert_true(str_eq(buf_str(&h.base64), buf_str(&want)));
        buf_fini(&h.base64);
    }
    assert_int_equal(s.asked, NELEM(PIECES));
    assert_true(lookups >= 1 && lookups <= NELEM(PIECES)); /* connections are kept */
    scene_close(&s);
    buf_fini(&want);
}

/* One address that is not public refuses them all: nobody is connected to. */
static void test_ssr_2_names(void **state)
{
    struct scene s;
    struct heard h;

    (void)state;
    scene_open(&s, 4);
    for (size_t i = 2; i < NELEM(ZONES); i++) {
        char url[128];

        snprintf(url, sizeof url, "https://%s/x.png", ZONES[i].name);
        ask(&s, &h, url, SIZE_MAX);
        wait_for(&h);
        assert_string_equal(h.what, "the name has an address that may not be connected to");
        assert_int_equal(h.base64.n, 0);
    }
    assert_int_equal(lookups, NELEM(ZONES) - 2);
    assert_int_equal(s.asked, 0);
    scene_close(&s);
}

/* The guard is asked before and after; what it says after counts as well. */
static unsigned asked_before, asked_after;
static bool refuses_before, refuses_after;

static bool guard(const union net_addr *peer, const union net_addr *own)
{
    assert_true(addr_is_loopback(peer));
    if (own == NULL) {
        asked_before++;
        return !refuses_before;
    }
    assert_true(addr_is_loopback(own));
    asked_after++;
    return !refuses_after;
}

struct dialled {
    struct loop *loop;
    struct dial_result r;
    bool told;
};

static void on_dialled(void *owner, const struct dial_result *r)
{
    struct dialled *d = owner;

    d->r = *r;
    d->told = true;
    loop_stop(d->loop);
}

static void test_ssr_2_both_ends(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, 1);
    for (int k = 0; k < 3; k++) {
        struct dialled d = {.loop = s.loop};
        struct dial_opts o = {.dns = &s.dns,
                              .host = S("media.test"),
                              .port = s.port,
                              .guard = guard,
                              .dns_ms = 5000,
                              .connect_ms = 5000};

        asked_before = asked_after = 0;
        refuses_before = k == 1;
        refuses_after = k == 2;
        assert_non_null(dial_open(s.loop, &o, on_dialled, &d));
        while (!d.told)
            loop_run(s.loop);
        assert_int_equal(d.r.err, k == 0 ? OK : E_REFUSED);
        assert_int_equal(asked_before, 1);
        assert_int_equal(asked_after, k == 1 ? 0 : 1);
        stream_close(d.r.stream);
    }
    scene_close(&s);
}

/* This host's own address is no public one, whatever it is: here loopback stands for it. */
static bool loopback_is_public(const union net_addr *peer, const union net_addr *own)
{
    return own == NULL || fetch_public(peer, own);
}

static void test_ssr_3_our_own_address(void **state)
{
    struct scene s;
    struct dialled d;

    (void)state;
    scene_open(&s, 1);
    d = (struct dialled){.loop = s.loop};
    assert_non_null(dial_open(s.loop,
                              &(struct dial_opts){.dns = &s.dns,
                                                  .host = S("media.test"),
                                                  .port = s.port,
                                                  .guard = loopback_is_public,
                                                  .dns_ms = 5000,
                                                  .connect_ms = 5000},
                              on_dialled, &d));
    while (!d.told)
        loop_run(s.loop);
    assert_int_equal(d.r.err, E_REFUSED);
    assert_int_equal(s.asked, 0);
    scene_close(&s);
}

static void test_ssr_5_caps(void **state)
{
    struct scene s;
    struct heard h;
    struct fetch_ask unknown = {.bytes_max = SIZE_MAX, .known = nothing};

    (void)state;
    scene_open(&s, 4);
    ask(&s, &h, "/file", FILE_N);
    wait_for(&h);
    assert_null(h.what);
    buf_fini(&h.base64);
    ask(&s, &h, "/file", FILE_N - 1);
    wait_for(&h);
    assert_string_equal(h.what, "it is larger than it may be");
    s.opts.bytes_max = FILE_N - 1; /* the lower of the two */
    ask(&s, &h, "/split/1", SIZE_MAX);
    wait_for(&h);
    assert_string_equal(h.what, "it is larger than it may be");
    unknown.opts = &s.opts;
    unknown.url = S("http://other.test/");
    h = (struct heard){.s = &s};
    assert_non_null(fetch_open(s.fetcher, &unknown, on_done, &h));
    wait_for(&h);
    assert_string_equal(h.what, "its address is none that may be asked");
    ask(&s, &h, "ftp://media.test/", SIZE_MAX);
    wait_for(&h);
    assert_string_equal(h.what, "it is no URL that is taken");
    s.opts.whole_ms = 20;
    ask(&s, &h, "/held", SIZE_MAX);
    wait_for(&h);
    assert_string_equal(h.what, "it took longer than it may");
    scene_close(&s);
}

/* A second one waits for its place, and its time runs while it does. */
static void test_ssr_5_queue(void **state)
{
    struct scene s;
    struct heard first, second, third;

    (void)state;
    scene_open(&s, 1);
    ask(&s, &first, "/held", SIZE_MAX);
    ask(&s, &second, "/file", SIZE_MAX);
    while (s.held == NULL)
        loop_run(s.loop);
    assert_int_equal(s.asked, 1);
    s.opts.whole_ms = 20;
    ask(&s, &third, "/file", SIZE_MAX);
    wait_for(&third);
    assert_string_equal(third.what, "it took longer than it may");
    assert_int_equal(s.asked, 1);
    fetch_cancel(first.t);
    wait_for(&second);
    assert_null(second.what);
    buf_fini(&second.base64);
    assert_int_equal(first.told, 0);
    while (s.gone == 0) /* the server sees the other one's end */
        loop_run(s.loop);
    scene_close(&s);
}

static struct fetch *hold(struct scene *s, struct fetcher *f, struct heard *h, unsigned char who)
{
    char url[128];
    struct fetch_ask a = {.opts = &s->opts, .who = {{who}}, .bytes_max = 99, .known = anything};

    snprintf(url, sizeof url, "http://media.test:%u/held", (unsigned)s->port);
    a.url = str_z(url);
    *h = (struct heard){.s = s};
    return h->t = fetch_open(f, &a, on_done, h);
}

/* Four of a credential go on at once, whichever workers they are in. Others pass those who wait. */
static void test_ssr_5_of_one_credential(void **state)
{
    struct scene s;
    struct fetcher *other;
    struct heard mine[GUARD_FETCHES_MAX + 2], elses, nobodys;
    size_t n = 0;

    (void)state;
    scene_open(&s, 64);
    other = fetcher_new(s.loop, &s.dns, NULL, s.limits, 64);
    while (n < NELEM(mine)) {
        assert_non_null(hold(&s, n % 2 ? other : s.fetcher, &mine[n], 1));
        n++;
    }
    assert_non_null(hold(&s, s.fetcher, &elses, 2));
    assert_non_null(hold(&s, other, &nobodys, 0));
    while (s.asked < GUARD_FETCHES_MAX + 2)
        loop_run(s.loop);
    for (size_t i = 0; i < 2; i++) {
        fetch_cancel(mine[i].t); /* in the one, then in the other */
        while (s.asked < GUARD_FETCHES_MAX + 3 + i)
            loop_run(s.loop);
        assert_int_equal(s.asked, GUARD_FETCHES_MAX + 3 + i);
    }
    assert_int_equal(elses.told + nobodys.told, 0);
    fetcher_free(other);
    scene_close(&s);
}

/* Memory that is not there is a failure of one fetch; nothing is counted when all is over. */
static void test_ssr_5_memory(void **state)
{
    struct scene s;
    struct heard h;
    size_t before = mem_counted(), budget = mem_budget();
    struct fetch_ask a = {.url = S("http://media.test/"), .known = anything};

    (void)state;
    scene_open(&s, 1);
    a.opts = &s.opts;
    mem_set_budget(mem_counted());
    assert_null(fetch_open(s.fetcher, &a, on_done, &h));
    mem_set_budget(budget);
    ask(&s, &h, "/file", SIZE_MAX);
    wait_for(&h);
    buf_fini(&h.base64);
    ask(&s, &h, "/held", SIZE_MAX);
    while (s.held == NULL)
        loop_run(s.loop);
    scene_close(&s); /* with one under way: it is not told */
    assert_int_equal(h.told, 0);
    assert_int_equal(mem_counted(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ssr_2_any_split), cmocka_unit_test(test_ssr_2_names),
        cmocka_unit_test(test_ssr_2_both_ends), cmocka_unit_test(test_ssr_3_our_own_address),
        cmocka_unit_test(test_ssr_5_caps),      cmocka_unit_test(test_ssr_5_queue),
        cmocka_unit_test(test_ssr_5_memory),    cmocka_unit_test(test_ssr_5_of_one_credential),
    };

    for (size_t i = 0; i < FILE_N; i++)
        file[i] = (char)(i * 7 + i / 256);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
