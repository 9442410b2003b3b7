/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* outputs.h - answers that are more than text: pictures, speech, and Google's own tools. */
#ifndef DEMO_OUTPUTS_H
#define DEMO_OUTPUTS_H

#include "demo/plan.h"

/* Each appends to the plan; false when the request does not ask for it. */
bool emu_plan_picture(struct emu_plan *plan);
bool emu_plan_speech(struct emu_plan *plan);
bool emu_plan_search(struct emu_plan *plan); /* googleSearch, urlContext */
bool emu_plan_code(struct emu_plan *plan);   /* codeExecution */

/* A fresh signature for something said, as base64. */
void emu_plan_signature(const struct emu_plan *plan, struct str about, struct buf *out);

#endif
