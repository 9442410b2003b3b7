/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* catalog.c - GET models, from a table.
 *
 *   source  Google's model pages of November 2026 */
#include "demo/catalog.h"
#include "codec/json_write.h"

#include <assert.h>

#define M (1024U * 1024)

static const struct emu_model MODELS[] = {
    {"gemini-3.8-flash",       "3.8-flash-09-2026",      "Gemini 3.8 Flash",       M,      65536},
    {"gemini-3.7-flash",       "3.7-flash-08-2026",      "Gemini 3.7 Flash",       M,      65536},
    {"gemini-3.6-flash",       "3.6-flash-07-2026",      "Gemini 3.6 Flash",       M,      65536},
    {"gemini-3.5-flash",       "3.5-flash-05-2026",      "Gemini 3.5 Flash",       M,      65536},
    {"gemini-3.5-flash-lite",  "3.5-flash-lite-07-2026", "Gemini 3.5 Flash-Lite",  M,      65536},
    {"gemini-3.1-flash-lite",  "3.1-flash-lite-05-2026", "Gemini 3.1 Flash-Lite",  M,      65536},
    {"gemini-3.1-pro-preview", "3.1-pro-preview",        "Gemini 3.1 Pro Preview", M,      65536},
    {"gemini-3-flash-preview", "3-flash-preview",        "Gemini 3 Flash Preview", M,      65536},
    {"gemini-2.5-pro",         "2.5",                    "Gemini 2.5 Pro",         M,      65536},
    {"gemini-2.5-flash",       "001",                    "Gemini 2.5 Flash",       M,      65536},
    {"gemini-2.5-flash-lite",  "001",                    "Gemini 2.5 Flash-Lite",  M,      65536},
    {"gemini-4-argon",         "4-argon-10-2026",        "Gemini 4 Argon",         M,      M    },
    {"gemma-4-31b-it",         "001",                    "Gemma 4 31B",            262144, 32768},
    {"gemma-4-26b-a4b-it",     "001",                    "Gemma 4 26B A4B",        262144, 32768},
    {"gemini-nano-banana-2.1", "2.1",                    "Nano Banana 2.1",        65536,  32768},
    {"gemini-3.1-flash-image", "3.1",                    "Nano Banana 2",          65536,  32768},
    {"gemini-3-pro-image",     "3.0",                    "Nano Banana Pro",        65536,  32768},
    {"gemini-3.8-flash-tts",   "3.8-flash-tts",          "Gemini 3.8 Flash TTS",   8192,   16384},
    {"gemini-embedding-2",     "2",                      "Gemini Embedding 2",     8192,   1    },
    {"gemini-embedding-001",   "001",                    "Gemini Embedding 001",   2048,   1    },
};

/* Not on those pages any more, and in no list: they take less than what came after them.
 *
 *   source  reports of their 400 answers: gemma-3 has no developer instruction, no JSON mode and no
 *           functions; Gemini 3 Pro had no medium level before March 2026 */
static const struct emu_model OLDER[] = {
    {"gemma-3-27b-it",               "001",                   "Gemma 3 27B",  131072, 8192 },
    {"gemini-3-pro-preview-11-2025", "3-pro-preview-11-2025", "Gemini 3 Pro", M,      65536},
};

static const struct {
    const char *name, *stands_for;
} ALIASES[] = {
    {"gemini-flash-latest",      "gemini-3.8-flash"      },
    {"gemini-flash-lite-latest", "gemini-3.5-flash-lite" },
    {"gemini-pro-latest",        "gemini-3.1-pro-preview"},
    {"gemini-3-pro-preview",     "gemini-3.1-pro-preview"},
};

/* Names that promise what the model behind them does not keep, for tests of those who go by names.
 * In no list. */
static const struct {
    const char *name, *stands_for;
} UNDER_FALSE_NAMES[] = {
    {"gemini-2.0-flash-false",      "gemini-3.8-flash"            },
    {"gemini-2.5-flash-false",      "gemini-2.5-pro"              },
    {"gemini-3.5-flash-false",      "gemini-2.5-flash"            },
    {"gemini-3.6-flash-false",      "gemini-3.7-flash"            },
    {"gemini-2.5-flash-lite-false", "gemma-3-27b-it"              },
    {"gemini-3.1-flash-lite-false", "gemini-nano-banana-2.1"      },
    {"gemini-3.1-pro-false",        "gemini-3-pro-preview-11-2025"},
    {"gemini-4-argon-false",        "gemini-3.8-flash"            },
};

static const struct emu_model *find_model(struct str name)
{
    for (size_t i = 0; i < NELEM(UNDER_FALSE_NAMES); i++) {
        if (str_eq(name, str_z(UNDER_FALSE_NAMES[i].name)))
            name = str_z(UNDER_FALSE_NAMES[i].stands_for);
    }
    for (size_t i = 0; i < NELEM(ALIASES); i++) {
        if (str_eq(name, str_z(ALIASES[i].name)))
            name = str_z(ALIASES[i].stands_for);
    }
    for (size_t i = 0; i < NELEM(MODELS); i++) {
        if (str_eq(name, str_z(MODELS[i].name)))
            return &MODELS[i];
    }
    for (size_t i = 0; i < NELEM(OLDER); i++) {
        if (str_eq(name, str_z(OLDER[i].name)))
            return &OLDER[i];
    }
    return NULL;
}

bool emu_catalog_find(struct str name, struct emu_target *ret)
{
    struct emu_target t = {.asked = name};
    bool fault;

    if (str_starts(name, S("models/")))
        t.asked = str_skip(name, sizeof "models/" - 1);
    fault = emu_fault_parse(t.asked, &t.fault);
    t.model = find_model(fault ? t.fault.model : t.asked);
    if (t.model == NULL)
        return false;
    t.family = emu_family_of(str_z(t.model->name));
    *ret = t;
    return true;
}

static void put_methods(struct jw *w, const struct emu_family *f)
{
    static const char *const chat[] = {"generateContent", "countTokens", "createCachedContent",
                                       "batchGenerateContent"};
    static const char *const embed[] = {"embedContent", "countTextTokens", "countTokens",
                                        "asyncBatchEmbedContent"};
    const char *const *v = emu_can(f, EMU_EMBEDS) ? embed : chat;

    jw_arr(w, "supportedGenerationMethods");
    for (size_t i = 0; i < NELEM(chat); i++)
        jw_str(w, NULL, str_z(v[i]));
    jw_end(w);
}

static void put_model(struct jw *w, const struct emu_model *m, const struct emu_fault *fault,
                      struct str name, struct str about)
{
    const struct emu_family *f = emu_family_of(str_z(m->name));

    jw_obj(w, NULL);
    jw_str_open(w, "name");
    jw_str_more(w, S("models/"));
    jw_str_more(w, name);
    jw_str_close(w);
    jw_str(w, "version", str_z(m->version));
    jw_str(w, "displayName", fault ? name : str_z(m->display));
    jw_str(w, "description", about);
    jw_u64(w, "inputTokenLimit", m->input_limit);
    jw_u64(w, "outputTokenLimit", m->output_limit);
    put_methods(w, f);
    if (!emu_can(f, EMU_EMBEDS)) {
        jw_int(w, "temperature", 1);
        jw_num(w, "topP", 0.95);
        jw_int(w, "topK", 64);
        jw_int(w, "maxTemperature", 2);
        if (f->thinking != EMU_NO_THINKING)
            jw_bool(w, "thinking", true);
    }
    jw_end(w);
}

static void put_plain(struct jw *w, struct str name, const struct emu_model *m)
{
    struct buf about;

    assert(m != NULL);
    buf_init(&about, 512);
    buf_putf(&about, "%s, as emulated by queqiao: no model is behind it.", m->display);
    put_model(w, m, NULL, name, buf_str(&about));
    buf_fini(&about);
}

static void put_fault(struct jw *w, size_t i)
{
    struct emu_target t;
    struct buf name;

    buf_init(&name, 256);
    buf_putf(&name, "emulate-%s", emu_fault_name(i));
    if (emu_catalog_find(buf_str(&name), &t))
        put_model(w, t.model, &t.fault, buf_str(&name), str_z(emu_fault_about(i)));
    buf_fini(&name);
}

void emu_catalog_list(size_t from, size_t page, struct buf *out)
{
    size_t faults = 0;
    size_t all;
    size_t i = from;
    struct jw w;

    while (emu_fault_name(faults) != NULL)
        faults++;
    all = NELEM(MODELS) + NELEM(ALIASES) + faults;
    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_arr(&w, "models");
    for (; i < all && i - from < page; i++) {
        size_t alias = i - NELEM(MODELS);

        if (i < NELEM(MODELS))
            put_plain(&w, str_z(MODELS[i].name), &MODELS[i]);
        else if (alias < NELEM(ALIASES))
            put_plain(&w, str_z(ALIASES[alias].name), find_model(str_z(ALIASES[alias].name)));
        else
            put_fault(&w, alias - NELEM(ALIASES));
    }
    jw_end(&w);
    if (i < all) {
        jw_str_open(&w, "nextPageToken");
        buf_putf(out, "Ch%zu", i);
        jw_str_close(&w);
    }
    jw_end(&w);
}

void emu_catalog_one(const struct emu_target *t, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    if (t->fault.kind == EMU_FINE)
        put_plain(&w, t->asked, t->model);
    else
        put_model(&w, t->model, &t->fault, t->asked, S("Misbehaves on demand."));
}
