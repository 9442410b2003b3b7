/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* demo_command.h - `queqiao demo`: the gateway on an emulated Gemini of its own. */
#ifndef APP_DEMO_COMMAND_H
#define APP_DEMO_COMMAND_H

#include "app/config.h"
#include "app/gateway.h"

struct demo;

/* Start the emulation on a loopback port of its own and point the options at it: its address, a key
 * for it, and a token, unless the operator gave one. */
MUST_CHECK enum err demo_open(struct config *c, struct demo **ret, struct buf *problem);
void demo_greet(const struct gateway *g); /* says what it is, and prints a line to try */
void demo_close(struct demo *d);          /* NULL is fine */

#endif
