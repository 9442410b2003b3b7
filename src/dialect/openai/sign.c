/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sign.c - finding signatures again. Must not know where they are kept. */
#include "dialect/openai/sign.h"

#include "codec/base64.h"

enum { IMAGE_END = 4096 };

uint64_t oa_sign_more(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3;
    return hash;
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

struct oa_sign oa_sign_text(uint64_t hash)
{
    return name(S("text--"), hash);
}

struct oa_sign oa_sign_parts(uint64_t hash)
{
    return name(S("parts-"), hash);
}

/* An image is megabytes, and nearly all of what tells two apart is at its ends. */
struct oa_sign oa_sign_image(struct str base64)
{
    uint64_t hash = oa_sign_more(OA_SIGN_START, str_sub(base64, 0, IMAGE_END));

    if (base64.n > IMAGE_END)
        hash = oa_sign_more(hash, str_skip(base64, base64.n - IMAGE_END));
    return name(S("image-"), hash ^ base64.n);
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
