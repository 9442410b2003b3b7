/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_config.c - generationConfig, systemInstruction and safetySettings. */
#include "demo/check.h"
#include "demo/fields.h"

enum { STOPS_MAX = 5, CANDIDATES_MAX = 8, LOGPROBS_MAX = 20, HOP_MAX = 32768 };

bool emu_wants_json(yyjson_val *body)
{
    return emu_word(emu_get(body, "generation_config"), "response_mime_type", "application/json");
}

/* A number, written as one or as text; false when there is none. */
static bool number_of(yyjson_val *config, const char *name, double *ret)
{
    yyjson_val *v = emu_get(config, name);
    int64_t i;

    if (jr_num(v, ret))
        return true;
    if (!jr_int(v, INT32_MIN, INT32_MAX, &i))
        return false;
    *ret = (double)i;
    return true;
}

static const struct {
    const char *name;
    double lowest, highest;
    const char *words;
} RANGES[] = {
    {"temperature",       0,    2,              "temperature must be in the range [0.0, 2.0]."       },
    {"top_p",             0,    1,              "top_p must be in the range [0.0, 1.0]."             },
    {"top_k",             0,    INT32_MAX,      "top_k must not be negative."                        },
    {"candidate_count",   1,    CANDIDATES_MAX, "candidate_count must be in the range [1, 8]."       },
    {"logprobs",          0,    LOGPROBS_MAX,   "logprobs must be in the range [0, 20]."             },
    {"presence_penalty",  -2.0, 2,              "presence_penalty must be in the range [-2.0, 2.0]." },
    {"frequency_penalty", -2.0, 2,              "frequency_penalty must be in the range [-2.0, 2.0]."},
};

static void rules_output(yyjson_val *config, struct emu_problem *p)
{
    static const char *const mimes[] = {
        "", "text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum"};
    struct str mime = emu_str(config, "response_mime_type");
    bool plain = mime.n == 0 || str_eq_nocase(mime, S("text/plain"));
    bool schema = emu_get(config, "response_schema") != NULL;
    bool json_schema = emu_get(config, "response_json_schema") != NULL ||
                       emu_get(config, "_response_json_schema") != NULL;
    bool known = false;

    for (size_t i = 0; i < NELEM(mimes); i++)
        known = known || str_eq_nocase(mime, str_z(mimes[i]));
    if (!known)
        emu_rule(p, "generation_config.response_mime_type: allowed mimetypes are `text/plain`, "
                    "`application/json`, `application/xml`, `application/yaml` and "
                    "`text/x.enum`.");
    if (schema && json_schema)
        emu_rule(p, "generation_config.response_json_schema: response_json_schema and "
                    "response_schema are mutually exclusive.");
    if ((schema || json_schema) && plain)
        emu_rule(p, "generation_config.response_schema: only allowed when response_mime_type is "
                    "`application/json` or `text/x.enum`.");
    emu_rules_schema(emu_get(config, "response_schema"), S("generation_config.response_schema"),
                     false, p);
}

static void rules_image(yyjson_val *config, struct emu_problem *p)
{
    static const char *const ratios[] = {"1:1", "1:4", "1:8", "2:3", "3:2",  "3:4",  "4:1",
                                         "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9"};
    struct str ratio = emu_str(emu_get(config, "image_config"), "aspect_ratio");
    bool known = ratio.n == 0;

    for (size_t i = 0; i < NELEM(ratios); i++)
        known = known || str_eq(ratio, str_z(ratios[i]));
    if (!known)
        emu_rule(p, "generation_config.image_config.aspect_ratio: aspect_ratio must be one of "
                    "'1:1', '1:4', '1:8', '2:3', '3:2', '3:4', '4:1', '4:3', '4:5', '5:4', '8:1', "
                    "'9:16', '16:9', or '21:9'.");
}

void emu_rules_config(yyjson_val *config, struct emu_problem *p)
{
    double v;

    for (size_t i = 0; i < NELEM(RANGES); i++) {
        if (number_of(config, RANGES[i].name, &v) &&
            !(v >= RANGES[i].lowest && v <= RANGES[i].highest))
            emu_rule(p, "generation_config.%s: %s", RANGES[i].name, RANGES[i].words);
    }
    if (emu_len(emu_get(config, "stop_sequences")) > STOPS_MAX)
        emu_rule(p, "generation_config.stop_sequences: at most 5 stop_sequences are allowed.");
    rules_output(config, p);
    rules_image(config, p);
}

static void check_limit(const struct emu_ask *ask, yyjson_val *config, struct emu_problem *p)
{
    bool hop = ask->method == EMU_GENERATE && str_eq(str_z(ask->target.family->line), S("4"));
    uint32_t limit = hop ? HOP_MAX : ask->target.model->output_limit;
    double v;

    if (!number_of(config, "max_output_tokens", &v) || (v >= 1 && v <= limit))
        return;
    emu_refuse(p, 400,
               "Unable to submit request because it has a maxOutputTokens value of %.0f but the "
               "supported range is from 1 (inclusive) to %u (exclusive). Update the value and try "
               "again.",
               v, limit + 1);
}

static void check_budget(const struct emu_family *f, int budget, struct emu_problem *p)
{
    int lowest = f->budget_min > 0 ? f->budget_min : 1;

    if (f->thinking == EMU_NO_THINKING || f->thinking == EMU_LEVELS_ONLY)
        emu_refuse(p, 400, "Thinking budget is not supported for this model.");
    else if (budget == 0 && !f->can_stop_thinking)
        emu_refuse(p, 400, "Budget 0 is invalid. This model only works in thinking mode.");
    else if (f->thinking == EMU_BUDGET && budget != -1 && budget != 0 &&
             (budget < lowest || budget > f->budget_max))
        emu_refuse(p, 400,
                   "The thinking budget %d is invalid. Please choose a value between %d and %d.",
                   budget, f->budget_min, f->budget_max);
    else if (budget < -1)
        emu_refuse(p, 400, "Request contains an invalid argument.");
}

static void check_thinking(const struct emu_family *f, yyjson_val *thinking, struct emu_problem *p)
{
    static const char *const levels[] = {"MINIMAL", "LOW", "MEDIUM", "HIGH"};
    bool has_level = emu_str(thinking, "thinking_level").n > 0;
    double budget;
    bool has_budget = number_of(thinking, "thinking_budget", &budget);

    if (has_budget && has_level)
        emu_refuse(p, 400, "You can only set only one of thinking budget and thinking level.");
    if (has_budget)
        check_budget(f, (int)budget, p);
    if (has_level && f->levels == 0)
        emu_refuse(p, 400, "Thinking level is not supported for this model.");
    for (size_t i = 0; i < NELEM(levels); i++) {
        if (emu_word(thinking, "thinking_level", levels[i]) && !(f->levels >> i & 1))
            emu_refuse(p, 400,
                       "Thinking level %s is not supported for this model. Please retry with other "
                       "thinking level.",
                       levels[i]);
    }
}

static unsigned modality_bit(struct str word)
{
    static const struct word table[] = {
        {"TEXT",  EMU_TEXT_OUT },
        {"IMAGE", EMU_IMAGE_OUT},
        {"AUDIO", EMU_AUDIO_OUT},
    };

    for (size_t i = 0; i < NELEM(table); i++) {
        if (str_eq_nocase(word, str_z(table[i].name)))
            return (unsigned)table[i].value;
    }
    return 0;
}

static void check_modalities(const struct emu_ask *ask, yyjson_val *config, struct emu_problem *p)
{
    struct emu_each e = emu_each(emu_get(config, "response_modalities"));
    bool audio = emu_can(ask->target.family, EMU_AUDIO_OUT);
    const char *takes = emu_can(ask->target.family, EMU_IMAGE_OUT)
                            ? "* TEXT\n* IMAGE\n* TEXT, IMAGE"
                        : audio ? "* AUDIO"
                                : "* TEXT";
    struct str bad = S("");
    bool none = true;
    yyjson_val *v;

    while ((v = emu_next(&e)) != NULL) {
        unsigned bit = modality_bit(jr_text(v));

        none = false;
        if (bit == 0 || !emu_can(ask->target.family, bit))
            bad = jr_text(v);
    }
    if (none && audio)
        bad = S("TEXT");
    if (bad.n > 0)
        emu_refuse(p, 400,
                   "The requested combination of response modalities (%.*s) is not supported by "
                   "the model. models/%.*s accepts the following combination of response "
                   "modalities:\n%s\n",
                   S_ARG(bad), S_ARG(ask->target.asked), takes);
}

/* Options that no model, or not this one, has. */
static void check_options(const struct emu_ask *ask, yyjson_val *config, struct emu_problem *p)
{
    const struct emu_family *f = ask->target.family;
    double n;

    if (number_of(config, "candidate_count", &n) && n > 1 && !emu_can(f, EMU_CANDIDATES))
        emu_refuse(p, 400, "Multiple candidates is not enabled for this model");
    if (emu_get(config, "presence_penalty") || emu_get(config, "frequency_penalty"))
        emu_refuse(p, 400, "Penalty is not enabled for this model");
    if (emu_true(config, "response_logprobs") || emu_get(config, "logprobs"))
        emu_refuse(p, 400, "Logprobs is not enabled for this model");
}

void emu_check_config(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    const struct emu_family *f = ask->target.family;
    yyjson_val *config = emu_get(body, "generation_config");

    if (emu_get(body, "system_instruction") && !emu_can(f, EMU_SYSTEM))
        emu_refuse(p, 400, "Developer instruction is not enabled for models/%.*s",
                   S_ARG(ask->target.asked));
    if (emu_wants_json(body) && !emu_can(f, EMU_JSON_MODE))
        emu_refuse(p, 400, "JSON mode is not enabled for models/%.*s", S_ARG(ask->target.asked));
    check_options(ask, config, p);
    check_modalities(ask, config, p);
    check_thinking(f, emu_get(config, "thinking_config"), p);
    check_limit(ask, config, p);
}
