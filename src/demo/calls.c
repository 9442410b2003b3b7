/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* calls.c - picks functions and places from the user's words. */
#include "demo/calls.h"
#include "demo/fields.h"
#include "demo/instance.h"

enum { CALLS_MAX = 16, PLACES_MAX = 8, SEARCHED_MAX = 64 * 1024, ARGS_MAX = 256 * 1024 };

static const char *const WEATHER[] = {"weather", "forecast", "天气", "气温"};
static const char *const STEPWISE[] = {"one by one", "step by step", "one after the other",
                                       ", then",     " then ",       "依次",
                                       "逐个",       "一步一步",     "然后"};
static const char *const PLACES[] = {
    "Amsterdam", "Athens",        "Bangkok",  "Beijing",  "Berlin",   "Boston",    "Chengdu",
    "Chicago",   "Delhi",         "Florence", "Geneva",   "Hangzhou", "Hong Kong", "Istanbul",
    "London",    "Madrid",        "Moscow",   "New York", "Oslo",     "Paris",     "Prague",
    "Rome",      "San Francisco", "Seoul",    "Shanghai", "Shenzhen", "Singapore", "Stockholm",
    "Sydney",    "Taipei",        "Tokyo",    "Vienna",   "Zurich",   "北京",      "上海",
    "广州",      "深圳",          "杭州",     "成都",     "香港",     "台北",      "东京",
    "首尔",      "新加坡",        "巴黎",     "伦敦",     "罗马",     "纽约",
};

/* The functions and places in the order in which the words name them. */
struct wish {
    yyjson_val *function[CALLS_MAX];
    size_t functions;
    struct str place[PLACES_MAX];
    size_t places;
    bool stepwise;
};

static struct str searched(const struct emu_prompt *p)
{
    return str_sub(p->text, 0, SEARCHED_MAX);
}

static bool says_any(struct str text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_contains_nocase(text, str_z(words[i])))
            return true;
    }
    return false;
}

static void find_places(const struct emu_prompt *p, struct wish *w)
{
    struct str text = searched(p);
    size_t from = 0;

    while (w->places < PLACES_MAX) {
        size_t best = text.n;
        struct str found = S("");

        for (size_t i = 0; i < NELEM(PLACES); i++) {
            size_t at = from + str_find(str_skip(text, from), str_z(PLACES[i]));

            if (at < best) {
                best = at;
                found = str_z(PLACES[i]);
            }
        }
        if (found.n == 0)
            return;
        w->place[w->places++] = found;
        from = best + found.n;
    }
}

static bool is_allowed(yyjson_val *body, struct str name)
{
    yyjson_val *config = emu_get(emu_get(body, "tool_config"), "function_calling_config");
    struct emu_each names = emu_each(emu_get(config, "allowed_function_names"));
    bool any = false;
    yyjson_val *v;

    while ((v = emu_next(&names)) != NULL) {
        if (str_eq(jr_text(v), name))
            return true;
        any = true;
    }
    return !any;
}

static bool is_wanted(const struct emu_prompt *p, yyjson_val *f)
{
    struct str name = emu_str(f, "name");

    if (name.n > 0 && emu_names(searched(p), name))
        return true;
    return says_any(searched(p), WEATHER, NELEM(WEATHER)) &&
           (says_any(name, WEATHER, NELEM(WEATHER)) ||
            says_any(emu_str(f, "description"), WEATHER, NELEM(WEATHER)));
}

/* All wanted functions; with ANY the first that is allowed when none is wanted. */
static void find_functions(const struct emu_prompt *p, bool any, struct wish *w)
{
    struct emu_each tools = emu_each(emu_get(p->body, "tools"));
    yyjson_val *first = NULL;
    yyjson_val *tool;
    yyjson_val *f;

    while ((tool = emu_next(&tools)) != NULL) {
        struct emu_each list = emu_each(emu_get(tool, "function_declarations"));

        while ((f = emu_next(&list)) != NULL) {
            if (!is_allowed(p->body, emu_str(f, "name")))
                continue;
            first = first ? first : f;
            if (w->functions < CALLS_MAX && is_wanted(p, f))
                w->function[w->functions++] = f;
        }
    }
    if (any && w->functions == 0 && first != NULL)
        w->function[w->functions++] = first;
}

/* Eight letters and digits that differ with the request and the call. */
static struct str make_id(struct emu_plan *plan, size_t index)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bool mixed = emu_can(plan->ask->target.family, EMU_MIXED_CASE_IDS);
    uint64_t seed = (plan->ask->serial * 1000 + index + 1) * 0x9e3779b97f4a7c15U;
    char id[8];

    for (size_t i = 0; i < sizeof id; i++) {
        seed ^= seed >> 29;
        seed *= 0xbf58476d1ce4e5b9U;
        id[i] = digits[(seed >> 33) % (mixed ? 62 : 36)];
    }
    return arena_dup(plan->arena, str_of(id, sizeof id));
}

static void add_call(struct emu_plan *plan, yyjson_val *f, struct str place, size_t index)
{
    yyjson_val *schema = emu_get(f, "parameters_json_schema");
    struct emu_hints hints = {plan->prompt.text, place, true};
    struct emu_segment *s;
    struct buf args;
    struct jw w;

    if (schema == NULL)
        schema = emu_get(f, "parameters");
    buf_init(&args, ARGS_MAX);
    jw_begin(&w, &args);
    if (schema != NULL)
        emu_instance(schema, &hints, &w, NULL);
    if (schema == NULL || args.err != OK || !str_starts(buf_str(&args), S("{"))) {
        buf_reset(&args);
        buf_lit(&args, "{}");
    }
    s = emu_plan_add(plan, EMU_S_CALL, buf_str(&args));
    buf_fini(&args);
    if (s == NULL)
        return;
    s->name = arena_dup(plan->arena, emu_str(f, "name"));
    if (emu_can(plan->ask->target.family, EMU_CALL_IDS))
        s->id = make_id(plan, index);
}

/* Calls first to last-1 of all that the words ask for: every function at every place. */
static void add_calls(struct emu_plan *plan, const struct wish *w, size_t first, size_t last)
{
    size_t places = w->places > 0 ? w->places : 1;

    for (size_t i = first; i < last; i++)
        add_call(plan, w->function[i / places], w->places > 0 ? w->place[i % places] : S(""), i);
}

static void sign_first(struct emu_plan *plan)
{
    const struct emu_family *f = plan->ask->target.family;
    bool thinks = plan->thought_tokens > 0;

    for (size_t i = 0; i < plan->n; i++) {
        if (plan->segment[i].kind != EMU_S_CALL)
            continue;
        plan->segment[i].is_signed =
            emu_can(f, EMU_SIGNS) || (emu_can(f, EMU_SIGNS_SOME) && thinks);
        return;
    }
}

bool emu_plan_calls(struct emu_plan *plan)
{
    const struct emu_prompt *p = &plan->prompt;
    yyjson_val *config = emu_get(emu_get(p->body, "tool_config"), "function_calling_config");
    bool any = emu_word(config, "mode", "ANY");
    struct wish w = {0};
    size_t all;

    if (emu_word(config, "mode", "NONE"))
        return false;
    find_functions(p, any, &w);
    find_places(p, &w);
    w.stepwise = says_any(searched(p), STEPWISE, NELEM(STEPWISE));
    all = w.functions * (w.places > 0 ? w.places : 1);
    all = all < CALLS_MAX ? all : CALLS_MAX;
    if (all == 0 || (p->calls_done > 0 && !any && (!w.stepwise || p->calls_done >= all)))
        return false;
    if (w.stepwise)
        add_calls(plan, &w, p->calls_done % all, p->calls_done % all + 1);
    else
        add_calls(plan, &w, 0, all);
    sign_first(plan);
    plan->finish_message = S("Model generated function call(s).");
    return true;
}
