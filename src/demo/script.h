/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* script.h - which of the next requests go wrong, and how: faults of fault.c, by key and model
 * instead of by the model's name. */
#ifndef DEMO_SCRIPT_H
#define DEMO_SCRIPT_H

#include "base/arena.h"
#include "codec/json_read.h"
#include "demo/fault.h"

enum { EMU_STEPS_MAX = 64 };

struct emu_step {
    struct emu_fault fault; /* EMU_FINE: only the delay */
    struct str key, model;  /* empty: any */
    uint64_t skip, count;   /* so many pass first; so many go wrong */
    uint32_t delay_ms;      /* before anything else happens */
};
/* Zeroed is empty; its strings live in the arena. */
struct emu_script {
    struct arena arena;
    struct emu_step step[EMU_STEPS_MAX];
    size_t n;
};
void emu_script_init(struct emu_script *s);
void emu_script_fini(struct emu_script *s); /* empty again */

/* Replace all steps. A fault is what stands behind "emulate-" in a model's name:
 *
 *     {"steps": [{"fault": "503", "key": "k1", "model": "gemini-3.8-flash",
 *                 "skip": 1, "count": 2, "delay_ms": 50}]}
 *
 * Without key or model the step is for all, without count for one request; -1: for all that follow.
 *
 *   errors  E_FIELD, E_RANGE, E_TOOBIG; the old steps stay then */
MUST_CHECK enum err emu_script_set(struct emu_script *s, yyjson_val *steps, struct fault *why);

/* A request has come: the first step that fits it and is not used up, or NULL. Counted. */
const struct emu_step *emu_script_next(struct emu_script *s, struct str key, struct str model);

/* {"left":3}: how many are still to go wrong; 0 when all that is left is for ever. */
void emu_script_put(const struct emu_script *s, struct buf *out);

#endif
