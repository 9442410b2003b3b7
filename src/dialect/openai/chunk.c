/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chunk.c - the envelope of a chat.completion.chunk, and the figures that end an answer.
 *
 *   data: {"id":..,"choices":[{"index":0,"delta":{ ... },"logprobs":null,"finish_reason":null}]}
 *
 * The part up to the index never changes within an answer and is written once. Must not know what
 * stands in a delta. */
#include "dialect/openai/answer.h"

static const struct word TIER[] = {
    {"standard", 0},
    {"flex",     1},
    {"priority", 2},
};
enum {
    HEAD_REST = 160, /* of a head: all but what is the request's */
    ESCAPE_MAX = 6,  /* a byte in JSON */
};

static const char *const OA_TIER[] = {"default", "flex", "priority"};

#define PUT(at, lit) str_put(at, S(lit))

/* The model, under the name that the operator has for it. */
static void put_model(const struct oa_answer *a, struct jw *w)
{
    struct str suffix = a->opts->model_suffix; /* of options that nobody set, p is NULL */

    if (suffix.n == 0) {
        jw_plain(w, "model", a->model); /* gm_model_id() lets nothing else pass */
        return;
    }
    jw_str_open(w, "model");
    jw_str_more(w, a->model);
    jw_str_more(w, suffix);
    jw_str_close(w);
}

void oa_put_head(const struct oa_answer *a, struct jw *w, struct buf *out)
{
    char *at = buf_reserve(out, HEAD_REST + a->nonce.n);

    jw_begin_inside(w, out);
    if (at == NULL)
        return; /* sticky */
    at = a->stream ? PUT(at, "data: {\"id\":\"chatcmpl-") : PUT(at, "{\"id\":\"chatcmpl-");
    at = str_put(at, a->nonce);
    at = a->stream ? PUT(at, "\",\"object\":\"chat.completion.chunk\"")
                   : PUT(at, "\",\"object\":\"chat.completion\"");
    at = PUT(at, ",\"created\":");
    at += str_put_u64(at, a->created > 0 ? (uint64_t)a->created : 0);
    out->n = (size_t)(at - out->p);
    put_model(a, w);
}

enum err oa_answer_head(struct oa_answer *a)
{
    size_t most = HEAD_REST + a->nonce.n + ESCAPE_MAX * (a->model.n + a->opts->model_suffix.n);
    struct buf b = {.p = arena_alloc(a->arena, most), .room = most, .max = most};
    struct jw w;

    if (b.p == NULL)
        return E_TOOBIG;
    oa_put_head(a, &w, &b);
    a->head = buf_str(&b);
    return b.err;
}

/* Up to the delta. */
static void begin(struct oa_answer *a, unsigned choice, struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    size_t from = out->n;

    if (c->begin.n > 0) {
        buf_put(out, c->begin);
        return;
    }
    buf_put(out, a->head);
    buf_lit(out, ",\"choices\":[{\"index\":");
    buf_put_u64(out, choice);
    buf_lit(out, ",\"delta\":");
    if (out->err == OK)
        c->begin = arena_dup(a->arena, str_skip(buf_str(out), from));
}

#define NO_REASON  ",\"logprobs\":null,\"finish_reason\":null}"
#define TAIL       "]}\n\n"
#define TAIL_USAGE "],\"usage\":null}\n\n"

static void tail(const struct oa_answer *a, struct buf *out)
{
    buf_put(out, a->usage ? S(TAIL_USAGE) : S(TAIL));
}

/* Behind a delta. */
static void end(const struct oa_answer *a, struct buf *out)
{
    buf_put(out, a->usage ? S(NO_REASON TAIL_USAGE) : S(NO_REASON TAIL));
}

static void first_chunk(struct oa_answer *a, unsigned choice, struct buf *out)
{
    if (a->choice[choice].open)
        return;
    a->choice[choice].open = true;
    begin(a, choice, out);
    buf_lit(out, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}");
    end(a, out);
}

void oa_chunk_open(struct oa_answer *a, unsigned choice, struct jw *w, struct buf *out)
{
    first_chunk(a, choice, out);
    begin(a, choice, out);
    jw_begin(w, out);
    jw_obj(w, NULL);
}

enum err oa_chunk_close(struct oa_answer *a, struct jw *w, struct buf *out)
{
    jw_end(w);
    end(a, out);
    return jw_end_all(w);
}

enum err oa_chunk_text(struct oa_answer *a, unsigned choice, struct str delta, struct str text,
                       bool plain, struct buf *out)
{
    struct jw w;

    first_chunk(a, choice, out);
    begin(a, choice, out);
    buf_put(out, delta);
    jw_begin(&w, out);
    if (plain)
        jw_plain(&w, NULL, text);
    else
        jw_str(&w, NULL, text);
    buf_lit(out, "}");
    end(a, out);
    return out->err;
}

void oa_item_open(struct oa_answer *a, unsigned choice, struct oa_item *item, struct buf *out,
                  const char *key, bool in_list)
{
    item->in_list = in_list;
    if (a->stream) {
        oa_chunk_open(a, choice, &item->w, out);
        if (in_list)
            jw_arr(&item->w, key);
    } else {
        item->from = out->n;
        jw_begin(&item->w, out);
    }
    jw_obj(&item->w, a->stream && !in_list ? key : NULL);
}

enum err oa_item_close(struct oa_answer *a, struct oa_item *item, struct buf *out,
                       struct pieces *kept)
{
    enum err err;

    jw_end(&item->w);
    if (a->stream) {
        if (item->in_list)
            jw_end(&item->w);
        return oa_chunk_close(a, &item->w, out);
    }
    err = jw_end_all(&item->w);
    if (err == OK)
        err = pieces_item(kept, a->arena, str_skip(buf_str(out), item->from));
    buf_cut(out, item->from);
    return err;
}

enum err oa_chunk_logprobs(struct oa_answer *a, unsigned choice, struct str items, struct buf *out)
{
    first_chunk(a, choice, out);
    begin(a, choice, out);
    buf_lit(out, "{},\"logprobs\":{\"content\":[");
    buf_put(out, items);
    buf_lit(out, "],\"refusal\":null},\"finish_reason\":null}");
    tail(a, out);
    return out->err;
}

/* The last chunk of a choice stands alone: an empty delta and the reason. */
void oa_chunk_finish(struct oa_answer *a, unsigned choice, const struct gm_reader *r,
                     const char *reason, struct buf *out)
{
    struct jw w;

    first_chunk(a, choice, out);
    buf_put(out, a->head);
    buf_lit(out, ",\"choices\":[");
    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_u64(&w, "index", choice);
    jw_obj(&w, "delta");
    jw_end(&w);
    jw_null(&w, "logprobs");
    jw_plain(&w, "finish_reason", str_z(reason));
    oa_put_ending(&w, r);
    buf_lit(out, "}");
    tail(a, out);
}

void oa_chunk_usage(struct oa_answer *a, const struct gm_reader *readers, struct buf *out)
{
    struct jw w;

    buf_put(out, a->head);
    buf_lit(out, ",\"choices\":[],\"usage\":");
    jw_begin(&w, out);
    oa_put_usage(&w, NULL, readers, a->n);
    buf_lit(out, "}\n\n");
}

/* Why it ended, in Google's words, where that was neither a plain end nor a limit. */
void oa_put_ending(struct jw *w, const struct gm_reader *r)
{
    if (r->finish == GM_STOP || r->finish == GM_LENGTH)
        return;
    jw_str(w, "native_finish_reason", str_z(r->finish_word));
    if (r->finish_message[0] == '\0')
        return;
    jw_obj(w, "extra_content");
    jw_obj(w, "google");
    jw_str(w, "finish_message", str_z(r->finish_message));
    jw_end(w);
    jw_end(w);
}

void oa_put_tier(struct jw *w, const struct gm_reader *r)
{
    int tier = r->usage.tier[0] != '\0' ? WORD(TIER, str_z(r->usage.tier)) : -1;

    if (tier >= 0)
        jw_str(w, "service_tier", str_z(OA_TIER[tier]));
}

/* OpenAI counts thoughts as completion, and results of built-in tools as prompt. Where Google's
 * total holds more than the parts (recorded once, a stream with server-side tools that left the
 * candidates out), the rest was put out by the model. */
static uint64_t completion_of(const struct gm_usage *u)
{
    uint64_t in = u->prompt + u->tool_use;
    uint64_t out = u->candidates + u->thoughts;

    return u->total > in && u->total - in > out ? u->total - in : out;
}

static char *put_images(char *at, uint64_t tokens)
{
    if (tokens == 0)
        return at;
    at = PUT(at, ",\"image_tokens\":");
    return at + str_put_u64(at, tokens);
}

/* The words are less than 400 bytes, the numbers 9. */
enum { USAGE_MAX = 400 + 9 * STR_U64_MAX };

void oa_put_usage(struct jw *w, const char *key, const struct gm_reader *readers, unsigned n)
{
    struct gm_usage sum = {0};
    uint64_t completion = 0;
    char *at;

    for (unsigned i = 0; i < n; i++) { /* the prompt is one and the same */
        const struct gm_usage *u = &readers[i].usage;

        if (!sum.seen && u->seen)
            sum = (struct gm_usage){.seen = true,
                                    .prompt = u->prompt + u->tool_use,
                                    .cached = u->cached,
                                    .prompt_audio = u->prompt_audio,
                                    .prompt_image = u->prompt_image};
        completion += completion_of(u);
        sum.thoughts += u->thoughts;
        sum.candidates_audio += u->candidates_audio;
        sum.candidates_image += u->candidates_image;
    }
    at = jw_raw_open(w, key, USAGE_MAX);
    if (at == NULL)
        return; /* sticky: jw_end_all tells */
    at = PUT(at, "{\"prompt_tokens\":");
    at += str_put_u64(at, sum.prompt);
    at = PUT(at, ",\"completion_tokens\":");
    at += str_put_u64(at, completion);
    at = PUT(at, ",\"total_tokens\":");
    at += str_put_u64(at, sum.prompt + completion);
    at = PUT(at, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    at += str_put_u64(at, sum.cached);
    /* Gemini tells of reads alone. */
    at = PUT(at, ",\"cache_write_tokens\":0,\"audio_tokens\":");
    at += str_put_u64(at, sum.prompt_audio);
    at = put_images(at, sum.prompt_image);
    at = PUT(at, "},\"completion_tokens_details\":{\"reasoning_tokens\":");
    at += str_put_u64(at, sum.thoughts);
    at = PUT(at, ",\"audio_tokens\":");
    at += str_put_u64(at, sum.candidates_audio);
    at = put_images(at, sum.candidates_image);
    at = PUT(at, ",\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}");
    jw_raw_close(w, at);
}
