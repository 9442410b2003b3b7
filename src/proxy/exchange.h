/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exchange.h - one request, first byte to last.
 *
 *   READ -> TRANSLATE [-> FETCH -> TRANSLATE] -> PICK_KEY -> SEND -> HEAD -> RELAY -> END
 *   quota: PICK_KEY -> WAIT -> SEND
 *   retry: SEND, HEAD -> PICK_KEY, before the first byte of an answer only */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "proxy/proxy.h"

/* Takes the call over: reads its body, asks upstream, answers. credential and id are copied. */
void exchange_start(struct proxy *p, struct call *c, const struct dialect *d,
                    const struct auth_pass *pass, const struct request_id *id);

#endif
