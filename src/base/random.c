/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* random.c - the kernel's random numbers, and short ids made of them. */
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0) {
            fputs("queqiao: the kernel gives no random numbers\n", stderr);
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

void random_id(char *out, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static _Thread_local unsigned char pool[256];
    static _Thread_local size_t used = sizeof pool;

    for (size_t i = 0; i < n;) {
        if (used == sizeof pool) {
            random_bytes(pool, sizeof pool);
            used = 0;
        }
        unsigned char b = pool[used++] & 63;

        if (b < sizeof alphabet - 1) /* 62 of 64: the other two are drawn again */
            out[i++] = alphabet[b];
    }
}
