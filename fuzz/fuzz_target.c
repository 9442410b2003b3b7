/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_target.c - a request's path, its query, and what of its fields lets somebody in: a line for
 * the target, then a line for each field. Segments hold nothing that climbs or ends a string; a
 * credential is found in the same place twice; who presents no token is never let in as the
 * server's. SHP-3, DAT-8, AUT-4. */
#include "proxy/auth.h"
#include "proxy/retry.h"
#include "proxy/target.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16, ROOM = 1 << 20 };

static void check_path(struct str path, struct arena *arena)
{
    struct target t;

    if (target_parse(path, arena, &t) != OK)
        return;
    assert(t.n <= TARGET_SEGMENTS_MAX);
    for (size_t i = 0; i < t.n; i++) {
        assert(t.v[i].n > 0 && !str_eq(t.v[i], S(".")) && !str_eq(t.v[i], S("..")));
        for (size_t j = 0; j < t.v[i].n; j++) {
            unsigned char c = (unsigned char)t.v[i].p[j];

            assert(c >= ' ' && c != 0x7f && c != '\\');
        }
    }
    target_rest(&t, t.n / 2, arena);
}

static size_t fields_of(struct str in, struct http_header *fields)
{
    size_t n = 0;

    while (in.n > 0 && n < FIELDS_MAX) {
        struct str line = str_cut(&in, '\n');
        struct str name = str_cut(&line, ':');

        fields[n++] = (struct http_header){name, line};
    }
    return n;
}

static void check_auth(struct http_headers h, struct str query, struct arena *arena)
{
    const struct auth_token token = {.id = sha256_of(S("the-token")), .requests = 7};
    const struct auth a = {.tokens = &token, .ntokens = 1, .requests = 9, .server_keys = true};
    struct sha256_memo memo = {0};
    struct auth_pass pass = auth_check(&a, h, query, arena, &memo);
    struct auth_pass again = auth_check(&a, h, query, arena, &memo);

    assert(pass.verdict == again.verdict && str_eq(pass.credential, again.credential));
    assert((pass.verdict == AUTH_SERVER_KEY) == str_eq(pass.credential, S("the-token")) ||
           pass.verdict == AUTH_TWO);
    assert(pass.verdict == AUTH_TWO || pass.credential.n == 0 ||
           pass.requests == (pass.by_token ? 7 : 9));
    assert(pass.verdict != AUTH_CLIENT_KEY && pass.verdict != AUTH_CLOSED);
    assert(auth_is_operator(&pass) == (pass.verdict == AUTH_SERVER_KEY));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct str query = str_cut(&in, '\n');
    struct str path = str_cut(&query, '?');
    struct http_header fields[FIELDS_MAX];
    struct http_headers h = {fields, fields_of(in, fields)};
    struct arena arena;

    arena_init(&arena, ROOM);
    check_path(path, &arena);
    check_auth(h, query, &arena);
    assert(retry_after_header(h) <= 86400);
    arena_fini(&arena);
    return 0;
}
