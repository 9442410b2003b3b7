/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer_logprobs.c - token probabilities, from the few families that give them. */
#include "dialect/openai/answer.h"

static void put_token(struct jw *w, yyjson_val *candidate)
{
    struct str token = jr_str(candidate, "token");
    double logprob = 0;

    if (!jr_num(jr_get(candidate, "logProbability"), &logprob))
        logprob = 0;
    jw_str(w, "token", token);
    jw_num(w, "logprob", logprob);
    jw_arr(w, "bytes");
    for (size_t i = 0; i < token.n; i++)
        jw_u64(w, NULL, (unsigned char)token.p[i]);
    jw_end(w);
}

static void put_logprob(struct jw *w, yyjson_val *chosen, yyjson_val *top)
{
    jw_obj(w, NULL);
    put_token(w, chosen);
    jw_arr(w, "top_logprobs");
    jr_each (candidate, jr_get(top, "candidates")) {
        jw_obj(w, NULL);
        put_token(w, candidate);
        jw_end(w);
    }
    jw_end(w);
    jw_end(w);
}

/* The chosen tokens, comma-separated, each with the candidates that stand at its place. */
static enum err put_tokens(yyjson_val *result, struct buf *list)
{
    yyjson_arr_iter top;
    struct jw w;
    enum err err;

    yyjson_arr_iter_init(jr_get(result, "topCandidates"), &top);
    jw_begin(&w, list);
    jw_arr(&w, NULL);
    jr_each (chosen, jr_get(result, "chosenCandidates"))
        put_logprob(&w, chosen, yyjson_arr_iter_next(&top));
    jw_end(&w);
    err = jw_end_all(&w);
    return err;
}

enum err oa_answer_logprobs(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                            struct buf *out)
{
    struct buf list;
    struct str items;
    enum err err;

    buf_init(&list, out->max);
    err = put_tokens(e->raw, &list);
    items = err == OK ? str_sub(buf_str(&list), 1, list.n - 2) : S("");
    if (err == OK && items.n > 0)
        err = a->stream ? oa_chunk_logprobs(a, choice, items, out)
                        : pieces_item(&a->choice[choice].logprobs, a->arena, items);
    buf_fini(&list);
    return err;
}
