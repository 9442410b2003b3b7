/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_h1_server.c - an HTTP/1 client that says anything: its bytes go to the server whole, and
 * once more cut at places that the first byte draws. The answers must be the same both times, the
 * handler must hear of the same requests, and nothing may be left behind. A head in one piece is
 * mostly read by http/quick, one that is cut never: so the two are held against each other, field
 * by field. SHP-3, SHP-6. */
#include "../tests/unit/fake_http.h"
#include "../tests/unit/fake_net.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf sent, last; /* the answers; the last request that was heard of */
    size_t heads, bodies, gone;
    bool closed;
};

/* The answers without their dates, between which a second may have passed. */
static void put_dateless(struct buf *out, struct str sent)
{
    while (sent.n > 0) {
        size_t at = str_find(sent, S("\r\ndate: "));

        buf_put(out, str_sub(sent, 0, at));
        sent = str_skip(sent, at < sent.n ? at + 37 : at);
    }
}

static size_t next_cut(uint32_t *draw)
{
    *draw = *draw * 1664525 + 1013904223;
    return 1 + (*draw >> 24) % ((*draw >> 16 & 3) == 0 ? 200 : 7);
}

static void run(struct seen *seen, struct str in, uint32_t draw)
{
    struct server_limits limits = SERVER_LIMITS_DEFAULT;
    struct fake_handler h;
    struct server_handler handler = fake_handler(&h);
    struct loop *loop = fake_loop();
    struct server *server;
    struct stream *s;
    enum err e;

    limits.body_max = 100000;
    server = server_new(loop, &handler, &limits);
    e = server_listen(server, &(struct listen_opts){.fd = -1}, NULL, NULL);
    assert(e == OK);
    (void)e;
    s = fake_connect(loop, "");
    while (in.n > 0) {
        size_t n = draw == 0 ? in.n : next_cut(&draw);

        fake_feed(s, str_sub(in, 0, n));
        in = str_skip(in, n);
    }
    fake_wait(loop, 1500);
    buf_init(&seen->sent, SIZE_MAX / 4);
    put_dateless(&seen->sent, buf_str(&s->sent));
    seen->closed = s->closed;
    server_close(server);
    fake_turn(loop);
    assert(server_calls(server) == 0 && server_connections(server) == 0);
    seen->heads = h.heads;
    seen->bodies = h.bodies;
    seen->gone = h.gone;
    server_free(server);
    fake_free(loop);
    seen->last = h.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = size > 0 ? str_of((const char *)data + 1, size - 1) : S("");
    struct seen whole = {0}, cut = {0};
    size_t before = mem_counted();

    if (size == 0 || str_starts(in, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
        return 0; /* that is HTTP/2, whose answers may come in another order */
    run(&whole, in, 0);
    run(&cut, in, data[0] | 0x100u);
    assert(str_eq(buf_str(&whole.sent), buf_str(&cut.sent)));
    assert(whole.heads == cut.heads && whole.bodies == cut.bodies && whole.gone == cut.gone);
    assert(whole.closed == cut.closed);
    assert(str_eq(buf_str(&whole.last), buf_str(&cut.last)));
    buf_fini(&whole.sent);
    buf_fini(&whole.last);
    buf_fini(&cut.sent);
    buf_fini(&cut.last);
    assert(mem_counted() == before);
    return 0;
}
