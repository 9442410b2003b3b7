/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_emulator_orders.c - a request line for the emulator, and behind it a body as rules of quotas
 * and as a script of faults. A refusal leaves what was there; whatever is told of it is JSON. The
 * first byte picks the method. SHP-3. */
#include "demo/quota.h"
#include "demo/route.h"
#include "demo/script.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 1 << 20, WALL_S = 1793473200, STEP_MS = 7000 };

static void check_json(const struct buf *b)
{
    struct json j;
    enum err err;

    json_init(&j);
    assert(b->err == OK);
    err = json_parse_copy(&j, buf_str(b), NULL, NULL);
    assert(err == OK);
    json_fini(&j);
}

static void check_problem(const struct emu_problem *p)
{
    struct buf out;

    buf_init(&out, CAP);
    emu_problem_write(p, &out);
    check_json(&out);
    buf_fini(&out);
}

static void route(struct emu_route *r, enum http_method m, struct str target, struct arena *arena)
{
    struct str query = target;
    struct str path = str_cut(&query, '?');
    struct emu_problem p;

    emu_problem_init(&p);
    emu_route_parse(r, m, path, query, arena, &p);
    assert(r->page_size > 0 && r->model.p != NULL && r->key.p != NULL && r->page_token.p != NULL);
    assert(r->model.n <= path.n && r->key.n <= query.n && r->page_token.n <= query.n);
    if (p.http != 0)
        check_problem(&p);
    emu_problem_fini(&p);
}

static void quotas(yyjson_val *rules, const struct emu_route *r)
{
    struct emu_quotas *q = emu_quotas_new();
    struct fault why = {0};
    struct buf out;
    enum err err = emu_quotas_set(q, rules, &why);

    assert(err == why.code);
    buf_init(&out, CAP);
    for (int i = 0; i < 8 && err == OK; i++) {
        struct emu_problem p;

        emu_problem_init(&p);
        assert(emu_quotas_admit(q, i % 2 ? r->key : S("k1"), i % 3 ? r->model : S("m"), 1000,
                                WALL_S * 1000LL + i * STEP_MS, &p) == (p.http == 0));
        assert(p.http == 0 || p.http == 429);
        if (p.http != 0)
            check_problem(&p);
        emu_problem_fini(&p);
    }
    emu_quotas_put(q, WALL_S * 1000LL, &out);
    check_json(&out);
    buf_fini(&out);
    emu_quotas_free(q);
}

static void script(yyjson_val *steps, const struct emu_route *r)
{
    struct emu_script s;
    struct fault why = {0};
    struct buf out;
    enum err err;

    emu_script_init(&s);
    err = emu_script_set(&s, steps, &why);
    assert(err == why.code && (err == OK || s.n == 0));
    for (size_t i = 0; i < 4; i++) {
        const struct emu_step *step = emu_script_next(&s, r->key, r->model);

        assert(step == NULL || (step >= s.step && step < s.step + s.n));
    }
    buf_init(&out, CAP);
    emu_script_put(&s, &out);
    check_json(&out);
    buf_fini(&out);
    emu_script_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = str_of((const char *)data, size);
    struct str target;
    struct emu_route r;
    struct arena arena;
    struct json j;

    if (size < 1)
        return 0;
    body = str_skip(body, 1);
    target = str_cut(&body, '\n');
    arena_init(&arena, CAP);
    route(&r, data[0] & 1 ? HTTP_POST : HTTP_GET, target, &arena);
    json_init(&j);
    if (json_parse_copy(&j, body, NULL, NULL) == OK) {
        quotas(j.root, &r);
        script(j.root, &r);
    }
    json_fini(&j);
    arena_fini(&arena);
    return 0;
}
