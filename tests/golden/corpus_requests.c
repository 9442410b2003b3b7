/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* corpus_requests.c - requests of real clients, for models of each generation. */
#include "corpus.h"

#include "codec/json_write.h"
#include "demo/answer.h"

#include <stdio.h>

enum { CAP = 64 << 20 };

/* Would Google take this? The emulator knows its rules. */
void corpus_rules(struct corpus *c, const struct chat_run *r)
{
    struct emu_answer answer;
    struct emu_ask ask = {.method = EMU_STREAM, .version = S("v1beta"), .any_signature = true};
    struct arena arena;
    struct buf body;
    struct json j;

    buf_init(&body, CAP);
    arena_init(&arena, CAP);
    json_init(&j);
    emu_answer_init(&answer);
    chat_run_body(r, &body);
    if (json_parse_copy(&j, buf_str(&body), NULL, NULL) != OK) {
        corpus_fail(c, "the translated body is JSON", S("JSON"), buf_str(&body));
    } else if (emu_catalog_find(r->tr.model, &ask.target) ||
               emu_catalog_find(S("gemini-3.8-flash"), &ask.target)) {
        ask.body = j.root;
        emu_answer(&ask, &arena, &answer);
        if (answer.problem.http != 0)
            corpus_fail(c, "Google takes it", buf_str(&body), buf_str(&answer.problem.message));
    }
    emu_answer_fini(&answer);
    json_fini(&j);
    arena_fini(&arena);
    buf_fini(&body);
}

/* The same request to a model of ours: those in the recordings are other vendors'. */
static void put_request(yyjson_val *body, const char *model, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_str(&w, "model", str_z(model));
    jr_each_member (key, body)
        if (!str_eq(jr_text(key), S("model"))) {
            jw_key(&w, jr_text(key));
            jw_copy(&w, NULL, key + 1);
        }
    jw_end(&w);
}

static void request_to(struct corpus *c, yyjson_val *body, const char *model)
{
    struct chat_run r;
    struct buf b;
    struct json j;

    c->requests++;
    buf_init(&b, CAP);
    json_init(&j);
    put_request(body, model, &b);
    corpus_check(c, json_parse_copy(&j, buf_str(&b), NULL, NULL) == OK, "the request is JSON");
    chat_run_init(&r, j.root);
    if (r.err == OK)
        corpus_rules(c, &r);
    else {
        struct gm_error e;

        c->refused++;
        gm_error_fault(&e, &r.why, j.root);
        printf("refused %s: %s\n", c->file, e.message);
    }
    chat_run_fini(&r);
    json_fini(&j);
    buf_fini(&b);
}

void corpus_request(struct corpus *c, yyjson_val *body)
{
    static const char *const model[] = {"gemini-2.5-flash", "gemini-3.5-flash", "gemini-3.8-flash",
                                        "gemma-4-31b-it"};

    for (size_t i = 0; i < NELEM(model); i++)
        request_to(c, body, model[i]);
}
