/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* platform.c - ports, cores and limits of the host. */
#include "app/platform.h"

#include "app/file.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char *const PORT_VARIABLES[] = {
    "FC_SERVER_PORT",
    "FC_CUSTOM_LISTEN_PORT",
    "AWS_LWA_PORT",
    "PORT",
};

enum { FC_PORT = 9000 };

static bool set(const char *variable)
{
    const char *v = getenv(variable);

    return v != NULL && *v != '\0';
}

static enum err on_all_addresses(uint64_t port, struct listen_addr *ret)
{
    snprintf(ret->host, sizeof ret->host, "0.0.0.0");
    ret->port = (uint16_t)port;
    return OK;
}

enum err platform_listen(struct str option, struct listen_addr *ret, struct fault *why)
{
    if (option.n > 0)
        return listen_parse(option, ret, why);
    for (size_t i = 0; i < NELEM(PORT_VARIABLES); i++) {
        uint64_t port;

        if (!set(PORT_VARIABLES[i]))
            continue;
        if (!str_u64(str_trim(str_z(getenv(PORT_VARIABLES[i]))), UINT16_MAX, &port) || port == 0)
            return fault_set(why, E_FIELD, "the platform's port variable holds no port", NULL);
        return on_all_addresses(port, ret);
    }
    if (set("FC_FUNCTION_NAME") || set("FC_INSTANCE_ID"))
        return on_all_addresses(FC_PORT, ret);
    return listen_parse(S("127.0.0.1:8080"), ret, why);
}

bool platform_is_loopback(const struct listen_addr *a)
{
    struct str host = str_z(a->host);

    return str_starts(host, S("127.")) || str_eq(host, S("::1")) || str_eq(host, S("localhost"));
}

/* cgroup v2: "max 100000" or "150000 100000". */
static unsigned cgroup_cores(void)
{
    struct buf text;
    struct str rest;
    uint64_t quota = 0;
    uint64_t period = 0;
    unsigned cores = 0;

    buf_init(&text, 256);
    if (file_read(S("/sys/fs/cgroup/cpu.max"), &text) == OK) {
        rest = buf_str(&text);
        if (str_u64(str_cut(&rest, ' '), UINT32_MAX, &quota) &&
            str_u64(str_trim(rest), UINT32_MAX, &period) && period > 0)
            cores = (unsigned)((quota + period - 1) / period);
    }
    buf_fini(&text);
    return cores;
}

unsigned platform_cores(void)
{
    cpu_set_t cpus;
    unsigned allowed = 1;
    unsigned granted = cgroup_cores();

    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0)
        allowed = (unsigned)CPU_COUNT(&cpus);
    return granted > 0 && granted < allowed ? granted : allowed;
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
