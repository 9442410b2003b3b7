/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_fields.c - a row for each member of a Chat Completions request, with its verdict.
 *
 * docs/compat.md is printed from these rows, and a test holds them against the types of OpenAI's
 * own library. What several members decide together is in chat_config.c; such rows say jm_skip. */
#include "codec/json_twice.h"
#include "dialect/openai/chat.h"
#include "dialect/openai/compat.h"

static struct chat *chat_of(struct jm *m)
{
    return m->ctx;
}

/* The name as a header can carry it; foreign names are cut and cleaned. */
static void put_name(struct buf *b, struct str name)
{
    struct str cut = str_sub(name, 0, 48);

    for (size_t i = 0; i < cut.n; i++) {
        char ch = cut.p[i];
        bool plain = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
                     (ch >= 'a' && ch <= 'z') || ch == '_' || ch == '-' || ch == '.';

        buf_putc(b, plain ? ch : '?');
    }
}

void oa_ignore(struct chat *c, struct str name, struct str became)
{
    struct buf *b = &c->ignored;

    if (b->n > 0)
        buf_putc(b, ',');
    put_name(b, name);
    if (became.n > 0) {
        buf_putc(b, '=');
        put_name(b, became);
    }
}

static bool in_range(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    double d;

    if (!jr_is_num(v))
        jm_fault(m, v, E_FIELD, "must be a number");
    else if (!jr_num(v, &d) || d < row->lowest || d > row->highest)
        jm_fault(m, v, E_RANGE, "is out of range");
    else
        return true;
    return false;
}

/* Checked like every number, but only some families take it. */
static void put_if(struct jm *m, const struct jm_row *row, yyjson_val *v, enum gm_can can,
                   jm_put_f *put)
{
    struct chat *c = chat_of(m);

    if (gm_can(c->caps, can))
        put(m, row, v);
    else if (in_range(m, row, v))
        jm_ignore(m, row, v);
}

static void put_sampling(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    put_if(m, row, v, GM_CAN_SAMPLE, jm_num);
}

static void put_sampling_int(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    put_if(m, row, v, GM_CAN_SAMPLE, jm_int);
}

/* 0 is what every model does anyway. */
static void put_penalty(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    double d;

    if (!jr_num(v, &d) || d != 0)
        put_if(m, row, v, GM_CAN_PENALISE, jm_num);
}

static void put_logprobs(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    struct chat *c = chat_of(m);

    if (!yyjson_is_bool(v))
        jm_fault(m, v, E_FIELD, "must be true or false");
    else if (!unsafe_yyjson_get_bool(v))
        return;
    else if (gm_can(c->caps, GM_CAN_LOGPROBS))
        jw_bool(m->w, row->to, true);
    else
        jm_ignore(m, row, v);
}

static void put_top_logprobs(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    put_if(m, row, v, GM_CAN_LOGPROBS, jm_int);
}

/* Gemini takes 32 bits; larger seeds are folded, so that the same one stays the same one. */
static void put_seed(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    int64_t seed;

    if (!jr_is_num(v) || !jr_int(v, INT64_MIN, INT64_MAX, &seed))
        jm_fault(m, v, E_FIELD, "must be a whole number");
    else if (seed >= INT32_MIN && seed <= INT32_MAX)
        jw_int(m->w, row->to, seed);
    else
        jw_int(m->w, row->to, (int64_t)((uint64_t)seed & INT32_MAX));
}

/* OpenAI's tiers in Google's words; the empty ones are the default of both. */
static const struct {
    const char *openai;
    const char *google;
} TIER[] = {
    {"auto",     ""        },
    {"default",  ""        },
    {"standard", ""        },
    {"flex",     "flex"    },
    {"priority", "priority"},
    {"scale",    "priority"},
};

static void put_tier(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    for (size_t i = 0; i < NELEM(TIER); i++)
        if (str_eq(jr_text(v), str_z(TIER[i].openai))) {
            if (TIER[i].google[0] != '\0' && !oa_google_has(chat_of(m), row->to))
                jw_str(m->w, row->to, str_z(TIER[i].google));
            return;
        }
    jm_fault(m, v, E_FIELD, "must be auto, default, flex, priority or scale");
}

static void put_list(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    if (oa_google_has(chat_of(m), row->to))
        return; /* said again, in Google's own words */
    if (yyjson_is_arr(v))
        jm_copy(m, row, v);
    else
        jm_fault(m, v, E_FIELD, "must be a list");
}

/* Member, Gemini's member, how it crosses, lowest, highest, what else there is to say. Rows are
 * written in order; of rows with one target the first present wins. */
static const struct jm_row CONFIG[] = {
    {"temperature",           "temperature",      put_sampling,     0,  2,
     "3.6 and later ignore or refuse it: dropped"                                                                                    },
    {"top_p",                 "topP",             put_sampling,     0,  1,       "dropped from 3.6 on"                               },
    {"top_k",                 "topK",             put_sampling_int, 0,  1000000, "not of OpenAI's; dropped from 3.6 on"              },
    {"stop",                  "stopSequences",    jm_strs,          0,  5,       "empty ones are left out; of more, the first five"  },
    {"seed",                  "seed",             put_seed,         0,  0,       "larger than 32 bits: folded"                       },
    {"presence_penalty",      "presencePenalty",  put_penalty,      -2, 2,       "2.5 and later refuse it: dropped"                  },
    {"frequency_penalty",     "frequencyPenalty", put_penalty,      -2, 2,
     "2.5 and later refuse it: dropped"                                                                                              },
    {"logprobs",              "responseLogprobs", put_logprobs,     0,  0,       "2.5 and later refuse it: dropped"                  },
    {"top_logprobs",          "logprobs",         put_top_logprobs, 0,  20,      "2.5 and later refuse it: dropped"                  },
    {"max_completion_tokens", NULL,               jm_skip,          1,  0,
     "maxOutputTokens: thoughts count, as with OpenAI"                                                                               },
    {"max_tokens",            NULL,               jm_skip,          1,  0,       "maxOutputTokens, with room added for thoughts"     },
    {"response_format",       NULL,               jm_skip,          0,  0,
     "responseMimeType and a schema; 2.5 beside tools: in words"                                                                     },
    {"modalities",            NULL,               jm_skip,          0,  0,       "responseModalities"                                },
    {"audio",                 NULL,               jm_skip,          0,  0,       "speechConfig, with models that speak; wav or pcm16"},
    {"reasoning_effort",      NULL,               jm_skip,          0,  0,       "thinkingConfig: a level or a budget, by family"    },
    {"reasoning",             NULL,               jm_skip,          0,  0,
     "as OpenRouter has it: effort, max_tokens, exclude, enabled"                                                                    },
    {"include_reasoning",     NULL,               jm_skip,          0,  0,
     "as OpenRouter has it: thinkingConfig.includeThoughts"                                                                          },
    {"thinking",              NULL,               jm_skip,          0,  0,       "as Anthropic has it: type, budget_tokens"          },
    {"enable_thinking",       NULL,               jm_skip,          0,  0,       "as Qwen has it"                                    },
    {"thinking_budget",       NULL,               jm_skip,          -1, 0,       "as Qwen has it"                                    },
};

static const struct jm_row TOP[] = {
    {"model",                  NULL,             jm_skip,   0, 0,
     "the path; models/, google/, gemini/ before it are forgiven; :search"                                            },
    {"messages",               NULL,             jm_skip,   0, 0,   "systemInstruction and contents"                  },
    {"stream",                 NULL,             jm_skip,   0, 0,   "the form of the answer"                          },
    {"stream_options",         NULL,             jm_skip,   0, 0,   "include_usage; include_obfuscation has no effect"},
    {"n",                      NULL,             jm_skip,   1, 128, "as many requests upstream, merged"               },
    {"tools",                  NULL,             jm_skip,   0, 0,
     "functionDeclarations; web_search, code_interpreter, url_context and bare functions of such "
     "names: Google's own"                                                                                            },
    {"tool_choice",            NULL,             jm_skip,   0, 0,   "functionCallingConfig"                           },
    {"parallel_tool_calls",    NULL,             jm_skip,   0, 0,   "false: calls after the first are left out"       },
    {"functions",              NULL,             jm_skip,   0, 0,   "as tools; answered in the legacy form"           },
    {"function_call",          NULL,             jm_skip,   0, 0,   "as tool_choice"                                  },
    {"web_search_options",     NULL,             jm_skip,   0, 0,   "googleSearch; the place is told to the model"    },
    {"service_tier",           "serviceTier",    put_tier,  0, 0,   "auto and default: nothing; scale: priority"      },
    {"safety_settings",        "safetySettings", put_list,  0, 0,   "not of OpenAI's; as Google spells it"            },
    {"extra_body",             NULL,             jm_skip,   0, 0,   "extra_body.google: see below"                    },
    {"google",                 NULL,             jm_skip,   0, 0,   "as extra_body.google"                            },
    {"user",                   NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"safety_identifier",      NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"metadata",               NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"store",                  NULL,             jm_ignore, 0, 0,   "never forwarded: Gemini's means another thing"   },
    {"logit_bias",             NULL,             jm_ignore, 0, 0,   "the token numbers are OpenAI's"                  },
    {"prediction",             NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"verbosity",              NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"moderation",             NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"prompt_cache_key",       NULL,             jm_ignore, 0, 0,   "Gemini caches prefixes by itself"                },
    {"prompt_cache_retention", NULL,             jm_ignore, 0, 0,   NULL                                              },
    {"prompt_cache_options",   NULL,             jm_ignore, 0, 0,   NULL                                              },
};

static struct jm_table CONFIG_TABLE = JM_TABLE(CONFIG);
static struct jm_table TOP_TABLE = JM_TABLE(TOP);

static const struct {
    const char *title;
    struct jm_table *table;
} TABLES[] = {
    {"How the model answers", &CONFIG_TABLE},
    {"The request",           &TOP_TABLE   },
};

const struct jm_row *oa_field_table(size_t i, const char **ret_title, size_t *ret_n)
{
    if (i >= NELEM(TABLES))
        return NULL;
    *ret_title = TABLES[i].title;
    *ret_n = TABLES[i].table->names.n;
    return TABLES[i].table->rows;
}

const char *oa_verdict(const struct jm_row *row)
{
    static const struct {
        jm_put_f *put;
        const char *words;
    } verdict[] = {
        {jm_ignore,        "ignored"  },
        {jm_refuse,        "refused"  },
        {put_sampling,     "by family"},
        {put_sampling_int, "by family"},
        {put_penalty,      "by family"},
        {put_logprobs,     "by family"},
        {put_top_logprobs, "by family"},
    };

    for (size_t i = 0; i < NELEM(verdict); i++)
        if (row->put == verdict[i].put)
            return verdict[i].words;
    return "mapped";
}

void oa_check_members(struct chat *c, yyjson_val *obj, const struct jm_row *rows, size_t n)
{
    const char *names[64];
    yyjson_val *twice;

    n = n < NELEM(names) ? n : NELEM(names);
    for (size_t i = 0; i < n; i++)
        names[i] = rows[i].from;
    twice = jr_duplicate(obj, names, n);
    if (twice != NULL)
        fault_set(c->why, E_FIELD, "is there twice", twice);
}

/* Whose content is the client's own, or a schema of its own. */
static const struct str OPAQUE[] = {
    S_INIT("parameters"),
    S_INIT("schema"),
    S_INIT("metadata"),
    S_INIT("logit_bias"),
};

static bool is_opaque(struct str name)
{
    for (size_t i = 0; i < NELEM(OPAQUE); i++)
        if (str_eq(OPAQUE[i], name))
            return true;
    return false;
}

void oa_read_names(struct chat *c)
{
    struct oa_fields *f = c->fields;
    yyjson_val *twice = NULL;
    bool may;

    f->config.seen = f->config.have = f->top.seen = f->top.have = 0;
    f->unknown = false;
    c->names = jr_marks(c->root, &may);
    for (size_t t = 0; may && t < NELEM(TABLES); t++)
        oa_check_members(c, c->root, TABLES[t].table->rows, TABLES[t].table->names.n);
    jr_each_member (key, c->root) {
        if (!jm_note(&f->config, &CONFIG_TABLE, key) && !jm_note(&f->top, &TOP_TABLE, key))
            f->unknown = true;
        if (twice == NULL && yyjson_is_ctn(key + 1) && !is_opaque(jr_text(key)) &&
            jr_twice(key + 1, OPAQUE, NELEM(OPAQUE), c->env->arena, &twice) != OK)
            fault_set(c->why, E_TOOBIG, "holds more members than this server takes", key + 1);
    }
    if (twice != NULL)
        fault_set(c->why, E_FIELD, "is there twice", twice);
}

static void ignore_unknown(struct chat *c)
{
    jr_each_member (key, c->root)
        if (jn_find(&CONFIG_TABLE.names, key) < 0 && jn_find(&TOP_TABLE.names, key) < 0)
            oa_ignore(c, jr_text(key), S(""));
}

void oa_put_config_fields(struct chat *c)
{
    jm_apply(&c->jm, &CONFIG_TABLE, &c->fields->config);
}

void oa_put_top_fields(struct chat *c)
{
    jm_apply(&c->jm, &TOP_TABLE, &c->fields->top);
    if (c->fields->unknown)
        ignore_unknown(c);
}
