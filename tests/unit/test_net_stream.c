/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_stream.c - TCP streams: gathered writes, back-pressure, the ways to close, addresses. */
#include "base/mem.h"
#include "net_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void echo(struct end *e, struct str bytes)
{
    stream_write(e->s, bytes);
}

static void bytes_go_both_ways(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    p.server.on_read = echo;
    assert_int_equal(stream_write(p.client.s, S("hello ")), FLOW_GO);
    stream_write(p.client.s, S(""));
    stream_write(p.client.s, S("world"));
    UNTIL(&p, p.client.got.n == 11);
    assert_memory_equal(p.client.got.p, "hello world", 11);
    assert_string_equal(stream_peer(p.server.s).z, "127.0.0.1");
    assert_true(stream_peer_is_loopback(p.server.s));
    assert_int_equal(stream_alpn(p.server.s).n, 0);
    assert_false(stream_is_tls(p.client.s));
    pair_fini(&p);
    assert_int_equal(mem_counted(), 0);
}

/* Many small writes of one turn leave in one segment: the other side reads once. */
static void writes_of_a_turn_are_gathered(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    for (int i = 0; i < 1000; i++)
        stream_write(p.client.s, S("0123456789"));
    assert_int_equal(stream_queued(p.client.s), 10000);
    UNTIL(&p, p.server.got.n == 10000);
    assert_int_equal(p.server.reads, 1);
    pair_fini(&p);
}

/* Many connections are heard in one turn, and each is answered. */
enum { CROWD = 20 };

struct crowd {
    struct end end[CROWD];
    struct loop *loop;
    struct task turn;
    size_t n, heard;
    size_t logged;  /* answers at the last turn-task */
    size_t waiting; /* for their write at once, at most */
};
static struct crowd crowd;

static void crowd_answer(struct end *e, struct str bytes)
{
    size_t waiting = 0;

    for (size_t i = 0; i < crowd.n; i++)
        waiting += stream_queued(crowd.end[i].s) > 0;
    assert_true(crowd.heard - waiting <= crowd.logged);
    crowd.waiting = waiting > crowd.waiting ? waiting : crowd.waiting;
    crowd.heard++;
    stream_write(e->s, bytes);
}

static void crowd_log(struct task *t)
{
    (void)t;
    crowd.logged = crowd.heard;
}

static void crowd_accepted(void *owner, struct stream *s)
{
    struct end *e = &crowd.end[crowd.n++];

    (void)owner;
    *e = (struct end){.loop = crowd.loop, .on_read = crowd_answer};
    end_take(e, s);
}

/* What a long turn has answered first does not wait for its end; the turn-tasks come before. */
static void writes_of_a_long_turn_leave_early(void **state)
{
    struct listen_opts o = {.fd = -1, .addr.host = "127.0.0.1"};
    struct listener *l;
    int fd[CROWD];
    char c;

    (void)state;
    crowd = (struct crowd){.loop = loop_new()};
    task_init(&crowd.turn, crowd_log);
    loop_on_turn(crowd.loop, &crowd.turn);
    assert_int_equal(listener_open(crowd.loop, &o, crowd_accepted, NULL, &l, NULL), OK);
    for (size_t i = 0; i < CROWD; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(listener_port(l)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    while (crowd.n < CROWD)
        loop_run(crowd.loop);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(send(fd[i], "x", 1, 0), 1);
    while (crowd.heard < CROWD)
        loop_run(crowd.loop);
    assert_in_range(crowd.waiting, 2, CROWD / 2);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(recv(fd[i], &c, 1, 0), 1);
        close(fd[i]);
        stream_close(crowd.end[i].s);
    }
    task_cancel(&crowd.turn);
    listener_close(l);
    loop_run(crowd.loop);
    loop_free(crowd.loop);
}

static void options_are_set(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    /* The highest descriptors are the two ends; look at every stream socket there is. */
    for (int fd = 3; fd < 64; fd++) {
        int type = 0, listening = 0, nodelay = 0, keepalive = 0;
        socklen_t n = sizeof type;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM)
            continue;
        n = sizeof listening;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n);
        n = sizeof nodelay;
        if (listening || getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &n) != 0)
            continue;
        n = sizeof keepalive;
        getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive, &n);
        assert_true(nodelay);
        assert_true(keepalive);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    pair_fini(&p);
}

/* A reader that does not read: the writer is told FULL, keeps what it was given, and is told to go
 * on once, when the reader has caught up. */
static void back_pressure(void **state)
{
    static char block[256 * 1024];
    struct pair p;
    size_t sent = 0;

    (void)state;
    memset(block, 'b', sizeof block);
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    stream_pause(p.server.s);
    /* The kernel takes some megabytes; go on until it takes nothing any more. */
    for (;;) {
        enum flow f = stream_write(p.client.s, str_of(block, sizeof block));

        sent += sizeof block;
        assert_int_equal(f, FLOW_FULL); /* 256 KiB at once are over the mark */
        p.client.drains = 0;
        for (int i = 0; i < 20 && p.client.drains == 0; i++)
            pair_turn(&p);
        if (p.client.drains == 0)
            break;
        assert_true(sent < (size_t)1 << 30);
    }
    assert_true(stream_queued(p.client.s) > FLOW_LOW);
    assert_int_equal(stream_write(p.client.s, S("x")), FLOW_FULL);
    sent++;
    assert_int_equal(p.server.reads, 0);
    stream_resume(p.server.s);
    UNTIL(&p, p.server.got.n == sent);
    assert_int_equal(p.client.drains, 1);
    assert_int_equal(stream_queued(p.client.s), 0);
    assert_int_equal(p.server.got.p[sent - 1], 'x');
    assert_int_equal(stream_write(p.client.s, S("x")), FLOW_GO);
    pair_fini(&p);
    assert_int_equal(mem_counted(), 0);
}

/* A number at each place, so that none can stand in another one's. */
static unsigned char place(size_t at)
{
    return (unsigned char)(at % 251 ^ at >> 16);
}

enum { LARGE = 16 << 20, MORE = 1000, A_TURN_MAX = 1 << 20 };
struct large {
    struct pair p;
    struct task turn;
    size_t put, queued, most; /* bytes: written, left after a turn, gone in one */
    size_t in_order;          /* that came */
};

/* As fast as the kernel gives them. */
static void *read_in_order(void *arg)
{
    static unsigned char bytes[1 << 20];
    struct large *l = arg;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(listener_port(l->p.l))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t n;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)(void *)&to, sizeof to) != 0)
        return NULL;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n && bytes[i] == place(l->in_order); i++)
            l->in_order++;
    close(fd);
    return NULL;
}

static void write_large(struct large *l, size_t n)
{
    char *bytes = malloc(n);

    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)place(l->put++);
    (void)stream_write(l->p.server.s, str_of(bytes, n));
    l->queued += n;
    free(bytes);
}

/* More is written behind what waits, for a while. */
static void large_turn(struct task *t)
{
    struct large *l = CONTAINER(t, struct large, turn);
    size_t queued = stream_queued(l->p.server.s);

    l->most = l->queued - queued > l->most ? l->queued - queued : l->most;
    l->queued = queued;
    if (queued > LARGE / 2)
        write_large(l, MORE);
    if (queued > 0)
        loop_next(l->p.loop, t);
    else
        loop_stop(l->p.loop);
}

/* However fast it is read: others have their turns in between. */
static void a_large_write_is_cut_into_turns(void **state)
{
    struct large l = {.put = 0};
    pthread_t reader;

    (void)state;
    pair_init(&l.p, NULL, "127.0.0.1");
    assert_int_equal(pthread_create(&reader, NULL, read_in_order, &l), 0);
    UNTIL(&l.p, l.p.server.s != NULL);
    task_init(&l.turn, large_turn);
    write_large(&l, LARGE);
    loop_next(l.p.loop, &l.turn);
    UNTIL(&l.p, stream_queued(l.p.server.s) == 0);
    stream_close(l.p.server.s);
    l.p.server.s = NULL;
    pthread_join(reader, NULL);
    assert_true(l.put > LARGE);
    assert_int_equal(l.in_order, l.put);
    assert_in_range(l.most, 1, A_TURN_MAX);
    task_cancel(&l.turn);
    pair_fini(&l.p);
    assert_int_equal(mem_counted(), 0);
}

struct late {
    struct timer timer;
    struct pair *p;
    size_t reads_before;
    bool fired;
};

static void on_late(struct timer *t)
{
    struct late *l = CONTAINER(t, struct late, timer);

    l->fired = true;
    l->reads_before = l->p->server.reads;
    loop_stop(l->p->loop);
}

/* A loop that was held up looks at the sockets before it finds that somebody was too slow. */
static void bytes_come_before_timers(void **state)
{
    struct pair p;
    struct late late = {.p = &p};

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    timer_init(&late.timer, p.loop, on_late);
    stream_write(p.client.s, S("in time"));
    timer_start(&late.timer, 1);
    nanosleep(&(struct timespec){.tv_nsec = 60 * 1000 * 1000}, NULL);
    UNTIL(&p, late.fired);
    assert_true(late.reads_before > 0);
    pair_fini(&p);
}

static void pause_after_some(struct end *e, struct str bytes)
{
    buf_put(&e->got, bytes);
    stream_pause(e->s);
}

static void pause_inside_a_read(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    p.server.on_read = pause_after_some;
    stream_write(p.client.s, S("one"));
    UNTIL(&p, p.server.got.n == 3);
    stream_write(p.client.s, S("two"));
    for (int i = 0; i < 5; i++)
        pair_turn(&p);
    assert_int_equal(p.server.reads, 1);
    stream_resume(p.server.s);
    UNTIL(&p, p.server.got.n == 6);
    pair_fini(&p);
}

static void close_inside(struct end *e, struct str bytes)
{
    (void)bytes;
    stream_write(e->s, S("dropped"));
    stream_close(e->s);
    e->s = NULL;
}

static void close_inside_a_read(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    p.server.on_read = close_inside;
    stream_write(p.client.s, S("go"));
    UNTIL(&p, p.client.ended);
    assert_int_equal(p.client.why, OK);
    assert_int_equal(p.client.got.n, 0);
    assert_int_equal(p.server.reads, 1);
    stream_write(p.client.s, S("to nobody")); /* harmless */
    assert_int_equal(stream_queued(p.client.s), 0);
    pair_fini(&p);
}

/* Closing softly: all bytes arrive although the reader is slow and the peer keeps sending. */
static void soft_close_delivers(void **state)
{
    enum { N = 8 * 1024 * 1024 };
    char *block = calloc(1, N);
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    stream_pause(p.server.s);
    stream_write(p.server.s, str_of(block, N));
    stream_write(p.client.s, str_of(block, 100000)); /* unread: a plain close would send RST */
    stream_close_soft(p.server.s);
    p.server.s = NULL;
    UNTIL(&p, p.client.ended);
    assert_int_equal(p.client.why, OK);
    assert_int_equal(p.client.got.n, N);
    pair_fini(&p);
    free(block);
}

/* A loop that is freed while a stream still lingers takes it along. */
static void free_while_lingering(void **state)
{
    static char block[8 * 1024 * 1024];
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    stream_pause(p.client.s);
    stream_write(p.server.s, str_of(block, sizeof block));
    stream_close_soft(p.server.s);
    stream_close_soft(p.client.s);
    p.server.s = p.client.s = NULL;
    listener_close(p.l);
    p.l = NULL;
    dns_free(p.dns);
    timer_stop(&p.guard);
    loop_free(p.loop);
    buf_fini(&p.client.got);
    assert_int_equal(mem_counted(), 0);
}

static void reset_is_seen_as_such(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    stream_write(p.server.s, S("dropped"));
    stream_reset(p.server.s);
    p.server.s = NULL;
    UNTIL(&p, p.client.ended);
    assert_int_equal(p.client.why, E_CLOSED);
    stream_close_soft(p.client.s);
    p.client.s = NULL;
    pair_fini(&p);
}

static void looks_dead(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    assert_false(stream_looks_dead(p.client.s));
    stream_pause(p.client.s);
    stream_write(p.server.s, S("last words")); /* in front of the FIN */
    while (stream_queued(p.server.s) > 0)
        pair_turn(&p);
    assert_false(stream_looks_dead(p.client.s));
    stream_close(p.server.s);
    p.server.s = NULL;
    assert_true(stream_looks_dead(p.client.s));
    pair_fini(&p);
}

/* PRC-3. */
static void a_refused_budget_ends_the_stream(void **state)
{
    static char block[256 * 1024];
    size_t before = mem_budget();
    struct pair p;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    mem_set_budget(mem_counted() + 1024);
    stream_write(p.client.s, str_of(block, sizeof block));
    assert_false(p.client.ended); /* never from inside */
    UNTIL(&p, p.client.ended);
    assert_int_equal(p.client.why, E_TOOBIG);
    mem_set_budget(before);
    pair_fini(&p);
    assert_int_equal(mem_counted(), 0);
}

static size_t accepted;

static void count_accepted(void *owner, struct stream *s)
{
    accepted++;
    stream_close(s);
    loop_stop(owner);
}

static void *let_in(void *ctx, uint64_t network, bool loopback)
{
    (void)network;
    (void)loopback;
    return ctx;
}

static void let_go(void *ctx, void *ticket)
{
    assert_ptr_equal(ctx, ticket);
}

static void count_shortage(void *ctx, int error)
{
    assert_int_equal(error, EMFILE);
    (*(size_t *)ctx)++;
}

/* PRC-2: descriptors run out: waiting connections stay in the backlog and are taken when there is
 * room. */
static void accepting_rests_and_recovers(void **state)
{
    size_t shortages = 0;
    struct listen_gate gate = {let_in, let_go, count_shortage, &shortages};
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1, .gate = &gate};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct rlimit was, few;
    struct pair p;
    struct listener *l = NULL;
    int client[5];

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    accepted = 0;
    assert_int_equal(listener_open(p.loop, &o, count_accepted, p.loop, &l, NULL), OK);
    to.sin_port = htons(listener_port(l));
    for (size_t i = 0; i < NELEM(client); i++) {
        client[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(client[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    getrlimit(RLIMIT_NOFILE, &was);
    few = was;
    few.rlim_cur = (rlim_t)client[NELEM(client) - 1] + 1;
    setrlimit(RLIMIT_NOFILE, &few);
    while (shortages < 2)
        pair_turn(&p);
    assert_int_equal(accepted, 0);
    setrlimit(RLIMIT_NOFILE, &was);
    UNTIL(&p, accepted == NELEM(client));
    for (size_t i = 0; i < NELEM(client); i++)
        close(client[i]);
    listener_close(l);
    pair_fini(&p);
}

static void *gate_enter(void *ctx, uint64_t network, bool loopback)
{
    size_t *inside = ctx;

    assert_true(loopback);
    assert_int_equal(network, (uint64_t)1 << 32 | INADDR_LOOPBACK);
    if (*inside == 1)
        return NULL;
    (*inside)++;
    return inside;
}

static void gate_leave(void *ctx, void *ticket)
{
    assert_ptr_equal(ctx, ticket);
    (*(size_t *)ctx)--;
}

/* LIM-1: who is not let in is closed at once and never seen; a ticket comes back with the close. */
static void lim_1_gate(void **state)
{
    size_t inside = 0;
    struct listen_gate gate = {gate_enter, gate_leave, NULL, &inside};
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1, .gate = &gate};
    struct pair p;
    struct dial_opts d;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    listener_close(p.l);
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &p.l, NULL), OK);
    pair_connect(&p);
    assert_int_equal(inside, 1);
    for (int round = 0; round < 2; round++) {
        struct stream *server = p.server.s;
        struct end first = p.client;

        p.client = (struct end){.loop = p.loop};
        buf_init(&p.client.got, 1000);
        p.dialled = false;
        d = pair_opts(&p, NULL, "127.0.0.1");
        dial_open(p.loop, &d, pair_dialled, &p);
        UNTIL(&p, p.client.ended); /* and pair_accepted was not called: it asserts so */
        assert_ptr_equal(p.server.s, server);
        stream_close(p.client.s);
        buf_fini(&p.client.got);
        p.client = first;
        p.client.loop = p.loop;
    }
    stream_close(p.server.s);
    assert_int_equal(inside, 0);
    p.server.s = NULL;
    pair_fini(&p);
}

/* LIM-1: what counts as one stranger. */
static void lim_1_networks(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"192.0.2.1",       "192.0.2.1",           true },
        {"192.0.2.1",       "::ffff:192.0.2.1",    true },
        {"192.0.2.1",       "192.0.2.2",           false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::", true },
        {"2001:db8:1:2::1", "2001:db8:1:3::1",     false},
        {"192.0.2.1",       "2001:db8:1:2::1",     false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        union net_addr a, b;

        assert_true(addr_parse(str_z(rows[i].a), &a) && addr_parse(str_z(rows[i].b), &b));
        assert_int_not_equal(addr_network(&a), 0);
        assert_int_equal(addr_network(&a) == addr_network(&b), rows[i].same);
    }
}

#define LONG "a-label-of-twenty-six-bytes.a-label-of-twenty-six-bytes"

static void listen_addresses(void **state)
{
    static const struct {
        const char *in;
        enum err err;
        const char *host;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:8080",     OK,       "127.0.0.1", 8080 },
        {"[::1]:65535",        OK,       "::1",       65535},
        {":80",                OK,       "",          80   },
        {"*:0",                OK,       "",          0    },
        {"localhost:9000",     OK,       "localhost", 9000 },
        {"0.0.0.0:1",          OK,       "0.0.0.0",   1    },
        {"",                   E_SYNTAX, NULL,        0    },
        {"8080",               E_SYNTAX, NULL,        0    },
        {"::1:80",             E_SYNTAX, NULL,        0    },
        {"[::1]",              E_SYNTAX, NULL,        0    },
        {"[::1]80",            E_SYNTAX, NULL,        0    },
        {"[::1:80",            E_SYNTAX, NULL,        0    },
        {"[127.0.0.1]:80",     E_SYNTAX, NULL,        0    },
        {"[]:80",              E_SYNTAX, NULL,        0    },
        {"127.0.0.1:",         E_RANGE,  NULL,        0    },
        {"127.0.0.1:65536",    E_RANGE,  NULL,        0    },
        {"127.0.0.1:-1",       E_RANGE,  NULL,        0    },
        {"127.0.0.1:000080",   E_RANGE,  NULL,        0    },
        {"127.0.0.1:80 ",      E_RANGE,  NULL,        0    },
        {"example.com:80",     E_FIELD,  NULL,        0    },
        {"127.1:80",           E_FIELD,  NULL,        0    },
        {"[fe80::1%lo]:80",    E_FIELD,  NULL,        0    },
        {LONG ".localhost:80", E_TOOBIG, NULL,        0    },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct listen_addr a = {.host = "untouched", .port = 7};
        struct fault why = {.code = OK};

        assert_int_equal(listen_parse(str_z(rows[i].in), &a, &why), rows[i].err);
        assert_int_equal(why.code, rows[i].err);
        assert_string_equal(a.host, rows[i].err == OK ? rows[i].host : "untouched");
        assert_int_equal(a.port, rows[i].err == OK ? rows[i].port : 7);
    }
}

/* One listener for both families; an IPv4 peer is told as IPv4. */
static void all_addresses_means_both_families(void **state)
{
    static const char *const from[] = {"127.0.0.1", "::1"};

    (void)state;
    for (size_t i = 0; i < NELEM(from); i++) {
        struct pair p;
        struct dial_opts o;

        pair_init(&p, NULL, "");
        o = pair_opts(&p, NULL, from[i]);
        dial_open(p.loop, &o, pair_dialled, &p);
        UNTIL(&p, p.dialled);
        if (p.result.err == OK) { /* a system without IPv6 refuses ::1 */
            UNTIL(&p, p.server.s);
            assert_string_equal(stream_peer(p.server.s).z, from[i]);
            assert_true(stream_peer_is_loopback(p.server.s));
        } else
            assert_int_equal(i, 1);
        pair_fini(&p);
    }
}

static void a_taken_port_is_told(void **state)
{
    struct pair p;
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct listener *second = NULL;
    struct fault why = {.code = OK};

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    o.addr.port = listener_port(p.l);
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &second, &why), E_SYSTEM);
    assert_int_equal(errno, EADDRINUSE);
    assert_string_equal(why.what, "cannot bind to the address");
    assert_null(second);
    o.addr.host[0] =
        '\0'; /* of all addresses it is one: the other family is not tried in its place */
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &second, &why), E_SYSTEM);
    assert_int_equal(errno, EADDRINUSE);
    pair_fini(&p);
}

static void workers_share_a_port(void **state)
{
    struct loop *loop = loop_new();
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .reuse_port = true, .fd = -1};
    struct fault why = {.code = OK};
    struct listener *a = NULL, *b = NULL;

    (void)state;
    assert_int_equal(listener_open(loop, &o, count_accepted, loop, &a, NULL), OK);
    o.addr.port = listener_port(a);
    assert_int_equal(listener_open(loop, &o, count_accepted, loop, &b, NULL), OK);
    assert_int_equal(listener_port(b), listener_port(a));
    listener_close(b);
    b = NULL;
    o.claim = true; /* as another process would */
    assert_int_equal(listener_open(loop, &o, count_accepted, loop, &b, &why), E_SYSTEM);
    assert_int_equal(errno, EADDRINUSE);
    assert_null(b);
    listener_close(a);
    listener_close(NULL);
    assert_int_equal(listener_open(loop, &o, count_accepted, loop, &a, NULL), OK);
    o.claim = false;
    assert_int_equal(listener_open(loop, &o, count_accepted, loop, &b, NULL), OK);
    listener_close(a);
    listener_close(b);
    loop_run(loop);
    loop_free(loop);
}

static void a_socket_can_be_inherited(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct listen_opts o = {.fd = fd};
    struct fault why = {.code = OK};
    struct pair p;
    struct dial_opts d;
    struct listener *l = NULL;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &l, &why), E_SYSTEM);
    assert_string_equal(why.what, "the inherited socket is not listening");
    why = (struct fault){.code = OK};
    o.fd = open("/dev/null", O_RDONLY);
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &l, &why), E_SYSTEM);
    assert_string_equal(why.what, "the inherited descriptor is not a socket");
    close(o.fd);
    o.fd = fd;
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(listener_open(p.loop, &o, pair_accepted, &p, &l, NULL), OK);
    d = pair_opts(&p, NULL, "127.0.0.1");
    d.port = listener_port(l);
    dial_open(p.loop, &d, pair_dialled, &p);
    UNTIL(&p, p.client.s && p.server.s);
    listener_close(l);
    pair_fini(&p);
}

static void nobody_listens(void **state)
{
    struct pair p;
    struct dial_opts o;
    int shut;

    (void)state;
    pair_init(&p, NULL, "127.0.0.1");
    o = pair_opts(&p, NULL, "localhost");
    o.port = shut_port(&shut);
    dial_open(p.loop, &o, pair_dialled, &p);
    assert_false(p.dialled); /* never from inside */
    UNTIL(&p, p.dialled);
    assert_int_equal(p.result.err, E_REFUSED);
    assert_int_equal(p.result.phase, DIAL_CONNECT);
    assert_string_equal(p.result.what, "connection refused");
    close(shut);
    pair_fini(&p);
}

/* A dial given up at each of its steps is never told and leaves nothing behind. */
static void dialling_can_be_cancelled(void **state)
{
    (void)state;
    for (int turns = 0; turns < 6; turns++) {
        struct pair p;
        struct dial_opts o;
        struct dial *d;

        pair_init(&p, NULL, "127.0.0.1");
        o = pair_opts(&p, NULL, "localhost");
        d = dial_open(p.loop, &o, pair_dialled, &p);
        for (int i = 0; i < turns && !p.dialled; i++)
            pair_turn(&p);
        if (p.dialled) {
            pair_fini(&p);
            continue;
        }
        dial_cancel(d);
        for (int i = 0; i < 5; i++)
            pair_turn(&p);
        assert_false(p.dialled);
        pair_fini(&p);
    }
    dial_cancel(NULL);
}

/* A port that takes no connection any more: attempts hang. */
struct full {
    int fd, filler[3];
    uint16_t port;
};

static void full_open(struct full *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;

    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(f->fd, 0), 0);
    getsockname(f->fd, (struct sockaddr *)&a, &n);
    for (size_t i = 0; i < NELEM(f->filler); i++) {
        f->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(f->filler[i], (struct sockaddr *)&a, sizeof a);
    }
    f->port = ntohs(a.sin_port);
}

static void full_close(struct full *f)
{
    for (size_t i = 0; i < NELEM(f->filler); i++)
        close(f->filler[i]);
    close(f->fd);
}

/* LIM-11. A full backlog lets a connection attempt hang: the limit ends it. */
static void connecting_has_a_limit(void **state)
{
    struct full full;
    struct pair p;
    struct dial_opts o;

    (void)state;
    full_open(&full);
    pair_init(&p, NULL, "127.0.0.1");
    o = pair_opts(&p, NULL, "127.0.0.1");
    o.port = full.port;
    o.connect_ms = 50;
    dial_open(p.loop, &o, pair_dialled, &p);
    UNTIL(&p, p.dialled);
    assert_int_equal(p.result.err, E_TIMEOUT);
    assert_int_equal(p.result.phase, DIAL_CONNECT);
    full_close(&full);
    pair_fini(&p);
}

static void never_dialled(void *owner, const struct dial_result *r)
{
    (void)owner;
    (void)r;
    fail_msg("a full port has answered");
}

/* PRC-7. Others are served on the same loop for as long as an attempt hangs. */
static void prc_7_a_connection_that_hangs(void **state)
{
    struct full full;
    struct pair p;
    struct dial_opts o;
    struct dial *d;

    (void)state;
    full_open(&full);
    pair_init(&p, NULL, "127.0.0.1");
    pair_connect(&p);
    o = pair_opts(&p, NULL, "127.0.0.1");
    o.port = full.port;
    d = dial_open(p.loop, &o, never_dialled, NULL);
    pair_talk(&p, 200);
    dial_cancel(d);
    full_close(&full);
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(writes_of_a_turn_are_gathered),
        cmocka_unit_test(writes_of_a_long_turn_leave_early),
        cmocka_unit_test(options_are_set),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(a_large_write_is_cut_into_turns),
        cmocka_unit_test(bytes_come_before_timers),
        cmocka_unit_test(pause_inside_a_read),
        cmocka_unit_test(close_inside_a_read),
        cmocka_unit_test(soft_close_delivers),
        cmocka_unit_test(free_while_lingering),
        cmocka_unit_test(reset_is_seen_as_such),
        cmocka_unit_test(looks_dead),
        cmocka_unit_test(a_refused_budget_ends_the_stream),
        cmocka_unit_test(accepting_rests_and_recovers),
        cmocka_unit_test(lim_1_gate),
        cmocka_unit_test(lim_1_networks),
        cmocka_unit_test(listen_addresses),
        cmocka_unit_test(all_addresses_means_both_families),
        cmocka_unit_test(a_taken_port_is_told),
        cmocka_unit_test(workers_share_a_port),
        cmocka_unit_test(a_socket_can_be_inherited),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(dialling_can_be_cancelled),
        cmocka_unit_test(connecting_has_a_limit),
        cmocka_unit_test(prc_7_a_connection_that_hangs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
