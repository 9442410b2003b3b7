/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer.c - Gemini's events in, a chat completion out: chunk by chunk, or whole at the end.
 *
 * In a stream every event becomes a delta at once; whole, the same pieces wait in the choice.
 * Calls, media and citations have files of their own. Pure: no clock, no log, no memory but the
 * arena. */
#include "dialect/openai/answer.h"
#include "dialect/openai/compat.h"
#include "dialect/openai/sign.h"

#include <assert.h>

/* OpenAI's word for each of Gemini's outcomes, and whether it may stand over an empty answer. */
static const struct {
    const char *word;
    bool may_be_empty;
    const char *fault;
} ENDING[] = {
    [GM_NONE] = {NULL,             false, "upstream's answer was cut off"                 },
    [GM_STOP] = {"stop",           false, "upstream gave an empty answer"                 },
    [GM_LENGTH] = {"length",         true,  NULL                                            },
    [GM_FILTER] = {"content_filter", true,  NULL                                            },
    [GM_BAD_CALL] = {"stop",           false, "the model made a tool call that cannot be used"},
    [GM_CONTINUE] = {"length",         true,  NULL                                            },
    [GM_OTHER] = {"stop",           false, "the model ended without an answer"             },
};
static_assert(NELEM(ENDING) == GM_FINISHES, "every outcome needs an OpenAI word");

const char *oa_ending(enum gm_finish finish, const char **ret_fault)
{
    *ret_fault = ENDING[finish].fault;
    return ENDING[finish].word;
}

static void fresh(struct oa_choice *c)
{
    *c = (struct oa_choice){.open = false};
    c->begin = c->audio_mime = c->grounding = c->signature = c->thought_signature = S("");
}

enum err oa_answer_ready(struct oa_answer *a, unsigned n)
{
    a->n = n;
    a->choice = arena_alloc(a->arena, n * sizeof *a->choice);
    if (a->choice == NULL)
        return E_TOOBIG;
    for (unsigned i = 0; i < n; i++)
        fresh(&a->choice[i]);
    return a->stream ? oa_answer_head(a) : OK;
}

void oa_answer_restart(void *answer, unsigned choice)
{
    struct oa_answer *a = answer;

    assert(choice < a->n);
    fresh(&a->choice[choice]);
}

enum err oa_answer_text(struct oa_answer *a, unsigned choice, struct str text, bool plain,
                        struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    enum err err = OK;

    if (!a->stream || a->keep_text)
        err = pieces_add(&c->text, a->arena, text, plain);
    else if (a->remember != NULL)
        oa_hash_more(&c->text_hash, text);
    if (err == OK && a->stream)
        err = oa_chunk_text(a, choice, S("{\"content\":"), text, plain, out);
    return err;
}

static enum err put_thought(struct oa_answer *a, unsigned choice, struct str text, bool plain,
                            struct buf *out)
{
    if (a->hide_thoughts)
        return OK;
    if (a->stream)
        return oa_chunk_text(a, choice, S("{\"reasoning_content\":"), text, plain, out);
    return pieces_add(&a->choice[choice].thoughts, a->arena, text, plain);
}

/* Code that Gemini ran, and what came out of it, as fenced blocks of the text. */
static enum err put_fenced(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                           struct buf *out)
{
    const char *language = e->kind == GM_CODE ? "python" : "";
    struct buf b;
    enum err err;

    buf_init(&b, e->text.n + 64);
    buf_putf(&b, "\n```%s\n", language);
    buf_put(&b, e->text);
    buf_put(&b, str_ends(e->text, S("\n")) ? S("```\n") : S("\n```\n"));
    err = b.err == OK ? oa_answer_text(a, choice, buf_str(&b), false, out) : b.err;
    buf_fini(&b);
    return err;
}

void oa_google_open(struct oa_answer *a, unsigned choice, const char *beside, struct jw *w,
                    struct buf *out)
{
    oa_chunk_open(a, choice, w, out);
    jw_str(w, beside, S(""));
    jw_obj(w, "extra_content");
    jw_obj(w, "google");
}

enum err oa_google_close(struct oa_answer *a, struct jw *w, struct buf *out)
{
    jw_end(w);
    jw_end(w);
    return oa_chunk_close(a, w, out);
}

/* The signature of the text, or of the thoughts: kept until the text is known whole, by which it is
 * remembered. */
static enum err put_signature(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                              struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    struct str *kept = e->thought ? &c->thought_signature : &c->signature;
    struct jw w;

    *kept = arena_dup(a->arena, e->signature);
    if (kept->n == 0)
        return E_TOOBIG;
    if (!a->stream || (e->thought && a->hide_thoughts))
        return OK;
    oa_google_open(a, choice, e->thought ? "reasoning_content" : "content", &w, out);
    if (e->thought)
        jw_bool(&w, "thought", true);
    jw_str(&w, "thought_signature", e->signature);
    return oa_google_close(a, &w, out);
}

/* toolCall and toolResponse parts mean nothing to the client, but must be in the history when it
 * comes back. */
static enum err put_server_part(struct oa_answer *a, unsigned choice, yyjson_val *part,
                                struct buf *out)
{
    struct jw w;
    size_t from = out->n;
    enum err err;

    jw_begin(&w, out);
    jw_copy(&w, NULL, part);
    err = jw_end_all(&w);
    if (err == OK)
        err = pieces_item(&a->choice[choice].server_parts, a->arena, str_skip(buf_str(out), from));
    buf_cut(out, from);
    if (err != OK || !a->stream)
        return err;
    oa_google_open(a, choice, "content", &w, out);
    jw_arr(&w, "parts");
    jw_copy(&w, NULL, part);
    jw_end(&w);
    return oa_google_close(a, &w, out);
}

enum err oa_answer_event(void *answer, unsigned choice, const struct gm_event *e, struct buf *out)
{
    struct oa_answer *a = answer;

    if (choice >= a->n)
        return E_STATE;
    switch (e->kind) {
    case GM_TEXT: return oa_answer_text(a, choice, e->text, e->plain, out);
    case GM_THOUGHT: return put_thought(a, choice, e->text, e->plain, out);
    case GM_CALL: return oa_answer_call(a, choice, e, out);
    case GM_MEDIA: return oa_answer_media(a, choice, e, out);
    case GM_CODE:
    case GM_CODE_RESULT: return put_fenced(a, choice, e, out);
    case GM_SERVER_TOOL: return put_server_part(a, choice, e->raw, out);
    case GM_SIGNATURE: return put_signature(a, choice, e, out);
    case GM_GROUNDING: return oa_answer_grounding(a, choice, e, out);
    case GM_CITATIONS: return oa_answer_citations(a, choice, e, out);
    case GM_LOGPROBS: return oa_answer_logprobs(a, choice, e, out);
    }
    return OK;
}

static bool is_empty(const struct gm_reader *r)
{
    return !r->any_content && r->usage.candidates == 0 && r->usage.thoughts == 0;
}

/* What is told in place of an answer: Google's own words are the best there are. */
static const char *words_for(const struct oa_answer *a, const struct gm_reader *r)
{
    struct buf b;
    struct str text;

    if (r->finish_word[0] == '\0' || r->finish == GM_STOP)
        return ENDING[r->finish].fault;
    buf_init(&b, 1024);
    buf_putf(&b, "%s (%s%s%s)", ENDING[r->finish].fault, r->finish_word,
             r->finish_message[0] != '\0' ? ": " : "", r->finish_message);
    text = arena_dup(a->arena, buf_str(&b));
    buf_fini(&b);
    return text.n > 0 ? text.p : ENDING[r->finish].fault;
}

/* The reason for a choice, or NULL and a fault: nothing passes as an answer that is none. */
static const char *reason_of(const struct oa_answer *a, unsigned choice, const struct gm_reader *r,
                             struct fault *why)
{
    bool unusable = r->finish == GM_BAD_CALL ? !r->any_answer : is_empty(r);

    if (r->finish == GM_NONE || (unusable && !ENDING[r->finish].may_be_empty)) {
        fault_set(why, E_UPSTREAM, words_for(a, r), NULL);
        return NULL;
    }
    if (a->choice[choice].calls > 0 && !ENDING[r->finish].may_be_empty)
        return a->legacy_calls ? "function_call" : "tool_calls";
    return ENDING[r->finish].word;
}

/* Google's own parts, as one JSON list. */
static void remember_parts(struct oa_answer *a, const struct oa_choice *c,
                           const struct oa_hash *beside)
{
    struct oa_sign name = oa_sign_parts(beside);
    struct buf b;
    struct jw w;

    buf_init(&b, c->server_parts.bytes + c->server_parts.count + 2);
    jw_begin(&w, &b);
    jw_arr(&w, NULL);
    for (const struct piece *p = c->server_parts.first; p != NULL; p = p->next)
        jw_raw(&w, NULL, piece_str(p));
    jw_end(&w);
    if (jw_end_all(&w) == OK)
        a->remember(a->store, oa_sign_str(&name), buf_str(&b));
    buf_fini(&b);
}

/* What the client may forget of a model turn, under names that its text or its first call gives. A
 * text that was kept is hashed here, when there is something to name by it. */
static void remember(struct oa_answer *a, struct oa_choice *c)
{
    if (a->remember == NULL || (c->signature.n == 0 && c->server_parts.count == 0))
        return;
    for (const struct piece *p = c->text.first; p != NULL; p = p->next)
        oa_hash_more(&c->text_hash, piece_str(p));
    if (c->signature.n > 0 && c->text_hash.n > 0) {
        struct oa_sign name = oa_sign_text(&c->text_hash);

        a->remember(a->store, oa_sign_str(&name), c->signature);
    }
    if (c->server_parts.count > 0)
        remember_parts(a, c, c->calls > 0 ? &c->first_call_hash : &c->text_hash);
}

static void put_pieces(struct jw *w, const char *key, const struct pieces *ps)
{
    jw_str_open(w, key);
    for (const struct piece *p = ps->first; p != NULL; p = p->next)
        if (ps->rough)
            jw_str_more(w, piece_str(p));
        else
            jw_plain_more(w, piece_str(p));
    jw_str_close(w);
}

static void put_items(struct jw *w, const char *key, const struct pieces *ps)
{
    if (ps->count == 0)
        return;
    jw_arr(w, key);
    for (const struct piece *p = ps->first; p != NULL; p = p->next)
        jw_raw(w, NULL, piece_str(p));
    jw_end(w);
}

/* Google's own things on a whole message. */
static void put_google(struct jw *w, const struct oa_choice *c)
{
    struct str signature = c->signature.n > 0 ? c->signature : c->thought_signature;

    if (signature.n == 0 && c->server_parts.count == 0 && c->grounding.n == 0)
        return;
    jw_obj(w, "extra_content");
    jw_obj(w, "google");
    if (c->signature.n == 0 && signature.n > 0)
        jw_bool(w, "thought", true);
    if (signature.n > 0)
        jw_str(w, "thought_signature", signature);
    put_items(w, "parts", &c->server_parts);
    if (c->grounding.n > 0)
        jw_raw(w, "grounding_metadata", c->grounding);
    jw_end(w);
    jw_end(w);
}

static void put_message(struct oa_answer *a, struct jw *w, struct oa_choice *c)
{
    jw_open(w, "message", S("{\"role\":\"assistant\""), "{");
    if (c->text.bytes == 0 && (c->calls > 0 || c->audio.count > 0))
        jw_null(w, "content");
    else
        put_pieces(w, "content", &c->text);
    jw_null(w, "refusal");
    if (c->thoughts.count > 0)
        put_pieces(w, "reasoning_content", &c->thoughts);
    if (a->legacy_calls && c->tool_calls.first != NULL)
        jw_raw(w, "function_call", piece_str(c->tool_calls.first));
    else
        put_items(w, "tool_calls", &c->tool_calls);
    put_items(w, "images", &c->images);
    oa_put_audio(a, w, c);
    put_items(w, "annotations", &c->annotations);
    put_google(w, c);
    jw_end(w);
}

static void put_logprobs(struct jw *w, const struct oa_choice *c)
{
    if (c->logprobs.count == 0) {
        jw_null(w, "logprobs");
        return;
    }
    jw_obj(w, "logprobs");
    put_items(w, "content", &c->logprobs);
    jw_null(w, "refusal");
    jw_end(w);
}

static enum err end_whole(struct oa_answer *a, const struct gm_reader *readers, struct buf *out,
                          struct fault *why)
{
    struct jw w;

    oa_put_head(a, &w, out);
    oa_put_tier(&w, &readers[0]);
    if (readers[0].model_version[0] != '\0')
        jw_str(&w, "system_fingerprint", str_z(readers[0].model_version));
    jw_arr(&w, "choices");
    for (unsigned i = 0; i < a->n; i++) {
        jw_obj(&w, NULL);
        jw_u64(&w, "index", i);
        put_message(a, &w, &a->choice[i]);
        put_logprobs(&w, &a->choice[i]);
        jw_plain(&w, "finish_reason", str_z(reason_of(a, i, &readers[i], why)));
        oa_put_ending(&w, &readers[i]);
        jw_end(&w);
    }
    jw_end(&w);
    oa_put_usage(&w, "usage", readers, a->n);
    jw_end(&w);
    return jw_end_all(&w);
}

static enum err end_stream(struct oa_answer *a, const struct gm_reader *readers, struct buf *out,
                           struct fault *why)
{
    for (unsigned i = 0; i < a->n; i++)
        oa_chunk_finish(a, i, &readers[i], reason_of(a, i, &readers[i], why), out);
    if (a->usage)
        oa_chunk_usage(a, readers, out);
    buf_lit(out, "data: [DONE]\n\n");
    return out->err;
}

enum err oa_answer_end(void *answer, const struct gm_reader *readers, unsigned n, struct buf *out,
                       struct fault *why)
{
    struct oa_answer *a = answer;
    enum err err;

    assert(n == a->n);
    for (unsigned i = 0; i < n; i++)
        if (reason_of(a, i, &readers[i], why) == NULL)
            return E_UPSTREAM;
    for (unsigned i = 0; i < n; i++)
        remember(a, &a->choice[i]);
    err = a->stream ? end_stream(a, readers, out, why) : end_whole(a, readers, out, why);
    return err == OK ? OK
                     : fault_set(why, err, "the answer is larger than this server allows", NULL);
}
