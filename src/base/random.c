/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* random.c - the kernel's random numbers, and short ids made of them. */
#include "base/random.h"
#include "base/attr.h"

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

/* Eight characters of each word: multiplied by 62, its upper half is the next one. 62 to the eighth
 * is far below 2 to the 64th, so each is as likely as any other but for a part in four million. */
static void put_eight(char *out, size_t n, uint64_t word)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const uint64_t letters = sizeof alphabet - 1;

    for (size_t i = 0; i < n; i++) {
        uint64_t low = (word & UINT32_MAX) * letters;
        uint64_t high = (word >> 32) * letters + (low >> 32);

        out[i] = alphabet[high >> 32];
        word = high << 32 | (low & UINT32_MAX);
    }
}

void random_id(char *out, size_t n)
{
    static _Thread_local uint64_t pool[256];
    static _Thread_local size_t used = NELEM(pool);

    for (size_t i = 0; i < n; i += 8) {
        if (used == NELEM(pool)) {
            random_bytes(pool, sizeof pool);
            used = 0;
        }
        put_eight(out + i, n - i < 8 ? n - i : 8, pool[used]);
        pool[used++] = 0; /* who reads this memory later learns no id of the past */
    }
}
