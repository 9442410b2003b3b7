/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_format.c - in what form the answer is to come: JSON and its schema, images, speech. */
#include "dialect/openai/chat.h"

#include "gemini/schema.h"

/* OpenAI's voices in Google's, so that the same one always sounds the same. Source: mapping 7.1. */
static const struct {
    const char *openai, *google;
} VOICE[] = {
    {"alloy",   "Kore"    },
    {"ash",     "Charon"  },
    {"ballad",  "Algieba" },
    {"coral",   "Aoede"   },
    {"echo",    "Puck"    },
    {"fable",   "Fenrir"  },
    {"nova",    "Leda"    },
    {"onyx",    "Orus"    },
    {"sage",    "Sulafat" },
    {"shimmer", "Zephyr"  },
    {"verse",   "Iapetus" },
    {"marin",   "Achernar"},
    {"cedar",   "Umbriel" },
};

static const struct word FORMAT[] = {
    {"text",        OA_TEXT       },
    {"json_object", OA_JSON       },
    {"json_schema", OA_JSON_SCHEMA},
};

static void read_json(struct chat *c)
{
    yyjson_val *v = oa_get(c, "response_format");
    yyjson_val *wrapped;
    int format;

    if (v == NULL)
        return;
    if (!yyjson_is_obj(v)) {
        fault_set(c->why, E_FIELD, "must be an object", v);
        return;
    }
    wrapped = jr_get(v, "json_schema");
    format = WORD(FORMAT, jr_str(v, "type"));
    if (format < 0) {
        fault_set(c->why, E_FIELD, "must have the type text, json_object or json_schema", v);
        return;
    }
    c->format = (enum oa_format)format;
    if (c->format != OA_JSON_SCHEMA)
        return;
    if (!yyjson_is_obj(wrapped)) {
        fault_missing(c->why, v, "json_schema");
        return;
    }
    c->schema = jr_get(wrapped, "schema");
    c->about = wrapped;
    if (c->schema != NULL && !yyjson_is_obj(c->schema))
        fault_set(c->why, E_FIELD, "must be an object", c->schema);
    if (c->schema == NULL)
        c->format = OA_JSON;
}

/* A family that cannot be held to a format, or not beside these tools, is asked for it in words. */
static void decide_words(struct chat *c)
{
    bool tools = oa_has_functions(c) || oa_wants_own_tool(c);
    bool forced = oa_has_functions(c) && c->tool_config.mode == GM_CALLS_ANY;

    if (c->format == OA_TEXT)
        return;
    c->format_in_words =
        !gm_can(c->caps, GM_CAN_JSON) || forced || (tools && !gm_can(c->caps, GM_CAN_JSON_TOOLS));
    if (c->format_in_words)
        oa_ignore(c, S("response_format"), S("instruction"));
}

static bool wants(struct chat *c, const char *modality)
{
    jr_each (item, oa_get(c, "modalities"))
        if (str_eq_nocase(jr_text(item), str_z(modality)))
            return true;
    return false;
}

static void read_audio(struct chat *c)
{
    yyjson_val *audio = oa_get(c, "audio");
    yyjson_val *format = jr_get(audio, "format");
    struct str f = jr_text(format);

    if (wants(c, "audio") && !gm_can(c->caps, GM_MAKES_AUDIO))
        fault_set(c->why, E_FIELD, "asks for audio, which this model does not make",
                  oa_get(c, "modalities"));
    if (!gm_can(c->caps, GM_MAKES_AUDIO)) {
        if (audio != NULL && !wants(c, "audio"))
            oa_ignore(c, S("audio"), S(""));
        return;
    }
    if (format != NULL && !str_eq(f, S("wav")) && !str_eq(f, S("pcm16")))
        fault_set(c->why, E_FIELD, "must be wav or pcm16", format);
    if (c->tr->stream && str_eq(f, S("wav")))
        fault_set(c->why, E_FIELD, "must be pcm16 in a stream", format);
    c->answer->audio_format = oa_keep(c, f.n > 0 ? f : S("wav"));
}

void oa_read_format(struct chat *c)
{
    yyjson_val *modalities = oa_get(c, "modalities");

    if (modalities != NULL && !yyjson_is_arr(modalities))
        fault_set(c->why, E_FIELD, "must be a list", modalities);
    read_json(c);
    decide_words(c);
    read_audio(c);
}

void oa_put_format_words(struct chat *c)
{
    struct buf b;
    struct jw w;
    struct str text;

    if (!c->format_in_words)
        return;
    buf_init(&b, 1 << 20);
    buf_lit(&b, "Answer with one JSON value and nothing else: no code fence, no comment.");
    if (c->schema != NULL) {
        buf_lit(&b, " It must follow this JSON Schema: ");
        jw_begin(&w, &b);
        jw_copy(&w, NULL, c->schema);
    }
    if (jr_str(c->about, "description").n > 0) {
        buf_lit(&b, " What it is: ");
        buf_put(&b, jr_str(c->about, "description"));
    }
    text = oa_keep(c, buf_str(&b));
    if (b.err != OK)
        fault_set(c->why, E_TOOBIG, "is larger than this server takes", c->schema);
    buf_fini(&b);
    gm_text(&c->g, text);
}

static void put_json(struct chat *c)
{
    struct jw *w = &c->g.w;
    bool json = gm_can(c->caps, GM_CAN_JSON_SCHEMA);

    if (c->format == OA_TEXT || c->format_in_words)
        return;
    jw_str(w, "responseMimeType", S("application/json"));
    if (c->schema != NULL)
        gm_schema_put(w, json ? "responseJsonSchema" : "responseSchema", c->schema, c->about,
                      gm_schema_for(c->caps), c->why);
    if (c->schema != NULL && !gm_can(c->caps, GM_CAN_BOUNDS))
        oa_ignore(c, S("response_format"), S("without_bounds"));
}

static void put_modalities(struct chat *c)
{
    struct jw *w = &c->g.w;
    bool images = gm_can(c->caps, GM_MAKES_IMAGES) || wants(c, "image");
    bool audio = gm_can(c->caps, GM_MAKES_AUDIO);

    if (!images && !audio)
        return;
    if (c->remedies & GM_DROP_MODALITIES) {
        oa_ignore(c, S("modalities"), S(""));
        return;
    }
    jw_arr(w, "responseModalities");
    if (!audio)
        jw_str(w, NULL, S("TEXT"));
    jw_str(w, NULL, audio ? S("AUDIO") : S("IMAGE"));
    jw_end(w);
}

static struct str voice_of(yyjson_val *audio)
{
    yyjson_val *v = jr_get(audio, "voice");
    struct str name = yyjson_is_obj(v) ? jr_str(v, "id") : jr_text(v);

    for (size_t i = 0; i < NELEM(VOICE); i++)
        if (str_eq_nocase(name, str_z(VOICE[i].openai)))
            return str_z(VOICE[i].google);
    return name;
}

static void put_voice(struct chat *c)
{
    struct jw *w = &c->g.w;
    struct str voice;

    if (!gm_can(c->caps, GM_MAKES_AUDIO))
        return;
    voice = voice_of(oa_get(c, "audio"));
    if (voice.n == 0)
        return;
    jw_obj(w, "speechConfig");
    jw_obj(w, "voiceConfig");
    jw_obj(w, "prebuiltVoiceConfig");
    jw_str(w, "voiceName", voice);
    jw_end(w);
    jw_end(w);
    jw_end(w);
}

void oa_put_format(struct chat *c)
{
    put_json(c);
    put_modalities(c);
    put_voice(c);
}
