/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema.h - a client's JSON Schema in one of the two dialects that Gemini takes. */
#ifndef GEMINI_SCHEMA_H
#define GEMINI_SCHEMA_H

#include "base/err.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "gemini/caps.h"

enum gm_schema {
    GM_JSON_SCHEMA = 0,        /* parametersJsonSchema, responseJsonSchema: much of JSON Schema */
    GM_PLAIN_DIALECT = 1 << 0, /* parameters, responseSchema: OpenAPI's, without references */
    GM_NO_BOUNDS = 1 << 1,     /* of either, without lengths, ranges, patterns and formats */
};
unsigned gm_schema_for(const struct gm_caps *caps); /* bits of enum gm_schema */

enum {
    GM_SCHEMA_NODES_MAX = 20000, /* written, references resolved */
    GM_SCHEMA_CYCLE_MAX = 3,     /* times that a definition may stand inside itself */
};

/* Write `schema` under key. What the dialect cannot say is put another way where that keeps the
 * meaning ($ref and allOf resolved, const as enum, type lists, nullable, exclusive bounds), else
 * left out: it is looser then, never stricter.
 *
 *   shape   `about`: an object whose description stands for the schema's own where it has none;
 *           may be NULL
 *   errors  E_TOOBIG when it has more than GM_SCHEMA_NODES_MAX nodes once references are resolved;
 *           E_FIELD for a keyword that a node has twice (DAT-2)
 *   source  mapping 2.7 */
void gm_schema_put(struct jw *w, const char *key, yyjson_val *schema, yyjson_val *about,
                   unsigned dialect, struct fault *why);

/* Does it describe an object without any member? Gemini wants no schema at all then. */
bool gm_schema_is_empty(yyjson_val *schema);

#endif
