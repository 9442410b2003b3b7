/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* run_rules.c - every request body that a golden case expects, held against Google's rules as the
 * emulated Gemini knows them: what we expect must be what Google takes.
 *
 *   run_rules FOLDER
 *
 * A case that is about something else than a body Google takes says so: a file rules.txt in it
 * holds a piece of the refusal that is due. */
#include "files.h"

#include "demo/answer.h"

#include <stdio.h>

struct run {
    char dir[2048];
    unsigned passed, failed, excused;
};

static bool read_json(struct run *r, const char *file, struct json *j)
{
    struct buf b;
    bool ok;

    buf_init(&b, FILE_CAP);
    ok = file_read(r->dir, file, &b) && json_parse_copy(j, buf_str(&b), NULL, NULL) == OK;
    buf_fini(&b);
    return ok;
}

/* The model that the case translates for; one that the emulator has not got is like the newest. */
static void find_model(struct run *r, struct emu_target *target)
{
    struct json j;
    struct str model;

    json_init(&j);
    if (!read_json(r, "translation.json", &j) && !read_json(r, "request.json", &j))
        return;
    model = jr_str(j.root, "model");
    if (!emu_catalog_find(model, target))
        (void)emu_catalog_find(S("gemini-3.8-flash"), target);
    target->asked = S("");
    json_fini(&j);
}

static void judge(struct run *r, const char *name, const struct emu_problem *p)
{
    struct buf due;
    bool ok;

    buf_init(&due, FILE_CAP);
    if (file_read(r->dir, "rules.txt", &due)) {
        r->excused++;
        ok = p->http != 0 && str_find(buf_str(&p->message), str_trim(buf_str(&due))) < p->message.n;
    } else
        ok = p->http == 0;
    r->passed += ok;
    r->failed += !ok;
    if (!ok)
        printf("FAIL %s: %.*s\n", name, S_ARG(buf_str(&p->message)));
    buf_fini(&due);
}

static void run_case(void *ctx, const char *name)
{
    struct run *r = ctx;
    size_t n = strlen(r->dir);
    struct emu_ask ask = {.method = EMU_STREAM, .version = S("v1beta"), .any_signature = true};
    struct emu_answer answer;
    struct arena arena;
    struct json j;

    snprintf(r->dir + n, sizeof r->dir - n, "/%s", name);
    arena_init(&arena, FILE_CAP);
    emu_answer_init(&answer);
    json_init(&j);
    if (read_json(r, "upstream.json", &j)) {
        find_model(r, &ask.target);
        ask.body = j.root;
        emu_answer(&ask, &arena, &answer);
        judge(r, name, &answer.problem);
    }
    json_fini(&j);
    emu_answer_fini(&answer);
    arena_fini(&arena);
    r->dir[n] = '\0';
}

int main(int argc, char **argv)
{
    struct run r = {.passed = 0};

    if (argc != 2) {
        fputs("usage: run_rules FOLDER\n", stderr);
        return 2;
    }
    snprintf(r.dir, sizeof r.dir, "%s", argv[1]);
    dir_each(r.dir, run_case, &r);
    printf("%u passed, %u failed (%u excused)\n", r.passed, r.failed, r.excused);
    return r.failed == 0 && r.passed > 0 ? 0 : 1;
}
