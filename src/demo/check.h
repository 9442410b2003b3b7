/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check.h - what Google refuses although the body fits the schema.
 *
 * Two stages, as there: rules about fields are collected, all of them; when none is broken, the
 * model's own refusals follow, and the first one ends it. Texts are Google's where they are known.
 */
#ifndef DEMO_CHECK_H
#define DEMO_CHECK_H

#include "demo/ask.h"
#include "demo/problem.h"

/* A body of generateContent. *ret_mute: the history is one that Google does not refuse but answers
 * with an empty candidate (a tool result that answers no call). */
void emu_check(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p, bool *ret_mute);

/* The parts of it; each looks at its own corner of the body. */
void emu_rules_contents(yyjson_val *body, struct emu_problem *p);
void emu_rules_config(yyjson_val *config, struct emu_problem *p);
void emu_rules_tools(yyjson_val *body, struct emu_problem *p);
/* A schema of the OpenAPI subset at `path`, below GenerateContentRequest. */
void emu_rules_schema(yyjson_val *schema, struct str path, bool parameters, struct emu_problem *p);
void emu_check_states(yyjson_val *body, struct emu_problem *p); /* of all schemas together */

void emu_check_config(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p);
void emu_check_tools(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p);
void emu_check_media(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p);
void emu_check_turns(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p,
                     bool *ret_mute);

/* Does the request want JSON, of whatever kind? Does it declare functions? */
bool emu_wants_json(yyjson_val *body);
bool emu_has_functions(yyjson_val *body);

#endif
