/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* caps.c - a row for each model family. A family is found by what a model's name says: its line
 * (flash, pro, image, ...) and its version. Must not know which client asks, or for what. */
#include "gemini/caps.h"

#include "gemini/error.h"

#include <limits.h>

/* The words that tell a line, in the order in which they are looked for. */
enum line {
    EMBED,
    TTS,
    TRANSCRIBE,
    LIVE,
    NANO,
    IMAGE,
    GEMMA,
    ROBOT,
    OMNI,
    ARGON,
    LITE,
    FLASH,
    PRO
};
static const struct word LINE[] = {
    {"embedding",   EMBED     },
    {"tts",         TTS       },
    {"transcribe",  TRANSCRIBE},
    {"live",        LIVE      },
    {"nano-banana", NANO      },
    {"image",       IMAGE     },
    {"gemma",       GEMMA     },
    {"robotics",    ROBOT     },
    {"omni",        OMNI      },
    {"argon",       ARGON     },
    {"flash-lite",  LITE      },
    {"flash",       FLASH     },
    {"pro",         PRO       },
};

enum {
    TALKS = GM_CAN_SYSTEM | GM_CAN_TOOLS | GM_CAN_JSON | GM_CAN_BOUNDS,
    V2 = TALKS | GM_CAN_SAMPLE | GM_CAN_END_ON_MODEL,
    V25 = V2 | GM_CAN_JSON_SCHEMA | GM_CAN_URLS | GM_CAN_VALIDATE,
    V3 = V25 | GM_CAN_JSON_TOOLS | GM_CAN_MIX_TOOLS | GM_CAN_RESULT_MEDIA | GM_CAN_RESOLUTION |
         GM_NEEDS_SIGNATURE,
    V36 = V3 & ~(GM_CAN_SAMPLE | GM_CAN_END_ON_MODEL),
    OLD = GM_CAN_PENALISE | GM_CAN_LOGPROBS,
    DRAWS = GM_MAKES_IMAGES | GM_CAN_SAMPLE | GM_CAN_END_ON_MODEL | GM_CAN_URLS,
    DETAIL = GM_CAN_RESOLUTION,
    SPEAKS = GM_MAKES_AUDIO | GM_CAN_SAMPLE,
    OPEN3 = GM_CAN_SAMPLE | GM_CAN_END_ON_MODEL,
    OPEN = OPEN3 | GM_CAN_TOOLS | GM_CAN_BOUNDS,
};
enum { K64 = 65536, K32 = 32768, K16 = 16384, K8 = 8192 }; /* tokens of output */

/* How much a model thinks when it is not told; from recorded usage, rounded up. */
enum { SOME = 2048, MORE = 8192, MUCH = 24576 };

#define BUDGET(min, max, off, by_default)                                                          \
    {                                                                                              \
        GM_BUDGET, min, max, off, 0, by_default                                                    \
    }
#define LEVELS(mask, by_default)                                                                   \
    {                                                                                              \
        GM_LEVEL, 0, 0, false, mask, by_default                                                    \
    }
#define NO_THINKING                                                                                \
    {                                                                                              \
        GM_NO_CONTROL, 0, 0, false, 0, 0                                                           \
    }

enum {
    FROM_LOW = 1 << GM_LOW | 1 << GM_MEDIUM | 1 << GM_HIGH,
    FROM_MINIMAL = FROM_LOW | 1 << GM_MINIMAL,
    NOT_LOW = FROM_MINIMAL & ~(1 << GM_LOW),
};

/* Line, the first version that the row holds for (major * 100 + minor), and what it can. The rows
 * of a line stand in order of version; its last row also serves the versions to come.
 *
 * Sources: thinking, "Gemini thinking" (levels and budgets by model) and recorded 400 answers;
 * sampling, the deprecation notice of 2026-07-21; schemas, recorded requests (traffic-facts 8);
 * signatures, "Thought signatures"; media in results and JSON beside functions, "Gemini 3";
 * ending on a model turn, the recorded 400 of 3.6; penalties and logprobs, recorded 400 answers of
 * every model since 2.5; Gemma 3, reports of its 400 answers. */
static const struct row {
    enum line line;
    unsigned since;
    struct gm_caps caps;
} ROWS[] = {
    {FLASH,      0,   {"gemini-2.0-flash", V2 | OLD, K8, NO_THINKING}                          },
    {FLASH,      205, {"gemini-2.5-flash", V25, K64, BUDGET(1, 24576, true, MORE)}             },
    {FLASH,      300, {"gemini-3-flash", V3, K64, LEVELS(FROM_MINIMAL, MUCH)}                  },
    {FLASH,      305, {"gemini-3.5-flash", V3, K64, LEVELS(FROM_MINIMAL, MORE)}                },
    {FLASH,      306, {"gemini-3.6-flash", V36, K64, LEVELS(FROM_MINIMAL, MORE)}               },
    {FLASH,      307, {"gemini-3.7-flash", V36, K64, LEVELS(FROM_LOW, MORE)}                   },
    {LITE,       0,   {"gemini-2.0-flash-lite", V2 | OLD, K8, NO_THINKING}                     },
    {LITE,       205, {"gemini-2.5-flash-lite", V25, K64, BUDGET(512, 24576, true, 0)}         },
    {LITE,       301, {"gemini-3.1-flash-lite", V3, K64, LEVELS(FROM_MINIMAL, SOME)}           },
    {LITE,       305, {"gemini-3.5-flash-lite", V36, K64, LEVELS(FROM_MINIMAL, SOME)}          },
    {LITE,       307, {"gemini-3.7-flash-lite", V36, K64, LEVELS(FROM_LOW, SOME)}              },
    {PRO,        0,   {"gemini-1.5-pro", V2 | OLD, K8, NO_THINKING}                            },
    {PRO,        205, {"gemini-2.5-pro", V25, K64, BUDGET(128, 32768, false, MORE)}            },
    {PRO,        300, {"gemini-3.1-pro", V3, K64, LEVELS(FROM_LOW, MUCH)}                      },
    {PRO,        306, {"gemini-3.6-pro", V36, K64, LEVELS(FROM_LOW, MUCH)}                     },
    {ARGON,      0,   {"gemini-4-argon", V36 | GM_STREAM_ONLY, 1048576, LEVELS(FROM_LOW, MORE)}},
    {NANO,       0,   {"gemini-nano-banana", DRAWS | DETAIL, K32, LEVELS(NOT_LOW, MORE)}       },
    {IMAGE,      0,   {"gemini-2.5-flash-image", DRAWS, K32, NO_THINKING}                      },
    {IMAGE,      300, {"gemini-3-pro-image", DRAWS | DETAIL, K32, NO_THINKING}                 },
    {TTS,        0,   {"gemini-3.8-flash-tts", SPEAKS, K16, NO_THINKING}                       },
    {TRANSCRIBE, 0,   {"gemini-3.5-transcribe", GM_CAN_SYSTEM, K64, NO_THINKING}               },
    {ROBOT,      0,   {"gemini-robotics-er", V25, K64, NO_THINKING}                            },
    {OMNI,       0,   {"gemini-omni", V36, K64, NO_THINKING}                                   },
    {LIVE,       0,   {"gemini-3.8-live", TALKS, K64, NO_THINKING}                             },
    {EMBED,      0,   {"gemini-embedding-2", 0, K8, NO_THINKING}                               },
    {GEMMA,      0,   {"gemma-3", OPEN3, K8, NO_THINKING}                                      },
    {GEMMA,      400, {"gemma-4", OPEN, K32, NO_THINKING}                                      },
};

/* The first number in the name: "gemini-3.5-flash" is 305, "gemini-flash-latest" has none and is
 * taken for the newest. */
static unsigned version_of(struct str id)
{
    unsigned part[2] = {0, 0};
    size_t i = 0;

    while (i < id.n && (id.p[i] < '0' || id.p[i] > '9'))
        i++;
    if (i == id.n)
        return UINT_MAX;
    for (int k = 0; k < 2; k++) {
        for (; i < id.n && id.p[i] >= '0' && id.p[i] <= '9'; i++)
            part[k] = part[k] < 1000 ? part[k] * 10 + (unsigned)(id.p[i] - '0') : part[k];
        if (i == id.n || id.p[i++] != '.')
            break;
    }
    return part[0] * 100 + (part[1] < 100 ? part[1] : 99);
}

/* The front of a name tells its line. */
enum { MODEL_LOOKED_AT = 256 };

static struct str lower_case(struct str model, char to[MODEL_LOOKED_AT])
{
    model = str_sub(model, 0, MODEL_LOOKED_AT);
    for (size_t i = 0; i < model.n; i++)
        to[i] = model.p[i] >= 'A' && model.p[i] <= 'Z' ? (char)(model.p[i] | 0x20) : model.p[i];
    return str_of(to, model.n);
}

static const struct gm_caps *find(struct str model)
{
    enum line line = FLASH;
    unsigned version = UINT_MAX;
    const struct gm_caps *best = NULL;

    char lower[MODEL_LOOKED_AT];
    struct str name = lower_case(model, lower);

    for (size_t i = 0; i < NELEM(LINE); i++)
        if (str_find(name, str_z(LINE[i].name)) < name.n) {
            line = (enum line)LINE[i].value;
            version = version_of(model);
            break;
        }
    for (size_t i = 0; i < NELEM(ROWS); i++)
        if (ROWS[i].line == line && (best == NULL || ROWS[i].since <= version))
            best = &ROWS[i].caps;
    return best;
}

/* The families of the models that this thread was asked for last: there are few, and the same ones
 * again and again. */
enum { ASKED = 16, ASKED_NAME = 48 };

const struct gm_caps *gm_caps_of(struct str model)
{
    static _Thread_local struct {
        char name[ASKED_NAME];
        size_t n;
        const struct gm_caps *caps;
    } asked[ASKED];
    uint64_t hash = str_hash(str_sub(model, 0, ASKED_NAME));
    size_t i = (hash ^ hash >> 32) % ASKED;

    if (model.n > ASKED_NAME)
        return find(model);
    if (asked[i].caps == NULL || !str_eq(str_of(asked[i].name, asked[i].n), model)) {
        memcpy(asked[i].name, model.p, model.n);
        asked[i].n = model.n;
        asked[i].caps = find(model);
    }
    return asked[i].caps;
}

/* What a remedy takes away. */
static const struct {
    enum gm_remedy remedy;
    unsigned can, levels;
} LESS[] = {
    {GM_PLAIN_SCHEMA,    GM_CAN_JSON_SCHEMA,  0              },
    {GM_DROP_SAMPLING,   GM_CAN_SAMPLE,       0              },
    {GM_DROP_PENALTIES,  GM_CAN_PENALISE,     0              },
    {GM_DROP_LOGPROBS,   GM_CAN_LOGPROBS,     0              },
    {GM_SYSTEM_AS_USER,  GM_CAN_SYSTEM,       0              },
    {GM_END_ON_USER,     GM_CAN_END_ON_MODEL, 0              },
    {GM_JSON_IN_WORDS,   GM_CAN_JSON,         0              },
    {GM_JSON_APART,      GM_CAN_JSON_TOOLS,   0              },
    {GM_OWN_TOOLS_APART, GM_CAN_MIX_TOOLS,    0              },
    {GM_LOOSE_SCHEMA,    GM_CAN_BOUNDS,       0              },
    {GM_NOT_MINIMAL,     0,                   1 << GM_MINIMAL},
    {GM_NOT_LOW,         0,                   1 << GM_LOW    },
    {GM_NOT_MEDIUM,      0,                   1 << GM_MEDIUM },
    {GM_NOT_HIGH,        0,                   1 << GM_HIGH   },
};

enum { LEAST_BUDGET = 512 }; /* every family that has budgets takes it */

void gm_caps_without(const struct gm_caps *caps, unsigned remedies, struct gm_caps *room)
{
    *room = *caps;
    if (remedies == 0)
        return;
    for (size_t i = 0; i < NELEM(LESS); i++)
        if (remedies & (unsigned)LESS[i].remedy) {
            room->can &= ~LESS[i].can;
            room->thinking.levels &= ~LESS[i].levels;
        }
    if (remedies & GM_NOT_THOUGHTLESS) {
        room->thinking.off = false;
        if (room->thinking.budget_min < LEAST_BUDGET)
            room->thinking.budget_min = LEAST_BUDGET;
    }
    if ((remedies & GM_DROP_THINKING) ||
        (room->thinking.control == GM_LEVEL && room->thinking.levels == 0))
        room->thinking.control = GM_NO_CONTROL;
}

const struct gm_caps *gm_caps_row(size_t i)
{
    return i < NELEM(ROWS) ? &ROWS[i].caps : NULL;
}
