/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_listen.c - addresses to listen on. What is accepted, written again, means the same; an
 * address that was read is read again from its own text. SHP-3. */
#include "net/addr.h"
#include "net/listen.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct listen_addr a = {.host = "untouched"}, b;
    struct fault why = {.code = OK};
    union net_addr x, y;

    if (listen_parse(text, &a, &why) == OK) {
        char again[96];
        bool six = strchr(a.host, ':') != NULL;
        int n = snprintf(again, sizeof again, "%s%s%s:%u", six ? "[" : "", a.host, six ? "]" : "",
                         (unsigned)a.port);

        require(n > 0 && (size_t)n < sizeof again);
        require(listen_parse(str_of(again, (size_t)n), &b, NULL) == OK);
        require(strcmp(a.host, b.host) == 0 && a.port == b.port);
    } else
        require(why.code != OK && strcmp(a.host, "untouched") == 0);
    if (addr_parse(text, &x)) {
        struct addr_text z = addr_text(&x);

        require(addr_parse(str_z(z.z), &y));
        require(strcmp(addr_text(&y).z, z.z) == 0);
        require(addr_is_loopback(&x) == addr_is_loopback(&y));
    }
    return 0;
}
