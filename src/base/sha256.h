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

/* In constant time. */
bool sha256_eq(const struct sha256 *a, const struct sha256 *b);

#endif
