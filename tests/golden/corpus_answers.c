/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* corpus_answers.c - every recorded answer of Gemini through the answer side. What must come out is
 * found by a walk of its own over the recording: all text, every call, every count. */
#include "corpus.h"

#include "codec/json_write.h"
#include "codec/sse.h"

#include <stdio.h>
#include <stdlib.h>

enum { CAP = 64 << 20 };

/* What a recording holds. */
struct seen {
    struct buf text, thoughts, calls; /* calls: name, arguments, a line each */
    size_t images;
    uint64_t prompt, completion, thinking, cached;
    bool any_usage, any_finish, blocked, error;
};

static void seen_init(struct seen *s)
{
    *s = (struct seen){.any_usage = false};
    buf_init(&s->text, CAP);
    buf_init(&s->thoughts, CAP);
    buf_init(&s->calls, CAP);
}

static void seen_fini(struct seen *s)
{
    buf_fini(&s->text);
    buf_fini(&s->thoughts);
    buf_fini(&s->calls);
}

static void see_call(struct seen *s, struct str name, yyjson_val *args)
{
    char *text = yyjson_val_write(args, 0, NULL);

    if (str_starts(name, S("default_api:")))
        name = str_skip(name, 12);
    buf_putf(&s->calls, "%.*s %s\n", S_ARG(name), text != NULL ? text : "{}");
    free(text);
}

static void see_part(struct seen *s, yyjson_val *part)
{
    yyjson_val *call = yyjson_obj_get(part, "functionCall");
    yyjson_val *code = yyjson_obj_get(part, "executableCode");
    yyjson_val *result = yyjson_obj_get(part, "codeExecutionResult");
    struct str output = jr_str(result, "output");

    if (call != NULL) {
        if (jr_str(call, "name").n > 0)
            see_call(s, jr_str(call, "name"), yyjson_obj_get(call, "args"));
    } else if (code != NULL)
        buf_putf(&s->text, "\n```python\n%.*s%s", S_ARG(jr_str(code, "code")),
                 str_ends(jr_str(code, "code"), S("\n")) ? "```\n" : "\n```\n");
    else if (result != NULL)
        buf_putf(&s->text, "\n```\n%.*s%s", S_ARG(output),
                 str_ends(output, S("\n")) ? "```\n" : "\n```\n");
    else if (yyjson_obj_get(part, "inlineData") != NULL)
        s->images +=
            !str_starts(jr_str(yyjson_obj_get(part, "inlineData"), "mimeType"), S("audio"));
    else if (yyjson_is_true(yyjson_obj_get(part, "thought")))
        buf_put(&s->thoughts, jr_str(part, "text"));
    else
        buf_put(&s->text, jr_str(part, "text"));
}

static void see_usage(struct seen *s, yyjson_val *u)
{
    uint64_t in = jr_count(u, "promptTokenCount") + jr_count(u, "toolUsePromptTokenCount");
    uint64_t out = jr_count(u, "candidatesTokenCount") + jr_count(u, "thoughtsTokenCount");
    uint64_t total = jr_count(u, "totalTokenCount");

    if (yyjson_obj_get(u, "promptTokenCount") == NULL &&
        yyjson_obj_get(u, "totalTokenCount") == NULL)
        return;
    s->any_usage = true;
    s->prompt = in;
    s->completion = total > in + out ? total - in : out;
    s->thinking = jr_count(u, "thoughtsTokenCount");
    s->cached = jr_count(u, "cachedContentTokenCount");
}

static void see_chunk(struct seen *s, yyjson_val *chunk)
{
    yyjson_val *candidate = yyjson_arr_get_first(yyjson_obj_get(chunk, "candidates"));
    yyjson_val *finish = yyjson_obj_get(candidate, "finishReason");

    s->error = s->error || yyjson_obj_get(chunk, "error") != NULL;
    s->blocked = s->blocked ||
                 yyjson_obj_get(yyjson_obj_get(chunk, "promptFeedback"), "blockReason") != NULL;
    s->any_finish = s->any_finish || (finish != NULL && !str_eq(jr_text(finish), S("")));
    see_usage(s, yyjson_obj_get(chunk, "usageMetadata"));
    jr_each (part, yyjson_obj_get(yyjson_obj_get(candidate, "content"), "parts"))
        see_part(s, part);
}

/* Feeding. */

struct feeding {
    struct chat_run *run;
    struct json json;
    enum err err;
};

static enum err on_gm_event(void *ctx, const struct gm_event *e)
{
    struct chat_run *r = ctx;

    return OPENAI_CHAT.event(r->tr.answer, 0, e, &r->out);
}

static enum err on_sse(void *ctx, char *data, size_t n)
{
    struct feeding *f = ctx;

    return gm_read_event(&f->run->reader, &f->json, data, n, on_gm_event, f->run);
}

static enum err feed_sse(struct chat_run *r, yyjson_val *events, struct str ending)
{
    struct feeding f = {.run = r};
    struct sse sse;
    enum err err = OK;

    r->reader.form = gm_form_new(&r->arena);
    json_init(&f.json);
    sse_init(&sse, CAP, on_sse, &f);
    jr_each (event, events) {
        err = err == OK ? sse_feed(&sse, S("data: ")) : err;
        err = err == OK ? sse_feed(&sse, jr_text(event)) : err;
        err = err == OK ? sse_feed(&sse, ending) : err;
        err = err == OK ? sse_feed(&sse, ending) : err;
    }
    if (err == OK)
        err = sse_finish(&sse);
    sse_fini(&sse);
    json_fini(&f.json);
    return err;
}

/* Comparing. */

static void compare_calls(struct corpus *c, struct seen *want, yyjson_val *calls)
{
    struct seen got;

    seen_init(&got);
    jr_each (call, calls) {
        yyjson_val *fn = jr_get(call, "function");
        struct json args;

        json_init(&args);
        corpus_check(c, json_parse_copy(&args, jr_str(fn, "arguments"), NULL, NULL) == OK,
                     "arguments are JSON");
        corpus_check(c, jr_str(call, "id").n > 0 && jr_str(call, "id").n <= 40, "a usable id");
        see_call(&got, jr_str(fn, "name"), args.root);
        json_fini(&args);
    }
    if (!str_eq(buf_str(&want->calls), buf_str(&got.calls)))
        corpus_fail(c, "calls", buf_str(&want->calls), buf_str(&got.calls));
    seen_fini(&got);
}

static void compare_usage(struct corpus *c, const struct seen *want, yyjson_val *usage)
{
    if (!want->any_usage)
        return;
    corpus_check(c, jr_count(usage, "prompt_tokens") == want->prompt, "prompt_tokens");
    corpus_check(c, jr_count(usage, "completion_tokens") == want->completion, "completion_tokens");
    corpus_check(c, jr_count(usage, "total_tokens") == want->prompt + want->completion,
                 "total_tokens");
    corpus_check(c,
                 jr_count(jr_get(usage, "prompt_tokens_details"), "cached_tokens") == want->cached,
                 "cached_tokens");
    corpus_check(c,
                 jr_count(jr_get(usage, "completion_tokens_details"), "reasoning_tokens") ==
                     want->thinking,
                 "reasoning_tokens");
}

static void compare_text(struct corpus *c, const char *what, const struct buf *want, struct str got)
{
    if (!str_eq(buf_str(want), got))
        corpus_fail(c, what, buf_str(want), got);
}

static void compare_whole(struct corpus *c, struct seen *want, struct str body)
{
    struct json j;
    yyjson_val *choice, *message;

    json_init(&j);
    if (json_parse_copy(&j, body, NULL, NULL) != OK) {
        corpus_fail(c, "the answer is JSON", S("JSON"), body);
    } else {
        choice = yyjson_arr_get_first(jr_get(j.root, "choices"));
        message = jr_get(choice, "message");
        compare_text(c, "content", &want->text, jr_str(message, "content"));
        compare_text(c, "reasoning_content", &want->thoughts, jr_str(message, "reasoning_content"));
        compare_calls(c, want, jr_get(message, "tool_calls"));
        compare_usage(c, want, jr_get(j.root, "usage"));
        corpus_check(c, yyjson_arr_size(jr_get(message, "images")) == want->images, "images");
        corpus_check(c, jr_str(choice, "finish_reason").n > 0, "a finish reason");
    }
    json_fini(&j);
}

/* The chunks of a stream, put together as a client does it. */
struct client {
    struct corpus *c;
    struct buf text, thoughts;
    struct buf calls; /* a JSON list, without its brackets */
    size_t images, finishes;
    bool done, any_call;
    struct json json;
    struct buf usage;
};

static void take_delta(struct client *k, yyjson_val *delta)
{
    buf_put(&k->text, jr_str(delta, "content"));
    buf_put(&k->thoughts, jr_str(delta, "reasoning_content"));
    k->images += yyjson_arr_size(jr_get(delta, "images"));
    jr_each (call, jr_get(delta, "tool_calls")) {
        struct jw w;

        if (k->calls.n > 0)
            buf_lit(&k->calls, ",");
        jw_begin(&w, &k->calls);
        jw_copy(&w, NULL, call);
    }
}

static enum err on_client_event(void *ctx, char *data, size_t n)
{
    struct client *k = ctx;
    yyjson_val *choice;

    corpus_check(k->c, !k->done, "nothing after [DONE]");
    if (str_eq(str_of(data, n), S("[DONE]"))) {
        k->done = true;
        return OK;
    }
    if (json_parse(&k->json, data, n, NULL, NULL) != OK) {
        corpus_fail(k->c, "a chunk is JSON", S("JSON"), str_of(data, n));
        return OK;
    }
    choice = yyjson_arr_get_first(jr_get(k->json.root, "choices"));
    take_delta(k, jr_get(choice, "delta"));
    k->finishes += jr_get(choice, "finish_reason") != NULL;
    if (jr_get(k->json.root, "usage") != NULL) {
        struct jw w;

        jw_begin(&w, &k->usage);
        jw_copy(&w, NULL, jr_get(k->json.root, "usage"));
    }
    return OK;
}

static void compare_stream(struct corpus *c, struct seen *want, struct str stream)
{
    struct client k = {.c = c};
    struct sse sse;
    struct json j;
    struct buf list;

    json_init(&k.json);
    json_init(&j);
    buf_init(&k.text, CAP);
    buf_init(&k.thoughts, CAP);
    buf_init(&k.calls, CAP);
    buf_init(&k.usage, CAP);
    buf_init(&list, CAP);
    sse_init(&sse, CAP, on_client_event, &k);
    corpus_check(c, sse_feed(&sse, stream) == OK && sse_finish(&sse) == OK, "the stream is SSE");
    compare_text(c, "content of deltas", &want->text, buf_str(&k.text));
    compare_text(c, "reasoning of deltas", &want->thoughts, buf_str(&k.thoughts));
    buf_lit(&list, "[");
    buf_put(&list, buf_str(&k.calls));
    buf_lit(&list, "]");
    if (json_parse_copy(&j, buf_str(&list), NULL, NULL) == OK)
        compare_calls(c, want, j.root);
    if (json_parse_copy(&j, buf_str(&k.usage), NULL, NULL) == OK)
        compare_usage(c, want, j.root);
    else
        corpus_check(c, false, "usage in the stream");
    corpus_check(c, k.images == want->images, "images of deltas");
    corpus_check(c, k.finishes == 1, "one finish reason");
    corpus_check(c, k.done, "[DONE]");
    buf_fini(&list);
    buf_fini(&k.usage);
    buf_fini(&k.calls);
    buf_fini(&k.thoughts);
    buf_fini(&k.text);
    sse_fini(&sse);
    json_fini(&j);
    json_fini(&k.json);
}

static const char REQUEST[] = "{\"model\":\"gemini-3.8-flash\",\"stream\":%s,"
                              "\"stream_options\":{\"include_usage\":true},"
                              "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";

/* An answer that says nothing and cost nothing is none; so is one that was cut. */
static bool may_fail(const struct seen *s)
{
    return s->error || (!s->any_finish && !s->blocked) ||
           (s->text.n == 0 && s->calls.n == 0 && s->images == 0);
}

static void run(struct corpus *c, yyjson_val *response, struct seen *want, bool stream)
{
    yyjson_val *events = yyjson_obj_get(response, "sse");
    bool crlf = str_eq(jr_str(response, "sse_line_ending"), S("crlf"));
    char request[512];
    struct json j;
    struct chat_run r;
    enum err err;

    snprintf(request, sizeof request, REQUEST, stream ? "true" : "false");
    json_init(&j);
    corpus_check(c, json_parse_copy(&j, str_z(request), NULL, NULL) == OK, "the request is JSON");
    chat_run_init(&r, j.root);
    err = r.err;
    if (err == OK && events != NULL)
        err = feed_sse(&r, events, crlf ? S("\r\n") : S("\n"));
    else if (err == OK)
        err = gm_read(&r.reader, yyjson_obj_get(response, "body"), on_gm_event, &r);
    if (err == OK)
        err = OPENAI_CHAT.end(r.tr.answer, &r.reader, 1, &r.out, &r.why);
    if (err != OK) {
        c->no_answer++;
        if (err != E_UPSTREAM || !may_fail(want))
            corpus_fail(c, "the answer is one", S("ok"), str_z(r.why.what ? r.why.what : "error"));
    } else if (stream)
        compare_stream(c, want, buf_str(&r.out));
    else
        compare_whole(c, want, buf_str(&r.out));
    chat_run_fini(&r);
    json_fini(&j);
}

static void run_error(struct corpus *c, yyjson_val *response, int status)
{
    yyjson_val *body = yyjson_obj_get(response, "body");
    struct gm_error e;
    struct buf b;
    struct jw w;
    size_t n;

    if (body == NULL)
        return;
    c->errors++;
    buf_init(&b, CAP);
    jw_begin(&w, &b);
    jw_copy(&w, NULL, body);
    n = b.n;
    buf_put(&b, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    gm_error_read(&e, status, b.p, n);
    corpus_check(c, e.set && e.message[0] != '\0', "an error says something");
    corpus_check(c, e.client_status >= 400 && e.client_status <= 599, "a status for the client");
    buf_reset(&b);
    OPENAI_CHAT.error(&e, &b);
    corpus_check(c, b.n > 0, "an error body");
    buf_fini(&b);
}

void corpus_answer(struct corpus *c, yyjson_val *exchange)
{
    yyjson_val *response = yyjson_obj_get(exchange, "response");
    yyjson_val *body = yyjson_obj_get(response, "body");
    yyjson_val *events = yyjson_obj_get(response, "sse");
    uint64_t status = jr_count(response, "status");
    struct seen want;

    if (status >= 400) {
        run_error(c, response, (int)status);
        return;
    }
    seen_init(&want);
    jr_each (event, events) {
        struct json j;

        json_init(&j);
        if (json_parse_copy(&j, jr_text(event), NULL, NULL) == OK)
            see_chunk(&want, j.root);
        json_fini(&j);
    }
    jr_each (chunk, body)
        see_chunk(&want, chunk);
    if (yyjson_is_obj(body))
        see_chunk(&want, body);
    if (events != NULL || yyjson_is_arr(body) || yyjson_obj_get(body, "candidates") != NULL ||
        want.blocked) {
        c->answers++;
        run(c, response, &want, false);
        run(c, response, &want, true);
    }
    seen_fini(&want);
}
