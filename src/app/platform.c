/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* platform.c - a row for each host that queqiao knows, and which of them this is. What the options
 * of a row do is not known here. */
#include "app/platform.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The keep-alive of a front end that pools its connections to us must end before ours, or not at
 * all: what we close while it is being reused becomes a client's 502. Where the platform bounds the
 * requests of an instance and starts another one, a token is not bounded here.
 *
 *   source  function-compute.md 1.4, 1.7, 1.9 and 6 */
/* clang-format makes nothing readable of rows with designators. */
// clang-format off
static const struct platform PLATFORM[] = {
    {"none", "no platform", {NULL}, "0.0.0.0", "127.0.0.1:8080",
     .limits = ""},

    {"fc", "Alibaba Cloud Function Compute", {"FC_FUNCTION_NAME", "FC_INSTANCE_ID"},
     "0.0.0.0", "0.0.0.0:9000",
     .fronted = true,
     .hooks = true,
     .request_id = "x-fc-request-id",
     .limits = " Function Compute itself takes at most 8 KB of headers, 4 KB of path and query, and "
               "32 MB of body. 函数计算的上限：请求头共 8 KB，路径和查询共 4 KB，请求体 32 MB。",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_MAX_CONNECTIONS", "1000000"},
                  {"QUEQIAO_MAX_REQUESTS_PER_TOKEN", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "25s"}}},

    {"scf", "Tencent Cloud SCF", {"SCF_FUNCTIONNAME", "TENCENTCLOUD_RUNENV", "SCF_RUNTIME"},
     "0.0.0.0", "0.0.0.0:9000",
     .fronted = true,
     .request_id = "x-scf-request-id",
     .limits = " SCF itself takes at most 6 MB of body. 云函数 SCF 的上限：请求体 6 MB。",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_MAX_CONNECTIONS", "1000000"},
                  {"QUEQIAO_MAX_REQUESTS_PER_TOKEN", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "5s"}}},

    {"functiongraph", "Huawei Cloud FunctionGraph", {"RUNTIME_FUNC_NAME", "RUNTIME_PROJECT_ID"},
     "127.0.0.1", "127.0.0.1:8000",
     .fronted = true,
     .request_id = "x-cff-request-id",
     .limits = " FunctionGraph itself takes at most 6 MB of body. FunctionGraph 的上限：请求体 6 MB。",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_MAX_CONNECTIONS", "1000000"},
                  {"QUEQIAO_MAX_REQUESTS_PER_TOKEN", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "5s"}}},

    {"lambda", "AWS Lambda with the Web Adapter", {"AWS_LAMBDA_FUNCTION_NAME"},
     "0.0.0.0", "0.0.0.0:8080",
     .fronted = true,
     .limits = " Lambda itself takes at most 6 MB of body. Lambda 的上限：请求体 6 MB。",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "300ms"}}},

    {"cloudrun", "Google Cloud Run", {"K_SERVICE"},
     "0.0.0.0", "0.0.0.0:8080",
     .fronted = true,
     .limits = " Cloud Run itself takes at most 32 MB of body over HTTP/1. "
               "Cloud Run 的上限：HTTP/1 请求体 32 MB。",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_MAX_REQUESTS_PER_TOKEN", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "8s"}}},

    {"fly", "Fly.io", {"FLY_APP_NAME", "FLY_MACHINE_ID"},
     "0.0.0.0", "0.0.0.0:8080",
     .fronted = true,
     .request_id = "fly-request-id",
     .limits = "",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "0"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "4s"}}},

    {"kubernetes", "Kubernetes", {"KUBERNETES_SERVICE_HOST"},
     "0.0.0.0", "0.0.0.0:8080",
     .fronted = true,
     .request_id = "x-request-id",
     .limits = "",
     .defaults = {{"QUEQIAO_KEEP_ALIVE", "650s"},
                  {"QUEQIAO_DRAIN_DELAY", "5s"},
                  {"QUEQIAO_DRAIN_TIMEOUT", "45s"}}},

    {"systemd", "systemd", {"NOTIFY_SOCKET", "LISTEN_FDS"},
     "0.0.0.0", "127.0.0.1:8080",
     .limits = "",
     .defaults = {{"QUEQIAO_DRAIN_TIMEOUT", "60s"}}},
};
// clang-format on

static const char *const PORT_VARIABLES[] = {
    "FC_SERVER_PORT",
    "FC_CUSTOM_LISTEN_PORT",
    "AWS_LWA_PORT",
    "PORT",
};

static bool set(const char *variable)
{
    const char *v = getenv(variable);

    return v != NULL && *v != '\0';
}

static bool marked(const struct platform *p)
{
    for (size_t i = 0; i < NELEM(p->marks) && p->marks[i] != NULL; i++)
        if (set(p->marks[i]))
            return true;
    return false;
}

enum err platform_choose(const struct config *c, const struct platform **ret, struct buf *problem)
{
    bool found_out = str_eq(c->platform, S("auto"));

    for (size_t i = 0; i < NELEM(PLATFORM); i++)
        if (found_out ? marked(&PLATFORM[i]) : str_eq(c->platform, str_z(PLATFORM[i].name))) {
            *ret = &PLATFORM[i];
            return OK;
        }
    if (found_out) {
        *ret = &PLATFORM[0];
        return OK;
    }
    buf_lit(problem, "QUEQIAO_PLATFORM must be auto");
    for (size_t i = 0; i < NELEM(PLATFORM); i++)
        buf_putf(problem, "%s %s", i + 1 < NELEM(PLATFORM) ? "," : " or", PLATFORM[i].name);
    return E_FIELD;
}

const struct platform *platform_row(size_t i)
{
    return i < NELEM(PLATFORM) ? &PLATFORM[i] : NULL;
}

enum { BUDGET_LEAST = 8 << 20 }; /* of QUEQIAO_MEMORY_BUDGET */

/* Three quarters: the rest is for what is not counted. */
static enum err suggest_budget(struct config *c, struct buf *problem)
{
    uint64_t granted = platform_memory_bytes() / 4 * 3;
    char text[24];

    if (granted >= c->memory_budget)
        return OK;
    if (granted < BUDGET_LEAST)
        granted = BUDGET_LEAST;
    snprintf(text, sizeof text, "%lluK", (unsigned long long)(granted >> 10));
    return config_suggest(c, S("QUEQIAO_MEMORY_BUDGET"), str_z(text), problem);
}

enum err platform_suggest(const struct platform *p, struct config *c, struct buf *problem)
{
    enum err err = OK;

    c->alone = p->fronted;
    for (size_t i = 0; i < NELEM(p->defaults) && p->defaults[i].variable && err == OK; i++)
        err =
            config_suggest(c, str_z(p->defaults[i].variable), str_z(p->defaults[i].value), problem);
    if (err == OK && p->fronted) /* every connection is the front end's */
        err = config_suggest(c, S("QUEQIAO_MAX_CONNECTIONS_PER_ADDRESS"), S("0"), problem);
    if (err == OK && p->fronted)
        err = config_suggest(c, S("QUEQIAO_MAX_AUTH_FAILURES"), S("0"), problem);
    return err == OK ? suggest_budget(c, problem) : err;
}

enum err platform_listen(const struct platform *p, struct str option, struct listen_addr *ret,
                         struct fault *why)
{
    if (option.n > 0)
        return listen_parse(option, ret, why);
    for (size_t i = 0; i < NELEM(PORT_VARIABLES); i++) {
        uint64_t port;

        if (!set(PORT_VARIABLES[i]))
            continue;
        if (!str_u64(str_trim(str_z(getenv(PORT_VARIABLES[i]))), UINT16_MAX, &port) || port == 0)
            return fault_set(why, E_FIELD, "the platform's port variable holds no port", NULL);
        snprintf(ret->host, sizeof ret->host, "%s", p->host);
        ret->port = (uint16_t)port;
        return OK;
    }
    return listen_parse(str_z(p->listen), ret, why);
}

bool platform_is_loopback(const struct listen_addr *a)
{
    struct str host = str_z(a->host);

    return str_starts(host, S("127.")) || str_eq(host, S("::1")) || str_eq(host, S("localhost"));
}

void platform_open_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            (void)!open("/", O_PATH); /* no /dev: writes to it fail, and that is all */
}

void platform_harden(void)
{
    struct rlimit none = {0, 0};
    struct rlimit files;

    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}
