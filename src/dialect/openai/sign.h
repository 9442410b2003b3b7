/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sign.h - under which name a thought signature is remembered where it hangs on no call: a text is
 * known again by its hash, an image by its length and both its ends. */
#ifndef DIALECT_OPENAI_SIGN_H
#define DIALECT_OPENAI_SIGN_H

#include "base/str.h"

#define OA_SIGN_START 0xcbf29ce484222325u /* the hash of no text */

struct oa_sign {
    char p[22];
};
static inline struct str oa_sign_str(const struct oa_sign *s)
{
    return str_of(s->p, sizeof s->p);
}

uint64_t oa_sign_more(uint64_t hash, struct str text); /* FNV-1a, fed piece by piece */
struct oa_sign oa_sign_text(uint64_t hash);
struct oa_sign oa_sign_image(struct str base64);

#endif
