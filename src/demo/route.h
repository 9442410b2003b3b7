/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* route.h - what a request line asks for. */
#ifndef DEMO_ROUTE_H
#define DEMO_ROUTE_H

#include "base/arena.h"
#include "demo/ask.h"
#include "demo/problem.h"
#include "http/msg.h"

enum emu_place {
    EMU_NOWHERE,
    EMU_AT_METHOD, /* POST v1beta/models/{m}:{method} */
    EMU_AT_LIST,   /* GET v1beta/models */
    EMU_AT_MODEL,  /* GET v1beta/models/{m} */
    EMU_AT_STATE,  /* /__emulator/... */
    EMU_AT_REQUESTS,
    EMU_AT_RESET,
    EMU_AT_QUOTAS,
    EMU_AT_SET_QUOTAS,
    EMU_AT_SCRIPT,
    EMU_AT_SET_SCRIPT,
    EMU_AT_CLOCK,
    EMU_AT_SET_CLOCK,
};
struct emu_route {
    enum emu_place place;
    struct str version;
    struct str model; /* decoded, without models/ */
    enum emu_method method;
    struct str key; /* ?key=, decoded */
    struct str page_token;
    size_t page_size;
    bool sse;     /* alt=sse */
    bool compact; /* prettyPrint=false */
};

/* Strings live in the arena or in what was given. Unknown query parameters are a problem. */
void emu_route_parse(struct emu_route *r, enum http_method m, struct str path, struct str query,
                     struct arena *a, struct emu_problem *p);

#endif
