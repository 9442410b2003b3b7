/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* family.c - the table of families. What differs between models is a bit or a number here and
 * nowhere else in the emulator.
 *
 *   source  Google's model pages and thinking guide; recorded traffic up to August 2026 for ids,
 *           signatures and the closing chunk */
#include "demo/family.h"

#define CHAT (EMU_TEXT_OUT | EMU_FUNCTIONS | EMU_JSON_MODE | EMU_SYSTEM)
#define GEN_25                                                                                     \
    (CHAT | EMU_CANDIDATES | EMU_SIGNS_SOME | EMU_PREFILL | EMU_FUNCTION_ROLE | EMU_READS_URLS)
#define GEN_3                                                                                      \
    (CHAT | EMU_JSON_WITH_TOOLS | EMU_TOOL_MIX | EMU_CALL_IDS | EMU_SIGNS | EMU_CLOSING_CHUNK |    \
     EMU_PREFILL | EMU_FUNCTION_ROLE | EMU_READS_URLS)
#define GEN_36   ((GEN_3 | EMU_MIXED_CASE_IDS) & ~(unsigned)(EMU_PREFILL | EMU_FUNCTION_ROLE))
#define GEN_37   (GEN_36 | EMU_NEEDS_IDS)
#define IMAGE_25 (EMU_TEXT_OUT | EMU_IMAGE_OUT | EMU_PREFILL | EMU_READS_URLS)
#define IMAGE_3                                                                                    \
    (EMU_TEXT_OUT | EMU_IMAGE_OUT | EMU_SYSTEM | EMU_SIGNS | EMU_CLOSING_CHUNK | EMU_PREFILL |     \
     EMU_READS_URLS)

#define BUDGET(lo, hi, stop, usual) EMU_BUDGET, lo, hi, stop, 0, usual
#define LEVELS(levels, usual)       EMU_LEVELS, 0, 0, false, levels, usual
#define LEVELS_ONLY(l)              EMU_LEVELS_ONLY, 0, 0, false, l, EMU_HIGH
#define NO_THINKING                 EMU_NO_THINKING, 0, 0, true, 0, EMU_MINIMAL
#define FROM_MINIMAL                0xfU
#define FROM_LOW                    0xeU
#define MINIMAL_MEDIUM_HIGH         0xdU
#define LOW_HIGH                    0xaU

/* prefix, line, abilities, thinking */
/* clang-format off */
static const struct emu_family FAMILIES[] = {
    {"gemini-2.5-pro",               "2.5",   GEN_25,    BUDGET(128, 32768, false, EMU_MEDIUM)},
    {"gemini-2.5-flash",             "2.5",   GEN_25,    BUDGET(0, 24576, true, EMU_MEDIUM)},
    {"gemini-2.5-flash-lite",        "2.5",   GEN_25,    BUDGET(512, 24576, true, EMU_MINIMAL)},
    {"gemini-2.5-flash-image",       "2.5",   IMAGE_25,  NO_THINKING},
    {"gemini-2.5-flash-preview-tts", "2.5",   EMU_AUDIO_OUT, NO_THINKING},
    {"gemini-2.5-pro-preview-tts",   "2.5",   EMU_AUDIO_OUT, NO_THINKING},
    {"gemini-3-flash",               "3",     GEN_3,     LEVELS(FROM_MINIMAL, EMU_HIGH)},
    {"gemini-3-pro",                 "3.1",   GEN_3,     LEVELS(FROM_LOW, EMU_HIGH)},
    {"gemini-3-pro-preview-11",      "3",     GEN_3,     LEVELS(LOW_HIGH, EMU_HIGH)},
    {"gemini-3-pro-image",           "3",     IMAGE_3,   NO_THINKING},
    {"gemini-3.1-pro",               "3.1",   GEN_3,     LEVELS(FROM_LOW, EMU_HIGH)},
    {"gemini-3.1-flash-lite",        "3.1",   GEN_3,     LEVELS(FROM_MINIMAL, EMU_MINIMAL)},
    {"gemini-3.1-flash-image",       "3.1",   IMAGE_3,   NO_THINKING},
    {"gemini-3.1-flash-lite-image",  "3.1",   IMAGE_3,   NO_THINKING},
    {"gemini-3.1-flash-tts",         "3.1",   EMU_AUDIO_OUT, NO_THINKING},
    {"gemini-3.5-flash",             "3.5",   GEN_3,     LEVELS(FROM_MINIMAL, EMU_MEDIUM)},
    {"gemini-3.5-flash-lite",        "3.5",   GEN_3,     LEVELS(FROM_MINIMAL, EMU_MINIMAL)},
    {"gemini-3.6-flash",             "3.6",   GEN_36,    LEVELS(FROM_MINIMAL, EMU_MEDIUM)},
    {"gemini-3.7-flash",             "3.7",   GEN_37,    LEVELS(FROM_LOW, EMU_MEDIUM)},
    {"gemini-3.8-flash-tts",         "3.8",   EMU_AUDIO_OUT, NO_THINKING},
    {"gemini-3.8-flash-lite-tts",    "3.8",   EMU_AUDIO_OUT, NO_THINKING},
    {"gemini-nano-banana",           "banana", IMAGE_3,  LEVELS(MINIMAL_MEDIUM_HIGH, EMU_MEDIUM)},
    {"gemma-3",                      "gemma", EMU_TEXT_OUT | EMU_PREFILL | EMU_FUNCTION_ROLE, NO_THINKING},
    {"gemma-4",                      "gemma", CHAT | EMU_PREFILL | EMU_FUNCTION_ROLE, LEVELS_ONLY(FROM_MINIMAL)},
    {"gemini-embedding-001",         "",      EMU_EMBEDS | EMU_RAW_VECTORS, NO_THINKING},
    {"gemini-embedding",             "",      EMU_EMBEDS, NO_THINKING},
    {"gemini-4",                     "4",     GEN_37,    LEVELS(FROM_LOW, EMU_MEDIUM)},
    {"",                             "3.8",   GEN_37,    LEVELS(FROM_LOW, EMU_MEDIUM)},
};
/* clang-format on */

const struct emu_family *emu_family_of(struct str model)
{
    const struct emu_family *best = &FAMILIES[NELEM(FAMILIES) - 1];

    for (size_t i = 0; i < NELEM(FAMILIES); i++) {
        struct str prefix = str_z(FAMILIES[i].prefix);

        if (prefix.n > strlen(best->prefix) && str_starts(model, prefix))
            best = &FAMILIES[i];
    }
    return best;
}
