/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* visit.h - private to demo/: one request to a model, from its head to the last byte. */
#ifndef DEMO_VISIT_H
#define DEMO_VISIT_H

#include "base/arena.h"
#include "demo/journal.h"
#include "demo/quota.h"
#include "demo/route.h"
#include "demo/script.h"
#include "http/server.h"
#include "net/loop.h"

/* What all visits of an emulator share. */
struct emu_house {
    struct loop *loop;
    struct emu_journal journal;
    struct str keys;
    uint32_t pace_ms;
    uint64_t once; /* counts the requests of EMU_REFUSES_ONCE */
    struct emu_quotas *quotas;
    struct emu_script script;
    int64_t ahead_ms; /* of the wall clock, where a test has moved it */
};
int64_t emu_house_wall_ms(const struct emu_house *h);

/* Takes the call over. The route's strings must live in *arena, which is taken over as well. */
void emu_visit_open(struct emu_house *h, struct call *call, const struct emu_route *route,
                    struct arena *arena, uint64_t serial);

/* Answer a call at once with JSON, compact or pretty, and end it. */
void emu_reply(struct call *call, int status, struct str json, bool compact);
void emu_reply_html(struct call *call, int status, struct str html);

#endif
