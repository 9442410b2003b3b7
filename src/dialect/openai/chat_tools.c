/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_tools.c - tools, legacy functions and tool_choice in; declarations out.
 *
 * They are read once before anything is written, for what a family can do beside tools depends on
 * them. Google's words are in gemini/tools.h. */
#include "dialect/openai/chat.h"

#include "gemini/tools.h"

enum kind { FUNCTION, CUSTOM, SEARCH, CODE, URLS };
static const struct word KIND[] = {
    {"function",                      FUNCTION},
    {"custom",                        CUSTOM  },
    {"web_search",                    SEARCH  },
    {"web_search_preview",            SEARCH  },
    {"web_search_preview_2025_03_11", SEARCH  },
    {"google_search",                 SEARCH  },
    {"code_interpreter",              CODE    },
    {"code_execution",                CODE    },
    {"url_context",                   URLS    },
};

/* Front-ends that can declare nothing but functions ask for Google's own tools by these names. */
static const struct word OWN_NAME[] = {
    {"googleSearch",   SEARCH},
    {"google_search",  SEARCH},
    {"codeExecution",  CODE  },
    {"code_execution", CODE  },
    {"urlContext",     URLS  },
    {"url_context",    URLS  },
};

/* A function of such a name that says what it does, or what it takes, is the client's own. */
static int kind_of_function(yyjson_val *fn)
{
    int own = WORD(OWN_NAME, jr_str(fn, "name"));
    bool bare = jr_str(fn, "description").n == 0 && yyjson_obj_size(jr_get(fn, "parameters")) == 0;

    return own >= 0 && bare ? own : FUNCTION;
}

/* A tool is declared as {"type":T, T:{...}}; some clients leave the type out, or put the members
 * beside it, as another API of OpenAI's has them. */
static int kind_of(yyjson_val *tool)
{
    yyjson_val *fn = jr_get(tool, "function");
    bool untyped = jr_get(tool, "type") == NULL && fn != NULL;
    int kind = untyped ? (int)FUNCTION : WORD(KIND, jr_str(tool, "type"));

    return kind == FUNCTION ? kind_of_function(fn != NULL ? fn : tool) : kind;
}

static yyjson_val *inside(yyjson_val *tool, enum kind kind)
{
    yyjson_val *v = jr_get(tool, kind == CUSTOM ? "custom" : "function");

    return v != NULL ? v : tool;
}

/* Names that Gemini knows otherwise, and custom tools, are needed again for the answer. */
static void keep_name(struct chat *c, struct str client, struct str gemini, bool custom)
{
    struct oa_name *n;

    if (!custom && str_eq(client, gemini))
        return;
    n = arena_zalloc(c->env->arena, sizeof *n);
    if (n == NULL) {
        fault_set(c->why, E_TOOBIG, "has more tools than this server takes", NULL);
        return;
    }
    n->client = oa_keep(c, client);
    n->gemini = oa_keep(c, gemini);
    n->custom = custom;
    n->next = c->answer->names;
    c->answer->names = n;
}

static void read_function(struct chat *c, yyjson_val *fn, bool custom)
{
    yyjson_val *name = jr_get(fn, "name");
    yyjson_val *parameters = jr_get(fn, "parameters");
    struct str text = jr_text(name);

    if (name == NULL)
        fault_missing(c->why, fn, "name");
    else if (text.n == 0)
        fault_set(c->why, E_FIELD, "must be a string with at least one character", name);
    else if (parameters != NULL && !yyjson_is_obj(parameters))
        fault_set(c->why, E_FIELD, "must be an object", parameters);
    else if (++c->functions > GM_FUNCTIONS_MAX)
        fault_set(c->why, E_RANGE, "is one function more than Gemini takes (512)", fn);
    else
        keep_name(c, text, oa_function_name(c, text), custom);
    c->strict = c->strict || jr_bool(fn, "strict", false);
}

static void read_tool(struct chat *c, yyjson_val *tool, struct oa_tool *ret)
{
    *ret = (struct oa_tool){.v = tool, .kind = kind_of(tool), .name = S("")};
    switch (ret->kind) {
    case FUNCTION:
    case CUSTOM:
        ret->v = inside(tool, (enum kind)ret->kind);
        ret->name = jr_str(ret->v, "name");
        read_function(c, ret->v, ret->kind == CUSTOM);
        break;
    case SEARCH: c->own[GM_SEARCH] = true; break;
    case CODE: c->own[GM_CODE_EXECUTION] = true; break;
    case URLS: c->own[GM_URL_CONTEXT] = true; break;
    default:
        if (!yyjson_is_obj(tool))
            fault_set(c->why, E_FIELD, "must be an object", tool);
        else
            fault_set(c->why, E_FIELD, "is of a type that Gemini has nothing for", tool);
    }
}

static yyjson_val *read_list(struct chat *c, yyjson_val *v)
{
    if (v != NULL && !yyjson_is_arr(v))
        fault_set(c->why, E_FIELD, "must be a list", v);
    return v;
}

/* Which calls the client allows. */
static const struct word CHOICE[] = {
    {"none",     GM_CALLS_NONE},
    {"auto",     GM_CALLS_AUTO},
    {"required", GM_CALLS_ANY },
    {"any",      GM_CALLS_ANY },
};

static bool is_legacy(yyjson_val *functions, struct str name)
{
    jr_each (fn, functions)
        if (str_eq(jr_str(fn, "name"), name))
            return true;
    return false;
}

static bool is_declared(struct chat *c, struct str name)
{
    for (size_t i = 0; i < c->ntools; i++)
        if (str_eq(c->tools[i].name, name))
            return true;
    return is_legacy(oa_get(c, "functions"), name) || oa_google_declares(c, name);
}

static struct str *room_for_names(struct chat *c, size_t n)
{
    struct str *names = arena_zalloc(c->env->arena, (n > 0 ? n : 1) * sizeof *names);

    if (names == NULL)
        fault_set(c->why, E_TOOBIG, "has more names than this server takes", NULL);
    return names;
}

static void allow(struct chat *c, struct str *names, yyjson_val *named)
{
    struct gm_tool_config *config = &c->tool_config;
    struct str name = jr_str(named, "name");

    if (names == NULL)
        return;
    if (!is_declared(c, name))
        fault_set(c->why, E_FIELD, "names a function that is not declared", named);
    names[config->nnames++] = oa_function_name(c, name);
    config->names = names;
}

static void allow_listed(struct chat *c, yyjson_val *allowed)
{
    struct gm_tool_config *config = &c->tool_config;
    yyjson_val *tools = jr_get(allowed, "tools");
    size_t n = yyjson_arr_size(tools);

    config->mode = str_eq(jr_str(allowed, "mode"), S("required")) ? GM_CALLS_ANY
                   : gm_can(c->caps, GM_CAN_VALIDATE)             ? GM_CALLS_VALIDATED
                                                                  : GM_CALLS_ANY;
    if (n == 0 || n > GM_FUNCTIONS_MAX) {
        fault_set(c->why, E_FIELD, "must list the tools that are allowed", allowed);
        return;
    }
    struct str *names = room_for_names(c, n);

    jr_each (tool, tools)
        allow(c, names, inside(tool, kind_of(tool) == CUSTOM ? CUSTOM : FUNCTION));
}

/* Google itself decides when its own tools run. */
static bool names_own_tool(struct chat *c, yyjson_val *choice)
{
    int kind = kind_of(choice);

    return kind > CUSTOM && !is_declared(c, jr_str(inside(choice, FUNCTION), "name"));
}

static void read_choice(struct chat *c)
{
    yyjson_val *named = oa_get(c, "tool_choice");
    yyjson_val *choice = named != NULL ? named : oa_get(c, "function_call");
    struct gm_tool_config *config = &c->tool_config;
    yyjson_val *allowed;
    struct str type;
    int mode;

    if (choice == NULL)
        return;
    allowed = jr_get(choice, "allowed_tools");
    type = jr_str(choice, "type");
    mode = WORD(CHOICE, jr_text(choice));
    if (mode >= 0)
        config->mode = (enum gm_call_mode)mode;
    else if (!yyjson_is_obj(choice))
        fault_set(c->why, E_FIELD, "must be none, auto, required or an object", choice);
    else if (str_eq(type, S("allowed_tools")))
        allow_listed(c, allowed != NULL ? allowed : choice);
    else if (!names_own_tool(c, choice)) {
        config->mode = GM_CALLS_ANY;
        allow(c, room_for_names(c, 1),
              inside(choice, str_eq(type, S("custom")) ? CUSTOM : FUNCTION));
    }
    if (!oa_has_functions(c) && config->mode == GM_CALLS_ANY)
        fault_set(c->why, E_FIELD, "demands a call, but no function is declared", choice);
}

/* A function that asks for its schema to be followed gets the mode that does. */
static void read_config(struct chat *c)
{
    struct gm_tool_config *config = &c->tool_config;

    read_choice(c);
    if (config->mode == GM_CALLS_AUTO && c->strict && gm_can(c->caps, GM_CAN_VALIDATE))
        config->mode = GM_CALLS_VALIDATED;
    config->show_own = oa_has_functions(c) && oa_wants_own_tool(c);
}

static void read_tools(struct chat *c)
{
    yyjson_val *list = read_list(c, oa_get(c, "tools"));
    size_t n = yyjson_arr_size(list);

    if (n == 0)
        return;
    c->tools = arena_alloc(c->env->arena, n * sizeof *c->tools);
    if (c->tools == NULL) {
        fault_set(c->why, E_TOOBIG, "has more tools than this server takes", list);
        return;
    }
    jr_each (tool, list)
        read_tool(c, tool, &c->tools[c->ntools++]);
}

void oa_read_tools(struct chat *c)
{
    yyjson_val *functions = read_list(c, oa_get(c, "functions"));

    oa_read_google_tools(c);
    read_tools(c);
    jr_each (fn, functions)
        read_function(c, fn, false);
    c->answer->legacy_calls = yyjson_arr_size(functions) > 0;
    c->answer->one_call = yyjson_is_false(oa_get(c, "parallel_tool_calls"));
    if (oa_get(c, "web_search_options") != NULL)
        c->own[GM_SEARCH] = true;
    if (c->functions > 0 && !gm_can(c->caps, GM_CAN_TOOLS)) {
        c->functions = 0;
        oa_ignore(c, S("tools"), S(""));
    }
    oa_keep_own_apart(c);
    if (!c->cached)
        read_config(c);
    c->answer->keep_text =
        c->own[GM_SEARCH] || c->own[GM_URL_CONTEXT] || jr_get(c->google, "tools") != NULL;
}

/* The names of the legacy functions, in their order; NULL and a fault when there is no memory. */
static const struct str *names_in(struct chat *c, yyjson_val *functions)
{
    struct str *names = room_for_names(c, yyjson_arr_size(functions));
    size_t n = 0;

    if (names == NULL)
        return NULL;
    jr_each (fn, functions)
        names[n++] = jr_str(fn, "name");
    return names;
}

/* A later declaration of the same name is the one that counts. */
static bool is_repeated(const struct str *names, size_t n, size_t i)
{
    for (size_t later = i + 1; later < n; later++)
        if (str_eq(names[later], names[i]))
            return true;
    return false;
}

static bool is_declared_later(const struct chat *c, size_t i)
{
    for (size_t later = i + 1; later < c->ntools; later++)
        if (str_eq(c->tools[later].name, c->tools[i].name))
            return true;
    return false;
}

/* The grammar of a custom tool can be told, but not enforced. */
static struct str custom_description(struct chat *c, yyjson_val *custom)
{
    struct str text = jr_str(custom, "description");
    yyjson_val *format = jr_get(custom, "format");
    yyjson_val *grammar = jr_get(format, "grammar");
    struct str definition = jr_str(grammar != NULL ? grammar : format, "definition");
    struct buf b;

    if (definition.n == 0)
        return text;
    buf_init(&b, text.n + definition.n + 128);
    buf_put(&b, text);
    buf_lit(&b, "\nThe input must follow this grammar:\n");
    buf_put(&b, definition);
    text = oa_keep(c, buf_str(&b));
    buf_fini(&b);
    return text;
}

static void put_function(struct chat *c, yyjson_val *fn, bool custom)
{
    struct gm *g = &c->g;
    struct str description = custom ? custom_description(c, fn) : jr_str(fn, "description");

    gm_function_open(g, oa_function_name(c, jr_str(fn, "name")), description);
    if (custom)
        gm_function_text_schema(g, "input");
    else
        gm_function_schema(g, jr_get(fn, "parameters"));
    gm_function_close(g);
}

static void put_functions(struct chat *c)
{
    yyjson_val *functions = oa_get(c, "functions");
    const struct str *legacy = names_in(c, functions);
    size_t i = 0;

    if (legacy == NULL)
        return;
    if (!gm_can(c->caps, GM_CAN_BOUNDS))
        oa_ignore(c, S("tools"), S("without_bounds"));
    gm_functions_open(&c->g);
    for (size_t k = 0; k < c->ntools; k++) {
        const struct oa_tool *tool = &c->tools[k];

        if (tool->name.n > 0 && !is_declared_later(c, k) && !is_legacy(functions, tool->name))
            put_function(c, tool->v, tool->kind == CUSTOM);
    }
    jr_each (fn, functions)
        if (!is_repeated(legacy, yyjson_arr_size(functions), i++))
            put_function(c, fn, false);
    gm_functions_close(&c->g);
}

void oa_put_tools(struct chat *c)
{
    if (c->functions > 0 || oa_wants_own_tool(c) || oa_has_google_tools(c)) {
        gm_tools_open(&c->g);
        if (c->functions > 0)
            put_functions(c);
        for (size_t i = 0; i < GM_OWN_TOOLS; i++)
            if (c->own[i])
                gm_put_own_tool(&c->g, (enum gm_own_tool)i);
        oa_put_google_tools(c);
        gm_tools_close(&c->g);
    }
    oa_put_tool_config(c);
}
