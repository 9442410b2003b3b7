/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* retry.h - what an upstream failure means: for the key, and for the question "again?". Pure. */
#ifndef PROXY_RETRY_H
#define PROXY_RETRY_H

#include "gemini/error.h"
#include "http/client.h"
#include "keys/ring.h"

enum key_result retry_blame(const struct gm_error *e);

/* What a 429 tells of its limits, in the words of keys/. Borrows from e. */
void retry_failure(const struct gm_error *e, struct key_failure *ret);

struct retry_state {
    unsigned attempts_made, attempts_max;
    bool answer_began; /* a part of an answer was seen: never again then */
    bool own_key;      /* the client's key: there is no other */
    uint32_t random;   /* for the jitter */
};
/* Shall the request be sent again, and after how long? */
bool retry_again(const struct gm_error *e, const struct retry_state *s, uint32_t *ret_after_ms);

/* A transport failure as an error of the answer. */
void retry_error_of(struct gm_error *e, const struct client_fault *f);

#endif
