/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_tls.c - how bytes cross a TLS stream however they are cut, what a slow reader does
 * to it, and how a connection ends. */
#include "tls_scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

static char *pattern(size_t n)
{
    char *p = malloc(n);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + i / 251);
    return p;
}

static void large_writes(void **state)
{
    enum { N = 5 * 1024 * 1024 + 17 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_int_equal(stream_write(s.p.client.s, str_of(bytes, N)), FLOW_FULL);
    assert_int_equal(stream_queued(s.p.client.s), N);
    stream_write(s.p.server.s, str_of(bytes, N));
    UNTIL(&s.p, s.p.client.got.n == N && s.p.server.got.n == N);
    assert_memory_equal(s.p.client.got.p, bytes, N);
    assert_memory_equal(s.p.server.got.p, bytes, N);
    UNTIL(&s.p, s.p.client.drains == 1 && s.p.server.drains == 1);
    assert_int_equal(stream_queued(s.p.client.s), 0);
    assert_int_equal(stream_write(s.p.client.s, S("x")), FLOW_GO);
    scene_fini(&s);
    free(bytes);
}

/* FULL is answered at every size around the marks, and on_drain always follows. */
static void drain_follows_full(void **state)
{
    static char block[FLOW_HIGH + 4096];
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t n = FLOW_HIGH - 64; n < sizeof block; n += 61) {
        size_t drains = s.p.client.drains;
        bool full;

        buf_reset(&s.p.server.got);
        /* Something below is queued already when the flush of these comes. */
        full = stream_write(s.p.client.s, str_of(block, n / 2)) == FLOW_FULL;
        assert_false(full);
        full = stream_write(s.p.client.s, str_of(block, n - n / 2)) == FLOW_FULL;
        assert_int_equal(full, n >= FLOW_HIGH);
        UNTIL(&s.p, s.p.server.got.n == n && s.p.client.drains == drains + full);
    }
    scene_fini(&s);
}

static void back_pressure(void **state)
{
    static char block[256 * 1024];
    struct scene s;
    size_t sent = 0, before;

    (void)state;
    scene_open(&s);
    stream_pause(s.p.server.s);
    do {
        before = s.p.client.drains;
        stream_write(s.p.client.s, str_of(block, sizeof block));
        sent += sizeof block;
        for (int i = 0; i < 20 && s.p.client.drains == before; i++)
            pair_turn(&s.p);
        assert_true(sent < (size_t)1 << 30);
    } while (s.p.client.drains != before);
    assert_true(stream_queued(s.p.client.s) >= FLOW_LOW);
    assert_int_equal(s.p.server.reads, 0);
    stream_resume(s.p.server.s);
    UNTIL(&s.p, s.p.server.got.n == sent && s.p.client.drains == before + 1);
    scene_fini(&s);
}

static void take_and_pause(struct end *e, struct str bytes)
{
    buf_put(&e->got, bytes);
    stream_pause(e->s);
}

/* A reader that pauses after every read and goes on a little later loses nothing of what had been
 * opened or had arrived already, and is told nothing while it pauses. */
static void pausing_at_every_read(void **state)
{
    enum { N = 3 * 1024 * 1024 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    s.p.server.on_read = take_and_pause;
    stream_write(s.p.client.s, str_of(bytes, N));
    stream_close_soft(s.p.client.s);
    s.p.client.s = NULL;
    while (!s.p.server.ended) {
        size_t reads = s.p.server.reads;

        pair_turn(&s.p);
        assert_true(s.p.server.reads <= reads + 1);
        if (!s.p.server.ended)
            stream_resume(s.p.server.s);
    }
    assert_int_equal(s.p.server.why, OK);
    assert_int_equal(s.p.server.got.n, N);
    assert_memory_equal(s.p.server.got.p, bytes, N);
    scene_fini(&s);
    free(bytes);
}

/* A wire that passes `step` bytes on in each turn, so that records arrive cut at every place. */
struct wire {
    struct loop *loop;
    struct stream *end[2];
    struct buf waiting[2]; /* bytes for end[i] */
    struct timer tick;
    size_t step;
    uint16_t to;
    struct dns *dns;
    bool ended[2];
};
struct wire_end {
    struct wire *w;
    int i;
};
static struct wire_end wire_ends[2];

static void wire_read(void *owner, struct str bytes)
{
    struct wire_end *e = owner;

    buf_put(&e->w->waiting[!e->i], bytes);
    if (!timer_running(&e->w->tick))
        timer_start(&e->w->tick, 0);
}

static void wire_drain(void *owner)
{
    (void)owner;
}

static void wire_end(void *owner, enum err why)
{
    struct wire_end *e = owner;

    (void)why;
    e->w->ended[e->i] = true;
    if (!timer_running(&e->w->tick))
        timer_start(&e->w->tick, 0);
}

static const struct stream_events WIRE = {wire_read, wire_drain, wire_end};

static void wire_tick(struct timer *t)
{
    struct wire *w = CONTAINER(t, struct wire, tick);

    for (int i = 0; i < 2; i++) {
        size_t n = w->waiting[i].n < w->step ? w->waiting[i].n : w->step;

        if (w->end[i] == NULL)
            continue;
        stream_write(w->end[i], str_of(w->waiting[i].p, n));
        buf_drop_front(&w->waiting[i], n);
        if (w->waiting[i].n > 0)
            timer_start(&w->tick, 0);
        else if (w->ended[!i]) {
            stream_close_soft(w->end[i]);
            w->end[i] = NULL;
        }
    }
}

static void wire_take(struct wire *w, int i, struct stream *s)
{
    wire_ends[i] = (struct wire_end){w, i};
    w->end[i] = s;
    stream_bind(s, &WIRE, &wire_ends[i]);
    stream_resume(s);
    if (!timer_running(&w->tick))
        timer_start(&w->tick, 0);
}

static void wire_dialled(void *owner, const struct dial_result *r)
{
    assert_int_equal(r->err, OK);
    wire_take(owner, 1, r->stream);
}

static void wire_accepted(void *owner, struct stream *s)
{
    struct wire *w = owner;
    struct dial_opts o = {.dns = w->dns,
                          .host = S_INIT("127.0.0.1"),
                          .port = w->to,
                          .dns_ms = 9000,
                          .connect_ms = 9000};

    wire_take(w, 0, s);
    dial_open(w->loop, &o, wire_dialled, w);
}

static void records_cut_anywhere(void **state)
{
    static const struct {
        size_t step, bytes;
    } rows[] = {
        {1,    1500  },
        {2,    3000  },
        {7,    20000 },
        {1000, 300000},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        char *bytes = pattern(rows[i].bytes);
        struct wire w = {.step = rows[i].step};
        struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
        struct listener *l = NULL;
        struct scene s;

        scene_init(&s, &GOOD, &ca);
        w.loop = s.p.loop;
        w.dns = s.p.dns;
        w.to = listener_port(s.p.l);
        timer_init(&w.tick, w.loop, wire_tick);
        buf_init(&w.waiting[0], 1 << 30);
        buf_init(&w.waiting[1], 1 << 30);
        assert_int_equal(listener_open(w.loop, &o, wire_accepted, &w, &l, NULL), OK);
        dial_raw(&s, listener_port(l), 30000);
        assert_int_equal(s.p.result.err, OK);
        UNTIL(&s.p, s.p.server.s);
        s.p.server.on_read = echo;
        stream_write(s.p.client.s, str_of(bytes, rows[i].bytes));
        UNTIL(&s.p, s.p.client.got.n == rows[i].bytes);
        assert_memory_equal(s.p.client.got.p, bytes, rows[i].bytes);
        stream_close_soft(s.p.server.s);
        s.p.server.s = NULL;
        UNTIL(&s.p, s.p.client.ended);
        assert_int_equal(s.p.client.why, OK);
        timer_stop(&w.tick);
        stream_close(w.end[0]);
        stream_close(w.end[1]);
        listener_close(l);
        buf_fini(&w.waiting[0]);
        buf_fini(&w.waiting[1]);
        scene_fini(&s);
        free(bytes);
    }
}

static void truncation_is_not_an_end(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_write(s.p.server.s, S("half an ans"));
    UNTIL(&s.p, s.p.client.got.n == 11);
    stream_close(s.p.server.s); /* FIN without close_notify, as a cut connection looks */
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_CLOSED);
    scene_fini(&s);
}

static void soft_close_says_so(void **state)
{
    enum { N = 2 * 1024 * 1024 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_write(s.p.server.s, str_of(bytes, N));
    stream_close_soft(s.p.server.s);
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, OK);
    assert_int_equal(s.p.client.got.n, N);
    assert_memory_equal(s.p.client.got.p, bytes, N);
    scene_fini(&s);
    free(bytes);
}

static void free_while_closing_softly(void **state)
{
    static char block[8 * 1024 * 1024];
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_pause(s.p.client.s);
    stream_write(s.p.server.s, str_of(block, sizeof block));
    stream_close_soft(s.p.server.s);
    s.p.server.s = NULL;
    for (int i = 0; i < 5; i++)
        pair_turn(&s.p);
    listener_close(s.p.l);
    stream_close(s.p.client.s);
    dns_free(s.p.dns);
    loop_free(s.p.loop);
    tls_client_free(s.client);
    tls_server_free(s.server);
    assert_int_equal(mem_counted(), 0);
}

static void reset_is_seen_as_such(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_reset(s.p.server.s);
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_CLOSED);
    scene_fini(&s);
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
    struct scene s;

    (void)state;
    scene_open(&s);
    s.p.server.on_read = close_inside;
    stream_write(s.p.client.s, S("one"));
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.server.reads, 1);
    assert_int_equal(s.p.client.got.n, 0);
    scene_fini(&s);
}

/* A byte changed on the way: the record is refused, the stream ends with a fault. */
static void forged_records_are_refused(void **state)
{
    struct wire w = {.step = SIZE_MAX};
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct listener *l = NULL;
    struct scene s;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    w.loop = s.p.loop;
    w.dns = s.p.dns;
    w.to = listener_port(s.p.l);
    timer_init(&w.tick, w.loop, wire_tick);
    buf_init(&w.waiting[0], 1 << 30);
    buf_init(&w.waiting[1], 1 << 30);
    assert_int_equal(listener_open(w.loop, &o, wire_accepted, &w, &l, NULL), OK);
    dial_raw(&s, listener_port(l), 30000);
    UNTIL(&s.p, s.p.server.s);
    stream_write(w.end[1], S("\x17\x03\x03\x00\x20"
                             "this is no record of that session"));
    UNTIL(&s.p, s.p.server.ended);
    assert_int_equal(s.p.server.why, E_SYNTAX);
    assert_int_equal(s.p.server.got.n, 0);
    stream_close(s.p.server.s); /* the alert still leaves */
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_SYNTAX);
    timer_stop(&w.tick);
    stream_close(w.end[0]);
    stream_close(w.end[1]);
    listener_close(l);
    buf_fini(&w.waiting[0]);
    buf_fini(&w.waiting[1]);
    scene_fini(&s);
}

static void scene_patience(struct scene *s, uint32_t handshake_ms)
{
    scene_init(s, &GOOD, &ca);
    listener_close(s->p.l);
    assert_int_equal(listener_open(s->p.loop,
                                   &(struct listen_opts){.addr = {.host = "127.0.0.1"},
                                                         .tls = s->server,
                                                         .fd = -1,
                                                         .handshake_ms = handshake_ms},
                                   pair_accepted, &s->p, &s->p.l, NULL),
                     OK);
}

/* LIM-6. A client that does not go on with its handshake is closed in time; nobody is told of it.
 */
static void lim_6_handshake(void **state)
{
    static const char *const starts[] = {"", "\x16\x03\x01\x02"};
    struct scene s;
    struct dial_opts o;

    (void)state;
    scene_patience(&s, 20);
    for (size_t i = 0; i < NELEM(starts); i++) {
        o = pair_opts(&s.p, NULL, "127.0.0.1");
        s.p.dialled = s.p.client.ended = false;
        dial_open(s.p.loop, &o, pair_dialled, &s.p);
        UNTIL(&s.p, s.p.client.s);
        stream_write(s.p.client.s, str_z(starts[i]));
        UNTIL(&s.p, s.p.client.ended);
        assert_null(s.p.server.s);
        stream_close(s.p.client.s);
        s.p.client.s = NULL;
    }
    scene_fini(&s);
}

static int open_silent(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static bool is_open(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* LIM-6: of those who say nothing there are so many; of one more the first goes. */
static void lim_6_flood(void **state)
{
    enum { MANY = LISTEN_HANDSHAKES_MAX + 1 };
    static int fd[MANY];
    struct rlimit files;
    struct scene s;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 3 * MANY)
        skip();
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    scene_patience(&s, 3600000);
    for (size_t i = 0; i < MANY; i++) {
        fd[i] = open_silent(listener_port(s.p.l));
        if (i % 32 == 0 || i + 2 >= MANY)
            for (int k = 0; k < 4; k++)
                pair_turn(&s.p);
        if (i + 2 == MANY)
            assert_true(is_open(fd[0]));
    }
    for (int k = 0; k < 1000 && is_open(fd[0]); k++)
        pair_turn(&s.p);
    assert_false(is_open(fd[0]));
    for (size_t i = 1; i < MANY; i++)
        assert_true(is_open(fd[i]));
    for (size_t i = 0; i < MANY; i++)
        close(fd[i]);
    scene_fini(&s);
}

/* Plain HTTP sent to a TLS port ends the connection; nobody is told of it. */
static void plain_text_to_a_tls_port(void **state)
{
    struct scene s;
    struct dial_opts o;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    o = pair_opts(&s.p, NULL, "127.0.0.1");
    dial_open(s.p.loop, &o, pair_dialled, &s.p);
    UNTIL(&s.p, s.p.client.s);
    stream_write(s.p.client.s, S("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    UNTIL(&s.p, s.p.client.ended);
    assert_null(s.p.server.s);
    scene_fini(&s);
}

/* A dial given up at each of its steps, and a listener closed in the middle of a handshake. */
static void giving_up_at_any_time(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        struct scene s;
        struct dial_opts o;
        struct dial *d;

        scene_init(&s, &GOOD, &ca);
        o = pair_opts(&s.p, s.client, "localhost");
        d = dial_open(s.p.loop, &o, pair_dialled, &s.p);
        for (int i = 0; i < turns && !s.p.dialled; i++)
            pair_turn(&s.p);
        if (!s.p.dialled) {
            dial_cancel(d);
            if (turns % 2) {
                listener_close(s.p.l);
                s.p.l = NULL;
            }
            for (int i = 0; i < 5; i++)
                pair_turn(&s.p);
            assert_false(s.p.dialled);
        }
        scene_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_writes),
        cmocka_unit_test(drain_follows_full),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(pausing_at_every_read),
        cmocka_unit_test(records_cut_anywhere),
        cmocka_unit_test(truncation_is_not_an_end),
        cmocka_unit_test(soft_close_says_so),
        cmocka_unit_test(free_while_closing_softly),
        cmocka_unit_test(reset_is_seen_as_such),
        cmocka_unit_test(close_inside_a_read),
        cmocka_unit_test(forged_records_are_refused),
        cmocka_unit_test(plain_text_to_a_tls_port),
        cmocka_unit_test(lim_6_handshake),
        cmocka_unit_test(lim_6_flood),
        cmocka_unit_test(giving_up_at_any_time),
    };

    return cmocka_run_group_tests(tests, make_authorities, drop_authorities);
}
