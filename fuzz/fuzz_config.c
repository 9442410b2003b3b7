/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_config.c - a config file, and a line `VARIABLE=text` for one option. What is refused is told
 * in one printable line; what is taken is taken again by a reload and is the same. Base URLs that
 * are taken have a host and a path without an end slash; models that answer for others do not go in
 * circles. And lists of hosts. SHP-3. */
#include "app/base_url.h"
#include "app/config.h"
#include "fetch/rules.h"
#include "proxy/fallback.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROBLEM_MAX = 8192 };

static void one_option(struct str in)
{
    struct str variable = str_cut(&in, '=');
    struct config c = {0};
    struct buf problem;
    enum err err;

    buf_init(&problem, PROBLEM_MAX);
    err = config_set(&c, variable, in, &problem);
    assert((err != OK) == (problem.n > 0));
    assert(config_said(&c, variable) == (err == OK));
    config_fini(&c);
    buf_fini(&problem);
}

static void base_url(struct str in)
{
    struct origin o;
    struct str path;
    struct fault why = {0};

    if (base_url_parse(in, &o, &path, &why) != OK) {
        assert(why.what != NULL);
        return;
    }
    assert(o.host.n > 0 && o.port != 0);
    assert(path.n == 0 || (path.p[0] == '/' && path.p[path.n - 1] != '/'));
}

/* Each model that has another leads, by one or by several, to one that has none. */
static void fallbacks(struct str in)
{
    struct fallbacks f;
    struct fault why = {0};

    if (fallbacks_parse(in, &f, &why) != OK) {
        assert(why.what != NULL);
        return;
    }
    assert(f.n <= FALLBACKS_MAX);
    for (size_t i = 0; i < f.n; i++) {
        struct str model = f.v[i].model;

        for (size_t steps = 0; model.n > 0; steps++) {
            assert(steps <= f.n);
            model = fallback_of(&f, model);
        }
    }
}

/* Hosts that files are fetched from: which lists are good does not hang on who asks. */
static void hosts(struct str in)
{
    struct fetch_rules rules = {.hosts = str_cut(&in, '\n'), .intranet = in};
    static const struct fetch_url url = {
        .https = true, .port = 443, .host = "files.example", .target = "/", .target_n = 1};

    (void)fetch_rules_fault(&rules);
    (void)fetch_rules_guard(&rules, &url);
}

static void file(const char *path)
{
    struct config c, again;
    struct buf problem, later;

    buf_init(&problem, PROBLEM_MAX);
    buf_init(&later, PROBLEM_MAX);
    setenv("QUEQIAO_CONFIG", path, 1);
    if (config_load(&c, &problem) == OK) {
        enum err err = config_reload(&again, &c, &later);

        assert(err == OK && again.said == c.said);
        assert(config_same(&again, &c, S("GEMINI_API_KEY")));
        assert(config_same(&again, &c, S("QUEQIAO_MAX_BODY")));
        config_fini(&again);
    }
    config_fini(&c);
    buf_fini(&later);
    buf_fini(&problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];

    if (fd < 0) {
        fd = memfd_create("config", 0);
        assert(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return 0;
    file(path);
    one_option(str_of((const char *)data, size));
    base_url(str_of((const char *)data, size));
    fallbacks(str_of((const char *)data, size));
    hosts(str_of((const char *)data, size));
    return 0;
}
