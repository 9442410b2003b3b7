/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* usage.h - private to gemini/: usageMetadata. */
#ifndef GEMINI_USAGE_H
#define GEMINI_USAGE_H

#include "codec/json_form.h"
#include "gemini/event.h"

/* Counts are running totals that may go down or vanish again: the last chunk's hold, and neither
 * the sum nor the maximum (traffic-facts 6.4). False: it has none, and *u is untouched. */
bool gm_usage_read(struct gm_usage *u, yyjson_val *metadata);
void gm_usage_add(struct gm_usage *to, const struct gm_usage *u);

/* The numbers in metadata that may change from chunk to chunk without anything else: at most max of
 * them. Each count has a tag of its own; numbers that are not read at all share the last one. */
enum { GM_USAGE_TAGS = 7 };
size_t gm_usage_blanks(yyjson_val *metadata, struct json_blank *ret, size_t max);
/* What the reading of metadata gave, with other counts in the blanks of these tags: a bit each. */
void gm_usage_fill(struct gm_usage *u, const struct json_entry *entries, unsigned tags);

#endif
