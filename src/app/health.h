/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* health.h - GET / and /health, and /readyz: alive, what it is, how long; never a secret, never
 * upstream. */
#ifndef APP_HEALTH_H
#define APP_HEALTH_H

#include "app/worker.h"
#include "proxy/reply.h"

void health_reply(struct worker *w, struct call *c, const struct request_id *id);

/* GET /readyz: 200, and 503 from the signal to stop on, so that nobody is sent here any more. */
void health_reply_ready(struct worker *w, struct call *c, const struct request_id *id);

#endif
