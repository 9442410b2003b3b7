/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tools.c - Gemini's words for tools. Must not know how a client declares them. */
#include "gemini/tools.h"

#include "gemini/schema.h"

#include <assert.h>
#include <stdio.h>

static const char *const OWN[] = {"googleSearch", "urlContext", "codeExecution"};
static_assert(NELEM(OWN) == GM_OWN_TOOLS, "every tool of Google's needs its word");

static const char *const MODE[] = {"AUTO", "NONE", "ANY", "VALIDATED"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool fits(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';
}

static size_t misfits(struct str name)
{
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++)
        n += !fits(name.p[i]);
    return n;
}

/* "2fast" becomes "_2fast". A name that loses more than that gets the hash of the whole after it,
 * so that two that look alike then stay two. */
struct str gm_function_name(struct str name, struct arena *arena)
{
    bool whole = name.n < GM_FUNCTION_NAME_MAX && misfits(name) == 0;
    size_t keep = whole ? name.n : name.n < 100 ? name.n : 100;
    char *p;
    size_t n = 0;

    if (name.n == 0 || (whole && is_letter(name.p[0])))
        return name;
    p = arena_alloc(arena, GM_FUNCTION_NAME_MAX + 1);
    if (p == NULL)
        return S("");
    if (!is_letter(name.p[0]))
        p[n++] = '_';
    for (size_t i = 0; i < keep; i++)
        p[n++] = fits(name.p[i]) ? name.p[i] : '_';
    if (!whole)
        n += (size_t)snprintf(p + n, 10, "_%08x", (unsigned)(str_hash(name) & 0xffffffff));
    return str_of(p, n);
}

void gm_tools_open(struct gm *g)
{
    jw_arr(&g->w, "tools");
}

void gm_functions_open(struct gm *g)
{
    jw_obj(&g->w, NULL);
    jw_arr(&g->w, "functionDeclarations");
}

void gm_function_open(struct gm *g, struct str name, struct str description)
{
    jw_obj(&g->w, NULL);
    jw_str(&g->w, "name", name);
    if (description.n > 0)
        jw_str(&g->w, "description", description);
}

void gm_function_schema(struct gm *g, yyjson_val *schema)
{
    bool json = gm_can(g->caps, GM_CAN_JSON_SCHEMA);

    if (gm_schema_is_empty(schema))
        return;
    gm_schema_put(&g->w, json ? "parametersJsonSchema" : "parameters", schema, NULL,
                  gm_schema_for(g->caps), g->why);
}

void gm_function_text_schema(struct gm *g, const char *member)
{
    bool json = gm_can(g->caps, GM_CAN_JSON_SCHEMA);

    jw_obj(&g->w, json ? "parametersJsonSchema" : "parameters");
    jw_str(&g->w, "type", json ? S("object") : S("OBJECT"));
    jw_obj(&g->w, "properties");
    jw_obj(&g->w, member);
    jw_str(&g->w, "type", json ? S("string") : S("STRING"));
    jw_end(&g->w);
    jw_end(&g->w);
    jw_arr(&g->w, "required");
    jw_str(&g->w, NULL, str_z(member));
    jw_end(&g->w);
    jw_end(&g->w);
}

void gm_function_close(struct gm *g)
{
    jw_end(&g->w);
}

void gm_functions_close(struct gm *g)
{
    jw_end(&g->w);
    jw_end(&g->w);
}

void gm_put_own_tool(struct gm *g, enum gm_own_tool which)
{
    jw_obj(&g->w, NULL);
    jw_obj(&g->w, OWN[which]);
    jw_end(&g->w);
    jw_end(&g->w);
}

void gm_tools_close(struct gm *g)
{
    jw_end(&g->w);
}

void gm_put_tool_config(struct gm *g, const struct gm_tool_config *c)
{
    if (c->mode == GM_CALLS_AUTO && !c->show_own)
        return;
    jw_obj(&g->w, "toolConfig");
    if (c->mode != GM_CALLS_AUTO) {
        jw_obj(&g->w, "functionCallingConfig");
        jw_str(&g->w, "mode", str_z(MODE[c->mode]));
        if (c->nnames > 0)
            jw_arr(&g->w, "allowedFunctionNames");
        for (size_t i = 0; i < c->nnames; i++)
            jw_str(&g->w, NULL, c->names[i]);
        if (c->nnames > 0)
            jw_end(&g->w);
        jw_end(&g->w);
    }
    if (c->show_own)
        jw_bool(&g->w, "includeServerSideToolInvocations", true);
    jw_end(&g->w);
}
