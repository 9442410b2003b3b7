/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* usage.c - usageMetadata, read and added up. Must not know who pays for it. */
#include "gemini/usage.h"

#include "codec/utf8.h"

#include <assert.h>
#include <stddef.h>

/* The first of them are counts, in the order of fields[]. */
enum member {
    PROMPT,
    OUTPUT,
    THOUGHTS,
    TOOL_USE,
    CACHED,
    TOTAL,
    PROMPT_DETAILS,
    OUTPUT_DETAILS,
    TIER,
    MEMBERS,
    COUNTS = TOTAL + 1,
    UNREAD = COUNTS, /* the tag of numbers that nobody reads */
};
static_assert(UNREAD == GM_USAGE_TAGS - 1, "it is the last tag");
static const struct str NAMES[] = {
    [PROMPT] = S_INIT("promptTokenCount"),
    [OUTPUT] = S_INIT("candidatesTokenCount"),
    [THOUGHTS] = S_INIT("thoughtsTokenCount"),
    [TOOL_USE] = S_INIT("toolUsePromptTokenCount"),
    [CACHED] = S_INIT("cachedContentTokenCount"),
    [TOTAL] = S_INIT("totalTokenCount"),
    [PROMPT_DETAILS] = S_INIT("promptTokensDetails"),
    [OUTPUT_DETAILS] = S_INIT("candidatesTokensDetails"),
    [TIER] = S_INIT("serviceTier"),
};

/* DAT-4: so many tokens nobody has; then no sum of them overflows. */
enum { COUNT_MAX = INT32_MAX };

static uint64_t count(yyjson_val *v)
{
    int64_t n;

    return v != NULL && jr_int(v, 0, COUNT_MAX, &n) ? (uint64_t)n : 0;
}

static const size_t FIELD[COUNTS] = {
    [PROMPT] = offsetof(struct gm_usage, prompt),
    [OUTPUT] = offsetof(struct gm_usage, candidates),
    [THOUGHTS] = offsetof(struct gm_usage, thoughts),
    [TOOL_USE] = offsetof(struct gm_usage, tool_use),
    [CACHED] = offsetof(struct gm_usage, cached),
    [TOTAL] = offsetof(struct gm_usage, total),
};

static uint64_t *field(struct gm_usage *u, unsigned i)
{
    return (void *)((char *)u + FIELD[i]);
}

/* The modalities that any dialect tells apart. */
enum { OTHER, IMAGE = 2, AUDIO = 4 }; /* Google's numbers for them */

static int modality_of(yyjson_val *item)
{
    static const struct word MODALITY[] = {
        {"IMAGE", IMAGE},
        {"AUDIO", AUDIO},
    };
    yyjson_val *v = jr_get(item, "modality");
    int64_t modality = WORD(MODALITY, jr_text(v));

    if (modality < 0 && !(jr_is_num(v) && jr_int(v, IMAGE, AUDIO, &modality)))
        return OTHER;
    return modality == AUDIO || modality == IMAGE ? (int)modality : OTHER;
}

static void read_details(yyjson_val *list, uint64_t *ret_audio, uint64_t *ret_image)
{
    jr_each (item, list) {
        int modality = modality_of(item);

        if (modality != OTHER)
            *(modality == AUDIO ? ret_audio : ret_image) += count(jr_get(item, "tokenCount"));
    }
}

static bool is_usage(yyjson_val *const *m)
{
    return m[PROMPT] != NULL || m[TOTAL] != NULL; /* else only a traffic type or a tier */
}

bool gm_usage_read(struct gm_usage *u, yyjson_val *metadata)
{
    yyjson_val *m[MEMBERS];

    jr_members(metadata, NAMES, MEMBERS, m);
    if (!is_usage(m))
        return false;
    *u = (struct gm_usage){.seen = true};
    for (unsigned i = 0; i < COUNTS; i++)
        *field(u, i) = count(m[i]);
    read_details(m[PROMPT_DETAILS], &u->prompt_audio, &u->prompt_image);
    read_details(m[OUTPUT_DETAILS], &u->candidates_audio, &u->candidates_image);
    utf8_copy(u->tier, sizeof u->tier, jr_text(m[TIER]));
    return true;
}

void gm_usage_add(struct gm_usage *to, const struct gm_usage *u)
{
    to->seen = to->seen || u->seen;
    to->prompt += u->prompt;
    to->candidates += u->candidates;
    to->thoughts += u->thoughts;
    to->tool_use += u->tool_use;
    to->cached += u->cached;
    to->total += u->total;
    to->prompt_audio += u->prompt_audio;
    to->prompt_image += u->prompt_image;
    to->candidates_audio += u->candidates_audio;
    to->candidates_image += u->candidates_image;
}

/* The counts of modalities that nobody tells apart. */
static size_t unread_in(yyjson_val *list, struct json_blank *ret, size_t max)
{
    size_t n = 0;

    jr_each (item, list) {
        yyjson_val *v = jr_get(item, "tokenCount");

        if (jr_is_num(v) && modality_of(item) == OTHER && n < max)
            ret[n++] = (struct json_blank){v, UNREAD};
    }
    return n;
}

size_t gm_usage_blanks(yyjson_val *metadata, struct json_blank *ret, size_t max)
{
    yyjson_val *m[MEMBERS];
    size_t n = 0;

    jr_members(metadata, NAMES, MEMBERS, m);
    if (!is_usage(m))
        return 0;
    for (unsigned i = 0; i < COUNTS && n < max; i++)
        if (jr_is_num(m[i]))
            ret[n++] = (struct json_blank){m[i], i};
    n += unread_in(m[PROMPT_DETAILS], ret + n, max - n);
    return n + unread_in(m[OUTPUT_DETAILS], ret + n, max - n);
}

void gm_usage_fill(struct gm_usage *u, const struct json_entry *entries, unsigned tags)
{
    for (unsigned i = 0; i < COUNTS; i++)
        if (tags & 1U << i)
            *field(u, i) = entries[i].number;
}
