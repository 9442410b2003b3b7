/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer_calls.c - function calls of the model, as tool_calls, as a legacy function_call, or as the
 * custom tool that the client declared. Each comes whole, with an id and an index of its own. */
#include "dialect/openai/answer.h"
#include "dialect/openai/sign.h"

#include <stdio.h>

static bool usable_id(struct str id)
{
    if (id.n == 0 || id.n > OA_CALL_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' &&
            c != '-')
            return false;
    }
    return true;
}

static bool is_taken(const struct oa_choice *c, struct str id)
{
    for (const struct piece *p = c->ids.first; p != NULL; p = p->next)
        if (str_eq(piece_str(p), id))
            return true;
    return false;
}

/* Gemini's id where it gave one that every client takes, and that no call before has; else one of
 * ours: "call_", the exchange's nonce, a number. */
static struct str id_of(struct oa_answer *a, const struct oa_choice *c, const struct gm_event *e,
                        char room[OA_CALL_ID_MAX + 1])
{
    int n;

    if (usable_id(e->id) && !is_taken(c, e->id))
        return e->id;
    n = snprintf(room, OA_CALL_ID_MAX + 1, "call_%.*s%u", S_ARG(str_sub(a->nonce, 0, 24)),
                 a->made++);
    return str_of(room, (size_t)n);
}

static const struct oa_name *name_of(const struct oa_answer *a, struct str gemini)
{
    for (const struct oa_name *n = a->names; n != NULL; n = n->next)
        if (str_eq(n->gemini, gemini))
            return n;
    return NULL;
}

static void put_function(struct jw *w, const struct oa_name *known, const struct gm_event *e)
{
    jw_str(w, "name", known != NULL ? known->client : e->name);
    if (e->args != NULL)
        jw_quoted(w, "arguments", e->args);
    else
        jw_str(w, "arguments", S("{}"));
}

/* A custom tool takes one text, which was declared to Gemini as the property "input". What the
 * model put elsewhere is handed on as it is. */
static void put_custom(struct jw *w, const struct oa_name *known, const struct gm_event *e)
{
    yyjson_val *input = jr_get(e->args, "input");

    jw_str(w, "name", known->client);
    if (yyjson_is_str(input) || yyjson_obj_size(e->args) == 0)
        jw_str(w, "input", jr_text(input));
    else
        jw_quoted(w, "input", e->args);
}

static void put_call(struct jw *w, const struct oa_answer *a, const struct oa_choice *c,
                     const struct gm_event *e, struct str id)
{
    const struct oa_name *known = name_of(a, e->name);
    bool custom = known != NULL && known->custom;

    if (a->stream)
        jw_u64(w, "index", c->calls);
    jw_str(w, "id", id);
    jw_str(w, "type", custom ? S("custom") : S("function"));
    jw_obj(w, custom ? "custom" : "function");
    if (custom)
        put_custom(w, known, e);
    else
        put_function(w, known, e);
    jw_end(w);
    if (e->signature.n > 0) {
        jw_obj(w, "extra_content");
        jw_obj(w, "google");
        jw_str(w, "thought_signature", e->signature);
        jw_end(w);
        jw_end(w);
    }
}

enum err oa_answer_call(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                        struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    char room[OA_CALL_ID_MAX + 1];
    struct str id;
    struct oa_item item;

    if (c->calls > 0 && (a->one_call || a->legacy_calls))
        return OK; /* the client asked for one at a time */
    id = id_of(a, c, e, room);
    if (c->calls == OA_CALLS_MAX || pieces_item(&c->ids, a->arena, id) != OK)
        return E_TOOBIG;
    if (c->calls == 0)
        oa_hash_more(&c->first_call_hash, id);
    if (e->signature.n > 0 && a->remember != NULL)
        a->remember(a->store, id, e->signature);
    if (a->legacy_calls) {
        oa_item_open(a, choice, &item, out, "function_call", false);
        put_function(&item.w, name_of(a, e->name), e);
    } else {
        oa_item_open(a, choice, &item, out, "tool_calls", true);
        put_call(&item.w, a, c, e, id);
    }
    c->calls++;
    return oa_item_close(a, &item, out, &c->tool_calls);
}
