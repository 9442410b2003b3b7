/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credentials.h - the operator's keys and tokens, from text to their places. */
#ifndef APP_CREDENTIALS_H
#define APP_CREDENTIALS_H

#include "app/ways.h"
#include "egress/set.h"
#include "keys/ring.h"

enum { TOKENS_MAX = 1024, KEYS_MAX = 4096 };

/* The keys of GEMINI_API_KEY and of GEMINI_API_KEYS_FILE, and the ways out to upstream.
 *
 *   shape   behind a key, after a blank, may stand a way of its own: `KEY socks5://host:1080`
 *   errors  E_SYSTEM when the file cannot be read, E_FIELD when others can, E_RANGE when there are
 *           too many, E_SYNTAX for a proxy; problem says which, and shows neither key nor proxy */
struct credentials {
    struct secret *keys;
    size_t *way; /* of each key: its place in ways.v; SIZE_MAX: everybody's */
    size_t n;
    struct ways ways;
};
MUST_CHECK enum err credentials_init(struct credentials *ret, const struct config *c,
                                     const struct origin *upstream, struct buf *problem);
void credentials_fini(struct credentials *c); /* after a failure too */

/* Put them into the ring and the ways into their set; each takes the place of the old whole. */
void credentials_publish(const struct credentials *c, struct keys *keys, struct egresses *egresses);

/* The tokens of AUTH_TOKEN and AUTH_TOKENS_FILE; free with credentials_free_tokens.
 *
 *   shape   behind a token, after a blank, may stand a limit of its own: `TOKEN requests=5`
 *   errors  as above; E_FIELD also for anything else behind a blank; problem shows no token */
struct token {
    struct secret secret;
    bool limited;      /* it has a limit of its own */
    uint32_t requests; /* that: requests in work at once; 0: no limit */
};
MUST_CHECK enum err credentials_tokens(const struct config *c, struct token **ret, size_t *ret_n,
                                       struct buf *problem);
void credentials_free_tokens(struct token *tokens, size_t n);

/* A token for a run that has none: long enough to be nobody's guess. */
void credentials_make_token(struct secret *ret);

#endif
