/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_emulator.c - any body to any model: a refusal or an answer, both valid JSON; a stream says
 * what the whole answer says. The first byte picks the model, the second the method. SHP-3. */
#include "demo/answer.h"
#include "demo/chunk.h"
#include "demo/layout.h"

#include <assert.h>

enum { CAP = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const MODELS[] = {
    "gemini-3.8-flash",   "gemini-3.5-flash", "gemini-2.5-flash",       "gemini-2.5-flash-lite",
    "gemini-embedding-2", "gemma-4-31b-it",   "gemini-3.1-flash-image", "gemini-3.8-flash-tts",
};

/* Keep the text of all parts. */
static void gather(struct str json, struct buf *text)
{
    struct json j;
    struct fault why = {0};
    enum err err;

    json_init(&j);
    err = json_parse_copy(&j, json, NULL, &why);
    assert(err == OK);
    jr_each (candidate, jr_get(j.root, "candidates")) {
        jr_each (part, jr_get(jr_get(candidate, "content"), "parts"))
            buf_put(text, jr_str(part, "text"));
        break; /* of several the first */
    }
    json_fini(&j);
}

static void check_answer(const struct emu_plan *plan)
{
    struct emu_cursor c;
    struct buf whole;
    struct buf chunk;
    struct buf pretty;
    struct buf a;
    struct buf b;

    buf_init(&whole, CAP);
    buf_init(&chunk, CAP);
    buf_init(&pretty, CAP);
    buf_init(&a, CAP);
    buf_init(&b, CAP);
    emu_whole(plan, &whole);
    gather(buf_str(&whole), &a);
    emu_layout_pretty(buf_str(&whole), &pretty);
    gather(buf_str(&pretty), &b);
    assert(str_eq(buf_str(&a), buf_str(&b)));
    buf_reset(&b);
    emu_cursor_init(&c, plan);
    for (;;) {
        buf_reset(&chunk);
        if (!emu_chunk_next(&c, &chunk))
            break;
        gather(buf_str(&chunk), &b);
    }
    assert(str_eq(buf_str(&a), buf_str(&b)));
    buf_fini(&whole);
    buf_fini(&chunk);
    buf_fini(&pretty);
    buf_fini(&a);
    buf_fini(&b);
}

static void check_refusal(const struct emu_problem *p)
{
    struct buf out;
    struct buf text;

    buf_init(&out, CAP);
    buf_init(&text, CAP);
    emu_problem_write(p, &out);
    assert(out.err == OK && p->message.n > 0);
    gather(buf_str(&out), &text);
    buf_fini(&out);
    buf_fini(&text);
}

static void run(struct emu_ask *ask)
{
    struct emu_answer answer;
    struct arena arena;
    struct buf text;

    arena_init(&arena, CAP);
    emu_answer_init(&answer);
    buf_init(&text, CAP);
    emu_answer(ask, &arena, &answer);
    if (answer.problem.http != 0)
        check_refusal(&answer.problem);
    else if (ask->method <= EMU_STREAM)
        check_answer(&answer.plan);
    else
        gather(buf_str(&answer.json), &text);
    buf_fini(&text);
    emu_answer_fini(&answer);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emu_ask ask = {.version = S("v1beta"), .serial = 1};
    struct fault why = {0};
    struct json json;
    bool known;

    if (size < 2)
        return 0;
    known = emu_catalog_find(str_z(MODELS[data[0] % NELEM(MODELS)]), &ask.target);
    assert(known);
    ask.method = (enum emu_method)(data[1] % EMU_METHODS);
    ask.any_signature = (data[0] & 0x40) != 0;
    json_init(&json);
    if (json_parse_copy(&json, str_of((const char *)data + 2, size - 2), NULL, &why) == OK) {
        ask.body = json.root;
        run(&ask);
    }
    json_fini(&json);
    return 0;
}
