/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_dns.c - lookups against a name server of our own, the hosts file, and dialling by name.
 */
#include "base/mem.h"
#include "net/dns_hosts.h"
#include "net_pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The name server: a thread with one UDP socket. What it answers is a row by name. */

enum { T_A = 1, T_CNAME = 5, T_AAAA = 28, NXDOMAIN = 3, SERVFAIL = 2 };

struct zone {
    const char *name;
    unsigned a, aaaa; /* how many records */
    uint8_t rcode;
    bool mute_a, mute_aaaa; /* no answer to that question */
    bool alias;             /* a CNAME before the records */
    _Atomic unsigned asked;
};
static struct zone zones[] = {
    {"both.test",   1,  1, 0,        false, false, false, 0},
    {"four.test",   2,  0, 0,        false, false, false, 0},
    {"six.test",    0,  2, 0,        false, false, false, 0},
    {"empty.test",  0,  0, 0,        false, false, false, 0},
    {"none.test",   0,  0, NXDOMAIN, false, false, false, 0},
    {"broken.test", 0,  0, SERVFAIL, false, false, false, 0},
    {"silent.test", 0,  0, 0,        true,  true,  false, 0},
    {"lost6.test",  1,  0, 0,        false, true,  false, 0},
    {"lost4.test",  0,  1, 0,        true,  false, false, 0},
    {"many.test",   20, 1, 0,        false, false, false, 0},
    {"alias.test",  1,  0, 0,        false, false, true,  0},
};

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    char csv[32];
};

static size_t put16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
    return 2;
}

/* "\4both\4test\0" to "both.test"; the length of the wire form, 0 when it makes no sense. */
static size_t read_name(const unsigned char *p, size_t n, char *ret, size_t room)
{
    size_t at = 0, out = 0;

    while (at < n && p[at] != 0) {
        size_t label = p[at++];

        if (label > 63 || at + label >= n || out + label + 1 >= room)
            return 0;
        if (out > 0)
            ret[out++] = '.';
        memcpy(ret + out, p + at, label);
        out += label;
        at += label;
    }
    ret[out] = '\0';
    return at + 1;
}

/* One record of the name at offset 12, or, after an alias, of the alias's target at `owner`. */
static size_t put_record(unsigned char *p, unsigned owner, unsigned type, unsigned i)
{
    size_t n = put16(p, 0xc000 | owner);

    n += put16(p + n, type);
    n += put16(p + n, 1);
    n += put16(p + n, 0);
    n += put16(p + n, 60); /* TTL */
    if (type == T_A) {
        static const unsigned char address[] = {127, 0, 0, 1};

        n += put16(p + n, 4);
        memcpy(p + n, address, 4);
        p[n + 3] = (unsigned char)(i + 1);
        return n + 4;
    }
    n += put16(p + n, 16);
    memset(p + n, 0, 16);
    p[n + 15] = (unsigned char)(i + 1);
    return n + 16;
}

static size_t put_alias(unsigned char *p)
{
    static const unsigned char target[] = "\6target\4test";
    size_t n = put16(p, 0xc000 | 12);

    n += put16(p + n, T_CNAME);
    n += put16(p + n, 1);
    n += put16(p + n, 0);
    n += put16(p + n, 60);
    n += put16(p + n, sizeof target);
    memcpy(p + n, target, sizeof target);
    return n + sizeof target;
}

static struct zone *zone_of(const char *name)
{
    for (size_t i = 0; i < NELEM(zones); i++)
        if (strcmp(zones[i].name, name) == 0)
            return &zones[i];
    return NULL;
}

/* Turns the question in place into its answer; 0: none is given. */
static size_t answer(unsigned char *p, size_t n)
{
    static const struct zone anything = {.name = "", .a = 1};
    static const struct zone nothing = {.name = "", .rcode = NXDOMAIN};
    char name[256];
    size_t name_n = n > 12 ? read_name(p + 12, n - 12, name, sizeof name) : 0;
    size_t at = 12 + name_n + 4;
    unsigned type, count, owner = 12;
    const struct zone *z;

    if (name_n == 0 || at > n)
        return 0;
    z = zone_of(name);
    if (z != NULL)
        zone_of(name)->asked++;
    else
        z = name[0] == 'n' && name[1] >= '0' && name[1] <= '9' ? &anything : &nothing;
    type = p[12 + name_n + 1];
    if ((type == T_A && z->mute_a) || (type == T_AAAA && z->mute_aaaa))
        return 0;
    count = type == T_A ? z->a : z->aaaa;
    put16(p + 2, 0x8180u | z->rcode);
    put16(p + 6, count + (z->alias && count > 0));
    put16(p + 8, 0);
    put16(p + 10, 0);
    if (z->alias && count > 0) {
        owner = (unsigned)at + 12;
        at += put_alias(p + at);
    }
    for (unsigned i = 0; i < count; i++)
        at += put_record(p + at, owner, type, i);
    return at;
}

static void *server_run(void *arg)
{
    struct server *s = arg;

    for (;;) {
        unsigned char p[1500];
        struct sockaddr_in from;
        socklen_t from_n = sizeof from;
        ssize_t n = recvfrom(s->fd, p, 512, 0, (struct sockaddr *)&from, &from_n);
        size_t out;

        if (n == 1)
            return NULL;
        out = n > 0 ? answer(p, (size_t)n) : 0;
        if (out > 0)
            sendto(s->fd, p, out, 0, (struct sockaddr *)&from, from_n);
    }
}

static void server_start(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;

    for (size_t i = 0; i < NELEM(zones); i++)
        zones[i].asked = 0;
    s->fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(s->fd, (struct sockaddr *)&a, &n);
    s->port = ntohs(a.sin_port);
    snprintf(s->csv, sizeof s->csv, "127.0.0.1:%u", (unsigned)s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static void server_stop(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    a.sin_port = htons(s->port);
    sendto(s->fd, "q", 1, 0, (struct sockaddr *)&a, sizeof a);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* The scene: a loop, the server, and questions. */

struct scene {
    struct pair p;
    struct server server;
};
struct question {
    struct scene *s;
    size_t answers;
    struct dns_answer a;
};

static void scene_init(struct scene *s)
{
    pair_init(&s->p, NULL, "127.0.0.1");
    server_start(&s->server);
    dns_free(s->p.dns);
    s->p.dns = dns_new_with_servers(s->p.loop, s->server.csv);
}

static void scene_fini(struct scene *s)
{
    pair_fini(&s->p);
    server_stop(&s->server);
}

static void on_answer(void *owner, const struct dns_answer *a)
{
    struct question *q = owner;

    q->answers++;
    q->a = *a;
    loop_stop(q->s->p.loop);
}

static struct dns_query *ask(struct scene *s, struct question *q, struct str host, uint32_t ms)
{
    struct dns_query *query;

    *q = (struct question){.s = s};
    query = dns_lookup(s->p.dns, host, ms, on_answer, q);
    assert_int_equal(q->answers, 0); /* never from inside */
    return query;
}

/* "127.0.0.1 ::1" */
static void join(const struct dns_answer *a, char *ret, size_t room)
{
    size_t n = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < a->n; i++)
        n += (size_t)snprintf(ret + n, room - n, "%s%s", i ? " " : "", addr_text(&a->addr[i]).z);
}

static bool have_ipv6(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool have = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;

    if (fd >= 0)
        close(fd);
    return have;
}

static void lookups(void **state)
{
    static const struct {
        const char *host;
        enum err err;
        const char *addrs; /* where IPv6 works */
        const char *without;
        unsigned asked;
    } rows[] = {
        {"both.test",   OK,         "::1 127.0.0.1",                                            "127.0.0.1 ::1",                                                                       2},
        {"BOTH.Test",   OK,         "::1 127.0.0.1",                                            "127.0.0.1 ::1",                                                                       2},
        {"four.test",   OK,         "127.0.0.1 127.0.0.2",                                      "127.0.0.1 127.0.0.2",                                                                 2},
        {"six.test",    OK,         "::1 ::2",                                                  "::1 ::2",                                                                             2},
        {"alias.test",  OK,         "127.0.0.1",                                                "127.0.0.1",                                                                           2},
        {"many.test",   OK,
         "::1 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8", "127.0.0.1 ::1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8", 2},
        {"empty.test",  E_REFUSED,  "",                                                         "",                                                                                    2},
        {"none.test",   E_REFUSED,  "",                                                         "",                                                                                    2},
        {"broken.test", E_UPSTREAM, "",                                                         "",                                                                                    2},
 /* One family is enough; the other's silence costs a moment and not the time limit. */
        {"lost6.test",  OK,         "127.0.0.1",                                                "127.0.0.1",                                                                           2},
        {"lost4.test",  OK,         "::1",                                                      "::1",                                                                                 2},
 /* Answered without asking. */
        {"192.0.2.7",   OK,         "192.0.2.7",                                                "192.0.2.7",                                                                           0},
        {"2001:db8::1", OK,         "2001:db8::1",                                              "2001:db8::1",                                                                         0},
        {"localhost",   OK,         "127.0.0.1 ::1",                                            "127.0.0.1 ::1",                                                                       0},
        {"LOCALHOST.",  OK,         "127.0.0.1 ::1",                                            "127.0.0.1 ::1",                                                                       0},
        {"a.localhost", OK,         "127.0.0.1 ::1",                                            "127.0.0.1 ::1",                                                                       0},
        {"",            E_REFUSED,  "",                                                         "",                                                                                    0},
        {"a..test",     E_REFUSED,  "",                                                         "",                                                                                    0},
    };
    bool six = have_ipv6();

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene s;
        struct question q;
        struct zone *z;
        char got[512];

        scene_init(&s);
        ask(&s, &q, str_z(rows[i].host), 20000);
        UNTIL(&s.p, q.answers == 1);
        assert_int_equal(q.a.err, rows[i].err);
        join(&q.a, got, sizeof got);
        assert_string_equal(got, six ? rows[i].addrs : rows[i].without);
        z = zone_of(rows[i].host);
        if (z != NULL)
            assert_true(z->asked >= rows[i].asked);
        scene_fini(&s);
        assert_int_equal(q.answers, 1);
    }
}

static void impossible_names(void **state)
{
    char name[300];
    struct scene s;
    struct question q;

    (void)state;
    memset(name, 'a', sizeof name);
    scene_init(&s);
    ask(&s, &q, str_of(name, sizeof name), 20000);
    UNTIL(&s.p, q.answers == 1);
    assert_int_equal(q.a.err, E_REFUSED);
    ask(&s, &q, str_of("a\0b.test", 8), 20000);
    UNTIL(&s.p, q.answers == 1);
    assert_int_equal(q.a.err, E_REFUSED);
    ask(&s, &q, str_of("a\0.localhost", 12), 20000);
    UNTIL(&s.p, q.answers == 1);
    assert_int_equal(q.a.err, E_REFUSED);
    scene_fini(&s);
}

/* LIM-11. */
static void silence_is_a_timeout(void **state)
{
    struct scene s;
    struct question q;

    (void)state;
    scene_init(&s);
    ask(&s, &q, S("silent.test"), 30);
    UNTIL(&s.p, q.answers == 1);
    assert_int_equal(q.a.err, E_TIMEOUT);
    scene_fini(&s);
}

/* Nobody listens there: told well before the time limit. */
static void no_server(void **state)
{
    struct pair p;
    struct server s;
    struct scene scene;
    struct question q;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    server_start(&s);
    server_stop(&s);
    dns_free(p.dns);
    p.dns = dns_new_with_servers(p.loop, s.csv);
    scene.p = p;
    ask(&scene, &q, S("both.test"), 20000);
    UNTIL(&scene.p, q.answers == 1);
    assert_int_equal(q.a.err, E_UPSTREAM);
    pair_fini(&scene.p);
}

static void answers_are_kept(void **state)
{
    struct zone *z = zone_of("both.test");
    struct scene s;
    struct question q;

    (void)state;
    scene_init(&s);
    for (int i = 0; i < 5; i++) {
        ask(&s, &q, i % 2 ? S("BOTH.test") : S("both.test"), 20000);
        UNTIL(&s.p, q.answers == 1);
        assert_int_equal(q.a.err, OK);
        assert_int_equal(q.a.n, 2);
    }
    assert_int_equal(z->asked, 2);
    scene_fini(&s);
}

static void one_question_for_all_who_wait(void **state)
{
    struct zone *z = zone_of("both.test");
    struct scene s;
    struct question q[20];
    struct dns_query *query[20];

    (void)state;
    scene_init(&s);
    for (size_t i = 0; i < NELEM(q); i++)
        query[i] = ask(&s, &q[i], S("both.test"), 20000);
    for (size_t i = 0; i < NELEM(q); i += 3)
        dns_cancel(query[i]);
    UNTIL(&s.p, q[1].answers == 1);
    pair_turn(&s.p);
    for (size_t i = 0; i < NELEM(q); i++) {
        assert_int_equal(q[i].answers, i % 3 != 0);
        assert_int_equal(q[i].a.n, i % 3 != 0 ? 2 : 0);
    }
    assert_int_equal(z->asked, 2);
    scene_fini(&s);
}

static struct dns_query *victim;

static void cancel_the_other(void *owner, const struct dns_answer *a)
{
    struct question *q = owner;

    on_answer(q, a);
    dns_cancel(victim);
    victim = NULL;
}

static void cancel_from_inside_an_answer(void **state)
{
    struct scene s;
    struct question first, second;

    (void)state;
    scene_init(&s);
    first = (struct question){.s = &s};
    dns_lookup(s.p.dns, S("both.test"), 20000, cancel_the_other, &first);
    victim = ask(&s, &second, S("both.test"), 20000);
    UNTIL(&s.p, first.answers == 1);
    pair_turn(&s.p);
    assert_int_equal(second.answers, 0);
    scene_fini(&s);
}

/* PRC-7. Others are served on the same loop for as long as a resolver says nothing. */
static void prc_7_a_resolver_that_hangs(void **state)
{
    struct scene s;
    struct question silent, known;
    struct dns_query *query;

    (void)state;
    scene_init(&s);
    pair_connect(&s.p);
    query = ask(&s, &silent, S("silent.test"), 20000);
    pair_talk(&s.p, 200);
    ask(&s, &known, S("both.test"), 20000);
    UNTIL(&s.p, known.answers == 1);
    assert_int_equal(known.a.err, OK);
    assert_int_equal(silent.answers, 0);
    dns_cancel(query);
    scene_fini(&s);
}

/* More names than the table holds. */
static void many_names(void **state)
{
    struct scene s;
    struct question q;

    (void)state;
    scene_init(&s);
    for (int i = 0; i < 600; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "n%d.test", i % 400);

        ask(&s, &q, str_of(name, (size_t)n), 20000);
        UNTIL(&s.p, q.answers == 1);
        assert_int_equal(q.a.err, OK);
    }
    scene_fini(&s);
}

/* So many at once that none can make room: the rest is refused, and those that were taken come. */
static void too_many_names_at_once(void **state)
{
    enum { N = 300 };
    static struct question q[N];
    struct scene s;
    size_t refused = 0;

    (void)state;
    scene_init(&s);
    for (int i = 0; i < N; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "n%d.test", i);

        ask(&s, &q[i], str_of(name, (size_t)n), 20000);
    }
    for (int i = 0; i < N; i++) {
        UNTIL(&s.p, q[i].answers == 1);
        refused += q[i].a.err == E_TOOBIG;
        assert_true(q[i].a.err == OK || q[i].a.err == E_TOOBIG);
    }
    assert_int_equal(refused, N - 256);
    scene_fini(&s);
}

static void freed_while_asking(void **state)
{
    struct scene s;
    struct question q;

    (void)state;
    scene_init(&s);
    ask(&s, &q, S("silent.test"), 20000);
    pair_turn(&s.p);
    dns_free(s.p.dns);
    s.p.dns = NULL;
    pair_turn(&s.p);
    assert_int_equal(q.answers, 0);
    scene_fini(&s);
    dns_cancel(NULL);
}

static void hosts_file(void **state)
{
    static const char text[] = "# 192.0.2.9 commented\n"
                               "\n"
                               "192.0.2.1 one.test first\n"
                               "\t192.0.2.2\ttwo.test  # two.again\n"
                               "2001:db8::1 one.test\r\n"
                               "192.0.2.3 ONE.TEST\n"
                               "fe80::1%eth0 zone.test\n"
                               "nonsense one.test\n"
                               "192.0.2.4";
    static const struct {
        const char *name;
        size_t max;
        const char *addrs;
    } rows[] = {
        {"one.test",  16, "192.0.2.1 2001:db8::1 192.0.2.3"},
        {"One.Test.", 16, "192.0.2.1 2001:db8::1 192.0.2.3"},
        {"one.test",  2,  "192.0.2.1 2001:db8::1"          },
        {"first",     16, "192.0.2.1"                      },
        {"two.test",  16, "192.0.2.2"                      },
        {"two.again", 16, ""                               },
        {"commented", 16, ""                               },
        {"zone.test", 16, ""                               },
        {"192.0.2.1", 16, ""                               },
        {"test",      16, ""                               },
        {"",          16, ""                               },
    };
    char path[] = "/tmp/queqiao-hosts-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct dns_answer a = {.err = OK};
        char got[256];

        a.n = dns_hosts_find(path, str_z(rows[i].name), a.addr, rows[i].max);
        join(&a, got, sizeof got);
        assert_string_equal(got, rows[i].addrs);
    }
    close(fd);
    unlink(path);
    {
        union net_addr a;

        assert_int_equal(dns_hosts_find(path, S("one.test"), &a, 1), 0);
    }
}

/* A line longer than any honest one hides nothing that comes after it. */
static void hosts_file_with_a_long_line(void **state)
{
    char path[] = "/tmp/queqiao-hosts-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    union net_addr a[2];

    (void)state;
    fputs("192.0.2.1 ", f);
    for (int i = 0; i < 5000; i++)
        fputs("x ", f);
    fputs("192.0.2.6 late.test\n192.0.2.2 next.test\n", f);
    fclose(f);
    assert_int_equal(dns_hosts_find(path, S("late.test"), a, 2), 0);
    assert_int_equal(dns_hosts_find(path, S("next.test"), a, 2), 1);
    assert_string_equal(addr_text(&a[0]).z, "192.0.2.2");
    unlink(path);
}

/* Dialling by name. */

static void dial_name(struct scene *s, const char *host)
{
    struct dial_opts o = pair_opts(&s->p, NULL, host);

    s->p.dialled = false;
    dial_open(s->p.loop, &o, pair_dialled, &s->p);
    UNTIL(&s->p, s->p.dialled);
}

/* IPv6 is refused at once, IPv4 is tried at once. */
static void the_other_family_after_a_refusal(void **state)
{
    struct scene s;

    (void)state;
    scene_init(&s);
    dial_name(&s, "both.test");
    assert_int_equal(s.p.result.err, OK);
    assert_string_equal(stream_peer(s.p.client.s).z, "127.0.0.1");
    scene_fini(&s);
}

/* IPv6 does not answer at all (its backlog is full): IPv4 gets its chance beside it, long before
 * the time limit, which this test leaves at 20 seconds. */
static void the_other_family_after_silence(void **state)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    int filler[3] = {-1, -1, -1};
    int on = 1;
    struct scene s;

    (void)state;
    scene_init(&s);
    a.sin6_port = htons(listener_port(s.p.l));
    if (fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 0) == 0)
        for (size_t i = 0; i < NELEM(filler); i++) {
            filler[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
            (void)connect(filler[i], (struct sockaddr *)&a, sizeof a);
        }
    dial_name(&s, "both.test");
    assert_int_equal(s.p.result.err, OK);
    assert_string_equal(stream_peer(s.p.client.s).z, "127.0.0.1");
    for (size_t i = 0; i < NELEM(filler); i++)
        close(filler[i]);
    close(fd);
    scene_fini(&s);
}

static void dial_faults(void **state)
{
    static const struct {
        const char *host;
        enum err err;
        const char *what;
    } rows[] = {
        {"none.test",   E_REFUSED,  "no such host name"            },
        {"broken.test", E_UPSTREAM, "the name server is in trouble"},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene s;

        scene_init(&s);
        dial_name(&s, rows[i].host);
        assert_int_equal(s.p.result.err, rows[i].err);
        assert_int_equal(s.p.result.phase, DIAL_DNS);
        assert_string_equal(s.p.result.what, rows[i].what);
        scene_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups),
        cmocka_unit_test(impossible_names),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(no_server),
        cmocka_unit_test(answers_are_kept),
        cmocka_unit_test(one_question_for_all_who_wait),
        cmocka_unit_test(cancel_from_inside_an_answer),
        cmocka_unit_test(prc_7_a_resolver_that_hangs),
        cmocka_unit_test(many_names),
        cmocka_unit_test(too_many_names_at_once),
        cmocka_unit_test(freed_while_asking),
        cmocka_unit_test(hosts_file),
        cmocka_unit_test(hosts_file_with_a_long_line),
        cmocka_unit_test(the_other_family_after_a_refusal),
        cmocka_unit_test(the_other_family_after_silence),
        cmocka_unit_test(dial_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
