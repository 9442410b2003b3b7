/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* target.h - what a request's path and query mean. Wrong base URLs are the first thing that users
 * get wrong, so every spelling that can only mean one thing is understood. Pure. */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "base/arena.h"
#include "base/err.h"

enum { TARGET_SEGMENTS_MAX = 16 };

struct target {
    size_t n;
    struct str
        v[TARGET_SEGMENTS_MAX]; /* decoded segments, version prefixes and empty ones left out */
};

/* Decode a path into its segments. Any run of leading `v1`, `v1beta`, `openai`, `api` and the like
 * is dropped, doubled and trailing slashes too; so is an endpoint that was pasted into the base URL
 * (`/v1/chat/completions/models` means `models`). A slash that came encoded stays in its segment.
 *
 *   errors  E_SYNTAX for a bad escape, NUL, backslash, control bytes, `.` and `..`; E_TOOBIG
 *   source  DAT-8; design.md "Endpoints" */
MUST_CHECK enum err target_parse(struct str path, struct arena *arena, struct target *ret);

/* The segments from `at` on joined with `/` again: a model id may hold one. */
struct str target_rest(const struct target *t, size_t at, struct arena *arena);
bool target_is(const struct target *t, size_t at, const char *segment);

/* The decoded value of a query parameter; empty when absent or badly escaped. */
struct str target_query_get(struct str query, struct str name, struct arena *arena);

#endif
