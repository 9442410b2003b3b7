/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_h1_client.c - an HTTP/1 upstream that says anything: its bytes go through the client as they
 * are, and once more cut at random with a reader that pauses now and then. The owner must hear the
 * same both times, a failure included, and exactly one outcome. SHP-3, SHP-6. */
#include "../tests/unit/fake_dial.h"
#include "http/client.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf text; /* everything that was told; pieces of the body run together */
    struct client_req *r;
    int outcomes;
    bool pausing;
};

static void on_head(void *owner, int status, struct http_headers h)
{
    struct seen *s = owner;

    assert(s->outcomes == 0 && s->text.n == 0 && status >= 200 && status <= 599);
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

    assert(s->outcomes == 0 && s->text.n > 0 && bytes.n > 0);
    buf_put(&s->text, bytes);
    if (s->pausing)
        client_pause(s->r);
}

static void on_end(void *owner)
{
    struct seen *s = owner;

    assert(s->text.n > 0);
    s->outcomes++;
    buf_lit(&s->text, "\nend");
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct seen *s = owner;

    s->outcomes++;
    /* a field that breaks the grammar and a cap at once is told as what was seen first */
    assert(f->what != NULL);
    buf_putf(&s->text, "\n%s in %s", err_name(f->err == E_TOOBIG ? E_UPSTREAM : f->err),
             client_phase_name(f->phase));
}

static const struct client_events ON = {on_head, on_data, on_end, on_fail};

/* How the bytes are cut: a generator that the input itself seeds. */
static size_t next(uint32_t *state, size_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % below;
}

static void feed_cut(struct stream *s, struct seen *seen, struct str in, uint32_t seed)
{
    while (in.n > 0) {
        size_t n = next(&seed, 4) ? next(&seed, 8) + 1 : next(&seed, in.n) + 1;

        seen->pausing = next(&seed, 3) == 0;
        fake_feed(s, str_sub(in, 0, n));
        in = str_skip(in, n);
        if (seen->outcomes == 0 && next(&seed, 2)) {
            client_resume(seen->r);
            fake_turn(s->loop);
        }
    }
}

static void run(struct str in, uint32_t seed, bool to_head, bool cut, struct seen *seen)
{
    static const struct origin ORIGIN = {.host = S_INIT("h"), .port = 80};
    struct loop *loop = fake_loop();
    struct client *c = client_new(loop, NULL, NULL, &CLIENT_LIMITS_DEFAULT);
    struct client_request r = {
        .origin = ORIGIN, .method = to_head ? HTTP_HEAD : HTTP_GET, .target = S("/")};
    struct stream *s;

    *seen = (struct seen){0};
    buf_init(&seen->text, 1 << 28);
    seen->r = client_send(c, &r, &ON, seen);
    fake_turn(loop);
    s = fake_dial_ok("");
    if (cut)
        feed_cut(s, seen, in, seed);
    else
        fake_feed(s, in);
    seen->pausing = false;
    if (!s->closed)
        fake_end(s, OK);
    if (seen->outcomes == 0) {
        client_resume(seen->r);
        fake_turn(loop);
    }
    assert(seen->outcomes == 1);
    client_free(c);
    fake_free(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct seen whole, cut;
    uint32_t seed = (uint32_t)str_hash(in);
    bool to_head;

    if (size < 1 || size > 32 * 1024)
        return 0;
    to_head = data[0] & 1;
    run(str_skip(in, 1), 0, to_head, false, &whole);
    run(str_skip(in, 1), seed, to_head, true, &cut);
    assert(str_eq(buf_str(&whole.text), buf_str(&cut.text)));
    buf_fini(&whole.text);
    buf_fini(&cut.text);
    assert(mem_counted() == 0);
    return 0;
}
