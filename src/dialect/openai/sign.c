/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sign.c - names for signatures that hang on no call. Must not know where they are kept. */
#include "dialect/openai/sign.h"

enum { IMAGE_END = 4096 };

uint64_t oa_sign_more(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3;
    return hash;
}

static struct oa_sign name(struct str kind, uint64_t hash)
{
    static const char hex[] = "0123456789abcdef";
    struct oa_sign s;

    memcpy(s.p, kind.p, kind.n);
    for (unsigned i = 0; i < 16; i++)
        s.p[kind.n + i] = hex[hash >> (60 - 4 * i) & 15];
    return s;
}

struct oa_sign oa_sign_text(uint64_t hash)
{
    return name(S("text--"), hash);
}

/* An image is megabytes, and nearly all of what tells two apart is at its ends. */
struct oa_sign oa_sign_image(struct str base64)
{
    uint64_t hash = oa_sign_more(OA_SIGN_START, str_sub(base64, 0, IMAGE_END));

    if (base64.n > IMAGE_END)
        hash = oa_sign_more(hash, str_skip(base64, base64.n - IMAGE_END));
    return name(S("image-"), hash ^ base64.n);
}
