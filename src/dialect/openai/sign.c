/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sign.c - finding signatures again. Must not know where they are kept. */
#include "dialect/openai/sign.h"

#include "codec/base64.h"

enum { IMAGE_END = 4096 };

enum { WORD = 8 };

static uint64_t load(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    return sum ^ sum >> 32;
}

static void hash_few(struct oa_hash *h, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        h->rest |= (uint64_t)(unsigned char)text.p[i] << 8 * (h->n++ % WORD);
        if (h->n % WORD == 0) {
            h->sum = mix(h->sum, h->rest);
            h->rest = 0;
        }
    }
}

void oa_hash_more(struct oa_hash *h, struct str text)
{
    const char *p = text.p;
    const char *end = p + text.n;
    size_t odd = h->n % WORD;

    if (text.n < WORD) {
        hash_few(h, text);
        return;
    }
    h->n += text.n;
    if (odd > 0) {
        h->sum = mix(h->sum, h->rest | load(p) << 8 * odd);
        p += WORD - odd;
    }
    for (; end - p >= WORD; p += WORD)
        h->sum = mix(h->sum, load(p));
    odd = (size_t)(end - p);
    h->rest = odd > 0 ? load(end - WORD) >> 8 * (WORD - odd) : 0;
}

static uint64_t hash_of(const struct oa_hash *h)
{
    return mix(mix(h->sum, h->rest), h->n);
}

static struct oa_sign name(struct str kind, uint64_t hash)
{
    static const char hex[] = "0123456789abcdef";
    struct oa_sign s;

    memcpy(s.p, kind.p, kind.n);
    for (unsigned i = 0; i < 16; i++)
        s.p[kind.n + i] = hex[hash >> (60 - 4 * i) & 15];
    return s;
}

struct oa_sign oa_sign_text(const struct oa_hash *text)
{
    return name(S("text--"), hash_of(text));
}

struct oa_sign oa_sign_parts(const struct oa_hash *text)
{
    return name(S("parts-"), hash_of(text));
}

/* An image is megabytes, and nearly all of what tells two apart is at its ends. */
struct oa_sign oa_sign_image(struct str base64)
{
    struct oa_hash ends = {0};

    oa_hash_more(&ends, str_sub(base64, 0, IMAGE_END));
    if (base64.n > IMAGE_END)
        oa_hash_more(&ends, str_skip(base64, base64.n - IMAGE_END));
    return name(S("image-"), mix(hash_of(&ends), base64.n));
}

/* The places where clients and gateways have been seen to put it; the first is Google's own.
 * Source: mapping 2.9, "Carriers". */
static const char *const PLACE[][3] = {
    {"extra_content",            "google",             "thought_signature"},
    {"extra_content",            "vertex",             "thought_signature"},
    {"provider_specific_fields", "thought_signature",  NULL               },
    {"provider_specific_fields", "thought_signatures", NULL               },
    {"function",                 "thought_signature",  NULL               },
    {"thought_signature",        NULL,                 NULL               },
};

static struct str usable(struct str signature)
{
    return base64_ok(signature) ? signature : S("");
}

/* Nearly nothing carries one: one walk tells. */
static bool may_carry(yyjson_val *obj)
{
    uint64_t names = jr_marks(obj, NULL);

    return jr_marked(obj, names, "extra_content") != NULL ||
           jr_marked(obj, names, "provider_specific_fields") != NULL ||
           jr_marked(obj, names, "thought_signature") != NULL ||
           jr_get(jr_marked(obj, names, "function"), "thought_signature") != NULL;
}

struct str oa_signature_of(yyjson_val *obj, bool *ret_thought)
{
    yyjson_val *google;

    if (ret_thought != NULL)
        *ret_thought = false;
    if (!may_carry(obj))
        return S("");
    google = jr_get(jr_get(obj, "extra_content"), "google");
    if (ret_thought != NULL)
        *ret_thought = jr_bool(google, "thought", false);
    for (size_t i = 0; i < NELEM(PLACE); i++) {
        yyjson_val *at = obj;

        for (size_t k = 0; k < NELEM(PLACE[i]) && PLACE[i][k] != NULL; k++)
            at = jr_get(at, PLACE[i][k]);
        if (yyjson_is_arr(at))
            at = yyjson_arr_get_first(at);
        if (jr_text(at).n > 0)
            return usable(jr_text(at));
    }
    return S("");
}

struct str oa_signature_in_details(yyjson_val *details, struct str id)
{
    struct str found = S("");

    jr_each (detail, details) {
        struct str whose = jr_str(detail, "id");

        if (!str_eq(jr_str(detail, "type"), S("reasoning.encrypted")))
            continue;
        if (id.n > 0 && str_eq(whose, id))
            return usable(jr_str(detail, "data"));
        if (found.n == 0 && whose.n == 0)
            found = usable(jr_str(detail, "data"));
    }
    return found;
}
