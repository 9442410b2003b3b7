/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* prompt.c - reads the request the way a model would, and counts it. One token is four characters;
 * media cost what Google's guide says, roughly. */
#include "demo/prompt.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "demo/fields.h"

enum {
    IMAGE_TOKENS_25 = 258,
    IMAGE_TOKENS = 1120,
    AUDIO_BYTES_PER_TOKEN = 500,
    VIDEO_BYTES_PER_TOKEN = 1000,
    PAGE_BYTES = 100000,
    PAGE_TOKENS = 258,
    LINKED_TOKENS = 1000, /* a file that is only pointed at */
};

static const char *const MODALITIES[EMU_M_COUNT] = {"TEXT", "IMAGE", "AUDIO", "VIDEO", "DOCUMENT"};

enum emu_modality emu_modality_of(struct str mime)
{
    if (str_starts_nocase(mime, S("image/")))
        return EMU_M_IMAGE;
    if (str_starts_nocase(mime, S("audio/")))
        return EMU_M_AUDIO;
    if (str_starts_nocase(mime, S("video/")))
        return EMU_M_VIDEO;
    return str_starts_nocase(mime, S("text/")) ? EMU_M_TEXT : EMU_M_DOCUMENT;
}

size_t emu_base64_bytes(struct str base64)
{
    while (base64.n > 0 && base64.p[base64.n - 1] == '=')
        base64.n--;
    return base64.n / 4 * 3 + (base64.n % 4 > 1 ? base64.n % 4 - 1 : 0);
}

static uint64_t media_tokens(enum emu_modality m, size_t bytes, const struct emu_family *f)
{
    switch (m) {
    case EMU_M_IMAGE: return emu_can(f, EMU_SIGNS) ? IMAGE_TOKENS : IMAGE_TOKENS_25;
    case EMU_M_AUDIO: return bytes / AUDIO_BYTES_PER_TOKEN + 1;
    case EMU_M_VIDEO: return bytes / VIDEO_BYTES_PER_TOKEN + 1;
    case EMU_M_DOCUMENT: return (bytes / PAGE_BYTES + 1) * PAGE_TOKENS;
    case EMU_M_TEXT:
    case EMU_M_COUNT: break;
    }
    return emu_tokens(bytes);
}

/* Characters of any JSON value, names and all. */
static uint64_t value_chars(yyjson_val *v)
{
    uint64_t n = v != NULL;

    jr_each (item, v)
        n += 1 + value_chars(item);
    jr_each_member (key, v)
        n += 3 + utf8_count(jr_text(key)) + value_chars(key + 1);
    return n + utf8_count(jr_text(v)) + jr_num_text(v).n;
}

/* Adds the media to p->tokens; what it returns are characters of text. */
static uint64_t weigh_part(struct emu_prompt *p, yyjson_val *part, const struct emu_family *f)
{
    yyjson_val *blob = emu_get(part, "inline_data");
    yyjson_val *file = emu_get(part, "file_data");
    enum emu_modality m = emu_modality_of(emu_str(blob ? blob : file, "mime_type"));

    if (blob != NULL)
        p->tokens[m] += media_tokens(m, emu_base64_bytes(emu_str(blob, "data")), f);
    else if (file != NULL)
        p->tokens[m] += LINKED_TOKENS;
    return utf8_count(emu_str(part, "text")) + value_chars(emu_get(part, "function_call")) +
           value_chars(emu_get(emu_get(part, "function_response"), "response"));
}

static uint64_t weigh_content(struct emu_prompt *p, yyjson_val *content, const struct emu_family *f)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    uint64_t chars = 0;
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        struct emu_each inner = emu_each(emu_get(emu_get(part, "function_response"), "parts"));
        yyjson_val *v;

        chars += weigh_part(p, part, f);
        while ((v = emu_next(&inner)) != NULL)
            chars += weigh_part(p, v, f);
    }
    return chars;
}

void emu_prompt_weigh(struct emu_prompt *p, yyjson_val *body, const struct emu_family *f)
{
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    uint64_t chars = weigh_content(p, emu_get(body, "system_instruction"), f);
    yyjson_val *content;

    while ((content = emu_next(&contents)) != NULL)
        chars += weigh_content(p, content, f);
    if (emu_get(body, "tools") != NULL)
        chars += value_chars(emu_get(body, "tools"));
    p->tokens[EMU_M_TEXT] += emu_tokens(chars);
}

uint64_t emu_prompt_tokens(const struct emu_prompt *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < EMU_M_COUNT; i++)
        n += p->tokens[i];
    return n;
}

void emu_prompt_details(const struct emu_prompt *p, struct jw *w, const char *key)
{
    jw_arr(w, key);
    for (size_t i = 0; i < EMU_M_COUNT; i++) {
        if (p->tokens[i] == 0 && i != EMU_M_TEXT)
            continue;
        jw_obj(w, NULL);
        jw_str(w, "modality", str_z(MODALITIES[i]));
        jw_u64(w, "tokenCount", p->tokens[i]);
        jw_end(w);
    }
    jw_end(w);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t emu_find_nocase(struct str s, struct str word)
{
    for (size_t i = 0; i + word.n <= s.n; i++) {
        size_t k = 0;

        while (k < word.n && lower(s.p[i + k]) == lower(word.p[k]))
            k++;
        if (k == word.n)
            return i;
    }
    return s.n;
}

static bool in_word(struct str s, size_t at)
{
    char c = at < s.n ? lower(s.p[at]) : ' ';

    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool emu_names(struct str s, struct str name)
{
    for (size_t from = 0; from < s.n;) {
        size_t at = from + emu_find_nocase(str_skip(s, from), name);

        if (at >= s.n)
            return false;
        if (!in_word(s, at + name.n) && (at == 0 || !in_word(s, at - 1)))
            return true;
        from = at + 1;
    }
    return false;
}

struct str emu_content_text(yyjson_val *content, struct arena *a)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    struct str text;
    struct buf joined;
    yyjson_val *part;

    buf_init(&joined, a->max);
    while ((part = emu_next(&parts)) != NULL) {
        struct str piece = emu_str(part, "text");

        if (piece.n == 0 || emu_true(part, "thought"))
            continue;
        if (joined.n > 0)
            buf_putc(&joined, '\n');
        buf_put(&joined, piece);
    }
    text = arena_dup(a, buf_str(&joined));
    buf_fini(&joined);
    return text;
}

static bool has_chinese(struct str s)
{
    for (size_t i = 0; i + 2 < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0xe4 && c <= 0xe9) /* U+4000 to U+9FFF in UTF-8 */
            return true;
    }
    return false;
}

static bool holds(yyjson_val *content, const char *kind)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        if (emu_get(part, kind) != NULL)
            return true;
    }
    return false;
}

static size_t calls_in(yyjson_val *content)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    size_t n = 0;
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL)
        n += emu_get(part, "function_call") != NULL;
    return n;
}

void emu_prompt_read(struct emu_prompt *p, yyjson_val *body, const struct emu_family *f,
                     struct arena *a)
{
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    yyjson_val *content;

    *p = (struct emu_prompt){.body = body};
    while ((content = emu_next(&contents)) != NULL) {
        bool said = !emu_word(content, "role", "model") &&
                    (holds(content, "text") || holds(content, "inline_data") ||
                     holds(content, "file_data"));

        p->results = holds(content, "function_response") ? content : NULL;
        p->calls_done += calls_in(content);
        if (said && p->results == NULL) {
            p->asked = content;
            p->calls_done = 0;
        }
    }
    p->text = p->asked != NULL ? emu_content_text(p->asked, a) : S("");
    p->chinese = has_chinese(p->text);
    emu_prompt_weigh(p, body, f);
}
