/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_own.c - tools in Google's own words (extra_body.google.tools and tool_config), and whether
 * Google's tools may stand beside functions, in whichever words they came.
 *
 * Some families take both when their calls are shown, others refuse the request: there the client's
 * functions stay, for it waits for their calls. Beside a cache, which holds tools of its own, there
 * may be none. Source: mapping 1.4 and 1.4.3. */
#include "dialect/openai/chat.h"

static const char FLAG_SNAKE[] = "include_server_side_tool_invocations";
static const char FLAG_CAMEL[] = "includeServerSideToolInvocations";

static yyjson_val *functions_of(yyjson_val *tool)
{
    return oa_google_member(tool, "function_declarations", "functionDeclarations");
}

static bool is_flag(struct str name)
{
    return str_eq(name, str_z(FLAG_SNAKE)) || str_eq(name, str_z(FLAG_CAMEL));
}

/* One tool of Google's format may hold functions and several of Google's own. */
static void read_google_tool(struct chat *c, yyjson_val *tool)
{
    yyjson_val *functions = functions_of(tool);

    if (yyjson_arr_size(functions) > 0)
        c->google_functions = true;
    jr_each_member (key, tool)
        if (key + 1 != functions && !yyjson_is_null(key + 1))
            c->google_own = true;
}

void oa_read_google_tools(struct chat *c)
{
    yyjson_val *list = jr_get(c->google, "tools");

    if (list != NULL && !yyjson_is_arr(list))
        fault_set(c->why, E_FIELD, "must be a list", list);
    jr_each (tool, list)
        read_google_tool(c, tool);
}

bool oa_has_functions(const struct chat *c)
{
    return c->functions > 0 || c->google_functions;
}

bool oa_wants_own_tool(const struct chat *c)
{
    bool any = c->google_own;

    for (size_t i = 0; i < GM_OWN_TOOLS; i++)
        any = any || c->own[i];
    return any;
}

bool oa_google_declares(struct chat *c, struct str name)
{
    jr_each (tool, jr_get(c->google, "tools"))
        jr_each (fn, functions_of(tool))
            if (str_eq(jr_str(fn, "name"), name))
                return true;
    return false;
}

static void drop_own(struct chat *c)
{
    memset(c->own, 0, sizeof c->own);
    c->google_own = false;
}

void oa_keep_own_apart(struct chat *c)
{
    bool functions = oa_has_functions(c);
    bool own = oa_wants_own_tool(c);

    if (c->cached && (functions || own)) {
        drop_own(c);
        c->functions = 0;
        c->google_functions = false;
        oa_ignore(c, S("tools"), S("cached_content"));
    } else if (functions && own && !gm_can(c->caps, GM_CAN_MIX_TOOLS)) {
        drop_own(c);
        c->apart = true;
        oa_ignore(c, S("google_tools_beside_functions"), S(""));
    }
}

bool oa_has_google_tools(const struct chat *c)
{
    size_t n = yyjson_arr_size(jr_get(c->google, "tools"));

    return c->google_functions || (n > 0 && !c->apart && !c->cached);
}

static void put_functions_alone(struct chat *c, yyjson_val *functions)
{
    if (yyjson_arr_size(functions) == 0)
        return;
    jw_obj(&c->g.w, NULL);
    jw_copy(&c->g.w, "functionDeclarations", functions);
    jw_end(&c->g.w);
}

void oa_put_google_tools(struct chat *c)
{
    jr_each (tool, jr_get(c->google, "tools"))
        if (c->apart)
            put_functions_alone(c, functions_of(tool));
        else
            jw_copy(&c->g.w, NULL, tool);
}

/* The client may say no; a family that has no such calls refuses the word itself. */
static void put_flag(struct chat *c, yyjson_val *said)
{
    if (yyjson_is_true(said) && !gm_can(c->caps, GM_CAN_MIX_TOOLS))
        oa_ignore(c, S("tool_config.include_server_side_tool_invocations"), S(""));
    else if (said != NULL)
        jw_copy(&c->g.w, FLAG_CAMEL, said);
    else if (c->tool_config.show_own)
        jw_bool(&c->g.w, FLAG_CAMEL, true);
}

static void put_said_config(struct chat *c, yyjson_val *config)
{
    yyjson_val *flag = oa_google_member(config, FLAG_SNAKE, FLAG_CAMEL);

    jw_obj(&c->g.w, "toolConfig");
    jr_each_member (key, config)
        if (!is_flag(jr_text(key))) {
            jw_key(&c->g.w, jr_text(key));
            jw_copy(&c->g.w, NULL, key + 1);
        }
    put_flag(c, flag);
    jw_end(&c->g.w);
}

void oa_put_tool_config(struct chat *c)
{
    yyjson_val *said = oa_google_member(c->google, "tool_config", "toolConfig");

    if (said != NULL && !c->cached)
        put_said_config(c, said);
    else if (said != NULL)
        oa_ignore(c, S("tool_config"), S("cached_content"));
    else if (oa_has_functions(c))
        gm_put_tool_config(&c->g, &c->tool_config);
}
