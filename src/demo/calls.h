/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* calls.h - does the model call functions, which, and with what arguments? */
#ifndef DEMO_CALLS_H
#define DEMO_CALLS_H

#include "demo/plan.h"

/* Append the calls of this step to the plan; false when it calls nothing.
 *
 * A function is called when the user's words name it, when they ask for the weather and it is about
 * weather, or when the mode is ANY. Two places named are two calls at once; with "then" or "one by
 * one" they are one call a step. */
bool emu_plan_calls(struct emu_plan *plan);

#endif
