/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_h2_server.c - an HTTP/2 client that says anything after its preface. It reads slowly, its
 * frames come whole or cut, time passes; held calls are answered, or broken off, in between.
 * Nothing may be left behind, no queue may grow without end, and the guard must stop at the same
 * byte however the bytes are cut. SHP-3, SHP-6. */
#include "../tests/unit/fake_http.h"
#include "../tests/unit/fake_net.h"
#include "http/server_h2_guard.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The preface, SETTINGS, and the acknowledgement of ours. */
static const char HELLO[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                            "\0\0\0\4\1\0\0\0\0";

static void check_guard(struct str in)
{
    struct h2_guard whole, cut;
    size_t passed, at = 0;

    h2_guard_init(&whole, 1000);
    h2_guard_init(&cut, 1000);
    passed = h2_guard_pass(&whole, in, 1000);
    while (at < in.n && h2_guard_pass(&cut, str_sub(in, at, 1), 1000) == 1)
        at++;
    assert(at == passed);
}

/* What the handler does next with the calls that it holds. */
static void act(struct fake_handler *h, unsigned what)
{
    char block[3000];

    for (size_t i = 0; i < h->nheld; i++) {
        struct fake_bound *b = h->held[i];

        if (b == NULL)
            continue;
        if (what == 0) {
            fake_answer_held(h, i, 200, S("answered"));
        } else if (what == 1) {
            call_reset(b->call);
            fake_let_off(b);
        } else if (what == 2) {
            memset(block, 'x', sizeof block);
            call_respond(b->call, 200, (struct http_headers){NULL, 0}, -1);
            call_write(b->call, str_of(block, sizeof block));
            call_end(b->call);
            fake_let_off(b);
        }
    }
}

static void talk(struct loop *loop, struct fake_handler *h, struct stream *s, struct str in)
{
    while (in.n > 0) {
        unsigned char how = (unsigned char)in.p[0]; /* cut, time, window and handler */
        size_t n = how & 1 ? 1 + how % 13 : 400;

        fake_feed(s, str_sub(in, 0, n));
        in = str_skip(in, n);
        if (how & 2)
            fake_wait(loop, how * 10u);
        s->window = how & 4 ? 10 : SIZE_MAX;
        act(h, how >> 4 & 7);
        fake_turn(loop);
        assert(stream_queued(s) < FLOW_HIGH + 64 * 1024);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_limits limits = SERVER_LIMITS_DEFAULT;
    struct str in = str_of((const char *)data, size);
    struct fake_handler h;
    struct server_handler handler = fake_handler(&h);
    struct loop *loop = fake_loop();
    size_t before = mem_counted();
    struct server *server;
    struct stream *s;
    enum err e;

    limits.body_max = 20000;
    server = server_new(loop, &handler, &limits);
    e = server_listen(server, &(struct listen_opts){.fd = -1}, NULL, NULL);
    assert(e == OK);
    (void)e;
    check_guard(in);
    s = fake_connect(loop, "h2");
    fake_feed(s, str_of(HELLO, sizeof HELLO - 1));
    talk(loop, &h, s, in);
    if (size > 0 && (data[size - 1] & 1) != 0)
        server_drain(server);
    fake_wait(loop, 200000);
    server_close(server);
    fake_turn(loop);
    assert(server_calls(server) == 0 && server_connections(server) == 0);
    server_free(server);
    fake_free(loop);
    buf_fini(&h.seen);
    assert(mem_counted() == before);
    return 0;
}
