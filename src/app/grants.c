/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* grants.c - cores, memory and sockets that the surroundings grant to this process: cgroups of both
 * versions, the size of a function, systemd's descriptors. */
#include "app/platform.h"

#include "app/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3 }; /* SD_LISTEN_FDS_START */

/* A file with one or two numbers. False where there is none, or a word such as "max". */
static bool read_numbers(const char *path, uint64_t *first, uint64_t *second)
{
    struct buf text;
    struct str rest;
    bool good = false;

    buf_init(&text, 256);
    if (file_read(str_z(path), &text) == OK) {
        rest = str_trim(buf_str(&text));
        good = str_u64(str_cut(&rest, ' '), UINT64_MAX, first) &&
               (second == NULL || str_u64(rest, UINT64_MAX, second));
    }
    buf_fini(&text);
    return good;
}

static uint64_t number_of(const char *variable)
{
    const char *v = getenv(variable);
    uint64_t n = 0;

    return v != NULL && str_u64(str_trim(str_z(v)), UINT32_MAX, &n) ? n : 0;
}

static unsigned least(unsigned a, uint64_t b)
{
    return b > 0 && b < a ? (unsigned)b : a;
}

/* Quotas are rounded up: a part of a core is a core. A function of 1 GB has at most one core. */
unsigned platform_cores(void)
{
    cpu_set_t cpus;
    unsigned cores = 1;
    uint64_t quota = 0;
    uint64_t period = 0;

    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0)
        cores = (unsigned)CPU_COUNT(&cpus);
    if ((read_numbers("/sys/fs/cgroup/cpu.max", &quota, &period) ||
         (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, NULL) &&
          read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, NULL))) &&
        period > 0 && quota > 0 && quota < UINT32_MAX)
        cores = least(cores, (quota + period - 1) / period);
    cores = least(cores, (number_of("FC_FUNCTION_MEMORY_SIZE") + 1023) / 1024);
    return least(cores, (number_of("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") + 1768) / 1769);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return b > 0 && b < a ? b : a;
}

uint64_t platform_memory_bytes(void)
{
    uint64_t bytes = UINT64_MAX;
    uint64_t n = 0;

    if (read_numbers("/sys/fs/cgroup/memory.max", &n, NULL) ||
        read_numbers("/sys/fs/cgroup/memory/memory.limit_in_bytes", &n, NULL))
        bytes = smaller(bytes, n);
    bytes = smaller(bytes, number_of("FC_FUNCTION_MEMORY_SIZE") << 20);
    return smaller(bytes, number_of("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") << 20);
}

size_t platform_sockets(int *fds, size_t max)
{
    uint64_t n = number_of("LISTEN_FDS");
    bool ours = number_of("LISTEN_PID") == (uint64_t)getpid();
    size_t i = 0;

    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    for (; ours && i < n && i < max; i++)
        fds[i] = FIRST_SOCKET + (int)i;
    return ours ? (size_t)n : 0;
}

bool platform_socket_addr(int fd, struct listen_addr *ret)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    const struct sockaddr_in *in4 = (const void *)&a;
    const struct sockaddr_in6 *in6 = (const void *)&a;

    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return false;
    if (a.ss_family == AF_INET) {
        inet_ntop(AF_INET, &in4->sin_addr, ret->host, sizeof ret->host);
        ret->port = ntohs(in4->sin_port);
    } else if (a.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &in6->sin6_addr, ret->host, sizeof ret->host);
        ret->port = ntohs(in6->sin6_port);
    } else {
        return false;
    }
    return true;
}
