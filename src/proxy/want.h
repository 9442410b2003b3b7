/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* want.h - what a translated request asks of the key that it is sent with. Pure. */
#ifndef PROXY_WANT_H
#define PROXY_WANT_H

#include "dialect/dialect.h"
#include "keys/ring.h"

/* Fill in model, tokens, extra, affinity and must; the rest of *want stays. Borrows from tr.
 *
 *   tokens    four bytes for each, by what upstream's answers teach keys/ to correct; inline media
 *             are taken for a small sum each, for their bytes say nothing
 *   affinity  the first WANT_PREFIX bytes: the system prompt and the first turn come first in the
 *             body. 0 for shorter ones, of which upstream caches nothing (mapping 1.11). */
enum { WANT_PREFIX = 2048 };
void want_of(const struct translation *tr, struct key_want *want);

/* A text of n bytes, and a whole body, in tokens. */
enum { WANT_BYTES_A_TOKEN = 4 };
uint32_t want_tokens(const struct rope *body);

/* Google's files and caches that it names, each once, as many as fit: how many. Borrows from tr. */
size_t want_names(const struct translation *tr, struct str v[KEYS_MUST_MAX]);

#endif
