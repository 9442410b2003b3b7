/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_parts.c - the content of a message: a string, or a list of typed parts. Which media Gemini
 * takes, and how, is gemini/media.c's business. */
#include "dialect/openai/chat.h"
#include "dialect/openai/compat.h"

enum form { WORDS, URL, SOUND, UPLOAD, SOURCE, THOUGHTS };

/* A part's type, the member that holds its datum, what that is, and of what kind. The first three
 * are OpenAI's (and audio, file); the rest is what clients have been seen to send. */
static const struct part {
    const char *type;
    const char *member;
    enum form form;
    enum gm_medium medium;
} PART[] = {
    {"text",              "text",         WORDS,    GM_ANY_FILE},
    {"refusal",           "refusal",      WORDS,    GM_ANY_FILE},
    {"image_url",         "image_url",    URL,      GM_IMAGE   },
    {"input_audio",       "input_audio",  SOUND,    GM_AUDIO   },
    {"file",              "file",         UPLOAD,   GM_DOCUMENT},
    {"input_text",        "text",         WORDS,    GM_ANY_FILE},
    {"output_text",       "text",         WORDS,    GM_ANY_FILE},
    {"input_image",       "image_url",    URL,      GM_IMAGE   },
    {"video_url",         "video_url",    URL,      GM_VIDEO   },
    {"audio_url",         "audio_url",    URL,      GM_AUDIO   },
    {"document_url",      "document_url", URL,      GM_DOCUMENT},
    {"file_url",          "file_url",     URL,      GM_DOCUMENT},
    {"image",             "source",       SOURCE,   GM_IMAGE   },
    {"document",          "source",       SOURCE,   GM_DOCUMENT},
    {"thinking",          "thinking",     THOUGHTS, GM_ANY_FILE},
    {"redacted_thinking", "data",         THOUGHTS, GM_ANY_FILE},
    {"reasoning",         "text",         THOUGHTS, GM_ANY_FILE},
};

/* OpenAI's detail in Google's words; auto is no word at all. */
static const struct {
    const char *detail, *level;
} DETAIL[] = {
    {"low",      "MEDIA_RESOLUTION_LOW"       },
    {"medium",   "MEDIA_RESOLUTION_MEDIUM"    },
    {"high",     "MEDIA_RESOLUTION_HIGH"      },
    {"original", "MEDIA_RESOLUTION_ULTRA_HIGH"},
};

static const struct part *part_of(yyjson_val *part)
{
    for (size_t i = 0; i < NELEM(PART); i++)
        if (str_eq(jr_str(part, "type"), str_z(PART[i].type)))
            return &PART[i];
    return NULL;
}

bool oa_part_is_thought(yyjson_val *part)
{
    const struct part *row = part_of(part);

    return row != NULL && row->form == THOUGHTS;
}

bool oa_part_row(size_t i, const char **ret_type, const char **ret_what)
{
    static const char *const what[] = {
        [WORDS] = "text",
        [URL] = ("inlineData for a data: URL; fileData for https:, gs: and YouTube, or "
                 "inlineData of what queqiao fetched"),
        [SOUND] = "inlineData",
        [UPLOAD] = "inlineData for file_data; fileData for a file_id of Gemini's",
        [SOURCE] = "as other APIs have it: inlineData or fileData",
        [THOUGHTS] = "nothing: Gemini wants no thoughts back",
    };

    if (i >= NELEM(PART))
        return false;
    *ret_type = PART[i].type;
    *ret_what = what[PART[i].form];
    return true;
}

/* {"image_url":{"url":...}}, or the URL itself in its place. */
static yyjson_val *url_in(yyjson_val *v)
{
    return yyjson_is_obj(v) ? jr_get(v, "url") : v;
}

/* What a reader said, at the value that it was said of. */
static bool told(struct chat *c, enum err err, const struct fault *bad, yyjson_val *at)
{
    if (err != OK)
        gm_fault(&c->g, at, err, bad->what);
    return err == OK;
}

static bool read_url(struct chat *c, yyjson_val *part, yyjson_val *v, enum gm_medium as,
                     struct gm_media *ret)
{
    struct fault bad = {0};
    yyjson_val *url = url_in(v);

    if (jr_text(url).n == 0) {
        fault_missing(c->why, v != NULL && yyjson_is_obj(v) ? v : part, "url");
        return false;
    }
    return told(c, gm_media_url(jr_text(url), as, &c->media, ret, &bad), &bad, url);
}

static bool read_base64(struct chat *c, yyjson_val *data, struct str type, enum gm_medium as,
                        struct gm_media *ret)
{
    struct fault bad = {0};
    struct str text = jr_text(data);

    if (str_starts_nocase(text, S("data:")))
        return told(c, gm_media_url(text, as, &c->media, ret, &bad), &bad, data);
    return told(c, gm_media_base64(text, type, as, ret, &bad), &bad, data);
}

static bool read_sound(struct chat *c, yyjson_val *sound, struct gm_media *ret)
{
    yyjson_val *data = jr_get(sound, "data");

    if (data == NULL) {
        fault_missing(c->why, sound, "data");
        return false;
    }
    return read_base64(c, data, jr_str(sound, "format"), GM_AUDIO, ret);
}

/* Bytes, or the name of a file that Google has. OpenAI's own file ids mean nothing to it. */
static bool read_upload(struct chat *c, yyjson_val *file, struct gm_media *ret)
{
    yyjson_val *data = jr_get(file, "file_data");
    yyjson_val *id = jr_get(file, "file_id");
    struct fault bad = {0};

    if (data != NULL)
        return read_base64(c, data, gm_media_type_of(jr_str(file, "filename")), GM_DOCUMENT, ret);
    if (id == NULL) {
        fault_missing(c->why, file, "file_data");
        return false;
    }
    if (!str_starts(jr_text(id), S("files/")) && !str_starts(jr_text(id), S("https://"))) {
        gm_fault(&c->g, id, E_FIELD, "is no file of Gemini's; send file_data");
        return false;
    }
    return told(c, gm_media_url(jr_text(id), GM_DOCUMENT, &c->media, ret, &bad), &bad, id);
}

/* {"source":{"type":"base64","media_type":..,"data":..}}; or, as MCP has it, the same members (and
 * "mimeType") in the part itself. */
static bool read_source(struct chat *c, yyjson_val *part, yyjson_val *source, enum gm_medium as,
                        struct gm_media *ret)
{
    yyjson_val *type = jr_get(source, "media_type");

    if (jr_get(source, "data") != NULL)
        return read_base64(c, jr_get(source, "data"),
                           jr_text(type != NULL ? type : jr_get(source, "mimeType")), as, ret);
    return read_url(c, part, source, as, ret);
}

/* Where the datum is; of media of other APIs that is told in more than one way. */
static yyjson_val *datum_of(const struct part *row, yyjson_val *part)
{
    yyjson_val *v = jr_get(part, row->member);

    if (v == NULL && row->form == SOURCE)
        v = jr_get(part, "data") != NULL ? part : jr_get(part, row->type);
    return v;
}

bool oa_part_media(struct chat *c, yyjson_val *part, struct gm_media *ret)
{
    const struct part *row = part_of(part);
    yyjson_val *v = row != NULL ? datum_of(row, part) : NULL;

    if (row == NULL || row->form == WORDS || row->form == THOUGHTS)
        return false;
    if (v == NULL) {
        fault_missing(c->why, part, row->member);
        return false;
    }
    switch (row->form) {
    case URL: return read_url(c, part, v, row->medium, ret);
    case SOUND: return read_sound(c, v, ret);
    case UPLOAD: return read_upload(c, v, ret);
    case SOURCE: return read_source(c, part, v, row->medium, ret);
    case WORDS:
    case THOUGHTS: break;
    }
    return false;
}

/* A time in a video: seconds, as a number or as "12.5s". Google judges what is neither. */
static struct str offset_of(struct chat *c, yyjson_val *v)
{
    struct str seconds = jr_num_text(v);
    char z[JSON_NUMBER_MAX + 1];

    if (seconds.n == 0)
        return jr_text(v);
    memcpy(z, seconds.p, seconds.n);
    z[seconds.n] = 's';
    return oa_keep(c, str_of(z, seconds.n + 1));
}

static struct gm_extra extra_of(struct chat *c, yyjson_val *part)
{
    yyjson_val *url = jr_get(part, "image_url");
    yyjson_val *video = jr_get(part, "video_url");
    struct str detail = jr_str(yyjson_is_obj(url) ? url : part, "detail");
    struct gm_extra x = {.signature = S(""),
                         .fps = jr_num_text(jr_get(video, "fps")),
                         .from = offset_of(c, jr_get(video, "start")),
                         .to = offset_of(c, jr_get(video, "end"))};

    for (size_t i = 0; i < NELEM(DETAIL); i++)
        if (str_eq(detail, str_z(DETAIL[i].detail)))
            x.resolution = DETAIL[i].level;
    return x;
}

static void put_media_part(struct chat *c, yyjson_val *part)
{
    struct gm_extra extra = extra_of(c, part);
    struct gm_media media;

    if (oa_part_media(c, part, &media))
        gm_put_media(&c->g, &media, &extra);
}

static void put_words(struct chat *c, yyjson_val *part, const char *member)
{
    yyjson_val *text = jr_get(part, member);

    if (text == NULL)
        fault_missing(c->why, part, member);
    else if (!yyjson_is_str(text))
        gm_fault(&c->g, text, E_FIELD, "must be a string");
    else
        gm_text_value(&c->g, text);
}

static void put_part(struct chat *c, yyjson_val *part, bool only_text)
{
    const struct part *row = part_of(part);

    if (yyjson_is_str(part))
        gm_text_value(&c->g, part);
    else if (yyjson_is_obj(part) && jr_get(part, "type") == NULL)
        fault_missing(c->why, part, "type");
    else if (row == NULL)
        gm_fault(&c->g, part, E_FIELD, "has a type that Gemini cannot take");
    else if (row->form == WORDS)
        put_words(c, part, row->member);
    else if (row->form == THOUGHTS)
        return;
    else if (only_text)
        gm_fault(&c->g, part, E_FIELD, "must be text here");
    else
        put_media_part(c, part);
}

static void put_content(struct chat *c, const struct oa_message *msg, bool only_text)
{
    yyjson_val *content = oa_of(msg, "content");

    if (content == NULL)
        fault_missing(c->why, msg->v, "content");
    else if (yyjson_is_str(content))
        gm_text_value(&c->g, content);
    else if (!yyjson_is_arr(content))
        gm_fault(&c->g, content, E_FIELD, "must be a string or a list of parts");
    jr_each (part, content)
        put_part(c, part, only_text);
}

void oa_put_part(struct chat *c, yyjson_val *part)
{
    put_part(c, part, false);
}

void oa_put_content(struct chat *c, const struct oa_message *msg)
{
    put_content(c, msg, false);
}

void oa_put_text_content(struct chat *c, const struct oa_message *msg)
{
    put_content(c, msg, true);
}

/* A part of a tool's result: its text. Media go elsewhere; what is neither (some frameworks hand on
 * what the tool gave, as it is) goes as the JSON that it is. */
static void add_text(struct buf *b, yyjson_val *part)
{
    const struct part *row = part_of(part);
    struct jw w;

    if (row != NULL && row->form != WORDS)
        return;
    if (b->n > 0)
        buf_putc(b, '\n');
    if (row != NULL)
        buf_put(b, jr_str(part, row->member));
    else if (yyjson_is_str(part))
        buf_put(b, jr_text(part));
    else {
        jw_begin(&w, b);
        jw_copy(&w, NULL, part);
        if (jw_end_all(&w) != OK && b->err == OK)
            b->err = E_TOOBIG;
    }
}

struct str oa_content_text(struct chat *c, const struct oa_message *msg)
{
    yyjson_val *content = oa_of(msg, "content");
    yyjson_val *only = yyjson_arr_get_first(content);
    const struct part *row;
    struct buf b;
    struct str text;

    if (content == NULL || yyjson_is_str(content))
        return jr_text(content);
    row = part_of(only);
    if (yyjson_arr_size(content) == 1 && row != NULL && row->form == WORDS)
        return jr_str(only, row->member); /* nothing is copied */
    buf_init(&b, GM_REQUEST_MAX);
    if (!yyjson_is_arr(content))
        add_text(&b, content);
    jr_each (part, content)
        add_text(&b, part);
    text = oa_keep(c, buf_str(&b));
    if (b.err != OK)
        fault_set(c->why, E_TOOBIG, "is larger than this server takes", content);
    buf_fini(&b);
    return text;
}
