/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* plan.h - an answer as a list of segments, before it is cut into chunks. */
#ifndef DEMO_PLAN_H
#define DEMO_PLAN_H

#include "base/arena.h"
#include "demo/prompt.h"

enum { EMU_SEGMENTS_MAX = 64 };
enum emu_segment_kind {
    EMU_S_THOUGHT, /* text */
    EMU_S_TEXT,    /* text */
    EMU_S_CALL,    /* name, id; text: the arguments as JSON */
    EMU_S_PART,    /* text: any other part, whole, as JSON */
};
struct emu_segment {
    enum emu_segment_kind kind;
    struct str text;
    struct str name, id;
    bool is_signed;  /* carries a thought signature */
    uint64_t tokens; /* beside those of its text: pictures */
};
struct emu_plan {
    const struct emu_ask *ask;
    struct emu_prompt prompt;
    struct arena *arena; /* where all text lives */
    struct emu_segment segment[EMU_SEGMENTS_MAX];
    size_t n;
    struct str finish; /* finishReason; empty: none is sent */
    struct str finish_message;
    struct str blocked; /* promptFeedback.blockReason; then there is nothing else */
    bool mute;          /* an empty candidate, without a token */
    struct emu_extra {
        const char *key;
        struct str json;
    } extra[2]; /* further members of the candidate: groundingMetadata and such */
    size_t extras;
    uint64_t thought_tokens; /* of all thoughts, shown or not; capped by maxOutputTokens */
    bool show_thoughts;
    bool by_word;      /* chunks end at spaces */
    size_t whole_from; /* text is one chunk if it is longer than this; 0: never */
    size_t signature_bytes;
    int candidates;
};

void emu_plan_init(struct emu_plan *plan, const struct emu_ask *ask, struct arena *a);

/* Append a segment; text is copied. Returns it, or NULL when there is no room left. */
struct emu_segment *emu_plan_add(struct emu_plan *plan, enum emu_segment_kind kind,
                                 struct str text);

void emu_plan_extra(struct emu_plan *plan, const char *key, struct str json);

/* Honour stopSequences and maxOutputTokens: cut what is too much and set the finishReason. */
void emu_plan_limit(struct emu_plan *plan, yyjson_val *config);

/* Characters that a segment counts for. */
uint64_t emu_segment_chars(const struct emu_segment *s);

#endif
