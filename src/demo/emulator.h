/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* emulator.h - an emulated Gemini: the native API on a listener of this process, without a model.
 *
 * It is the upstream of `queqiao demo` and of the end-to-end tests. It holds requests to Google's
 * rules, answers in the shapes of recorded traffic, and misbehaves on demand: see fault.c for the
 * models named emulate-..., skill.c and calls.c for the words that it understands. Each answer says
 * that it is an emulation: modelVersion ends in "-emulated", and there is a header
 * x-queqiao-emulation. */
#ifndef DEMO_EMULATOR_H
#define DEMO_EMULATOR_H

#include "net/listen.h"
#include "net/loop.h"

struct emulator;
struct emulator_opts {
    struct str keys;  /* API keys that are let in, comma-separated; empty: any that is not empty */
    uint32_t pace_ms; /* pause before each event of a stream; 0: none */
    bool control;     /* serve /__emulator/..., for tests only: it shows what clients sent
                         GET  state           requests, in_flight, streams, cancelled
                         GET  requests        the last ones: head and body, keys masked
                         POST reset           forget them, counts, script, what was spent
                         GET, POST quotas     rules (quota.h), and what was spent of them
                         GET, POST script     which requests go wrong (script.h)
                         GET, POST clock      the wall clock: wall_ms, advance_ms */
};

/* Everything stays on the loop's thread. */
struct emulator *emulator_new(struct loop *loop, const struct emulator_opts *opts);

/* Projects and their limits, as quota.h spells them; without them nothing is limited.
 *
 *   errors  E_SYNTAX, and those of emu_quotas_set */
MUST_CHECK enum err emulator_set_quotas(struct emulator *e, struct str rules, struct fault *why);

/*   errors  those of listener_open; may be called for several addresses */
MUST_CHECK enum err emulator_listen(struct emulator *e, const struct listen_opts *opts,
                                    uint16_t *ret_port, struct fault *why);
void emulator_close(struct emulator *e); /* at once: answers break off */
void emulator_free(struct emulator *e);  /* after emulator_close, when the loop has run once more */

#endif
