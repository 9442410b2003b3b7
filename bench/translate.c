/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* translate.c - the CPU time of translating a request, without the sockets around it: its body is
 * parsed and the Gemini request is written, as proxy/translate.c does it.
 *
 *   translate ROUNDS body.json ...      prints a line a translation: file_number nanoseconds
 *
 * All bodies of a round are copied first, because parsing works in place, and each is translated
 * once: with more of them than a cache holds, none is found in it. What is given back at the end
 * of a request counts as well. */
#include "base/clock.h"
#include "base/mem.h"
#include "dialect/list.h"
#include "signatures/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BODIES_MAX = 1000, SIGNATURES_BYTES = 16 << 20, ARENA_BYTES = 136 << 20 };

struct body {
    char *p;
    size_t n;
    char *copy; /* with JSON_PAD bytes behind it */
};

static long long cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static bool read_body(const char *path, struct body *b)
{
    FILE *f = fopen(path, "rb");
    bool good;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return false;
    b->n = (size_t)ftell(f);
    rewind(f);
    b->p = mem_alloc(b->n);
    b->copy = mem_alloc(b->n + JSON_PAD);
    good = fread(b->p, 1, b->n, f) == b->n;
    fclose(f);
    return good;
}

static struct str recall(void *ctx, struct str key)
{
    struct arena *arena = ctx;
    static struct signatures *store;

    if (store == NULL)
        store = signatures_new(SIGNATURES_BYTES);
    return signatures_get(store, key, arena);
}

/* False: it was refused, and a time would say nothing. */
static bool translate(struct body *b)
{
    static const struct dialect_opts opts;
    struct json json;
    struct arena arena;
    struct translation tr;
    struct gm_links links = {0};
    struct dialect_env env = {
        .opts = &opts,
        .now_s = 1800000000,
        .nonce = S("abcdefghijklmnopqrstuvwx"),
        .arena = &arena,
        .recall = recall,
        .store = &arena,
        .links = &links,
        .size = b->n,
    };
    size_t at;
    struct fault why = {0};
    bool good;

    arena_init(&arena, ARENA_BYTES);
    json_init_in(&json, &arena);
    good = json_parse(&json, b->copy, b->n, &at, &why) == OK &&
           OPENAI_CHAT.request(json.root, &env, &tr, &why) == OK;
    if (good) {
        good = rope_len(&tr.body) > b->n / 2;
        rope_fini(&tr.body);
    }
    json_fini(&json);
    arena_fini(&arena);
    return good;
}

int main(int argc, char **argv)
{
    static struct body bodies[BODIES_MAX];
    int rounds = argc > 2 ? (int)strtoul(argv[1], NULL, 10) : 0;
    int n = argc - 2;

    if (rounds < 1 || n > BODIES_MAX)
        return 2;
    for (int i = 0; i < n; i++)
        if (!read_body(argv[i + 2], &bodies[i]))
            return 1;
    mem_keep(); /* as a worker does that has seen a large request */
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++)
            memcpy(bodies[i].copy, bodies[i].p, bodies[i].n);
        for (int i = 0; i < n; i++) {
            long long start = cpu_ns();

            if (!translate(&bodies[i]))
                return 1;
            printf("%d %lld\n", i, cpu_ns() - start);
        }
    }
    return 0;
}
