/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_dns.c - the answer of a name server, and a hosts file. Addresses are of the family that was
 * asked for, and as many as there is room for; a name is found in the file however it is written.
 * SHP-3. */
#include "net/dns_channel.h"
#include "net/dns_hosts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const uint8_t *data, size_t size, int family)
{
    uint8_t *own = malloc(size ? size : 1);
    struct dns_records r;

    assert(own != NULL);
    memcpy(own, data, size);
    r = dns_answer_read(family, own, (int)size);
    free(own);
    assert(r.n <= DNS_FAMILY_MAX && (r.err == OK) == (r.n > 0));
    for (size_t i = 0; i < r.n; i++) {
        union net_addr again;

        assert(r.addr[i].sa.sa_family == family && addr_port(&r.addr[i]) == 0);
        assert(addr_parse(str_z(addr_text(&r.addr[i]).z), &again));
        assert(addr_same(&again, &r.addr[i]) || family == AF_INET6);
    }
}

static void hosts(const uint8_t *data, size_t size)
{
    static const struct str NAME[] = {S_INIT("one.example"), S_INIT("ONE.example."), S_INIT("b")};
    static int fd = -1;
    static char path[64];
    union net_addr all[4], first;
    size_t found[NELEM(NAME)];

    if (fd < 0) {
        fd = memfd_create("hosts", 0);
        assert(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return;
    for (size_t i = 0; i < NELEM(NAME); i++) {
        size_t n = found[i] = dns_hosts_find(path, NAME[i], all, NELEM(all));

        assert(n <= NELEM(all));
        assert(dns_hosts_find(path, NAME[i], &first, 1) == (n > 0));
        assert(n == 0 || addr_same(&first, &all[0]));
        for (size_t j = 0; j < n; j++)
            assert(all[j].sa.sa_family == AF_INET || all[j].sa.sa_family == AF_INET6);
    }
    assert(found[0] == found[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    answer(data, size, AF_INET);
    answer(data, size, AF_INET6);
    hosts(data, size);
    return 0;
}
