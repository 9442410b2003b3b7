/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_tools.c - tools and toolConfig. */
#include "demo/check.h"
#include "demo/fields.h"

enum { NAME_MAX_CHARS = 128, FUNCTIONS_MAX = 512 };

/* The tools that Google runs itself. */
static const char *const BUILT_IN[] = {
    "google_search",  "google_search_retrieval",
    "code_execution", "url_context",
    "google_maps",    "file_search",
    "computer_use",   "mcp_servers",
};

/* Walks all declarations of all tools. */
struct functions {
    struct emu_each tools, list;
};

static struct functions functions_of(yyjson_val *body)
{
    return (struct functions){emu_each(emu_get(body, "tools")), emu_each(NULL)};
}

static yyjson_val *next_function(struct functions *f)
{
    yyjson_val *v;
    yyjson_val *tool;

    while ((v = emu_next(&f->list)) == NULL) {
        tool = emu_next(&f->tools);
        if (tool == NULL)
            return NULL;
        f->list = emu_each(emu_get(tool, "function_declarations"));
    }
    return v;
}

bool emu_has_functions(yyjson_val *body)
{
    struct functions f = functions_of(body);

    return next_function(&f) != NULL;
}

static size_t function_count(yyjson_val *body)
{
    struct functions f = functions_of(body);
    size_t n = 0;

    while (next_function(&f) != NULL)
        n++;
    return n;
}

static const char *built_in(yyjson_val *body)
{
    struct emu_each tools = emu_each(emu_get(body, "tools"));
    yyjson_val *tool;

    while ((tool = emu_next(&tools)) != NULL) {
        for (size_t i = 0; i < NELEM(BUILT_IN); i++) {
            if (emu_get(tool, BUILT_IN[i]) != NULL)
                return BUILT_IN[i];
        }
    }
    return NULL;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool good_name(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_CHARS || !is_letter(s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != ':' && c != '-')
            return false;
    }
    return true;
}

static void rules_function(yyjson_val *f, struct str at, struct emu_problem *p)
{
    yyjson_val *json_schema = emu_get(f, "parameters_json_schema");
    struct buf path;

    buf_init(&path, 256);
    buf_putf(&path, "%.*s.parameters", S_ARG(at));
    if (!good_name(emu_str(f, "name")))
        emu_rule(
            p,
            "%.*s.name: Invalid function name. Must start with a letter or an underscore. Must "
            "be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes "
            "(-), with a maximum length of 128.",
            S_ARG(at));
    if (json_schema != NULL && emu_get(f, "parameters") != NULL)
        emu_rule(p, "%.*s: parameters and parameters_json_schema are mutually exclusive.",
                 S_ARG(at));
    if (json_schema != NULL && !yyjson_is_obj(json_schema))
        emu_rule(p, "%.*s.parameters_json_schema: must be a JSON object.", S_ARG(at));
    emu_rules_schema(emu_get(f, "parameters"), buf_str(&path), true, p);
    buf_fini(&path);
}

static void rules_tool(yyjson_val *tool, size_t index, struct emu_problem *p)
{
    struct emu_each functions = emu_each(emu_get(tool, "function_declarations"));
    bool any = false;
    struct buf at;
    yyjson_val *f;

    for (size_t i = 0; i < NELEM(BUILT_IN); i++)
        any = any || emu_get(tool, BUILT_IN[i]) != NULL;
    while ((f = emu_next(&functions)) != NULL) {
        buf_init(&at, 128);
        buf_putf(&at, "tools[%zu].function_declarations[%zu]", index, functions.index);
        rules_function(f, buf_str(&at), p);
        buf_fini(&at);
        any = true;
    }
    if (!any)
        emu_rule(p,
                 "tools[%zu].tool_type: required one_of 'tool_type' must have one initialized "
                 "field",
                 index);
}

static bool declares(yyjson_val *body, struct str name)
{
    struct functions f = functions_of(body);
    yyjson_val *v;

    while ((v = next_function(&f)) != NULL) {
        if (str_eq(emu_str(v, "name"), name))
            return true;
    }
    return false;
}

static yyjson_val *calling_config(yyjson_val *body)
{
    return emu_get(emu_get(body, "tool_config"), "function_calling_config");
}

static void rules_allowed(yyjson_val *body, struct emu_problem *p)
{
    yyjson_val *config = calling_config(body);
    struct emu_each names = emu_each(emu_get(config, "allowed_function_names"));
    bool fits = emu_word(config, "mode", "ANY") || emu_word(config, "mode", "VALIDATED");
    yyjson_val *name;

    if (emu_len(emu_get(config, "allowed_function_names")) > 0 && !fits)
        emu_rule(p, "tool_config.function_calling_config.allowed_function_names: "
                    "allowed_function_names should only be set when the function calling mode is "
                    "ANY or VALIDATED.");
    while ((name = emu_next(&names)) != NULL && names.index < FUNCTIONS_MAX) {
        if (!declares(body, jr_text(name)))
            emu_rule(p,
                     "tool_config.function_calling_config.allowed_function_names[%zu]: function "
                     "is not declared in tools.",
                     names.index);
    }
}

void emu_rules_tools(yyjson_val *body, struct emu_problem *p)
{
    struct emu_each tools = emu_each(emu_get(body, "tools"));
    yyjson_val *tool;

    if (function_count(body) > FUNCTIONS_MAX) {
        emu_rule(p, "tools.function_declarations: at most 512 are allowed.");
        return;
    }
    while ((tool = emu_next(&tools)) != NULL)
        rules_tool(tool, tools.index, p);
    rules_allowed(body, p);
}

static void check_duplicates(yyjson_val *body, struct emu_problem *p)
{
    struct functions outer = functions_of(body);
    yyjson_val *v;

    while ((v = next_function(&outer)) != NULL) {
        struct functions inner = outer;
        yyjson_val *other;

        while ((other = next_function(&inner)) != NULL) {
            if (str_eq(emu_str(v, "name"), emu_str(other, "name")))
                emu_refuse(p, 400, "Duplicate function declaration found: %.*s",
                           S_ARG(emu_str(v, "name")));
        }
    }
}

/* Google's own tools beside functions. */
static void check_mix(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    bool circulate = emu_true(emu_get(body, "tool_config"), "include_server_side_tool_invocations");
    bool mixed = emu_has_functions(body) && built_in(body) != NULL;
    bool can = emu_can(ask->target.family, EMU_TOOL_MIX);

    if (circulate && !can)
        emu_refuse(p, 400, "Tool call context circulation is not enabled for models/%.*s",
                   S_ARG(ask->target.asked));
    if (mixed && !can)
        emu_refuse(p, 400,
                   "Built-in tools ({%s}) and Function Calling cannot be combined in the same "
                   "request. Please choose one.",
                   built_in(body));
    if (mixed && !circulate)
        emu_refuse(p, 400,
                   "Please enable tool_config.include_server_side_tool_invocations to use Built-in "
                   "tools with Function calling.");
}

static void check_json(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    bool functions = emu_has_functions(body);

    if (!emu_wants_json(body) || (!functions && built_in(body) == NULL))
        return;
    if (!emu_can(ask->target.family, EMU_JSON_WITH_TOOLS))
        emu_refuse(p, 400, "%s with a response mime type: 'application/json' is unsupported",
                   functions ? "Function calling" : "Tool use");
    if (emu_word(calling_config(body), "mode", "ANY"))
        emu_refuse(p, 400,
                   "Forced function calling (ANY mode) with a response mime type: "
                   "'application/json' is unsupported");
}

void emu_check_tools(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    const char *google = built_in(body);

    if (calling_config(body) != NULL && !emu_has_functions(body))
        emu_refuse(p, 400, "Function calling config is set without function_declarations.");
    if (emu_has_functions(body) && !emu_can(ask->target.family, EMU_FUNCTIONS))
        emu_refuse(p, 400, "Function calling is not enabled for models/%.*s",
                   S_ARG(ask->target.asked));
    if (google != NULL && str_eq(str_z(google), S("google_search_retrieval")))
        emu_refuse(p, 400,
                   "google_search_retrieval is not supported. Please use google_search tool "
                   "instead.");
    check_duplicates(body, p);
    check_mix(ask, body, p);
    check_json(ask, body, p);
}
