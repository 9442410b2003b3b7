/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam_plan.h - what an examination of upstream asks about: the ways out, and the keys with theirs.
 */
#ifndef APP_EXAM_PLAN_H
#define APP_EXAM_PLAN_H

#include "app/settings.h"
#include "doctor/exam.h"

struct exam_plan;

/* Fills origin, base_path, ways and keys of o, which point into the plan and the settings: both
 * must outlive the examination. Nothing is read anew: what serves is what is examined. */
struct exam_plan *exam_plan_new(const struct settings *s, struct exam_opts *o);
void exam_plan_free(struct exam_plan *p); /* NULL is fine */

#endif
