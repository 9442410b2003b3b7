/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_model.c - what the model said earlier, given back as it came: text, images and Google's own
 * parts, each with its signature. What the client has dropped of them is recalled. */
#include "dialect/openai/chat.h"

#include "dialect/openai/sign.h"

static struct str recall(struct chat *c, struct str name)
{
    return c->env->recall != NULL ? c->env->recall(c->env->store, name) : S("");
}

struct str oa_recall_call(struct chat *c, struct str id)
{
    return id.n > 0 ? recall(c, id) : S("");
}

/* An image of the model's own: in a data URL, alone or in markdown. */
static void put_image(struct chat *c, struct str url, struct str signature, yyjson_val *at)
{
    struct gm_extra extra = {.signature = signature};
    struct gm_media media;
    struct fault bad = {0};

    if (gm_media_url(url, GM_IMAGE, &c->media, &media, &bad) != OK) {
        gm_fault(&c->g, at, bad.code, bad.what);
        return;
    }
    if (signature.n == 0 && media.base64.n > 0) {
        struct oa_sign name = oa_sign_image(media.base64);

        extra.signature = recall(c, oa_sign_str(&name));
    }
    gm_put_media(&c->g, &media, &extra);
}

/* The next "![..](data:image/..)" in text: what stands before it, the URL, what follows. */
static bool cut_image(struct str *text, struct str *ret_before, struct str *ret_url)
{
    size_t at = str_find(*text, S("](data:image/"));
    struct str rest = str_skip(*text, at + 2);
    size_t open = at;

    if (at == text->n)
        return false;
    while (open > 0 && text->p[open - 1] != '[' && text->p[open - 1] != '\n')
        open--;
    if (open < 2 || text->p[open - 1] != '[' || text->p[open - 2] != '!')
        return false;
    *ret_before = str_sub(*text, 0, open - 2);
    *ret_url = str_cut(&rest, ')');
    *text = rest;
    return true;
}

/* Images that were shown as markdown are images again; only the last piece of text is signed. */
static void put_text(struct chat *c, struct str text, struct str signature, yyjson_val *at)
{
    struct str before, url;

    while (cut_image(&text, &before, &url)) {
        gm_text(&c->g, before);
        put_image(c, url, S(""), at);
    }
    gm_signed_text(&c->g, text, signature);
}

static struct oa_hash hash_of(yyjson_val *content)
{
    struct oa_hash hash = {0};

    oa_hash_more(&hash, jr_text(content));
    jr_each (part, content)
        oa_hash_more(&hash, jr_str(part, "text"));
    return hash;
}

/* The signature of the text: brought back by the client, or recalled by what the text is. */
static struct str text_signature(struct chat *c, const struct oa_message *msg)
{
    bool thought = false;
    struct str signature = oa_signature_of(msg->v, &thought);
    struct oa_sign name;
    struct oa_hash hash;

    if (signature.n > 0 && !thought)
        return signature;
    if (c->env->recall == NULL)
        return S("");
    hash = hash_of(oa_of(msg, "content"));
    name = oa_sign_text(&hash);
    return hash.n > 0 ? recall(c, oa_sign_str(&name)) : S("");
}

static void put_thought(struct chat *c, const struct oa_message *msg)
{
    bool thought = false;
    struct str signature = oa_signature_of(msg->v, &thought);

    if (thought)
        gm_signed_thought(&c->g, signature);
}

/* One that Google has given out: its datum, its signature, and nothing else. */
static bool is_server_part(yyjson_val *part)
{
    static const struct word member[] = {
        {"toolCall",         1},
        {"toolResponse",     1},
        {"thoughtSignature", 0}
    };
    int data = 0;

    jr_each_member (key, part) {
        int is = WORD(member, jr_text(key));

        if (is < 0)
            return false;
        data += is;
    }
    return data == 1;
}

static void put_server_part(struct chat *c, yyjson_val *part, bool recalled)
{
    if (is_server_part(part))
        gm_raw_part(&c->g, part, recalled);
    else
        gm_fault(&c->g, part, E_FIELD, "must be a toolCall or a toolResponse");
}

/* Calls and results of Google's own tools, as they were given out; not to a family that has none
 * beside functions, nor where signatures were refused, for these cannot be without. */
static void put_server_parts(struct chat *c, const struct oa_message *msg)
{
    yyjson_val *parts = jr_get(jr_get(oa_of(msg, "extra_content"), "google"), "parts");
    yyjson_val *first = yyjson_arr_get_first(oa_of(msg, "tool_calls"));
    struct oa_hash hash = {0};
    struct oa_sign name;
    struct str recalled;

    if (!gm_can(c->caps, GM_CAN_MIX_TOOLS) || (c->remedies & GM_DROP_SIGNATURES))
        return;
    jr_each (part, parts)
        put_server_part(c, part, false);
    if (parts != NULL || c->env->recall == NULL)
        return;
    if (first != NULL)
        oa_hash_more(&hash, jr_str(first, "id"));
    else
        hash = hash_of(oa_of(msg, "content"));
    name = oa_sign_parts(&hash);
    recalled = recall(c, oa_sign_str(&name));
    if (recalled.n == 0 || json_parse_copy(&c->scratch, recalled, NULL, NULL) != OK)
        return;
    jr_each (part, c->scratch.root)
        put_server_part(c, part, true);
}

static void put_listed_content(struct chat *c, yyjson_val *content, struct str signature)
{
    size_t left = yyjson_arr_size(content);

    jr_each (part, content) {
        struct str text = jr_str(part, "text");

        left--;
        if (text.n > 0 && !oa_part_is_thought(part))
            put_text(c, text, left == 0 ? signature : S(""), part);
        else
            oa_put_part(c, part);
    }
}

static void put_images(struct chat *c, const struct oa_message *msg)
{
    jr_each (image, oa_of(msg, "images")) {
        yyjson_val *url = jr_get(jr_get(image, "image_url"), "url");

        if (jr_text(url).n > 0)
            put_image(c, jr_text(url), oa_signature_of(image, NULL), url);
    }
}

void oa_put_model_content(struct chat *c, const struct oa_message *msg)
{
    yyjson_val *content = oa_of(msg, "content");
    struct str signature = text_signature(c, msg);

    put_thought(c, msg);
    put_server_parts(c, msg);
    if (yyjson_is_arr(content))
        put_listed_content(c, content, signature);
    else if (jr_text(content).n > 0)
        put_text(c, jr_text(content), signature, content);
    else if (content != NULL && !yyjson_is_str(content))
        gm_fault(&c->g, content, E_FIELD, "must be a string or a list of parts");
    gm_text(&c->g, jr_text(oa_of(msg, "refusal")));
    gm_text(&c->g, jr_str(oa_of(msg, "audio"), "transcript"));
    put_images(c, msg);
}
