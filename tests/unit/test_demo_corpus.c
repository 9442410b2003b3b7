/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_demo_corpus.c - requests that Google took in recorded traffic must be taken by the emulator.
 *
 * The recordings are no part of this repository: without ../shared/corpus (or QUEQIAO_CORPUS) the
 * test is skipped, and says so. What the emulator refuses on purpose is in a table, with why. */
#include "demo_ask.h"

#include <dirent.h>
#include <stdlib.h>

enum { FILE_MAX = 64 << 20, PATH_ROOM = 1024 };

/* Refusals that are right although the recording has a 200: the message tells the case. */
static const struct {
    const char *message;
    const char *why;
} EXPLAINED[] = {
    {"CachedContent not found",                       "the cache was there when it was recorded"},
    {"You do not have permission to access the File", "so was the file"                         },
    {"Base64 decoding failed",                        "the recording was blacked out"           },
};

struct tally {
    size_t taken, explained, refused, answered;
};

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char *at;
    size_t n = 1;

    if (f == NULL)
        return false;
    while (n > 0 && (at = buf_reserve(out, 65536)) != NULL) {
        n = fread(at, 1, 65536, f);
        out->n += n;
    }
    fclose(f);
    return out->err == OK;
}

/* The method in the path, and the model before it; false for anything else. */
static bool method_of(struct str path, enum emu_method *ret, struct str *ret_model)
{
    size_t at = str_find(path, S("/models/"));
    struct str rest = str_skip(path, at + sizeof "/models/" - 1);

    if (at == path.n || str_find(path, S("/projects/")) < path.n)
        return false;
    *ret_model = str_cut(&rest, ':');
    for (int i = 0; i < EMU_METHODS; i++) {
        if (str_eq(rest, str_z(emu_method_names[i]))) {
            *ret = (enum emu_method)i;
            return true;
        }
    }
    return false;
}

/* Families before 2.5 had other rules, and are gone. */
static bool is_current(struct str model)
{
    static const char *const prefixes[] = {"gemini-2.5",         "gemini-3",
                                           "gemini-flash",       "gemini-pro-latest",
                                           "gemini-embedding-2", "gemini-embedding-001"};

    for (size_t i = 0; i < NELEM(prefixes); i++) {
        if (str_starts(model, str_z(prefixes[i])))
            return true;
    }
    return false;
}

static bool is_explained(struct str message, bool blacked_out)
{
    for (size_t i = 0; i < NELEM(EXPLAINED); i++) {
        if (str_find(message, str_z(EXPLAINED[i].message)) < message.n)
            return blacked_out || !str_eq(str_z(EXPLAINED[i].message), S("Base64 decoding failed"));
    }
    return false;
}

/* Old names of models have the rules of their family. */
static void target_of(struct str model, struct emu_target *t)
{
    if (emu_catalog_find(model, t))
        return;
    assert_true(emu_catalog_find(S("gemini-3.8-flash"), t));
    t->asked = model;
    t->family = emu_family_of(model);
}

static void try_request(const char *path, yyjson_val *body, enum emu_method method,
                        struct str model, bool blacked_out, struct tally *t)
{
    struct emu_answer answer;
    struct arena arena;
    struct emu_ask ask = {
        .method = method, .version = S("v1beta"), .body = body, .serial = 1, .any_signature = true};
    struct buf out;

    target_of(model, &ask.target);
    arena_init(&arena, 256 << 20);
    buf_init(&out, 256 << 20);
    emu_answer_init(&answer);
    emu_answer(&ask, &arena, &answer);
    if (answer.problem.http == 0) {
        t->taken++;
        if (answer.json.n == 0)
            emu_whole(&answer.plan, &out);
        t->answered += out.err == OK && out.n + answer.json.n > 0;
    } else if (is_explained(buf_str(&answer.problem.message), blacked_out)) {
        t->explained++;
    } else {
        t->refused++;
        print_message("%s: %.*s: %.*s\n", path, S_ARG(model),
                      S_ARG(str_sub(buf_str(&answer.problem.message), 0, 400)));
    }
    emu_answer_fini(&answer);
    arena_fini(&arena);
    buf_fini(&out);
}

static void try_file(const char *path, struct tally *t)
{
    struct json json;
    struct fault why = {0};
    struct buf text;
    enum emu_method method;
    struct str model;
    yyjson_val *request;
    bool blacked_out;

    buf_init(&text, FILE_MAX);
    json_init(&json);
    assert_true(read_file(path, &text));
    blacked_out = str_find(buf_str(&text), S("REDACTED")) < text.n;
    assert_int_equal(json_parse_copy(&json, buf_str(&text), NULL, &why), OK);
    request = jr_get(json.root, "request");
    if (jr_count(jr_get(json.root, "response"), "status") == 200 && jr_get(request, "body") &&
        method_of(jr_str(request, "path"), &method, &model) && is_current(model))
        try_request(path, jr_get(request, "body"), method, model, blacked_out, t);
    json_fini(&json);
    buf_fini(&text);
}

static void try_folder(const char *folder, int depth, struct tally *t)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    char path[PATH_ROOM];

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path)
            continue;
        if (str_ends(str_z(path), S(".json")))
            try_file(path, t);
        else if (depth > 0)
            try_folder(path, depth - 1, t);
    }
    closedir(d);
}

/* Beside the repository, from wherever the test was started. */
static bool find_corpus(char path[PATH_ROOM])
{
    static const char up[] = "../../../../../../";
    const char *given = getenv("QUEQIAO_CORPUS");
    DIR *d;

    for (int levels = given ? 0 : 6; levels >= 0; levels--) {
        if (given != NULL)
            snprintf(path, PATH_ROOM, "%s/gemini", given);
        else
            snprintf(path, PATH_ROOM, "%.*sshared/corpus/gemini", 3 * levels, up);
        d = opendir(path);
        if (d != NULL) {
            closedir(d);
            return true;
        }
    }
    return false;
}

static void recorded_requests(void **state)
{
    struct tally t = {0};
    char path[PATH_ROOM];

    (void)state;
    if (!find_corpus(path)) {
        print_message("skipped: there is no ../shared/corpus\n");
        skip();
    }
    try_folder(path, 2, &t);
    print_message("%zu recorded requests taken, %zu refused with reason, %zu refused without\n",
                  t.taken, t.explained, t.refused);
    assert_int_equal(t.refused, 0);
    assert_int_equal(t.answered, t.taken);
    assert_true(t.taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
