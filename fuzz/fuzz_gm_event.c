/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_gm_event.c - any bytes as Gemini's stream: chunks and wholes that are valid, or an error,
 * and the same ones however the stream is cut, and whether each event is parsed or read by its
 * likeness to the one before. The first byte picks the client's request, the second where the
 * stream is cut. SHP-3, SHP-6. */
#include "codec/sse.h"
#include "codec/utf8.h"
#include "dialect/list.h"

#include <assert.h>

enum { CAP = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
static const char *const REQUESTS[] = {
    "{" MESSAGES "}",
    "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES "}",
    "{\"web_search_options\":{},\"reasoning\":{}," MESSAGES "}",
    "{\"stream\":true,\"web_search_options\":{},\"reasoning\":{}," MESSAGES "}",
    "{\"functions\":[{\"name\":\"f\"}]," MESSAGES "}",
    "{\"stream\":true,\"functions\":[{\"name\":\"f\"}]," MESSAGES "}",
    "{\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]," MESSAGES "}",
    "{\"model\":\"gemini-3.8-flash-tts\",\"audio\":{\"format\":\"wav\"}," MESSAGES "}",
};

struct run {
    struct json request, event;
    struct arena arena;
    struct dialect_opts opts;
    struct translation tr;
    struct gm_reader reader;
    struct gm_error told;
    struct buf out;
    enum err err;
};

static enum err on_gm_event(void *ctx, const struct gm_event *e)
{
    struct run *r = ctx;

    return OPENAI_CHAT.event(r->tr.answer, 0, e, &r->out);
}

static enum err on_sse(void *ctx, char *data, size_t n)
{
    struct run *r = ctx;

    return gm_read_event(&r->reader, &r->event, data, n, on_gm_event, r);
}

static void forget(void *ctx, struct str name, struct str signature)
{
    (void)ctx;
    assert(name.n > 0 && signature.n > 0);
}

static void start(struct run *r, const char *request, bool markdown)
{
    struct dialect_env env;
    enum err err;

    *r = (struct run){
        .opts = {.default_model = S("gemini-3.8-flash"), .markdown_images = markdown}
    };
    json_init(&r->request);
    json_init(&r->event);
    arena_init(&r->arena, CAP);
    buf_init(&r->out, CAP);
    gm_reader_init(&r->reader, &r->told);
    env = (struct dialect_env){.opts = &r->opts,
                               .now_s = 1,
                               .nonce = S("abcdefghijklmnopqrstuvwx"),
                               .arena = &r->arena,
                               .remember = forget};
    err = json_parse_copy(&r->request, str_z(request), NULL, NULL);
    assert(err == OK);
    err = OPENAI_CHAT.request(r->request.root, &env, &r->tr, NULL);
    assert(err == OK);
}

static void stop(struct run *r)
{
    rope_fini(&r->tr.body);
    buf_fini(&r->out);
    arena_fini(&r->arena);
    json_fini(&r->event);
    json_fini(&r->request);
}

static void feed(struct run *r, struct str stream, size_t cut)
{
    struct sse sse;
    enum err err;

    sse_init(&sse, CAP, on_sse, r);
    err = sse_feed(&sse, str_sub(stream, 0, cut));
    if (err == OK)
        err = sse_feed(&sse, str_skip(stream, cut));
    if (err == OK)
        err = sse_finish(&sse);
    sse_fini(&sse);
    r->err = err;
}

static void check_json(struct str text)
{
    struct json j;
    enum err err;

    assert(utf8_ok(text));
    json_init(&j);
    err = json_parse_copy(&j, text, NULL, NULL);
    assert(err == OK || err == E_TOOBIG);
    json_fini(&j);
}

/* Each frame is JSON, but for the mark at the end, which stands there if it all went well. */
static void check_frames(struct str stream, bool well)
{
    bool done = false;

    while (stream.n > 0) {
        size_t n = str_find(stream, S("\n\n"));
        struct str frame = str_sub(stream, 0, n);

        assert(n < stream.n && str_starts(frame, S("data: ")) && !done);
        frame = str_skip(frame, 6);
        done = str_eq(frame, S("[DONE]"));
        if (!done)
            check_json(frame);
        stream = str_skip(stream, n + 2);
    }
    assert(done == well);
}

static void finish(struct run *r)
{
    struct fault why = {0};
    struct gm_error e = r->told;

    if (r->err == OK) {
        size_t before = r->out.n;

        r->err = OPENAI_CHAT.end(r->tr.answer, &r->reader, 1, &r->out, &why);
        assert(r->err == why.code);
        assert(r->err != E_UPSTREAM || (r->out.n == before && utf8_ok(str_z(why.what))));
    }
    if (r->err != OK && r->tr.stream) {
        if (!e.set)
            gm_error_make(&e, GM_BROKEN, S("broken"));
        OPENAI_CHAT.stream_error(r->tr.answer, &e, &r->out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str stream;
    struct run once, cut;
    const char *request;

    if (size < 2)
        return 0;
    request = REQUESTS[data[0] % NELEM(REQUESTS)];
    stream = str_of((const char *)data + 2, size - 2);
    start(&once, request, (data[0] & 0x80) != 0);
    start(&cut, request, (data[0] & 0x80) != 0);
    cut.reader.form = gm_form_new(&cut.arena);
    feed(&once, stream, stream.n);
    feed(&cut, stream, stream.n * data[1] / 256);
    finish(&once);
    finish(&cut);
    assert(once.err == cut.err);
    assert(str_eq(buf_str(&once.out), buf_str(&cut.out)));
    if (once.tr.stream)
        check_frames(buf_str(&once.out), once.err == OK);
    else if (once.err == OK)
        check_json(buf_str(&once.out));
    else
        assert(once.out.n == 0 || once.err != E_UPSTREAM);
    stop(&cut);
    stop(&once);
    return 0;
}
