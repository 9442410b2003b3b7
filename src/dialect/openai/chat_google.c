/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_google.c - extra_body.google: what OpenAI has no words for, in Google's own. Its members may
 * be spelled in camelCase or snake_case, as Google itself takes both. */
#include "dialect/openai/chat.h"
#include "dialect/openai/compat.h"

enum place { CONFIG, TOP, ELSEWHERE };
enum { CAMEL_MAX = 64, CONFIG_MAX = 64 };

/* Google's member, in both spellings, and where it goes. Source: mapping 2.8. */
static const struct member {
    const char *snake, *camel;
    enum place place;
    const char *note;
} MEMBER[] = {
    {"thinking_config",     "thinkingConfig",     ELSEWHERE, "goes before reasoning_effort"    },
    {"tools",               "tools",              ELSEWHERE, "beside functions where both go"  },
    {"generation_config",   "generationConfig",   ELSEWHERE, "goes before what was mapped"     },
    {"cached_content",      "cachedContent",      TOP,       "the cache holds system and tools"},
    {"safety_settings",     "safetySettings",     TOP,       NULL                              },
    {"tool_config",         "toolConfig",         ELSEWHERE, "goes before tool_choice"         },
    {"labels",              "labels",             TOP,       NULL                              },
    {"service_tier",        "serviceTier",        TOP,       NULL                              },
    {"response_modalities", "responseModalities", CONFIG,    NULL                              },
    {"image_config",        "imageConfig",        CONFIG,    NULL                              },
    {"media_resolution",    "mediaResolution",    CONFIG,    NULL                              },
    {"speech_config",       "speechConfig",       CONFIG,    NULL                              },
};

bool oa_google_row(size_t i, const char **ret_member, const char **ret_note)
{
    if (i >= NELEM(MEMBER))
        return false;
    *ret_member = MEMBER[i].snake;
    *ret_note = MEMBER[i].note;
    return true;
}

yyjson_val *oa_google_spelled(yyjson_val *obj, const char *snake, const char *camel)
{
    yyjson_val *v = jr_get(obj, snake);

    return v != NULL ? v : jr_get(obj, camel);
}

static const struct member *member_named(struct str name)
{
    for (size_t i = 0; i < NELEM(MEMBER); i++)
        if (str_eq(name, str_z(MEMBER[i].snake)) || str_eq(name, str_z(MEMBER[i].camel)))
            return &MEMBER[i];
    return NULL;
}

static yyjson_val *value_of(struct chat *c, size_t i)
{
    return oa_google_member(c->google, MEMBER[i].snake, MEMBER[i].camel);
}

void oa_read_google(struct chat *c)
{
    yyjson_val *body = oa_get(c, "extra_body");

    if (jr_get(body, "extra_body") != NULL)
        body = jr_get(body, "extra_body");
    c->google = jr_get(body, "google");
    if (c->google == NULL)
        c->google = oa_get(c, "google");
    if (c->google != NULL && !yyjson_is_obj(c->google))
        fault_set(c->why, E_FIELD, "must be an object", c->google);
    jr_each_member (key, c->google)
        if (member_named(jr_text(key)) == NULL)
            oa_ignore(c, jr_text(key), S(""));
    c->cached = oa_google_member(c->google, "cached_content", "cachedContent") != NULL;
}

bool oa_google_has(struct chat *c, const char *camel)
{
    const struct member *m = c->google != NULL ? member_named(str_z(camel)) : NULL;

    return m != NULL && oa_google_member(c->google, m->snake, m->camel) != NULL;
}

void oa_put_google_top(struct chat *c)
{
    for (size_t i = 0; c->google != NULL && i < NELEM(MEMBER); i++)
        if (MEMBER[i].place == TOP && value_of(c, i) != NULL)
            jw_copy(&c->g.w, MEMBER[i].camel, value_of(c, i));
}

/* "top_k" is "topK"; both mean one member, and a member may be written once. What is longer than
 * any name of Google's stays as it is. */
static struct str camel_of(struct str name, char room[CAMEL_MAX])
{
    size_t n = 0;

    if (name.n > CAMEL_MAX)
        return name;
    for (size_t i = 0; i < name.n; i++) {
        bool up =
            name.p[i] == '_' && i + 1 < name.n && name.p[i + 1] >= 'a' && name.p[i + 1] <= 'z';

        room[n++] = up ? (char)(name.p[i + 1] - 32) : name.p[i];
        i += up;
    }
    return str_of(room, n);
}

static bool is_said(struct chat *c, struct str camel)
{
    char room[CAMEL_MAX];

    for (size_t i = 0; i < NELEM(MEMBER); i++)
        if (MEMBER[i].place == CONFIG && value_of(c, i) != NULL &&
            str_eq(camel, str_z(MEMBER[i].camel)))
            return true;
    jr_each_member (key, oa_google_member(c->google, "generation_config", "generationConfig"))
        if (str_eq(camel_of(jr_text(key), room), camel))
            return true;
    return false;
}

static bool says_config(struct chat *c)
{
    for (size_t i = 0; i < NELEM(MEMBER); i++)
        if (MEMBER[i].place == CONFIG && value_of(c, i) != NULL)
            return true;
    return oa_google_member(c->google, "generation_config", "generationConfig") != NULL;
}

/* In both spellings at once: the first one counts. */
static bool is_earlier(yyjson_val *config, yyjson_val *key)
{
    char room[CAMEL_MAX], other[CAMEL_MAX];
    struct str name = camel_of(jr_text(key), room);

    jr_each_member (k, config) {
        if (k == key)
            break;
        if (str_eq(camel_of(jr_text(k), other), name))
            return true;
    }
    return false;
}

static void put_said(struct chat *c)
{
    yyjson_val *config = oa_google_member(c->google, "generation_config", "generationConfig");
    char room[CAMEL_MAX];

    if (yyjson_obj_size(config) > CONFIG_MAX) {
        fault_set(c->why, E_TOOBIG, "has more members than Gemini knows", config);
        return;
    }

    for (size_t i = 0; i < NELEM(MEMBER); i++)
        if (MEMBER[i].place == CONFIG && value_of(c, i) != NULL)
            jw_copy(&c->g.w, MEMBER[i].camel, value_of(c, i));
    jr_each_member (key, config) {
        const struct member *m = member_named(jr_text(key));

        if (yyjson_is_null(key + 1) || is_earlier(config, key) ||
            (m != NULL && m->place == CONFIG && oa_google_has(c, m->camel)))
            continue;
        jw_key(&c->g.w, camel_of(jr_text(key), room));
        jw_copy(&c->g.w, NULL, key + 1);
    }
}

/* Google's own words go before what was mapped: that is written aside, and what is said again is
 * left out of it. */
void oa_put_config_merged(struct chat *c, void (*put_mapped)(struct chat *c))
{
    struct buf aside;
    struct jw w = c->g.w;

    if (c->google == NULL || !says_config(c)) {
        put_mapped(c);
        return;
    }
    buf_init(&aside, 4 << 20);
    jw_begin(&c->g.w, &aside);
    jw_obj(&c->g.w, NULL);
    put_mapped(c);
    jw_end(&c->g.w);
    c->g.w = w;
    if (aside.err != OK || json_parse_copy(&c->scratch, buf_str(&aside), NULL, NULL) != OK) {
        fault_set(c->why, E_TOOBIG, "is larger than this server takes", c->google);
    } else {
        jr_each_member (key, c->scratch.root)
            if (!is_said(c, jr_text(key))) {
                jw_key(&c->g.w, jr_text(key));
                gm_copy(&c->g, NULL, key + 1);
            }
        put_said(c);
    }
    buf_fini(&aside);
}
