/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* error.h - an error in OpenAI's shape. */
#ifndef DIALECT_OPENAI_ERROR_H
#define DIALECT_OPENAI_ERROR_H

#include "gemini/error.h"

/* {"error":{"message","type","param","code"}}; the status is e->client_status. */
void oa_error(const struct gm_error *e, struct buf *out);
/* The same as the last event of a stream that went wrong: no [DONE] follows it. */
void oa_stream_error(void *answer, const struct gm_error *e, struct buf *out);

#endif
