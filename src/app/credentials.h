/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credentials.h - the operator's keys and tokens, from text to their places. */
#ifndef APP_CREDENTIALS_H
#define APP_CREDENTIALS_H

#include "app/config.h"
#include "keys/ring.h"

enum { TOKENS_MAX = 1024, KEYS_MAX = 4096 };

/* Put the keys of GEMINI_API_KEY and of GEMINI_API_KEYS_FILE into the ring, which is swapped whole
 * or not at all. Called again on SIGHUP.
 *
 *   errors  E_SYSTEM when the file cannot be read, E_FIELD when others can, E_RANGE when there are
 *           too many; problem says which */
MUST_CHECK enum err credentials_load_keys(const struct config *c, struct keys *keys,
                                          struct buf *problem);

/* The same keys as a list of copies, for whoever tries each of them; free with
 * credentials_free_tokens. */
MUST_CHECK enum err credentials_keys(const struct config *c, struct secret **ret, size_t *ret_n,
                                     struct buf *problem);

/* The tokens of AUTH_TOKEN and AUTH_TOKENS_FILE; free with credentials_free_tokens. */
MUST_CHECK enum err credentials_tokens(const struct config *c, struct secret **ret, size_t *ret_n,
                                       struct buf *problem);
void credentials_free_tokens(struct secret *tokens, size_t n);

/* A token for a run that has none: long enough to be nobody's guess. */
void credentials_make_token(struct secret *ret);

#endif
