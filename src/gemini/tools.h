/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tools.h - declarations of functions, Google's own tools, and when they may be called.
 *
 *   gm_tools_open  [gm_functions_open gm_function* gm_functions_close]  [gm_own_tool ...]
 *   gm_tools_close  [gm_tool_config] */
#ifndef GEMINI_TOOLS_H
#define GEMINI_TOOLS_H

#include "base/arena.h"
#include "gemini/write.h"

enum { GM_FUNCTIONS_MAX = 512, GM_FUNCTION_NAME_MAX = 128 };

enum gm_own_tool { GM_SEARCH, GM_URL_CONTEXT, GM_CODE_EXECUTION, GM_OWN_TOOLS };
enum gm_call_mode {
    GM_CALLS_AUTO,
    GM_CALLS_NONE,
    GM_CALLS_ANY,       /* a call there must be */
    GM_CALLS_VALIDATED, /* text or calls, and the calls follow their schema */
};

/* The name under which Gemini knows a function: the client's where Gemini takes that, else one made
 * from it, always the same. Empty when the arena is full or the name is. */
struct str gm_function_name(struct str name, struct arena *arena);

void gm_tools_open(struct gm *g);
void gm_functions_open(struct gm *g);
void gm_function_open(struct gm *g, struct str name, struct str description);
/* The schema of the arguments; none, and nothing is written, when there are no arguments. */
void gm_function_schema(struct gm *g, yyjson_val *schema);
void gm_function_text_schema(struct gm *g, const char *member); /* one text, under this name */
void gm_function_close(struct gm *g);
void gm_functions_close(struct gm *g);
void gm_put_own_tool(struct gm *g, enum gm_own_tool which);
void gm_tools_close(struct gm *g);

struct gm_tool_config {
    enum gm_call_mode mode;
    const struct str *names; /* the only ones allowed; none: all */
    size_t nnames;
    bool show_own; /* Google's tools stand beside functions: their calls must be seen */
};
void gm_put_tool_config(struct gm *g, const struct gm_tool_config *config);

#endif
