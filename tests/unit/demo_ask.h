/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* demo_ask.h - for the tests of demo/: one request to the pure half of the emulator. */
#ifndef TESTS_UNIT_DEMO_ASK_H
#define TESTS_UNIT_DEMO_ASK_H

#include "base/arena.h"
#include "demo/answer.h"
#include "demo/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct demo {
    struct arena arena;
    struct json json;
    struct emu_ask ask;
    struct emu_answer answer;
    struct buf out;
};

static inline void demo_ask(struct demo *d, const char *model, enum emu_method method,
                            const char *body)
{
    struct fault why = {0};

    arena_init(&d->arena, 256 << 20);
    json_init(&d->json);
    emu_answer_init(&d->answer);
    buf_init(&d->out, 256 << 20);
    d->ask = (struct emu_ask){.method = method, .version = S("v1beta"), .serial = 7};
    assert_true(emu_catalog_find(str_z(model), &d->ask.target));
    assert_int_equal(json_parse_copy(&d->json, str_z(body), NULL, &why), OK);
    d->ask.body = d->json.root;
    emu_answer(&d->ask, &d->arena, &d->answer);
}

static inline void demo_done(struct demo *d)
{
    emu_answer_fini(&d->answer);
    json_fini(&d->json);
    arena_fini(&d->arena);
    buf_fini(&d->out);
}

/* The whole answer as JSON text with a NUL after it. */
static inline const char *demo_whole(struct demo *d)
{
    buf_reset(&d->out);
    if (d->answer.problem.http != 0)
        emu_problem_write(&d->answer.problem, &d->out);
    else if (d->answer.json.n > 0)
        buf_put(&d->out, buf_str(&d->answer.json));
    else
        emu_whole(&d->answer.plan, &d->out);
    buf_putc(&d->out, '\0');
    return d->out.p;
}

/* All chunks of the stream, a line each. */
static inline const char *demo_stream(struct demo *d)
{
    struct emu_cursor c;

    buf_reset(&d->out);
    emu_cursor_init(&c, &d->answer.plan);
    while (emu_chunk_next(&c, &d->out))
        buf_putc(&d->out, '\n');
    buf_putc(&d->out, '\0');
    return d->out.p;
}

static inline size_t demo_count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what))
        n++;
    return n;
}

static inline void demo_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("%s\nis not in\n%.3000s", what, text);
}

static inline void demo_lacks(const char *text, const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("%s\nis in\n%.3000s", what, text);
}

#endif
