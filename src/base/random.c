/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* random.c - the kernel's random numbers, and short ids made of them. */
#include "base/random.h"
#include "base/attr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fputs("queqiao: the kernel gives no random numbers\n", stderr);
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

/* Eight characters of 58 bits: multiplied by 62, what stands above them is the next character.
 * There are 2 to the 58th words for 62 to the eighth ids, a thousand and more for each: none is
 * likelier than another by as much as a thousandth part. */
static ALWAYS_INLINE uint64_t put_one(char *out, uint64_t word)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { BITS = 58 };
    const uint64_t mask = ((uint64_t)1 << BITS) - 1;

    word = (word & mask) * (sizeof alphabet - 1);
    *out = alphabet[word >> BITS];
    return word;
}

static void put_eight(char *out, uint64_t word)
{
    word = put_one(out, word);
    word = put_one(out + 1, word);
    word = put_one(out + 2, word);
    word = put_one(out + 3, word);
    word = put_one(out + 4, word);
    word = put_one(out + 5, word);
    word = put_one(out + 6, word);
    put_one(out + 7, word);
}

void random_id(char *out, size_t n)
{
    static _Thread_local uint64_t pool[256];
    static _Thread_local size_t used = NELEM(pool);
    UNINITIALIZED char few[8];

    for (size_t i = 0; i < n; i += 8) {
        if (used == NELEM(pool)) {
            random_bytes(pool, sizeof pool);
            used = 0;
        }
        if (n - i >= 8) {
            put_eight(out + i, pool[used]);
        } else {
            put_eight(few, pool[used]);
            memcpy(out + i, few, n - i);
        }
        pool[used++] = 0; /* who reads this memory later learns no id of the past */
    }
}
