/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat.h - a Chat Completions request on its way to Gemini. Shared by the chat*.c files alone.
 *
 *   chat.c           the walk, front to back: read this first
 *   chat_fields.c    a row for each member of the request
 *   chat_messages.c  messages -> systemInstruction and contents
 *   chat_parts.c     parts of a message's content
 *   chat_tools.c     tools, functions, tool_choice
 *   chat_results.c   what tools answered
 *   chat_config.c    thinking, limits, formats: what several members decide together
 *   chat_google.c    extra_body.google */
#ifndef DIALECT_OPENAI_CHAT_H
#define DIALECT_OPENAI_CHAT_H

#include "codec/json_map.h"
#include "dialect/dialect.h"
#include "dialect/openai/answer.h"
#include "gemini/think.h"
#include "gemini/write.h"

struct chat {
    yyjson_val *root;
    const struct dialect_env *env;
    const struct gm_caps *caps;
    struct translation *tr; /* what is made */
    struct oa_answer *answer;
    struct fault *why;
    struct gm g;
    struct jm jm;
    yyjson_val *google; /* extra_body.google, or NULL */
    struct gm_think think;
    int64_t limit;    /* maxOutputTokens; 0: none */
    bool only_system; /* nobody speaks but the system: Gemini needs somebody else to */
    bool search; /* Google's search is wanted: web_search_options, or ":search" after the model */
};

/* chat_fields.c */
void oa_put_config_fields(struct chat *c); /* members of generationConfig */
void oa_put_top_fields(struct chat *c);    /* members of the request itself, and unknown ones */
void oa_check_twice(struct chat *c);       /* a member that occurs twice is a fault */
/* For x-queqiao-ignored: the name, and what it became where it is not gone altogether. */
void oa_ignore(struct chat *c, struct str name, struct str became);
void oa_ignore_number(struct chat *c, const char *name, int64_t became);
/* For documents and tests: table i of the request's members, NULL past the last. */
const struct jm_row *oa_field_table(size_t i, const char **ret_title, size_t *ret_n);

/* chat_messages.c */
void oa_read_messages(struct chat *c); /* before anything is written: roles, and calls to results */
void oa_put_system(struct chat *c);
void oa_put_turns(struct chat *c);

/* chat_parts.c */
void oa_put_content(struct chat *c, yyjson_val *msg);
void oa_put_text_content(struct chat *c, yyjson_val *msg); /* anything but text is a fault */

/* chat_config.c */
void oa_decide(struct chat *c);     /* before anything is written: thinking, and what hangs on it */
void oa_put_config(struct chat *c); /* generationConfig */

#endif
