/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_credentials.c - files of keys and of tokens. What is taken can stand in a header field, and
 * each key leads a way that is there; what is refused is told in one line, and without a word of
 * the file: the seeds have "canary" in theirs. SHP-3, SEC-1. */
#include "app/credentials.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROBLEM_MAX = 8192 };

static const struct origin UPSTREAM = {
    .https = true, .host = S_INIT("upstream.example"), .port = 443};

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == ',' || s.p[i] == '\n')
            return false;
    return s.n > 0;
}

static void told(enum err err, const struct buf *problem)
{
    assert((err != OK) == (problem->n > 0));
    assert(str_find(buf_str(problem), S("canary")) == problem->n);
    assert(str_find(buf_str(problem), S("\n")) == problem->n);
}

static void keys(const struct config *c)
{
    struct credentials all;
    struct buf problem;
    enum err err;

    buf_init(&problem, PROBLEM_MAX);
    err = credentials_init(&all, c, &UPSTREAM, &problem);
    told(err, &problem);
    assert(all.n <= KEYS_MAX && (err == OK || all.n == 0));
    for (size_t i = 0; i < all.n; i++) {
        struct str key = secret_str(&all.keys[i]);

        assert(is_word(key));
        for (size_t j = 0; j < key.n; j++)
            assert(key.p[j] > ' ' && key.p[j] < 0x7f);
        assert(all.way[i] == SIZE_MAX || all.way[i] < all.ways.n);
    }
    credentials_fini(&all);
    buf_fini(&problem);
}

static void tokens(const struct config *c)
{
    struct token *v = NULL;
    struct buf problem;
    size_t n = 0;
    enum err err;

    buf_init(&problem, PROBLEM_MAX);
    err = credentials_tokens(c, &v, &n, &problem);
    told(err, &problem);
    assert(n <= TOKENS_MAX);
    for (size_t i = 0; i < n; i++) {
        assert(is_word(secret_str(&v[i].secret)));
        assert(v[i].limited || v[i].requests == 0);
    }
    credentials_free_tokens(v, n);
    buf_fini(&problem);
}

/* A file that nobody else can read. */
static const char *file_of(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];

    if (fd < 0) {
        fd = memfd_create("credentials", 0);
        assert(fd >= 0 && fchmod(fd, 0600) == 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    return ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size ? path : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    struct config c = {.api_keys_file = S(""), .auth_tokens_file = S("")};

    if (path == NULL)
        return 0;
    c.no_proxy = c.base_url = S("");
    c.api_keys_file = c.auth_tokens_file = str_z(path);
    keys(&c);
    tokens(&c);
    return 0;
}
