/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* embed.h - countTokens and the embeddings. */
#ifndef DEMO_EMBED_H
#define DEMO_EMBED_H

#include "demo/ask.h"
#include "demo/problem.h"

/* Each checks the body and appends the answer as compact JSON, or sets the problem. */
void emu_count_tokens(const struct emu_ask *ask, struct emu_problem *p, struct buf *out);
void emu_embed(const struct emu_ask *ask, struct emu_problem *p, struct buf *out);

#endif
