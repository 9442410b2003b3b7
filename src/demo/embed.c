/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* embed.c - vectors that mean a little: texts that share groups of three characters lie near each
 * other. Longer vectors begin like shorter ones, as Gemini's do. */
#include "demo/embed.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "demo/check.h"
#include "demo/fields.h"
#include "demo/prompt.h"

enum { FULL = 3072, LEAST = 128, BATCH_MAX = 100, TEXT_MAX = 64 * 1024 };

static void add_gram(double *v, struct str gram)
{
    uint64_t h = str_hash(gram);

    for (int i = 0; i < 4; i++) {
        v[h % FULL] += h >> 40 & 1 ? 1.0 : -1.0;
        h = h * 6364136223846793005U + 1442695040888963407U;
        h ^= h >> 33;
    }
}

/* By Newton's method: the mathematics library is not linked. */
static double square_root(double v)
{
    double r = v > 1 ? v : 1;

    for (int i = 0; i < 64; i++)
        r = (r + v / r) / 2;
    return r;
}

static void normalise(double *v, size_t n)
{
    double length = 0;

    for (size_t i = 0; i < n; i++)
        length += v[i] * v[i];
    length = square_root(length);
    for (size_t i = 0; length > 0 && i < n; i++)
        v[i] /= length;
}

static void embed_content(yyjson_val *content, double *v)
{
    struct emu_each parts = emu_each(emu_get(content, "parts"));
    yyjson_val *part;

    for (size_t i = 0; i < FULL; i++)
        v[i] = 0.001;
    while ((part = emu_next(&parts)) != NULL) {
        struct str text = str_sub(emu_str(part, "text"), 0, TEXT_MAX);

        add_gram(v, str_sub(emu_str(emu_get(part, "inline_data"), "data"), 0, TEXT_MAX));
        for (size_t i = 0; i < text.n; i++)
            add_gram(v, str_sub(text, i, 3));
    }
    normalise(v, FULL);
}

static void put_values(struct jw *w, const double *v, size_t n)
{
    jw_arr(w, "values");
    for (size_t i = 0; i < n; i++)
        jw_num(w, NULL, (double)(int64_t)(v[i] * 1e8) / 1e8);
    jw_end(w);
}

/* The vector has the size that was asked for; 0: the number is out of range. */
static size_t dimensions(yyjson_val *req)
{
    yyjson_val *asked = emu_get(req, "output_dimensionality");
    int64_t n = FULL;

    if (asked != NULL && !jr_int(asked, LEAST, FULL, &n))
        return 0;
    return (size_t)n;
}

static bool has_input(yyjson_val *req)
{
    struct emu_each parts = emu_each(emu_get(emu_get(req, "content"), "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        if (emu_str(part, "text").n > 0 || emu_get(part, "inline_data") ||
            emu_get(part, "file_data"))
            return true;
    }
    return false;
}

static void check_embed(const struct emu_ask *ask, yyjson_val *req, struct emu_problem *p)
{
    struct str model = emu_str(req, "model");

    if (str_starts(model, S("models/")))
        model = str_skip(model, sizeof "models/" - 1);
    if (model.n > 0 && !str_eq(model, ask->target.asked))
        emu_refuse(p, 400, "The model in the request does not match the model in the URL.");
    if (ask->method == EMU_EMBED_MANY && model.n == 0)
        emu_refuse(p, 400, "* BatchEmbedContentsRequest.requests: model is not specified\n");
    if (!has_input(req))
        emu_refuse(p, 400, "* EmbedContentRequest.content: contents is not specified\n");
    if (dimensions(req) == 0)
        emu_refuse(p, 400,
                   "* EmbedContentRequest.output_dimensionality: must be in the range [128, "
                   "3072]\n");
}

static void put_vector(struct jw *w, const struct emu_ask *ask, yyjson_val *req, const char *key)
{
    double v[FULL];
    size_t n = dimensions(req);

    embed_content(emu_get(req, "content"), v);
    if (!emu_can(ask->target.family, EMU_RAW_VECTORS)) /* 001 leaves that to its caller */
        normalise(v, n);
    jw_obj(w, key);
    put_values(w, v, n);
    jw_end(w);
}

static void weigh(struct emu_prompt *sum, yyjson_val *req)
{
    struct emu_each parts = emu_each(emu_get(emu_get(req, "content"), "parts"));
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL)
        sum->tokens[EMU_M_TEXT] += emu_tokens(utf8_count(emu_str(part, "text")));
}

static void put_usage(struct jw *w, const struct emu_ask *ask, const struct emu_prompt *sum)
{
    if (emu_can(ask->target.family, EMU_RAW_VECTORS)) /* the older model tells nothing */
        return;
    jw_obj(w, "usageMetadata");
    jw_u64(w, "promptTokenCount", emu_prompt_tokens(sum));
    emu_prompt_details(sum, w, "promptTokenDetails");
    jw_end(w);
}

static void embed_many(const struct emu_ask *ask, struct emu_problem *p, struct jw *w)
{
    yyjson_val *list = emu_get(ask->body, "requests");
    struct emu_each e = emu_each(list);
    struct emu_prompt sum = {0};
    yyjson_val *req;

    if (emu_len(list) == 0 || emu_len(list) > BATCH_MAX)
        emu_refuse(p, 400,
                   "* BatchEmbedContentsRequest.requests: at least 1 and at most 100 requests can "
                   "be in one batch\n");
    while ((req = emu_next(&e)) != NULL)
        check_embed(ask, req, p);
    if (p->http != 0)
        return;
    jw_obj(w, NULL);
    jw_arr(w, "embeddings");
    e = emu_each(list);
    while ((req = emu_next(&e)) != NULL) {
        put_vector(w, ask, req, NULL);
        weigh(&sum, req);
    }
    jw_end(w);
    put_usage(w, ask, &sum);
    jw_end(w);
}

void emu_embed(const struct emu_ask *ask, struct emu_problem *p, struct buf *out)
{
    struct emu_prompt sum = {0};
    struct jw w;

    jw_begin(&w, out);
    if (ask->method == EMU_EMBED_MANY) {
        embed_many(ask, p, &w);
        return;
    }
    check_embed(ask, ask->body, p);
    if (p->http != 0)
        return;
    weigh(&sum, ask->body);
    jw_obj(&w, NULL);
    put_vector(&w, ask, ask->body, "embedding");
    put_usage(&w, ask, &sum);
    jw_end(&w);
}

void emu_count_tokens(const struct emu_ask *ask, struct emu_problem *p, struct buf *out)
{
    yyjson_val *inner = emu_get(ask->body, "generate_content_request");
    struct emu_prompt sum = {0};
    struct jw w;

    if (inner != NULL && emu_get(ask->body, "contents") != NULL)
        emu_refuse(p, 400, "Only one of contents and generate_content_request may be set.");
    emu_rules_contents(inner != NULL ? inner : ask->body, p);
    if (p->http != 0)
        return;
    emu_prompt_weigh(&sum, inner != NULL ? inner : ask->body, ask->target.family);
    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_u64(&w, "totalTokens", emu_prompt_tokens(&sum));
    emu_prompt_details(&sum, &w, "promptTokensDetails");
    jw_end(&w);
}
