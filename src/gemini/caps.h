/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* caps.h - what each model family can do. A difference between families is a row in caps.c, and an
 * `if` nowhere. */
#ifndef GEMINI_CAPS_H
#define GEMINI_CAPS_H

#include "base/str.h"

enum gm_can {
    GM_CAN_SAMPLE = 1 << 0,        /* temperature, topP and topK are honoured */
    GM_CAN_PENALISE = 1 << 1,      /* presencePenalty, frequencyPenalty */
    GM_CAN_LOGPROBS = 1 << 2,      /* responseLogprobs */
    GM_CAN_SYSTEM = 1 << 3,        /* systemInstruction */
    GM_CAN_END_ON_MODEL = 1 << 4,  /* contents may end with a model turn */
    GM_CAN_TOOLS = 1 << 5,         /* functionDeclarations */
    GM_CAN_JSON = 1 << 6,          /* responseMimeType application/json */
    GM_CAN_JSON_SCHEMA = 1 << 7,   /* parametersJsonSchema, responseJsonSchema */
    GM_CAN_JSON_TOOLS = 1 << 8,    /* a response schema beside functions */
    GM_CAN_MIX_TOOLS = 1 << 9,     /* Google's tools beside functions */
    GM_CAN_RESULT_MEDIA = 1 << 10, /* functionResponse.parts */
    GM_CAN_RESOLUTION = 1 << 11,   /* mediaResolution of a part */
    GM_CAN_URLS = 1 << 12,         /* fileData with a public https URL */
    GM_NEEDS_SIGNATURE = 1 << 13,  /* the first call of each step must carry one */
    GM_MAKES_IMAGES = 1 << 14,     /* answers TEXT and IMAGE */
    GM_MAKES_AUDIO = 1 << 15,      /* answers AUDIO alone */
    GM_CAN_VALIDATE = 1 << 16,     /* functionCallingConfig.mode VALIDATED */
    GM_STREAM_ONLY = 1 << 17,      /* a whole answer has a lower cap than a stream (mapping 1.7) */
    GM_CAN_BOUNDS = 1 << 18,       /* lengths and ranges in a schema */
};

enum gm_level { GM_MINIMAL, GM_LOW, GM_MEDIUM, GM_HIGH, GM_LEVELS };
enum gm_control { GM_NO_CONTROL, GM_BUDGET, GM_LEVEL };

struct gm_thinking {
    enum gm_control control;
    int budget_min, budget_max; /* tokens; for GM_BUDGET */
    bool off;                   /* a budget of 0 is allowed */
    unsigned levels;            /* for GM_LEVEL: a bit for each one that is taken */
    int by_default;             /* tokens that it may think when nothing is said; a guess */
};

struct gm_caps {
    const char *family;  /* for documents: "gemini-3.5-flash" */
    unsigned can;        /* enum gm_can */
    unsigned out_tokens; /* the most that maxOutputTokens may say */
    struct gm_thinking thinking;
};

/* The row for a model id. Never NULL: a newer or unknown model gets the newest row of its line, an
 * unknown line the newest flash's. */
const struct gm_caps *gm_caps_of(struct str model);

static inline bool gm_can(const struct gm_caps *c, enum gm_can what)
{
    return (c->can & (unsigned)what) != 0;
}

/* The same without what upstream has refused: remedies are bits of enum gm_remedy (error.h). Fills
 * *room. */
void gm_caps_without(const struct gm_caps *caps, unsigned remedies, struct gm_caps *room);

/* Row i of the table, for documents and tests; NULL past its end. */
const struct gm_caps *gm_caps_row(size_t i);

#endif
