/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chunk.c - one shape for chunks and whole answers, with the differences between families that
 * recorded traffic shows: where the finishReason stands, where a signature, what shares a chunk.
 *
 *   2.x   text | text+STOP          call+call+STOP
 *   3.x   text | text | ""*+STOP    call* | call | ""+STOP        (* signed) */
#include "demo/chunk.h"
#include "codec/json_write.h"
#include "demo/outputs.h"

#include <assert.h>

enum { SIGNATURE_ROOM = 2 << 20 };

/* What one response says: some segments, or a piece of one. */
struct saying {
    const struct emu_plan *plan;
    size_t from, to;  /* segments */
    struct str piece; /* the text of the only segment, where it is not said whole */
    bool has_piece;
    bool closing; /* the last chunk of a stream of 3.x: an empty text */
    bool last;
    bool sign_text;
};

static bool closes(const struct emu_plan *plan)
{
    return emu_can(plan->ask->target.family, EMU_CLOSING_CHUNK);
}

/* Newer families sign the end of an answer in words. */
static bool signs_text(const struct emu_plan *plan)
{
    return emu_can(plan->ask->target.family, EMU_SIGNS) && plan->n > 0 &&
           plan->segment[plan->n - 1].kind == EMU_S_TEXT && str_eq(plan->finish, S("STOP"));
}

static void put_signature(struct jw *w, const struct emu_plan *plan, struct str about)
{
    struct buf b;

    buf_init(&b, SIGNATURE_ROOM);
    emu_plan_signature(plan, about, &b);
    jw_str(w, "thoughtSignature", buf_str(&b));
    buf_fini(&b);
}

static void put_call(struct jw *w, const struct emu_segment *s)
{
    jw_obj(w, "functionCall");
    jw_str(w, "name", s->name);
    jw_raw(w, "args", s->text);
    if (s->id.n > 0)
        jw_str(w, "id", s->id);
    jw_end(w);
}

static void put_segment(struct jw *w, const struct saying *y, const struct emu_segment *s)
{
    if (s->kind == EMU_S_PART) {
        jw_raw(w, NULL, s->text);
        return;
    }
    jw_obj(w, NULL);
    if (s->kind == EMU_S_CALL)
        put_call(w, s);
    else
        jw_str(w, "text", y->has_piece ? y->piece : s->text);
    if (s->kind == EMU_S_THOUGHT)
        jw_bool(w, "thought", true);
    if (s->is_signed || (y->sign_text && s == &y->plan->segment[y->plan->n - 1]))
        put_signature(w, y->plan, s->text);
    jw_end(w);
}

static void put_closing(struct jw *w, const struct saying *y)
{
    jw_obj(w, NULL);
    jw_str(w, "text", S(""));
    if (signs_text(y->plan))
        put_signature(w, y->plan, y->plan->segment[y->plan->n - 1].text);
    jw_end(w);
}

static void put_content(struct jw *w, const struct saying *y)
{
    jw_obj(w, "content");
    if (y->from < y->to || y->closing) {
        jw_arr(w, "parts");
        for (size_t i = y->from; i < y->to; i++) {
            if (y->plan->segment[i].kind != EMU_S_THOUGHT || y->plan->show_thoughts)
                put_segment(w, y, &y->plan->segment[i]);
        }
        if (y->closing)
            put_closing(w, y);
        jw_end(w);
    }
    jw_str(w, "role", S("model"));
    jw_end(w);
}

/* Until the last chunk the grounding of 2.x is there, and empty. */
static void put_extras(struct jw *w, const struct saying *y)
{
    for (size_t i = 0; i < y->plan->extras; i++) {
        const struct emu_extra *e = &y->plan->extra[i];

        if (y->last)
            jw_raw(w, e->key, e->json);
        else if (!closes(y->plan) && str_eq(str_z(e->key), S("groundingMetadata")))
            jw_raw(w, e->key, S("{}"));
    }
}

static void put_candidate(struct jw *w, const struct saying *y, int index)
{
    jw_obj(w, NULL);
    put_content(w, y);
    if (y->last && y->plan->finish.n > 0)
        jw_str(w, "finishReason", y->plan->finish);
    jw_int(w, "index", index);
    if (y->last && !y->closing && y->plan->finish_message.n > 0)
        jw_str(w, "finishMessage", y->plan->finish_message);
    put_extras(w, y);
    jw_end(w);
}

static void put_detail(struct jw *w, const char *key, struct str modality, uint64_t tokens)
{
    jw_arr(w, key);
    jw_obj(w, NULL);
    jw_str(w, "modality", modality);
    jw_u64(w, "tokenCount", tokens);
    jw_end(w);
    jw_end(w);
}

/* Counts up to here; what is 0 is left out. */
static void put_usage(struct jw *w, const struct emu_cursor *c)
{
    const struct emu_plan *plan = c->plan;
    bool audio = emu_can(plan->ask->target.family, EMU_AUDIO_OUT);
    uint64_t prompt = emu_prompt_tokens(&plan->prompt);
    bool cached = plan->ask->target.fault.kind == EMU_CACHED;
    uint64_t out = (emu_tokens(c->chars) + c->tokens) * (uint64_t)plan->candidates;

    jw_obj(w, "usageMetadata");
    jw_u64(w, "promptTokenCount", prompt);
    if (out > 0)
        jw_u64(w, "candidatesTokenCount", out);
    jw_u64(w, "totalTokenCount", prompt + out + c->thoughts);
    if (cached)
        jw_u64(w, "cachedContentTokenCount", prompt / 2);
    emu_prompt_details(&plan->prompt, w, "promptTokensDetails");
    if (cached)
        put_detail(w, "cacheTokensDetails", S("TEXT"), prompt / 2);
    if (c->tokens > 0)
        put_detail(w, "candidatesTokensDetails", audio ? S("AUDIO") : S("IMAGE"), c->tokens);
    if (c->thoughts > 0)
        jw_u64(w, "thoughtsTokenCount", c->thoughts);
    jw_str(w, "serviceTier", S("standard"));
    jw_end(w);
}

static void put_response_id(struct jw *w, const struct emu_plan *plan)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t seed = plan->ask->serial * 0x9e3779b97f4a7c15U + 1;
    char id[22];

    for (size_t i = 0; i < sizeof id; i++) {
        seed ^= seed >> 31;
        seed *= 0x94d049bb133111ebU;
        id[i] = digits[seed >> 58];
    }
    jw_str(w, "responseId", str_of(id, sizeof id));
}

static void put_end(struct jw *w, const struct emu_cursor *c)
{
    put_usage(w, c);
    jw_str_open(w, "modelVersion");
    jw_str_more(w, str_z(c->plan->ask->target.model->name));
    jw_str_more(w, S("-emulated"));
    jw_str_close(w);
    put_response_id(w, c->plan);
}

static void put_response(struct buf *out, const struct emu_cursor *c, const struct saying *y)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_arr(&w, "candidates");
    for (int i = 0; i < c->plan->candidates; i++)
        put_candidate(&w, y, i);
    jw_end(&w);
    put_end(&w, c);
    jw_end(&w);
}

static void put_blocked(struct buf *out, const struct emu_cursor *c)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_obj(&w, "promptFeedback");
    jw_str(&w, "blockReason", c->plan->blocked);
    jw_end(&w);
    put_end(&w, c);
    jw_end(&w);
}

/* Count the segments of a saying as said. */
static void count(struct emu_cursor *c, const struct saying *y)
{
    for (size_t i = y->from; i < y->to; i++) {
        const struct emu_segment *s = &c->plan->segment[i];

        if (s->kind == EMU_S_THOUGHT && c->plan->show_thoughts)
            c->thoughts += emu_tokens(emu_segment_chars(s));
        else if (s->kind != EMU_S_THOUGHT && !y->has_piece)
            c->chars += emu_segment_chars(s);
        c->tokens += s->tokens;
    }
}

void emu_cursor_init(struct emu_cursor *c, const struct emu_plan *plan)
{
    *c = (struct emu_cursor){.plan = plan};
    if (!plan->show_thoughts || plan->n == 0)
        c->thoughts = plan->thought_tokens;
    while (!plan->show_thoughts && c->segment < plan->n &&
           plan->segment[c->segment].kind == EMU_S_THOUGHT)
        c->segment++;
}

/* How much of the text goes into the next chunk: a few characters more each time, up to 64. */
static size_t piece_end(const struct emu_cursor *c, struct str text)
{
    size_t want = 8 + 8 * (c->chunks < 7 ? c->chunks : 7);
    size_t chars = 0;
    size_t i = c->offset;

    if (c->plan->whole_from > 0 && text.n > c->plan->whole_from)
        return text.n;
    while (i < text.n) {
        bool starts = ((unsigned char)text.p[i] & 0xc0) != 0x80;

        if (starts && chars++ == want && !c->plan->by_word)
            break;
        if (text.p[i++] == ' ' && c->plan->by_word)
            break;
    }
    return i;
}

/* Take what the next chunk says. */
static void take(struct emu_cursor *c, struct saying *y)
{
    const struct emu_plan *plan = c->plan;
    const struct emu_segment *s = &plan->segment[c->segment];
    size_t end;

    y->from = c->segment;
    y->to = ++c->segment;
    while (s->kind == EMU_S_CALL && !closes(plan) && c->segment < plan->n &&
           plan->segment[c->segment].kind == EMU_S_CALL)
        y->to = ++c->segment;
    if (s->kind == EMU_S_TEXT) {
        end = piece_end(c, s->text);
        y->piece = str_sub(s->text, c->offset, end - c->offset);
        y->has_piece = true;
        for (size_t i = 0; i < y->piece.n; i++)
            c->chars += ((unsigned char)y->piece.p[i] & 0xc0) != 0x80;
        c->offset = end < s->text.n ? end : 0;
        c->segment -= end < s->text.n;
    }
    count(c, y);
}

bool emu_chunk_next(struct emu_cursor *c, struct buf *out)
{
    struct saying y = {.plan = c->plan, .piece = S("")};

    if (c->done)
        return false;
    if (c->plan->blocked.n > 0) {
        put_blocked(out, c);
        c->done = true;
        return true;
    }
    if (c->segment < c->plan->n)
        take(c, &y);
    else
        y.closing = closes(c->plan) && !c->plan->mute && c->plan->n > 0;
    c->done =
        c->segment == c->plan->n && (y.from == y.to || !closes(c->plan) || c->plan->finish.n == 0);
    y.last = c->done;
    put_response(out, c, &y);
    c->chunks++;
    return true;
}

void emu_whole(const struct emu_plan *plan, struct buf *out)
{
    struct saying y = {.plan = plan, .to = plan->n, .last = true, .sign_text = signs_text(plan)};
    struct emu_cursor c;

    emu_cursor_init(&c, plan);
    y.from = c.segment;
    count(&c, &y);
    if (plan->blocked.n > 0)
        put_blocked(out, &c);
    else
        put_response(out, &c, &y);
}
