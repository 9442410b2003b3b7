/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* conform.h - does a body fit its message? */
#ifndef DEMO_CONFORM_H
#define DEMO_CONFORM_H

#include "codec/json_read.h"
#include "demo/problem.h"
#include "demo/schema.h"

/* Every trouble becomes a violation in p, as Google's parser words and orders them. */
void emu_conform(const struct emu_message *m, yyjson_val *body, struct emu_problem *p);

#endif
