/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat.h - a Chat Completions request on its way to Gemini. Shared by the chat*.c files alone.
 *
 *   chat.c           the walk, front to back: read this first
 *   chat_fields.c    a row for each member of the request
 *   chat_messages.c  messages -> systemInstruction and contents
 *   chat_parts.c     the content of a message
 *   chat_model.c     what the model said earlier
 *   chat_calls.c     calls that the model made earlier, and what the tools answered
 *   chat_tools.c     tools, functions, tool_choice
 *   chat_own.c       tools in Google's words; Google's tools beside functions
 *   chat_think.c     the members that say how hard to think, and how long to answer
 *   chat_format.c    response_format, modalities, audio
 *   chat_google.c    extra_body.google
 *
 * Everything is read first (oa_read_*), for what is written depends on it: tools on the family,
 * formats on tools, limits on thinking. Then it is written in Gemini's order (oa_put_*). */
#ifndef DIALECT_OPENAI_CHAT_H
#define DIALECT_OPENAI_CHAT_H

#include "codec/json_map.h"
#include "dialect/dialect.h"
#include "dialect/openai/answer.h"
#include "gemini/media.h"
#include "gemini/pairs.h"
#include "gemini/think.h"
#include "gemini/tools.h"
#include "gemini/write.h"

enum oa_format { OA_TEXT, OA_JSON, OA_JSON_SCHEMA };

/* A message, looked at once. */
enum oa_role { OA_NOBODY = -1, OA_SYSTEM, OA_USER, OA_ASSISTANT, OA_TOOL, OA_FUNCTION };
struct oa_message {
    yyjson_val *v;
    uint64_t names; /* jr_marks() */
    enum oa_role role;
};

/* One of `tools`, looked at once. */
struct oa_tool {
    yyjson_val *v;   /* the members of a function, or of a custom tool */
    int kind;        /* chat_tools.c's */
    struct str name; /* under which it is declared; empty for those of Google's */
};

/* The members of the request, found in one walk: those with a row in chat_fields.c. */
struct oa_fields {
    struct jm_found config, top;
    bool unknown; /* there are others */
};

struct chat {
    yyjson_val *root;
    struct oa_fields *fields;
    uint64_t names;     /* jr_marks() of the root */
    yyjson_val *google; /* extra_body.google, or NULL */
    const struct dialect_env *env;
    const struct gm_caps *caps; /* own_caps: the family's, without what upstream has refused */
    struct gm_caps own_caps;
    unsigned remedies; /* enum gm_remedy: the request's, and those learned for the model */
    struct gm_media_env media;
    struct translation *tr; /* what is made */
    struct buf ignored;     /* of it: gathered in a room of the caller's */
    struct oa_answer *answer;
    struct fault *why;
    struct gm g;
    struct jm jm;
    /* what was read */
    struct oa_message *messages;
    size_t nmessages;
    bool only_system;      /* nobody speaks but the system: Gemini needs somebody else to */
    size_t last_word;      /* system messages from this one on are what is asked */
    struct gm_pairs pairs; /* of every call and result, in the order of the talk */
    size_t pair;           /* the next of them to come by */
    struct json scratch;   /* JSON that came as a string */
    bool cached;           /* the context is a cache's, which holds system and tools */
    struct oa_tool *tools;
    size_t ntools;
    unsigned functions;     /* declared in OpenAI's words */
    bool own[GM_OWN_TOOLS]; /* Google's tools that are wanted */
    bool google_functions;  /* declared in Google's words */
    bool google_own;        /* Google's tools wanted in its own words */
    bool apart;             /* of Google's words the functions alone are kept */
    bool strict;            /* a function asked for its schema to be followed */
    struct gm_tool_config tool_config;
    struct gm_think think;
    int64_t limit; /* maxOutputTokens; 0: none */
    enum oa_format format;
    yyjson_val *schema, *about; /* of OA_JSON_SCHEMA */
    bool format_in_words;       /* the family cannot be held to it: it is asked for */
};

/* A member of the request, or of a message; NULL when it is absent or null. */
static ALWAYS_INLINE yyjson_val *oa_get(const struct chat *c, const char *name)
{
    return jr_marked(c->root, c->names, name);
}
static ALWAYS_INLINE yyjson_val *oa_of(const struct oa_message *msg, const char *name)
{
    return jr_marked(msg->v, msg->names, name);
}

/* chat.c: a copy in the arena, and Gemini's name of a function; where there is no room for it, that
 * is a fault. */
struct str oa_keep(struct chat *c, struct str s);
struct str oa_function_name(struct chat *c, struct str name);

/* chat_fields.c */
void oa_read_names(struct chat *c); /* of the request's members: one that occurs twice is a fault */
void oa_check_members(struct chat *c, yyjson_val *obj, const struct jm_row *rows, size_t n);
void oa_put_config_fields(struct chat *c); /* members of generationConfig */
void oa_put_top_fields(struct chat *c);    /* members of the request itself, and unknown ones */
/* For x-queqiao-ignored: the name, and what it became where it is not gone altogether. */
void oa_ignore(struct chat *c, struct str name, struct str became);

/* chat_messages.c */
void oa_read_messages(struct chat *c);
void oa_put_system(struct chat *c);
void oa_put_turns(struct chat *c);

/* chat_parts.c */
void oa_put_content(struct chat *c, const struct oa_message *msg);
void oa_put_text_content(struct chat *c,
                         const struct oa_message *msg); /* anything but text is a fault */
void oa_put_part(struct chat *c, yyjson_val *part);
bool oa_part_is_thought(yyjson_val *part);
/* Of a tool's result: a string as it is, the texts of a list joined by line breaks, else JSON. */
struct str oa_content_text(struct chat *c, const struct oa_message *msg);
/* The medium of a part: false when it is none, or a fault was set. */
MUST_CHECK bool oa_part_media(struct chat *c, yyjson_val *part, struct gm_media *ret);

/* chat_model.c */
void oa_put_model_content(struct chat *c, const struct oa_message *msg);
struct str oa_recall_call(struct chat *c, struct str id); /* its signature, or empty */

/* chat_calls.c */
void oa_count_calls(struct chat *c); /* every call and result of the talk, matched */
void oa_put_calls(struct chat *c, const struct oa_message *msg); /* of an assistant message */
void oa_put_results(struct chat *c, size_t from); /* of the calls since pair `from` */
void oa_put_result_turn(struct chat *c,
                        const struct oa_message *msg); /* a result that nobody waits for */

/* chat_tools.c */
void oa_read_tools(struct chat *c);
void oa_put_tools(struct chat *c);

/* chat_own.c */
void oa_read_google_tools(struct chat *c);
void oa_keep_own_apart(struct chat *c);       /* where functions or a cache stand beside them */
bool oa_wants_own_tool(const struct chat *c); /* one of Google's, in whichever words */
bool oa_has_functions(const struct chat *c);  /* the same */
bool oa_google_declares(struct chat *c, struct str name); /* a function in Google's words */
bool oa_has_google_tools(const struct chat *c);           /* there is one to put */
void oa_put_google_tools(struct chat *c);
void oa_put_tool_config(struct chat *c);

/* chat_think.c */
void oa_read_thinking(struct chat *c);

/* chat_format.c */
void oa_read_format(struct chat *c);
void oa_put_format_words(struct chat *c); /* for the system, where the family has no format */
void oa_put_format(struct chat *c);       /* members of generationConfig */

/* chat_google.c */
void oa_read_google(struct chat *c);
void oa_put_google_top(struct chat *c); /* members of the request */
/* generationConfig's members as put_mapped writes them, but for those that Google's words replace.
 */
void oa_put_config_merged(struct chat *c, void (*put_mapped)(struct chat *c));
yyjson_val *oa_google_spelled(yyjson_val *obj, const char *snake, const char *camel);
static inline yyjson_val *oa_google_member(yyjson_val *obj, const char *snake, const char *camel)
{
    return obj != NULL ? oa_google_spelled(obj, snake, camel) : NULL; /* none, as a rule */
}
bool oa_google_has(struct chat *c, const char *camel); /* said in extra_body.google */

#endif
