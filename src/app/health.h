/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* health.h - GET / and /health: alive, what it is, how long; never a secret, never upstream. */
#ifndef APP_HEALTH_H
#define APP_HEALTH_H

#include "app/worker.h"
#include "proxy/reply.h"

void health_reply(struct worker *w, struct call *c, const struct request_id *id);

#endif
