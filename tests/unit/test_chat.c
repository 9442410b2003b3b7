/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_chat.c - what the golden cases cannot show of Chat Completions: memory, caps, a second try.
 */
#include "base/mem.h"
#include "dialect/list.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CAP = 256 << 20, FILE_BYTES = 20 << 20 };

static struct dialect_env env_of(struct arena *arena)
{
    static const struct dialect_opts opts; /* as an operator who sets nothing has them */

    return (struct dialect_env){
        .opts = &opts, .now_s = 1, .nonce = S("abcdefghijklmnopqrstuvwx"), .arena = arena};
}

/* A request with a large file inside is translated without a copy of the file. */
static void large_file_is_borrowed(void **state)
{
    struct buf body;
    struct json j;
    struct arena arena;
    struct dialect_env env = env_of(&arena);
    struct translation tr;
    struct fault why = {0};
    struct rope_pos pos = {0};
    struct str piece, longest = S("");
    size_t before, n;

    (void)state;
    buf_init(&body, CAP);
    json_init(&j);
    arena_init(&arena, 1 << 20);
    buf_lit(&body, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":["
                   "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
                   "\"data:application/pdf;base64,JVBERi0xLjQK");
    n = body.n;
    memset(buf_reserve(&body, FILE_BYTES), 'A', FILE_BYTES);
    body.n = n + FILE_BYTES;
    buf_lit(&body, "\"}}]}]}");
    n = body.n;
    buf_put(&body, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    assert_int_equal(json_parse(&j, body.p, n, NULL, &why), OK);
    before = mem_counted();
    assert_int_equal(OPENAI_CHAT.request(j.root, &env, &tr, &why), OK);
    assert_true(mem_counted() - before < 64 << 10);
    assert_true(rope_len(&tr.body) > FILE_BYTES);
    while ((piece = rope_next(&tr.body, &pos, SIZE_MAX)).n > 0)
        longest = piece.n > longest.n ? piece : longest;
    assert_true(longest.n >= FILE_BYTES && longest.p > body.p && longest.p < body.p + body.n);
    rope_fini(&tr.body);
    arena_fini(&arena);
    json_fini(&j);
    buf_fini(&body);
}

#define L16  "0123456789abcdef"
#define L128 L16 L16 L16 L16 L16 L16 L16 L16
#define LONG L128 L128 L128 L128 L128 L128 L128 L128
static const char EVERYTHING[] =
    "{\"model\":\"gemini-3.8-flash\",\"stream\":true,\"temperature\":1,\"frob\":1,"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"2f\",\"parameters\":{\"type\":"
    "\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\"}},\"$defs\":{\"A\":{\"const\":1}}}}},"
    "{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":"
    "{\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"2f\"}}]}},"
    "\"web_search_options\":{\"user_location\":{\"approximate\":{\"city\":\"Oslo\"}}},"
    "\"extra_body\":{\"google\":{\"generation_config\":{\"top_k\":1}}},"
    "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
    "[{\"type\":\"document_url\",\"document_url\":\"data:text/plain,a%20" LONG "\"},"
    "{\"type\":\"file\",\"file\":{\"file_id\":\"files/x\"}}]},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
    "\"function\":{\"name\":\"2f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
    "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
    "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"tool\",\"tool_call_id\":\"d\",\"content\":"
    "\"orphan " LONG "\"}]}";

/* The body that EVERYTHING becomes with this much memory; empty, and a fault, when that is short.
 */
static void body_with(yyjson_val *root, size_t cap, struct buf *body)
{
    struct arena arena;
    struct dialect_env env = env_of(&arena);
    struct translation tr = {.model = S("untouched")};
    struct fault why = {0};
    struct rope_pos pos = {0};
    struct str piece;

    arena_init(&arena, cap);
    if (OPENAI_CHAT.request(root, &env, &tr, &why) == OK) {
        assert_true(str_eq(tr.model, S("gemini-3.8-flash")));
        while ((piece = rope_next(&tr.body, &pos, SIZE_MAX)).n > 0)
            buf_put(body, piece);
        rope_fini(&tr.body);
    } else {
        assert_int_equal(why.code, E_TOOBIG);
        assert_true(str_eq(tr.model, S("untouched")));
    }
    arena_fini(&arena);
}

/* With too little memory there is a fault that says so, and never a body that lacks something. */
static void every_smaller_arena(void **state)
{
    struct json j;
    struct buf whole, body;

    (void)state;
    json_init(&j);
    buf_init(&whole, 1 << 20);
    buf_init(&body, 1 << 20);
    assert_int_equal(json_parse_copy(&j, str_z(EVERYTHING), NULL, NULL), OK);
    body_with(j.root, 1 << 20, &whole);
    assert_true(whole.n > 0);
    for (size_t cap = 0; cap < 16 << 10; cap += 16) {
        buf_reset(&body);
        body_with(j.root, cap, &body);
        assert_true(body.n == 0 || str_eq(buf_str(&body), buf_str(&whole)));
    }
    assert_true(body.n > 0);
    buf_fini(&body);
    buf_fini(&whole);
    json_fini(&j);
}

static void tell(const struct translation *tr, struct gm_event e, struct buf *out)
{
    assert_int_equal(OPENAI_CHAT.event(tr->answer, 0, &e, out), OK);
}

/* What a first, useless answer told is forgotten when the request is made again. */
static void restart(void **state)
{
    struct json j;
    struct arena arena;
    struct dialect_env env = env_of(&arena);
    struct translation tr;
    struct gm_reader reader;
    struct gm_error told;
    struct buf out;

    (void)state;
    json_init(&j);
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
    gm_reader_init(&reader, &told);
    reader.finish = GM_STOP;
    reader.any_content = reader.any_answer = true;
    assert_int_equal(json_parse_copy(&j,
                                     S("{\"model\":\"m\",\"reasoning\":{},\"messages\":[{\"role\":"
                                       "\"user\",\"content\":\"x\"}]}"),
                                     NULL, NULL),
                     OK);
    assert_int_equal(OPENAI_CHAT.request(j.root, &env, &tr, NULL), OK);
    tell(&tr, (struct gm_event){.kind = GM_TEXT, .text = S("first")}, &out);
    tell(&tr, (struct gm_event){.kind = GM_THOUGHT, .text = S("hm")}, &out);
    tell(&tr, (struct gm_event){.kind = GM_CALL, .name = S("f"), .id = S("i")}, &out);
    OPENAI_CHAT.restart(tr.answer, 0);
    tell(&tr, (struct gm_event){.kind = GM_TEXT, .text = S("second")}, &out);
    assert_int_equal(OPENAI_CHAT.end(tr.answer, &reader, 1, &out, NULL), OK);
    assert_true(str_find(buf_str(&out), S("\"content\":\"second\"")) < out.n);
    assert_true(str_find(buf_str(&out), S("first")) == out.n);
    assert_true(str_find(buf_str(&out), S("tool_calls")) == out.n);
    assert_true(str_find(buf_str(&out), S("reasoning_content")) == out.n);
    rope_fini(&tr.body);
    buf_fini(&out);
    arena_fini(&arena);
    json_fini(&j);
}

/* A stream of any length leaves the arena as it was. */
static void streaming_allocates_nothing(void **state)
{
    struct json j;
    struct arena arena;
    struct dialect_env env = env_of(&arena);
    struct translation tr;
    struct buf out;
    size_t used, counted;

    (void)state;
    json_init(&j);
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
    assert_int_equal(json_parse_copy(&j,
                                     S("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":"
                                       "\"user\",\"content\":\"x\"}]}"),
                                     NULL, NULL),
                     OK);
    assert_int_equal(OPENAI_CHAT.request(j.root, &env, &tr, NULL), OK);
    tell(&tr, (struct gm_event){.kind = GM_TEXT, .text = S("one")}, &out);
    used = arena.used;
    counted = mem_counted();
    for (int i = 0; i < 10000; i++) {
        buf_reset(&out);
        tell(&tr, (struct gm_event){.kind = GM_TEXT, .text = S("\xe4\xb8\x96\xe7\x95\x8c\n")},
             &out);
        assert_true(str_starts(buf_str(&out), S("data: {")) && str_ends(buf_str(&out), S("\n\n")));
    }
    assert_int_equal(arena.used, used);
    assert_int_equal(mem_counted(), counted);
    rope_fini(&tr.body);
    buf_fini(&out);
    arena_fini(&arena);
    json_fini(&j);
}

/* An answer that outgrows its memory is an error, and not a shorter answer. */
static void answer_outgrows_arena(void **state)
{
    struct json j;
    struct arena arena;
    struct dialect_env env = env_of(&arena);
    struct translation tr;
    struct buf out;
    const struct gm_event e = {.kind = GM_TEXT, .text = S("0123456789abcdef")};
    enum err err = OK;
    int n = 0;

    (void)state;
    json_init(&j);
    arena_init(&arena, 16 << 10);
    buf_init(&out, 1 << 20);
    assert_int_equal(json_parse_copy(&j,
                                     S("{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                                       "\"content\":\"x\"}]}"),
                                     NULL, NULL),
                     OK);
    assert_int_equal(OPENAI_CHAT.request(j.root, &env, &tr, NULL), OK);
    while (err == OK && n++ < 100000)
        err = OPENAI_CHAT.event(tr.answer, 0, &e, &out);
    assert_int_equal(err, E_TOOBIG);
    assert_int_equal(OPENAI_CHAT.event(tr.answer, 1, &e, &out), E_STATE);
    rope_fini(&tr.body);
    buf_fini(&out);
    arena_fini(&arena);
    json_fini(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_file_is_borrowed),
        cmocka_unit_test(every_smaller_arena),
        cmocka_unit_test(restart),
        cmocka_unit_test(streaming_allocates_nothing),
        cmocka_unit_test(answer_outgrows_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
