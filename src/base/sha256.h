/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sha256.h - a digest of what must not be kept or compared as it is: credentials. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/str.h"

struct sha256 {
    unsigned char b[32];
};

/*   source  FIPS 180-4, "Secure Hash Standard" */
struct sha256 sha256_of(struct str bytes);

/* The digest that was asked for last, for who asks for the same one again and again. All zero:
 * none. Wipe it when its owner goes. */
enum { SHA256_MEMO_MAX = 128 }; /* longer bytes are not remembered */
struct sha256_memo {
    size_t n;
    unsigned char bytes[SHA256_MEMO_MAX]; /* zeroes behind n */
    struct sha256 digest;
};
/* sha256_of(bytes), which are at least one. Whether they are the same as the last time shows in how
 * long it takes; where they differ, or in how much, does not. */
struct sha256 sha256_again(struct sha256_memo *m, struct str bytes);

/* In constant time. */
bool sha256_eq(const struct sha256 *a, const struct sha256 *b);

/* Its first eight hex digits: what a credential is called wherever people read of it (SEC-1). */
struct sha256_name {
    char z[9];
};
struct sha256_name sha256_name(const struct sha256 *d);

#endif
