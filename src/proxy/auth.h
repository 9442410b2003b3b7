/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* auth.h - who gets in, and on whose key. Pure: headers and query in, verdict out. */
#ifndef PROXY_AUTH_H
#define PROXY_AUTH_H

#include "base/arena.h"
#include "base/sha256.h"
#include "http/msg.h"

struct auth_token {
    struct sha256 id;
    uint32_t requests; /* of it in work at once; 0: no limit */
};
struct auth {
    const struct auth_token *tokens; /* AUTH_TOKEN's, or the one made up at start */
    size_t ntokens;
    uint32_t requests; /* the same for a credential that is no token */
    bool server_keys;  /* there is a key of ours to be served on */
    bool byok;         /* QUEQIAO_BYOK: an unknown credential is the client's own key */
    bool anonymous;    /* QUEQIAO_ALLOW_ANONYMOUS */
};

enum auth_verdict {
    AUTH_SERVER_KEY, /* let in; served on our keys */
    AUTH_CLIENT_KEY, /* let in; served on the credential that it sent */
    AUTH_NO_CREDENTIAL,
    AUTH_WRONG,
    AUTH_TWO,    /* two different credentials in one request */
    AUTH_CLOSED, /* nobody can get in before the operator has set AUTH_TOKEN */
};
struct auth_pass {
    enum auth_verdict verdict;
    struct str credential; /* in the arena or in the headers; empty when there was none */
    struct sha256 id;      /* of the credential, where there is one: whose request it is */
    uint32_t requests;     /* how many of them may be in work at once; 0: no limit */
    bool by_token;         /* the credential is one of the server's tokens */
};

/* Credentials are taken from `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key` and
 * `?key=`, and from nowhere else. What is compared, with every known token and in constant time,
 * are digests: neither a token's length nor its first bytes can be felt.
 *
 *   memo    of the connection: it mostly carries the same credential again
 *   source  design.md "Who gets in"; AUT-1, AUT-3, AUT-4 */
struct auth_pass auth_check(const struct auth *a, struct http_headers h, struct str query,
                            struct arena *arena, struct sha256_memo *memo);

/* Pages for the operator: only who presented one of the server's tokens. A client's own key is not
 * enough, nor is being let in because everybody is. */
bool auth_is_operator(const struct auth_pass *pass);
/* The same for a credential that came by another way than auth_check. */
bool auth_is_operators(const struct auth *a, struct str credential);

/* What a client that is not let in is told, in English and Chinese; empty for the verdicts that let
 * in. The same bytes for every wrong credential. */
struct str auth_refusal(enum auth_verdict v);

#endif
