/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sign.h - where clients bring a thought signature back, and under which name it is remembered
 * where it hangs on no call: a text is known again by its hash, an image by its length and its
 * ends. */
#ifndef DIALECT_OPENAI_SIGN_H
#define DIALECT_OPENAI_SIGN_H

#include "codec/json_read.h"

/* A text that comes piece by piece, in whatever pieces. All zeroes: nothing has come. */
struct oa_hash {
    uint64_t sum;  /* of whole words of 8 bytes */
    uint64_t rest; /* the bytes after them */
    uint64_t n;
};
void oa_hash_more(struct oa_hash *h, struct str text);

struct oa_sign {
    char p[22];
};
static inline struct str oa_sign_str(const struct oa_sign *s)
{
    return str_of(s->p, sizeof s->p);
}

struct oa_sign oa_sign_text(const struct oa_hash *text);
/* Google's own parts beside such a text, or beside a call with such an id. */
struct oa_sign oa_sign_parts(const struct oa_hash *text);
struct oa_sign oa_sign_image(struct str base64);

/* The signature that hangs on a message, a call or an image; empty when there is none that could be
 * one. *ret_thought (may be NULL): it is a thought's, and not the text's. */
struct str oa_signature_of(yyjson_val *obj, bool *ret_thought);
/* The one for call `id` among a message's reasoning_details, or the first that is for none. */
struct str oa_signature_in_details(yyjson_val *details, struct str id);

#endif
