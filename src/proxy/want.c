/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* want.c - sizing a request by its bytes. Must not parse it: the dialect has just written it. */
#include "proxy/want.h"

enum {
    MEDIA_TOKENS = 1024, /* an image is 258 to 1120 of them (mapping 2.5) */
    LOOK_AT = 512,
};

/* Base64 has neither blanks nor backslashes; prose of this length has. */
static bool is_media(struct str span)
{
    for (size_t i = 0; i < span.n && i < LOOK_AT; i++) {
        unsigned char c = (unsigned char)span.p[i];

        if (c == ' ' || c == '\\' || c >= 0x80)
            return false;
    }
    return true;
}

uint32_t want_tokens(const struct rope *body)
{
    uint64_t n = body->text.n / WANT_BYTES_A_TOKEN;

    for (size_t i = 0; i < body->ncuts; i++)
        n +=
            is_media(body->cuts[i].span) ? MEDIA_TOKENS : body->cuts[i].span.n / WANT_BYTES_A_TOKEN;
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static uint64_t prefix_hash(const struct rope *body)
{
    struct rope_pos pos = {0};
    uint64_t hash = 0;
    size_t left = WANT_PREFIX;

    if (rope_len(body) < WANT_PREFIX)
        return 0;
    while (left > 0) {
        struct str next = rope_next(body, &pos, left);

        hash = hash * 31 + str_hash(next);
        left -= next.n;
    }
    return hash ? hash : 1;
}

/* Other addresses are anybody's, and lead to no project. */
static bool is_googles(struct str name)
{
    static const struct str prefix[] = {S_INIT("cachedContents/"), S_INIT("files/"),
                                        S_INIT("https://generativelanguage.googleapis.com/")};

    for (size_t i = 0; i < NELEM(prefix); i++)
        if (str_starts(name, prefix[i]))
            return true;
    return false;
}

static bool is_in(const struct str *v, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i], name))
            return true;
    return false;
}

size_t want_names(const struct translation *tr, struct str v[KEYS_MUST_MAX])
{
    /* as it stands in bytes of our own, or in a part that was copied */
    static const struct str member[] = {S_INIT("\"cachedContent\":\""), S_INIT("\"fileUri\":\""),
                                        S_INIT("\"file_uri\":\"")};
    struct str text = buf_str(&tr->body.text);
    size_t n = 0;

    for (size_t i = 0; tr->special && i < NELEM(member); i++) {
        struct str rest = text;
        size_t at;

        while (n < KEYS_MUST_MAX && (at = str_find(rest, member[i])) < rest.n) {
            struct str name;

            rest = str_skip(rest, at + member[i].n);
            name = str_cut(&rest, '"');
            if (is_googles(name) && !is_in(v, n, name))
                v[n++] = name;
        }
    }
    return n;
}

/* Grounding is metered apart from the model (a 429 for it names no limit). */
static bool has_extra(struct str text)
{
    static const struct str tool[] = {S_INIT("\"googleSearch\":"), S_INIT("\"googleMaps\":")};

    for (size_t i = 0; i < NELEM(tool); i++)
        if (str_find(text, tool[i]) < text.n)
            return true;
    return false;
}

void want_of(const struct translation *tr, struct key_want *want)
{
    struct str text = buf_str(&tr->body.text);

    want->model = tr->model;
    want->tokens = want_tokens(&tr->body);
    want->affinity = prefix_hash(&tr->body);
    want->nmust = want_names(tr, want->must);
    want->extra = tr->special && has_extra(text);
}
