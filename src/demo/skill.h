/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* skill.h - what the emulated model says, in the language it is spoken to. */
#ifndef DEMO_SKILL_H
#define DEMO_SKILL_H

#include "demo/plan.h"

/* Each appends text to out; false when it has nothing to say on this prompt. */
bool emu_say_results(const struct emu_prompt *p, struct buf *out); /* quotes the results of calls */
bool emu_say_media(const struct emu_prompt *p, struct buf *out);   /* describes what was sent */
void emu_say(const struct emu_plan *plan, struct buf *out);        /* all else: always something */

/* One thought of several, with a heading, as Gemini writes them. Empty after the last. */
void emu_think(const struct emu_prompt *p, size_t index, struct buf *out);

#endif
