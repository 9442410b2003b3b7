/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_chat_request.c - any JSON as a Chat Completions request: refused with a fault that can be
 * told, or a body that Gemini's grammar of turns accepts. The first byte picks the model, the
 * second what upstream would not take and how much memory there is. SHP-3, SHP-6. */
#include "codec/utf8.h"
#include "dialect/list.h"
#include "proxy/want.h"

#include <assert.h>

enum { CAP = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const MODELS[] = {
    "gemini-3.8-flash",       "gemini-3.5-flash", "gemini-2.5-flash",     "gemini-2.5-pro",
    "gemini-2.0-flash",       "gemma-4-31b-it",   "gemini-3-pro-image",   "gemini-3.8-flash-tts",
    "gemini-nano-banana-2.1", "gemini-4-argon",   "gemini-3.1-pro:search"};

static struct str recall(void *ctx, struct str name)
{
    (void)ctx;
    if (str_starts(name, S("parts-")))
        return (name.p[6] & 1) != 0 ? S("[{\"toolCall\":{\"id\":\"a\"}}]") : S("");
    return str_hash(name) % 3 == 0 ? S("c2ln") : S("");
}

static yyjson_val *member(yyjson_val *obj, const char *key)
{
    yyjson_val *found = NULL;

    jr_each_member (k, obj)
        if (str_eq(jr_text(k), str_z(key))) {
            assert(found == NULL && "a member is written once");
            found = k + 1;
        }
    return found;
}

static size_t count(yyjson_val *content, const char *kind)
{
    size_t n = 0;

    jr_each (part, member(content, "parts"))
        n += jr_get(part, kind) != NULL;
    return n;
}

/* Calls are answered at once, all of them, by a content that holds nothing else. */
static void check_turns(yyjson_val *contents)
{
    size_t asked = 0;
    bool first = true;

    assert(yyjson_arr_size(contents) > 0);
    jr_each (content, contents) {
        struct str role = jr_text(member(content, "role"));
        bool model = str_eq(role, S("model"));
        size_t parts = yyjson_arr_size(member(content, "parts"));
        size_t calls = count(content, "functionCall");
        size_t results = count(content, "functionResponse");

        assert(model || str_eq(role, S("user")));
        assert(parts > 0);
        assert(!first || !model);
        assert(results == asked);
        assert(results == 0 || results == parts);
        assert(calls == 0 || model);
        asked = calls;
        first = false;
    }
    assert(asked == 0);
}

static void check_body(struct str text)
{
    struct json j;
    enum err err;

    json_init(&j);
    err = json_parse_copy(&j, text, NULL, NULL);
    /* Brackets of our own come around the client's: only depth and count may be too much. */
    assert(err == OK || err == E_TOOBIG);
    if (err == OK) {
        check_turns(member(j.root, "contents"));
        assert(yyjson_is_obj(member(j.root, "generationConfig")));
    }
    json_fini(&j);
}

static void gather(const struct rope *r, struct buf *out)
{
    struct rope_pos pos = {0};
    struct str piece;

    while ((piece = rope_next(r, &pos, SIZE_MAX)).n > 0)
        buf_put(out, piece);
}

static void check_translation(const struct translation *tr, struct str text)
{
    assert(tr->model.n > 0 && tr->model.n <= 128);
    for (size_t i = 0; i < tr->model.n; i++)
        assert(strchr("/?#%:&= ", tr->model.p[i]) == NULL || str_starts(tr->model, S("tunedM")));
    for (size_t i = 0; i < tr->ignored.n; i++)
        assert(tr->ignored.p[i] > ' ' && tr->ignored.p[i] < 0x7f);
    assert(tr->choices >= 1 && tr->choices <= 128);
    assert(tr->body.text.err == OK && text.n == rope_len(&tr->body));
    check_body(text);
}

/* What is asked of the key is all in the body. */
static void check_want(const struct translation *tr, struct str text)
{
    struct key_want want = {0};

    want_of(tr, &want);
    assert(str_eq(want.model, tr->model) && want.nmust <= KEYS_MUST_MAX);
    for (size_t i = 0; i < want.nmust; i++)
        assert(want.must[i].n > 0 && str_find(text, want.must[i]) < text.n);
}

static void check_fault(const struct fault *why, yyjson_val *root)
{
    struct gm_error e;
    struct buf b;
    struct json j;
    enum err err;

    assert(why->code != OK && why->what != NULL);
    gm_error_fault(&e, why, root);
    assert(utf8_ok(str_z(e.message)) && utf8_ok(str_z(e.param)));
    assert(e.client_status >= 400 && e.client_status < 500);
    buf_init(&b, CAP);
    json_init(&j);
    OPENAI_CHAT.error(&e, &b);
    err = json_parse_copy(&j, buf_str(&b), NULL, NULL);
    assert(err == OK);
    json_fini(&j);
    buf_fini(&b);
}

/* What was wanted is here, as one of several kinds of file, or is not to be had. */
static void settle(struct gm_links *links)
{
    static const char *const FILES[] = {"iVBORw0KGgoAAAANSUhEUg==", "R0lGODlhAQABAAAAACw=",
                                        "JVBERi0xLjcKJS4uLi4K", "GkXfowAAAAAAAAAAAAAAAAA="};

    for (size_t i = 0; i < links->n; i++) {
        uint64_t hash = str_hash(links->v[i].url);

        assert(links->n <= GM_LINKS_MAX && links->v[i].state == GM_LINK_WANTED);
        links->v[i].state = hash % 5 == 4 ? GM_LINK_FAILED : GM_LINK_HERE;
        links->v[i].base64 = str_z(FILES[hash % 5 % NELEM(FILES)]);
    }
    links->wanted = 0;
}

static void translate(yyjson_val *root, struct dialect_env *env, size_t arena_max, struct buf *out)
{
    struct translation tr = {.model = S("")};
    struct gm_links links = *env->links;
    struct fault why = {0};
    struct arena arena;
    enum err err;

    arena_init(&arena, arena_max);
    env->arena = &arena;
    env->links = &links;
    err = OPENAI_CHAT.request(root, env, &tr, &why);
    if (err == OK && links.wanted > 0) {
        rope_fini(&tr.body);
        settle(&links);
        err = OPENAI_CHAT.request(root, env, &tr, &why);
        assert(links.wanted == 0);
    }
    assert(err == why.code);
    if (err == OK) {
        gather(&tr.body, out);
        check_translation(&tr, buf_str(out));
        check_want(&tr, buf_str(out));
        rope_fini(&tr.body);
    } else
        check_fault(&why, root);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dialect_opts opts = {.include_thoughts = size > 1 && (data[1] & 0x10) != 0};
    struct dialect_env env = {
        .opts = &opts, .now_s = 1, .nonce = S("abcdefghijklmnopqrstuvwx"), .recall = recall};
    struct gm_links links = {.fetch = GM_FETCH_NEVER};
    struct buf once, again;
    struct json j;

    if (size < 2)
        return 0;
    links.fetch = (enum gm_fetch)((data[0] ^ data[1]) % 3);
    links.http = (data[0] & 1) != 0;
    opts.default_model = str_z(MODELS[data[0] % NELEM(MODELS)]);
    /* Four by bits of their own, the others scattered by what is left of the model's byte. */
    env.remedies = data[1] & 15;
    env.remedies |= (unsigned)(data[0] / NELEM(MODELS)) * 2654435761U >> 14 & 0x3fff0U;
    env.remedies |= (data[0] ^ data[1]) & 1 ? GM_FETCH_MEDIA : 0;
    buf_init(&once, CAP);
    buf_init(&again, CAP);
    json_init(&j);
    if (json_parse_copy(&j, str_of((const char *)data + 2, size - 2), NULL, NULL) == OK) {
        env.links = &links;
        translate(j.root, &env, CAP, &once);
        env.links = &links;
        translate(j.root, &env, (data[1] & 0x20) != 0 ? 2048U << (data[1] >> 6) : CAP, &again);
        assert(again.n == 0 || str_eq(buf_str(&once), buf_str(&again)));
    }
    json_fini(&j);
    buf_fini(&again);
    buf_fini(&once);
    return 0;
}
