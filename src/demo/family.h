/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* family.h - what a family of models can do and what it refuses, a row each.
 *
 * The emulator plays Google, so this table is its own: sharing the gateway's would hide the
 * gateway's mistakes. */
#ifndef DEMO_FAMILY_H
#define DEMO_FAMILY_H

#include "base/str.h"

enum emu_ability {
    EMU_TEXT_OUT = 1 << 0,
    EMU_IMAGE_OUT = 1 << 1,
    EMU_AUDIO_OUT = 1 << 2,
    EMU_EMBEDS = 1 << 3,
    EMU_FUNCTIONS = 1 << 4,
    EMU_JSON_MODE = 1 << 5,
    EMU_JSON_WITH_TOOLS = 1 << 6, /* unless the mode is ANY */
    EMU_TOOL_MIX = 1 << 7,        /* Google's tools beside functions, when asked for */
    EMU_SYSTEM = 1 << 8,          /* systemInstruction */
    EMU_CANDIDATES = 1 << 9,      /* more than one */
    EMU_CALL_IDS = 1 << 10,       /* functionCall.id is issued and checked */
    EMU_NEEDS_IDS = 1 << 11,      /* functionResponse must repeat it */
    EMU_SIGNS = 1 << 12,          /* thought signatures are issued on every step, and demanded */
    EMU_SIGNS_SOME = 1 << 13,     /* issued on tool calls, not demanded */
    EMU_PREFILL = 1 << 14,        /* a request may end with a model turn */
    EMU_FUNCTION_ROLE = 1 << 15,  /* the old role "function" */
    EMU_CLOSING_CHUNK = 1 << 16,  /* a stream ends in a chunk of its own, with an empty text */
    EMU_MIXED_CASE_IDS = 1 << 17,
    EMU_RAW_VECTORS = 1 << 18, /* embeddings: shorter vectors are not normalised, tokens not told */
    EMU_READS_URLS = 1 << 19,  /* fileData with a public https URL */
};
enum emu_thinking {
    EMU_NO_THINKING,
    EMU_BUDGET, /* thinkingBudget */
    EMU_LEVELS, /* thinkingLevel; a budget is still taken */
    EMU_LEVELS_ONLY,
};
enum emu_level { EMU_MINIMAL, EMU_LOW, EMU_MEDIUM, EMU_HIGH, EMU_LEVEL_COUNT };

struct emu_family {
    const char *prefix; /* of the model's name; the longest that fits counts */
    const char *line;   /* signatures are good within one line only */
    unsigned can;
    enum emu_thinking thinking;
    int budget_min, budget_max; /* EMU_BUDGET */
    bool can_stop_thinking;
    unsigned levels; /* EMU_LEVELS: a bit for each enum emu_level */
    enum emu_level usual;
};

static inline bool emu_can(const struct emu_family *f, unsigned ability)
{
    return (f->can & ability) == ability;
}

/* Never NULL: an unknown name has the newest family. */
const struct emu_family *emu_family_of(struct str model);

#endif
