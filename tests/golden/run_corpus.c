/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* run_corpus.c - recorded traffic through Chat Completions, both ways.
 *
 *   run_corpus FOLDER
 *
 * The folder is no part of this repository: without it the test says SKIPPED and is content. */
#include "corpus.h"
#include "files.h"

#include <stdio.h>

enum { SKIP = 77 };

struct walk {
    struct corpus c;
    char path[2048];
    void (*on_file)(struct corpus *c, yyjson_val *root);
};

void corpus_fail(struct corpus *c, const char *what, struct str expected, struct str got)
{
    c->failed++;
    printf("FAIL %s: %s\n  expected: %.*s\n  got:      %.*s\n", c->file, what,
           S_ARG(str_sub(expected, 0, 600)), S_ARG(str_sub(got, 0, 600)));
}

void chat_run_init(struct chat_run *r, yyjson_val *root)
{
    struct dialect_env env;

    *r = (struct chat_run){.opts = {.include_thoughts = true}};
    arena_init(&r->arena, FILE_CAP);
    buf_init(&r->out, FILE_CAP);
    gm_reader_init(&r->reader, &r->told);
    env = (struct dialect_env){.opts = &r->opts,
                               .now_s = 1795000000,
                               .nonce = S("abcdefghijklmnopqrstuvwx"),
                               .arena = &r->arena};
    r->err = OPENAI_CHAT.request(root, &env, &r->tr, &r->why);
}

void chat_run_fini(struct chat_run *r)
{
    if (r->err == OK) {
        rope_fini(&r->tr.body);
    }
    buf_fini(&r->out);
    arena_fini(&r->arena);
}

void chat_run_body(const struct chat_run *r, struct buf *out)
{
    struct rope_pos pos = {0};
    struct str piece;

    while ((piece = rope_next(&r->tr.body, &pos, SIZE_MAX)).n > 0)
        buf_put(out, piece);
}

static void on_exchange(struct corpus *c, yyjson_val *root)
{
    corpus_answer(c, root);
    corpus_native(c, root);
}

static void on_request(struct corpus *c, yyjson_val *root)
{
    if (str_eq(jr_str(root, "format"), S("openai-chat")))
        corpus_request(c, jr_get(root, "body"));
}

static void on_entry(void *ctx, const char *name)
{
    struct walk *w = ctx;
    size_t n = strlen(w->path);
    struct buf b;
    struct json j;

    snprintf(w->path + n, sizeof w->path - n, "/%s", name);
    if (!str_ends(str_z(name), S(".json"))) {
        dir_each(w->path, on_entry, w);
    } else {
        buf_init(&b, FILE_CAP);
        json_init(&j);
        w->c.file = name;
        if (file_read(NULL, w->path, &b) && json_parse_copy(&j, buf_str(&b), NULL, NULL) == OK)
            w->on_file(&w->c, j.root);
        else
            corpus_fail(&w->c, "the file is JSON", S("JSON"), S("none"));
        json_fini(&j);
        buf_fini(&b);
    }
    w->path[n] = '\0';
}

static void walk(struct walk *w, const char *folder, const char *part,
                 void (*on_file)(struct corpus *c, yyjson_val *root))
{
    snprintf(w->path, sizeof w->path, "%s/%s", folder, part);
    w->on_file = on_file;
    dir_each(w->path, on_entry, w);
}

int main(int argc, char **argv)
{
    struct walk w = {.on_file = NULL};

    if (argc != 2) {
        fputs("usage: run_corpus FOLDER\n", stderr);
        return 2;
    }
    if (!file_exists(argv[1], "index.tsv")) {
        printf("SKIPPED: there is no recorded traffic at %s\n", argv[1]);
        return SKIP;
    }
    walk(&w, argv[1], "gemini", on_exchange);
    walk(&w, argv[1], "requests", on_request);
    printf("%u answers (%u of them none), %u errors, %u native requests, %u client requests (%u "
           "refused)\n",
           w.c.answers, w.c.no_answer, w.c.errors, w.c.native, w.c.requests, w.c.refused);
    printf("%u failed\n", w.c.failed);
    return w.c.failed == 0 && w.c.answers > 0 ? 0 : 1;
}
