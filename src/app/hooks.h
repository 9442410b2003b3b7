/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* hooks.h - the calls that Function Compute makes for itself: /initialize, /pre-stop, /pre-freeze,
 * /invoke. */
#ifndef APP_HOOKS_H
#define APP_HOOKS_H

#include "app/worker.h"

/* Take the call when it is a hook; false when it is a client's, as every call is on a platform
 * without hooks. A client that asks for the same path through the HTTP trigger is told apart by
 * x-fc-control-path, which the platform sets and no client can.
 *
 *   source  function-compute.md 1.6 and 1.9 */
bool hooks_take(struct worker *w, struct call *c, const struct request_id *id);

#endif
