/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* base64.h - RFC 4648, standard and URL-safe alphabets, strict. */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include "base/buf.h"

/* Appends the decoded bytes. Both alphabets are taken, padding may be missing, nothing else is.
 *
 *   errors  E_SYNTAX; E_TOOBIG when out's cap forbids it */
MUST_CHECK enum err base64_decode(struct str text, struct buf *out);
void base64_encode(struct str bytes, struct buf *out); /* standard, padded */
bool base64_ok(struct str text);                       /* would decode; allocates nothing */
size_t base64_decoded_len(struct str text);            /* upper bound */

#endif
