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
    uint64_t left_ms;  /* until the request's time is over */
    uint32_t random;   /* for the jitter */
};
struct retry_plan {
    uint32_t after_ms;
    bool costs; /* it burdens an upstream that is in trouble: only as far as the budget reaches */
};
/* Shall the request be sent again, and after how long?
 *
 *   source  UPS-1, UPS-2: a delay that upstream names is waited for when it is short; when it is
 *           long the client is told, and nobody waits */
bool retry_again(const struct gm_error *e, const struct retry_state *s, struct retry_plan *ret);

/* "Retry-After: 30" in seconds, 1 to a day; 0 when there is none. What is no number of seconds
 * means 30 (UPS-2). */
uint32_t retry_after_header(struct http_headers h);

/* A transport failure as an error of the answer. */
void retry_error_of(struct gm_error *e, const struct client_fault *f);

#endif
