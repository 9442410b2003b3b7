/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* models.c - model ids and lists of them. What a model can do is caps.c's business. */
#include "gemini/models.h"

#include "base/mem.h"
#include "codec/utf8.h"

static const struct str PREFIX[] = {S_INIT("models/"), S_INIT("models%2F"), S_INIT("models%2f"),
                                    S_INIT("google/"), S_INIT("gemini/")};

static const struct word METHOD[] = {
    {"generateContent",     GM_GENERATES  },
    {"embedContent",        GM_EMBEDS     },
    {"countTokens",         GM_COUNTS     },
    {"predict",             GM_PREDICTS   },
    {"predictLongRunning",  GM_PREDICTS   },
    {"bidiGenerateContent", GM_SPEAKS_LIVE},
};

/* All of them have their first word's end in one place. */
enum { PREFIX_WORD = 6 };

static bool may_have_prefix(struct str id)
{
    return id.n > PREFIX_WORD && (id.p[PREFIX_WORD] == '/' || id.p[PREFIX_WORD] == '%');
}

/* Letters and digits, and what stands between them: safe in a path. */
static bool safe_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        unsigned c = (unsigned char)id.p[i];

        if ((c | 0x20) - 'a' > 'z' - 'a' && c - '0' > 9 && c != '.' && c != '-' && c != '_')
            return false;
    }
    return id.p[0] != '.'; /* "." and ".." are folders */
}

enum err gm_model_id(struct str name, struct str *ret, struct fault *why)
{
    struct str id = str_trim(name);
    struct str bare;

    for (size_t i = 0; i < NELEM(PREFIX) && may_have_prefix(id);)
        if (str_starts(id, PREFIX[i])) {
            id = str_skip(id, PREFIX[i].n);
            i = 0;
        } else
            i++;
    bare = str_starts(id, S("tunedModels/")) ? str_skip(id, 12) : id;
    if (bare.n == 0)
        return fault_set(why, E_FIELD, "must name a model", NULL);
    if (id.n > GM_MODEL_ID_MAX)
        return fault_set(why, E_RANGE, "is too long for a model's name", NULL);
    if (!safe_id(bare))
        return fault_set(why, E_RANGE, "has a character that no model's name has", NULL);
    *ret = id;
    return OK;
}

void gm_model_path(struct buf *out, struct str id)
{
    if (!str_starts(id, S("tunedModels/")))
        buf_lit(out, "models/");
    buf_put(out, id);
}

void gm_models_init(struct gm_models *m)
{
    *m = (struct gm_models){0};
}

void gm_models_fini(struct gm_models *m)
{
    if (m == NULL)
        return;
    mem_free(m->row);
    gm_models_init(m);
}

/* Room for one more; the count is capped, so growth is small. */
static struct gm_model *push(struct gm_models *m)
{
    if (m->n == m->room) {
        m->room = m->room ? m->room * 2 : 64;
        m->row = mem_realloc(m->row, m->room * sizeof *m->row);
    }
    m->row[m->n] = (struct gm_model){.id = ""};
    return &m->row[m->n++];
}

static uint32_t tokens(yyjson_val *model, const char *key)
{
    uint64_t n = jr_count(model, key);

    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void put_model(struct gm_models *m, yyjson_val *model)
{
    struct gm_model *row;
    struct str id = S("");

    if (gm_model_id(jr_str(model, "name"), &id, NULL) != OK || id.n >= sizeof row->id)
        return; /* one that no client could ask for */
    row = push(m);
    utf8_copy(row->id, sizeof row->id, id);
    utf8_copy(row->name, sizeof row->name, jr_str(model, "displayName"));
    row->in_tokens = tokens(model, "inputTokenLimit");
    row->out_tokens = tokens(model, "outputTokenLimit");
    row->thinking = jr_bool(model, "thinking", false);
    jr_each (method, jr_get(model, "supportedGenerationMethods")) {
        int what = WORD(METHOD, jr_text(method));

        if (what > 0)
            row->serves |= (uint16_t)what;
    }
}

enum err gm_models_page(struct gm_models *m, yyjson_val *page, struct str *ret_next,
                        struct fault *why)
{
    yyjson_val *models = jr_get(page, "models");

    if (!yyjson_is_obj(page) || (models != NULL && !yyjson_is_arr(models)))
        return fault_set(why, E_UPSTREAM, "upstream's list of models is no list", page);
    jr_each (model, models)
        if (m->n < GM_MODELS_MAX)
            put_model(m, model);
    *ret_next = m->n < GM_MODELS_MAX ? jr_str(page, "nextPageToken") : S("");
    return OK;
}

const struct gm_model *gm_models_find(const struct gm_models *m, struct str id)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(str_z(m->row[i].id), id))
            return &m->row[i];
    return NULL;
}

enum { M1 = 1048576, K64 = 65536, K32 = 32768, K16 = 16384, K8 = 8192 };
enum { TALKS = GM_GENERATES | GM_COUNTS };

/* Source: mapping 4.2, the models that are neither retired nor reached by WebSocket alone. */
static struct gm_model BUILTIN[] = {
    {"gemini-4-argon",              "Gemini 4 Argon",            M1,     K64, TALKS,     true },
    {"gemini-3.8-flash",            "Gemini 3.8 Flash",          M1,     K64, TALKS,     true },
    {"gemini-3.7-flash",            "Gemini 3.7 Flash",          M1,     K64, TALKS,     true },
    {"gemini-3.6-flash",            "Gemini 3.6 Flash",          M1,     K64, TALKS,     true },
    {"gemini-3.5-flash",            "Gemini 3.5 Flash",          M1,     K64, TALKS,     true },
    {"gemini-3.5-flash-lite",       "Gemini 3.5 Flash-Lite",     M1,     K64, TALKS,     true },
    {"gemini-3.1-flash-lite",       "Gemini 3.1 Flash-Lite",     M1,     K64, TALKS,     true },
    {"gemini-3.1-pro-preview",      "Gemini 3.1 Pro Preview",    M1,     K64, TALKS,     true },
    {"gemini-3-flash-preview",      "Gemini 3 Flash Preview",    M1,     K64, TALKS,     true },
    {"gemini-2.5-pro",              "Gemini 2.5 Pro",            M1,     K64, TALKS,     true },
    {"gemini-2.5-flash",            "Gemini 2.5 Flash",          M1,     K64, TALKS,     true },
    {"gemini-2.5-flash-lite",       "Gemini 2.5 Flash-Lite",     M1,     K64, TALKS,     true },
    {"gemini-flash-latest",         "Gemini Flash Latest",       M1,     K64, TALKS,     true },
    {"gemini-flash-lite-latest",    "Gemini Flash-Lite Latest",  M1,     K64, TALKS,     true },
    {"gemini-pro-latest",           "Gemini Pro Latest",         M1,     K64, TALKS,     true },
    {"gemini-nano-banana-2.1",      "Nano Banana 2.1",           K64,    K32, TALKS,     true },
    {"gemini-3.1-flash-image",      "Nano Banana 2",             K64,    K32, TALKS,     true },
    {"gemini-3.1-flash-lite-image", "Nano Banana 2 Lite",        K64,    K32, TALKS,     true },
    {"gemini-3-pro-image",          "Nano Banana Pro",           K64,    K32, TALKS,     true },
    {"gemini-3.8-flash-tts",        "Gemini 3.8 Flash TTS",      K8,     K16, TALKS,     false},
    {"gemini-3.8-flash-lite-tts",   "Gemini 3.8 Flash-Lite TTS", K8,     K16, TALKS,     false},
    {"gemini-3.5-transcribe",       "Gemini 3.5 Transcribe",     M1,     K64, TALKS,     false},
    {"gemma-4-31b-it",              "Gemma 4 31B",               131072, K8,  TALKS,     false},
    {"gemma-4-26b-a4b-it",          "Gemma 4 26B A4B",           131072, K8,  TALKS,     false},
    {"gemini-embedding-2",          "Gemini Embedding 2",        K8,     1,   GM_EMBEDS, false},
    {"gemini-embedding-001",        "Gemini Embedding 001",      2048,   1,   GM_EMBEDS, false},
};

const struct gm_models *gm_models_builtin(void)
{
    static const struct gm_models list = {BUILTIN, NELEM(BUILTIN), NELEM(BUILTIN)};

    return &list;
}
