/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_turns.c - the history: roles, which turn may follow which, calls and their results, thought
 * signatures. */
#include "demo/check.h"
#include "demo/fields.h"
#include "demo/signature.h"

#define ALL_ROLES "SYSTEM, SYSTEM_1, USER, ASSISTANT, DEVELOPER, CONTEXT, USER_CONTEXT, MODEL, USER"

enum { CALLS_MAX = 512 };

/* What a content holds. */
struct turn {
    yyjson_val *content;
    bool model;
    size_t calls, results, others;
};

static struct turn turn_of(yyjson_val *content)
{
    struct turn t = {.content = content, .model = emu_word(content, "role", "model")};
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        if (emu_get(part, "function_call") != NULL)
            t.calls++;
        else if (emu_get(part, "function_response") != NULL)
            t.results++;
        else
            t.others++;
    }
    return t;
}

static void rules_parts(yyjson_val *content, struct str at, struct emu_problem *p)
{
    static const char *const data[] = {
        "text",
        "inline_data",
        "file_data",
        "function_call",
        "function_response",
        "executable_code",
        "code_execution_result",
        "tool_call",
        "tool_response",
        "audio_transcription",
        "thought_signature",
        "thought",
    };
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    yyjson_val *part;

    if (emu_len(emu_get(content, "parts")) == 0)
        emu_rule(p, "%.*s.parts: contents.parts must not be empty.", S_ARG(at));
    while ((part = emu_next(&parts)) != NULL) {
        bool any = false;

        for (size_t i = 0; i < NELEM(data); i++)
            any = any || emu_get(part, data[i]) != NULL;
        if (!any)
            emu_rule(p,
                     "%.*s.parts[%zu].data: required oneof field 'data' must have one initialized "
                     "field",
                     S_ARG(at), parts.index);
    }
}

void emu_rules_contents(yyjson_val *body, struct emu_problem *p)
{
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    yyjson_val *content;
    struct buf at;

    if (emu_len(emu_get(body, "contents")) == 0)
        emu_rule(p, "contents: contents is not specified");
    while ((content = emu_next(&contents)) != NULL) {
        buf_init(&at, 64);
        buf_putf(&at, "contents[%zu]", contents.index);
        rules_parts(content, buf_str(&at), p);
        buf_fini(&at);
    }
    if (emu_get(body, "system_instruction") != NULL)
        rules_parts(emu_get(body, "system_instruction"), S("system_instruction"), p);
}

static void check_role(const struct emu_family *f, yyjson_val *content, struct emu_problem *p)
{
    struct str role = emu_str(content, "role");
    bool old = emu_can(f, EMU_FUNCTION_ROLE);

    if (role.n == 0 || str_eq_nocase(role, S("user")) || str_eq_nocase(role, S("model")) ||
        (old && str_eq_nocase(role, S("function"))))
        return;
    if (old)
        emu_refuse(p, 400, "Please use a valid role: user, model.");
    else
        emu_refuse(p, 400, "Role '%.*s' is not supported. Please use a valid role: " ALL_ROLES ".",
                   S_ARG(role));
}

/* Does the content answer the call? By id where both have one, else by name. */
static bool answers(const struct emu_family *f, yyjson_val *result, yyjson_val *call)
{
    struct str id = emu_str(call, "id");
    struct str answered = emu_str(result, "id");

    if (!str_eq(emu_str(result, "name"), emu_str(call, "name")))
        return false;
    if (answered.n == 0)
        return id.n == 0 || !emu_can(f, EMU_NEEDS_IDS);
    return id.n == 0 || str_eq(id, answered);
}

static bool is_answered(const struct emu_family *f, yyjson_val *call, yyjson_val *results)
{
    struct emu_each parts = emu_each(emu_get(results, "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        yyjson_val *result = emu_get(part, "function_response");

        if (result != NULL && answers(f, result, call))
            return true;
    }
    return false;
}

/* A result that answers no call is not refused by newer models: they fall silent. */
static bool all_answered(const struct emu_family *f, yyjson_val *calls, yyjson_val *results)
{
    struct emu_each parts = emu_each(emu_get(calls, "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        yyjson_val *call = emu_get(part, "function_call");

        if (call != NULL && !is_answered(f, call, results))
            return false;
    }
    return true;
}

/* What the model called last. Contents with calls in a row are one step. */
struct step {
    yyjson_val *content; /* the first of them */
    size_t contents;
    size_t calls;
};

static void check_order(const struct turn *prev, const struct turn *t, const struct step *step,
                        struct emu_problem *p)
{
    if (t->model && t->calls > 0 && (prev->content == NULL || (prev->model && prev->calls == 0)))
        emu_refuse(p, 400,
                   "Please ensure that function call turn comes immediately after a user turn or "
                   "after a function response turn.");
    if (prev->model && prev->calls > 0 && !(t->model && t->calls > 0) && t->results != step->calls)
        emu_refuse(p, 400,
                   "Please ensure that the number of function response parts is equal to the "
                   "number of function call parts of the function call turn.");
    if (t->results > 0 && !(prev->model && prev->calls > 0))
        emu_refuse(p, 400,
                   "Please ensure that function response turn comes immediately after a function "
                   "call turn.");
}

static void check_end(const struct emu_family *f, const struct turn *last, struct emu_problem *p)
{
    bool mixed = last->results > 0 && last->others > 0; /* read as if the model had spoken last */

    if (!emu_can(f, EMU_PREFILL) && (last->model || mixed))
        emu_refuse(p, 400, "Requests ending with a model turn are not supported.");
}

static yyjson_val *first_call(yyjson_val *content)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        if (emu_get(part, "function_call") != NULL)
            return part;
    }
    return NULL;
}

static void check_signature(const struct emu_ask *ask, yyjson_val *part, struct emu_problem *p)
{
    struct str signature = emu_str(part, "thought_signature");

    if (signature.n == 0 || ask->any_signature)
        return;
    switch (emu_signature_check(signature, str_z(ask->target.family->line))) {
    case EMU_SIGNATURE_OURS:
    case EMU_SIGNATURE_DUMMY: return;
    case EMU_SIGNATURE_FOREIGN: emu_refuse(p, 400, "Invalid thought signature."); return;
    case EMU_SIGNATURE_ALTERED: emu_refuse(p, 400, "Corrupted thought signature."); return;
    }
}

/* Each step of the current turn must bring back the signature of its first call. */
static void check_signed(yyjson_val *content, size_t index, struct emu_problem *p)
{
    yyjson_val *part = first_call(content);

    if (part == NULL || emu_str(part, "thought_signature").n > 0)
        return;
    emu_refuse(p, 400,
               "Function call is missing a thought_signature in functionCall parts. This is "
               "required for tools to work correctly, and missing thought_signature may lead to "
               "degraded model performance. Additional data, function call `default_api:%.*s` , "
               "position %zu. Please refer to "
               "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
               S_ARG(emu_str(emu_get(part, "function_call"), "name")), index + 1);
}

/* The index of the last content in which the user said something, SIZE_MAX when there is none. */
static size_t turn_start(yyjson_val *contents)
{
    struct emu_each e = emu_each(contents);
    size_t start = SIZE_MAX;
    yyjson_val *content;

    while ((content = emu_next(&e)) != NULL) {
        struct turn t = turn_of(content);

        if (!t.model && t.others > 0)
            start = e.index;
    }
    return start;
}

static void check_signatures(const struct emu_ask *ask, yyjson_val *contents, struct emu_problem *p)
{
    size_t start = turn_start(contents);
    bool in_step = false;
    struct emu_each e = emu_each(contents);
    yyjson_val *content;
    yyjson_val *part;

    while ((content = emu_next(&e)) != NULL) {
        struct emu_each parts = emu_each(emu_get(content, "parts"));
        struct turn t = turn_of(content);
        bool calls = t.model && t.calls > 0;
        bool current = start == SIZE_MAX || e.index > start;

        while ((part = emu_next(&parts)) != NULL)
            check_signature(ask, part, p);
        if (calls && !in_step && current && emu_can(ask->target.family, EMU_SIGNS))
            check_signed(content, e.index, p);
        in_step = calls;
    }
}

static void step_add(struct step *s, const struct turn *prev, const struct turn *t)
{
    if (!(prev->model && prev->calls > 0))
        *s = (struct step){.content = t->content};
    s->contents++;
    s->calls += t->calls;
}

void emu_check_turns(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p,
                     bool *ret_mute)
{
    const struct emu_family *f = ask->target.family;
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    struct turn prev = {0};
    struct step step = {0};
    yyjson_val *content;

    while ((content = emu_next(&contents)) != NULL) {
        struct turn t = turn_of(content);

        check_role(f, content, p);
        check_order(&prev, &t, &step, p);
        if (t.results > 0 && t.results <= CALLS_MAX && step.contents == 1 &&
            !all_answered(f, step.content, content))
            *ret_mute = emu_can(f, EMU_CALL_IDS);
        if (t.model && t.calls > 0)
            step_add(&step, &prev, &t);
        prev = t;
    }
    check_end(f, &prev, p);
    check_signatures(ask, emu_get(body, "contents"), p);
}
