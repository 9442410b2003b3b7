/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ask.h - one call of a model's method, as the pure half of the emulator sees it. */
#ifndef DEMO_ASK_H
#define DEMO_ASK_H

#include "codec/json_read.h"
#include "demo/catalog.h"

enum emu_method {
    EMU_GENERATE,
    EMU_STREAM,
    EMU_COUNT,
    EMU_EMBED,
    EMU_EMBED_MANY,
    EMU_METHODS,
};
extern const char *const emu_method_names[EMU_METHODS]; /* "generateContent" */

/* Files and caches of the project whose key was presented: "files/abc", "cachedContents/x". */
struct emu_held {
    const struct str *v;
    size_t n;
};

struct emu_ask {
    enum emu_method method;
    struct emu_target target;
    struct str version; /* "v1beta" */
    yyjson_val *body;
    struct emu_held held;
    uint64_t serial;    /* of the request: ids differ with it, all else does not */
    bool any_signature; /* take signatures that this emulator has not made: recorded traffic */
};

static inline bool emu_holds(const struct emu_ask *ask, struct str name)
{
    for (size_t i = 0; i < ask->held.n; i++)
        if (str_eq(ask->held.v[i], name))
            return true;
    return false;
}

/* The unit of all counts: four characters, begun ones counted. */
static inline uint64_t emu_tokens(uint64_t chars)
{
    return chars / 4 + (chars % 4 != 0);
}

#endif
