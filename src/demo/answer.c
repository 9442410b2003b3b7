/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer.c - from a request to a plan: the order of the checks, how much the model thinks, and
 * which of its skills answers. */
#include "demo/answer.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "demo/calls.h"
#include "demo/check.h"
#include "demo/conform.h"
#include "demo/embed.h"
#include "demo/fields.h"
#include "demo/instance.h"
#include "demo/outputs.h"
#include "demo/signature.h"
#include "demo/skill.h"

enum { TEXT_MAX = 128 << 20, JSON_MAX = 32 << 20, KIB = 1024, QUOTE_MAX = 400 };

const char *const emu_method_names[EMU_METHODS] = {
    [EMU_GENERATE] = "generateContent",
    [EMU_STREAM] = "streamGenerateContent",
    [EMU_COUNT] = "countTokens",
    [EMU_EMBED] = "embedContent",
    [EMU_EMBED_MANY] = "batchEmbedContents",
};

void emu_answer_init(struct emu_answer *r)
{
    *r = (struct emu_answer){0};
    emu_problem_init(&r->problem);
    buf_init(&r->json, JSON_MAX);
}

void emu_answer_fini(struct emu_answer *r)
{
    emu_problem_fini(&r->problem);
    buf_fini(&r->json);
}

void emu_not_found(struct emu_problem *p, struct str version, struct str model,
                   enum emu_method method)
{
    emu_refuse(p, 404,
               "models/%.*s is not found for API version %.*s, or is not supported for %s. Call "
               "ModelService.ListModels to see the list of available models and their supported "
               "methods.",
               S_ARG(model), S_ARG(version),
               emu_method_names[method == EMU_EMBED_MANY ? EMU_EMBED : method]);
}

static void check_method(const struct emu_ask *ask, struct emu_problem *p)
{
    bool embeds = ask->method == EMU_EMBED || ask->method == EMU_EMBED_MANY;

    if (ask->method != EMU_COUNT && embeds != emu_can(ask->target.family, EMU_EMBEDS))
        emu_not_found(p, ask->version, ask->target.asked, ask->method);
}

/* How many thoughts the model has. */
static size_t thoughts_of(const struct emu_ask *ask, yyjson_val *thinking)
{
    static const char *const levels[EMU_LEVEL_COUNT] = {"MINIMAL", "LOW", "MEDIUM", "HIGH"};
    const struct emu_family *f = ask->target.family;
    int64_t budget;

    if (f->thinking == EMU_NO_THINKING)
        return 0;
    for (size_t i = 0; i < EMU_LEVEL_COUNT; i++) {
        if (emu_word(thinking, "thinking_level", levels[i]))
            return i;
    }
    if (jr_int(emu_get(thinking, "thinking_budget"), 0, INT32_MAX, &budget))
        return budget == 0 ? EMU_MINIMAL : budget < 8192 ? EMU_LOW : EMU_HIGH;
    return (size_t)f->usual;
}

static void think(struct emu_plan *plan, yyjson_val *thinking)
{
    bool aloud = plan->ask->target.fault.kind == EMU_ALOUD;
    size_t n = aloud ? EMU_HIGH : thoughts_of(plan->ask, thinking);
    struct buf text;

    plan->show_thoughts = aloud || emu_true(thinking, "include_thoughts");
    buf_init(&text, KIB);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&text);
        emu_think(&plan->prompt, i, &text);
        emu_plan_add(plan, EMU_S_THOUGHT, buf_str(&text));
    }
    buf_fini(&text);
}

/* JSON that the schema allows; for text/x.enum the bare word. */
static void say_json(yyjson_val *config, const struct emu_prompt *p, struct buf *out)
{
    yyjson_val *schema = emu_get(config, "response_json_schema");
    struct emu_hints hints = {p->text, S(""), false};
    struct jw w;

    schema = schema ? schema : emu_get(config, "_response_json_schema");
    schema = schema ? schema : emu_get(config, "response_schema");
    jw_begin(&w, out);
    if (schema != NULL) {
        emu_instance(schema, &hints, &w, NULL);
        return;
    }
    jw_obj(&w, NULL);
    jw_bool(&w, "emulated", true);
    jw_str(&w, "you_said", str_sub(p->text, 0, utf8_floor(p->text, QUOTE_MAX)));
    jw_end(&w);
}

static bool wants_structure(yyjson_val *config)
{
    return emu_word(config, "response_mime_type", "application/json") ||
           emu_word(config, "response_mime_type", "text/x.enum");
}

static void say_structure(struct emu_plan *plan, yyjson_val *config, struct buf *out)
{
    struct str text;

    say_json(config, &plan->prompt, out);
    text = buf_str(out);
    if (emu_word(config, "response_mime_type", "text/x.enum") && text.n > 1 && text.p[0] == '"') {
        buf_cut(out, out->n - 1);
        buf_drop_front(out, 1);
    }
}

/* The text of an answer in words. */
static void say(struct emu_plan *plan, yyjson_val *config, struct buf *out)
{
    if (wants_structure(config))
        say_structure(plan, config, out);
    else if (!emu_say_results(&plan->prompt, out) && !emu_say_media(&plan->prompt, out))
        emu_say(plan, out);
}

static void plan_words(struct emu_plan *plan, yyjson_val *config)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    say(plan, config, &text);
    emu_plan_add(plan, EMU_S_TEXT, buf_str(&text));
    buf_fini(&text);
}

/* 1 2 3 ...: an event each; the closing chunk of newer families is one of them. */
static void plan_paced(struct emu_plan *plan, uint32_t events)
{
    struct buf text;

    events -= events > 1 && emu_can(plan->ask->target.family, EMU_CLOSING_CHUNK);
    buf_init(&text, TEXT_MAX);
    for (uint32_t i = 1; i <= events; i++) {
        buf_put_u64(&text, i);
        buf_put(&text, i < events ? S(" ") : S(""));
    }
    emu_plan_add(plan, EMU_S_TEXT, buf_str(&text));
    plan->by_word = true;
    buf_fini(&text);
}

static void plan_huge(struct emu_plan *plan, uint32_t kib)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    while (text.n < (size_t)kib * KIB && text.err == OK)
        buf_lit(&text, "magpies over the river of stars ");
    emu_plan_add(plan, EMU_S_TEXT, str_sub(buf_str(&text), 0, (size_t)kib * KIB));
    plan->whole_from = 1;
    buf_fini(&text);
}

static void put_safety(struct buf *out)
{
    buf_lit(out, "[{\"category\":\"HARM_CATEGORY_DANGEROUS_CONTENT\",\"probability\":\"HIGH\","
                 "\"blocked\":true},{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"probability\":"
                 "\"NEGLIGIBLE\"}]");
}

/* A few words, then the reason that the model's name asks for, in capitals. */
static void plan_finish(struct emu_plan *plan, struct str word)
{
    struct buf b;

    buf_init(&b, KIB);
    for (size_t i = 0; i < word.n; i++)
        buf_putc(&b, word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - 32) : word.p[i]);
    plan->finish = arena_dup(plan->arena, buf_str(&b));
    buf_reset(&b);
    put_safety(&b);
    if (str_eq(plan->finish, S("SAFETY")))
        emu_plan_extra(plan, "safetyRatings", buf_str(&b));
    if (str_eq(plan->finish, S("RECITATION")))
        emu_plan_extra(plan, "citationMetadata",
                       S("{\"citationSources\":[{\"startIndex\":0,\"endIndex\":20,\"uri\":"
                         "\"https://example.com/\",\"license\":\"\"}]}"));
    buf_fini(&b);
    emu_plan_add(plan, EMU_S_TEXT,
                 S("These are the first words of an emulated answer that will not be finished, "
                   "because"));
}

static void plan_bad_call(struct emu_plan *plan)
{
    plan->n = 0;
    plan->finish = S("MALFORMED_FUNCTION_CALL");
    plan->finish_message = S("Malformed function call: print(default_api.get_weather(city='Paris'");
}

/* What the name of a misbehaving model asks for; false when it answers like any other. */
static bool plan_fault(struct emu_plan *plan)
{
    const struct emu_fault *f = &plan->ask->target.fault;

    switch (f->kind) {
    case EMU_PACED: plan_paced(plan, f->number[0]); return true;
    case EMU_HUGE: plan_huge(plan, f->number[0]); return true;
    case EMU_FINISH: plan_finish(plan, f->word); return true;
    case EMU_BAD_CALL: plan_bad_call(plan); return true;
    case EMU_BLOCKED: plan->blocked = S("SAFETY"); return true;
    case EMU_EMPTY: plan->mute = true; return true;
    case EMU_CUT: plan->finish = S(""); return false;
    case EMU_LONG_SIGNATURE: plan->signature_bytes = (size_t)f->number[0] * KIB; return false;
    case EMU_ONLY_THOUGHTS:
        plan->n = 0;
        plan->thought_tokens = 499;
        plan->finish = S("MAX_TOKENS");
        return true;
    case EMU_FINE:
    case EMU_REFUSES:
    case EMU_REFUSES_ONCE:
    case EMU_HTML:
    case EMU_SLOW:
    case EMU_STALL:
    case EMU_HOLE:
    case EMU_RESET_HEAD:
    case EMU_ERROR_MID:
    case EMU_RESET:
    case EMU_BAD_JSON:
    case EMU_ALOUD:
    case EMU_CACHED: break;
    }
    return false;
}

static void make_plan(struct emu_plan *plan, yyjson_val *body)
{
    yyjson_val *config = emu_get(body, "generation_config");
    int64_t candidates;

    emu_prompt_read(&plan->prompt, body, plan->ask->target.family, plan->arena);
    think(plan, emu_get(config, "thinking_config"));
    if (jr_int(emu_get(config, "candidate_count"), 1, 8, &candidates))
        plan->candidates = (int)candidates;
    if (plan->mute || plan_fault(plan)) {
        plan->n = plan->mute ? 0 : plan->n;
        plan->thought_tokens = plan->mute ? 0 : plan->thought_tokens;
        return;
    }
    if (!emu_plan_calls(plan) && !emu_plan_picture(plan) && !emu_plan_speech(plan) &&
        !emu_plan_search(plan) && !emu_plan_code(plan))
        plan_words(plan, config);
    emu_plan_limit(plan, config);
}

static void generate(const struct emu_ask *ask, struct arena *a, struct emu_answer *ret)
{
    bool mute;

    emu_check(ask, ask->body, &ret->problem, &mute);
    if (ret->problem.http != 0)
        return;
    emu_plan_init(&ret->plan, ask, a);
    ret->plan.mute = mute;
    make_plan(&ret->plan, ask->body);
}

void emu_answer(const struct emu_ask *ask, struct arena *a, struct emu_answer *ret)
{
    static const struct emu_message *const messages[EMU_METHODS] = {
        [EMU_GENERATE] = &emu_generate_content_request,
        [EMU_STREAM] = &emu_generate_content_request,
        [EMU_COUNT] = &emu_count_tokens_request,
        [EMU_EMBED] = &emu_embed_content_request,
        [EMU_EMBED_MANY] = &emu_batch_embed_request,
    };

    check_method(ask, &ret->problem);
    emu_conform(messages[ask->method], ask->body, &ret->problem);
    if (ret->problem.http != 0)
        return;
    if (ask->method == EMU_GENERATE || ask->method == EMU_STREAM)
        generate(ask, a, ret);
    else if (ask->method == EMU_COUNT)
        emu_count_tokens(ask, &ret->problem, &ret->json);
    else
        emu_embed(ask, &ret->problem, &ret->json);
}
