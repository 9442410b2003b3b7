/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_h2_client.c - an HTTP/2 upstream that sends any bytes, to a client with three requests on
 * one connection: one without a body, one with a small one, one with a body that may be larger than
 * the windows. Each hears at most one outcome and nothing behind it, whatever is paused or
 * cancelled in between, by its own events or by another's; memory stays bounded and comes back.
 * Short inputs are told the same however they are cut, but for the count that counted_out() tells
 * of. SHP-3, SHP-6. */
#include "../tests/unit/fake_dial.h"
#include "http/client.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 3, SMALL = 100, LARGE = 70 * 1000, MEMORY = 4 * 1000 * 1000 };
enum { PAUSES = 1, CANCELS = 2, STALLS = 4, LEADS = 8 }; /* bits of the first byte */

struct seen {
    struct seen *all;
    struct buf text; /* the head and, when it ended well, all of the body */
    struct client_req *r;
    int heads, outcomes;
    bool ended;
    bool pausing, cancelling;
    bool leading; /* its outcome is that of all: it cancels the others */
};

static void outcome(struct seen *s)
{
    assert(s->outcomes++ == 0);
    for (size_t i = 0; i < REQUESTS && s->leading; i++)
        if (s->all[i].outcomes == 0) {
            s->all[i].outcomes++;
            client_cancel(s->all[i].r);
        }
}

static void on_head(void *owner, int status, struct http_headers h)
{
    struct seen *s = owner;

    assert(s->outcomes == 0 && s->heads++ == 0 && status >= 200 && status <= 599);
    buf_putf(&s->text, "%d\n", status);
    for (size_t i = 0; i < h.n; i++) {
        assert(h.v[i].name.n > 0);
        buf_put(&s->text, h.v[i].name);
        buf_putc(&s->text, '=');
        buf_put(&s->text, h.v[i].value);
        buf_putc(&s->text, '\n');
    }
}

static void on_data(void *owner, struct str bytes)
{
    struct seen *s = owner;

    assert(s->outcomes == 0 && s->heads == 1 && bytes.n > 0);
    buf_put(&s->text, bytes);
    if (s->pausing)
        client_pause(s->r);
    if (s->cancelling) {
        client_cancel(s->r);
        outcome(s);
    }
}

static void on_end(void *owner)
{
    struct seen *s = owner;

    assert(s->heads == 1);
    s->ended = true;
    outcome(s);
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct seen *s = owner;

    assert(f->what != NULL);
    outcome(s);
}

static const struct client_events ON = {on_head, on_data, on_end, on_fail};

/* The bodies are made once, of borrowed bytes. */
static const struct rope *bodies(void)
{
    static const size_t SIZE[REQUESTS] = {0, SMALL, LARGE};
    static struct rope body[REQUESTS];
    static char bytes[LARGE];

    if (rope_len(&body[1]) == 0)
        for (size_t i = 0; i < REQUESTS; i++) {
            rope_init(&body[i], LARGE);
            rope_borrow(&body[i], str_of(bytes, SIZE[i]));
        }
    return body;
}

static void resume_all(struct seen *seen, struct loop *loop)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        seen[i].pausing = false;
        if (seen[i].outcomes == 0)
            client_resume(seen[i].r);
    }
    fake_turn(loop);
}

/* What the server sees is nobody's business here, but the client's queue must empty. */
static void take_all(struct stream *s)
{
    buf_reset(&s->sent);
    assert(mem_counted() < MEMORY);
}

static void run(struct str in, uint8_t how, size_t step, struct seen *seen)
{
    static const struct origin ORIGIN = {.h2_prior = true, .host = S_INIT("h"), .port = 80};
    struct loop *loop = fake_loop();
    struct client *c = client_new(loop, NULL, NULL, &CLIENT_LIMITS_DEFAULT);
    struct stream *s;

    for (size_t i = 0; i < REQUESTS; i++) {
        struct client_request r = {.origin = ORIGIN,
                                   .method = i ? HTTP_POST : HTTP_GET,
                                   .target = S("/"),
                                   .body = bodies() + (i == 2 && !(how & STALLS) ? 1 : i)};

        seen[i] = (struct seen){.all = seen,
                                .pausing = (how & PAUSES) && i == 0,
                                .cancelling = (how & CANCELS) && i == 1,
                                .leading = (how & LEADS) != 0};
        buf_init(&seen[i].text, 1 << 28);
        seen[i].r = client_send(c, &r, &ON, &seen[i]);
    }
    fake_turn(loop);
    s = fake_dial_ok("h2");
    for (; in.n > 0; in = str_skip(in, step)) {
        fake_feed(s, str_sub(in, 0, step));
        take_all(s);
    }
    resume_all(seen, loop);
    if (!s->closed)
        fake_end(s, OK);
    resume_all(seen, loop);
    while (fake_dialling() > 0) /* a refused request tries elsewhere, in vain */
        fake_dial_fail(DIAL_CONNECT, E_REFUSED);
    for (size_t i = 0; i < REQUESTS; i++)
        assert(seen[i].outcomes == 1);
    client_free(c);
    fake_free(loop);
}

/* nghttp2 refuses a header block of more than eight CONTINUATIONs, and counts one once more for
 * each read that ends inside its header (nghttp2 issue 2817). So a block that is well in one piece
 * is refused when the headers of its CONTINUATIONs come in crumbs, and only then. */
static bool counted_out(struct str in, size_t step)
{
    enum { HEADER = 9, CONTINUATION = 9, COUNTED_MAX = 8 };
    size_t counted = 0;

    for (size_t at = 0; at + HEADER <= in.n;) {
        const uint8_t *h = (const uint8_t *)in.p + at;

        counted = h[3] == CONTINUATION ? counted + 1 + (at + HEADER - 1) / step - at / step : 0;
        if (counted > COUNTED_MAX)
            return true;
        at += HEADER + ((size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2]);
    }
    return false;
}

/* Between two pieces the client answers, so that a peer that breaks the rules may break others when
 * it is cut; but what ended well in one piece ends well, and the same, in many. */
static bool agrees(const struct seen *whole, const struct seen *cut)
{
    return !whole->ended || (cut->ended && str_eq(buf_str(&whole->text), buf_str(&cut->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct seen whole[REQUESTS], cut[REQUESTS];
    bool alike; /* both are told the same */
    size_t step;

    if (size < 2 || size > 64 * 1024)
        return 0;
    in = str_skip(in, 2);
    step = data[1] % 61 + 1 + size / 64;
    /* more acknowledgements than may wait are made by longer inputs only, and by whole ones */
    alike = size <= 500 && !counted_out(in, step) && !(data[0] & LEADS);
    run(in, data[0], step, cut);
    run(in, data[0], SIZE_MAX, whole);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert(!alike || agrees(&whole[i], &cut[i]));
        buf_fini(&whole[i].text);
        buf_fini(&cut[i].text);
    }
    assert(mem_counted() == 0);
    return 0;
}
