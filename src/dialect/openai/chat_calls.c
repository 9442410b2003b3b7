/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_calls.c - calls that the model made earlier, and what the tools answered.
 *
 * Gemini wants every call of a turn answered in the turn after, once and in order: results are
 * written where their calls are, not where the client has them. */
#include "dialect/openai/chat.h"

#include "dialect/openai/sign.h"

enum { PARSED_MAX = 1 << 20, RESULT_DEPTH_MAX = 60, EXACT_DIGITS = 15 };

static bool is_result(const struct oa_message *msg)
{
    return msg->role == OA_TOOL || msg->role == OA_FUNCTION;
}

/* The legacy form has no ids: there the function's name is all there is. */
static struct str key_of_result(const struct oa_message *msg)
{
    return jr_text(msg->role == OA_TOOL ? oa_of(msg, "tool_call_id") : oa_of(msg, "name"));
}

/* The calls of a message: a list, or the one of the legacy form. */
static yyjson_val *calls_of(const struct oa_message *msg)
{
    return oa_of(msg, "tool_calls");
}

static yyjson_val *legacy_call_of(const struct oa_message *msg)
{
    return calls_of(msg) == NULL ? oa_of(msg, "function_call") : NULL;
}

static size_t count(const struct chat *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->nmessages; i++) {
        const struct oa_message *msg = &c->messages[i];

        if (msg->role == OA_ASSISTANT)
            n += yyjson_arr_size(calls_of(msg)) + (legacy_call_of(msg) != NULL);
        else
            n += is_result(msg);
    }
    return n;
}

void oa_count_calls(struct chat *c)
{
    yyjson_val *messages = oa_get(c, "messages");
    unsigned turn = 0;
    bool before = false; /* the message before was the model's too */

    if (gm_pairs_init(&c->pairs, c->env->arena, count(c)) != OK) {
        fault_set(c->why, E_TOOBIG, "holds more calls than this server takes", messages);
        return;
    }
    for (size_t i = 0; i < c->nmessages; i++) {
        const struct oa_message *msg = &c->messages[i];
        bool assistant = msg->role == OA_ASSISTANT;

        turn += assistant && !before;
        before = assistant;
        if (assistant) {
            yyjson_val *legacy = legacy_call_of(msg);

            jr_each (call, calls_of(msg))
                gm_pairs_add(&c->pairs, jr_str(call, "id"), turn, false, call);
            if (legacy != NULL)
                gm_pairs_add(&c->pairs, jr_str(legacy, "name"), turn, false, legacy);
        } else if (is_result(msg))
            gm_pairs_add(&c->pairs, key_of_result(msg), turn, true, msg);
    }
    if (gm_pairs_match(&c->pairs, c->env->arena) != OK)
        fault_set(c->why, E_TOOBIG, "holds more calls than this server takes", messages);
}

/* Calls. */

static yyjson_val *function_of(yyjson_val *call)
{
    yyjson_val *fn = jr_get(call, "function");

    if (fn == NULL)
        fn = jr_get(call, "custom");
    return fn != NULL ? fn : call;
}

static struct str name_of(struct chat *c, yyjson_val *call)
{
    return oa_function_name(c, jr_str(function_of(call), "name"));
}

static struct str signature_of(struct chat *c, const struct oa_message *msg, yyjson_val *call)
{
    struct str signature = oa_signature_of(call, NULL);
    struct str id = jr_str(call, "id");
    bool thought = false;

    if (signature.n == 0)
        signature = oa_signature_in_details(oa_of(msg, "reasoning_details"), id);
    if (signature.n == 0)
        signature = oa_recall_call(c, id);
    if (signature.n == 0 && jr_text(oa_of(msg, "content")).n == 0 &&
        call == yyjson_arr_get_first(calls_of(msg)))
        signature = oa_signature_of(msg->v, &thought);
    return thought ? S("") : signature;
}

/* Arguments are JSON in a string. What is no object is handed on as the text that it is. */
static void put_arguments(struct chat *c, const struct oa_message *msg, yyjson_val *call)
{
    yyjson_val *arguments = jr_get(function_of(call), "arguments");
    struct str text = str_trim(jr_text(arguments));
    struct str id = jr_str(call, "id");
    struct str signature = signature_of(c, msg, call);

    if (jr_get(call, "custom") != NULL)
        gm_call_text(&c->g, id, name_of(c, call), "input", jr_str(function_of(call), "input"),
                     signature);
    else if (yyjson_is_obj(arguments) || text.n == 0)
        gm_call(&c->g, id, name_of(c, call), yyjson_is_obj(arguments) ? arguments : NULL,
                signature);
    else if (json_parse_copy(&c->scratch, text, NULL, NULL) == OK && yyjson_is_obj(c->scratch.root))
        gm_call(&c->g, id, name_of(c, call), c->scratch.root, signature);
    else
        gm_call_text(&c->g, id, name_of(c, call), "_raw", text, signature);
}

static void put_call(struct chat *c, const struct oa_message *msg, yyjson_val *call)
{
    c->pair++;
    if (!yyjson_is_obj(call))
        gm_fault(&c->g, call, E_FIELD, "must be an object");
    else if (jr_str(function_of(call), "name").n == 0)
        fault_missing(c->why, function_of(call), "name");
    else
        put_arguments(c, msg, call);
}

void oa_put_calls(struct chat *c, const struct oa_message *msg)
{
    yyjson_val *calls = calls_of(msg);
    yyjson_val *legacy = legacy_call_of(msg);

    if (calls != NULL && !yyjson_is_arr(calls))
        gm_fault(&c->g, calls, E_FIELD, "must be a list");
    jr_each (call, calls)
        put_call(c, msg, call);
    if (legacy != NULL)
        put_call(c, msg, legacy);
}

/* Results. */

/* Can Gemini be given this as the object that it is? "$ref" would be taken for a reference to a
 * file, and numbers become doubles there: where that would change something, it goes as text. */
static bool survives(yyjson_val *v, unsigned depth)
{
    if (depth > RESULT_DEPTH_MAX)
        return false;
    if (jr_is_num(v))
        return jr_num_text(v).n <= EXACT_DIGITS;
    jr_each (item, v)
        if (!survives(item, depth + 1))
            return false;
    jr_each_member (key, v)
        if (str_eq(jr_text(key), S("$ref")) || !survives(key + 1, depth + 1))
            return false;
    return true;
}

/* "response" must be an object: an object is one, anything else is put into one. */
static void put_response(struct chat *c, struct str text)
{
    struct str start = str_trim(str_sub(text, 0, 64));
    bool json = text.n <= PARSED_MAX && (str_starts(start, S("{")) || str_starts(start, S("["))) &&
                json_parse_copy(&c->scratch, text, NULL, NULL) == OK &&
                survives(c->scratch.root, 0);

    if (json && yyjson_is_obj(c->scratch.root)) {
        gm_copy(&c->g, "response", c->scratch.root);
        return;
    }
    jw_obj(&c->g.w, "response");
    if (json)
        gm_copy(&c->g, "output", c->scratch.root);
    else
        jw_str(&c->g.w, "output", text);
    jw_end(&c->g.w);
}

static void put_no_response(struct chat *c)
{
    jw_obj(&c->g.w, "response");
    jw_str(&c->g.w, "error", S("no result"));
    jw_end(&c->g.w);
}

static void put_result_media(struct chat *c, const struct oa_message *msg)
{
    jr_each (part, oa_of(msg, "content")) {
        struct gm_media media;

        if (oa_part_media(c, part, &media))
            gm_put_result_media(&c->g, &media);
    }
}

static void put_result(struct chat *c, const struct gm_pair *call)
{
    yyjson_val *item = (yyjson_val *)(uintptr_t)call->item;
    const struct oa_message *msg = call->mate != NULL ? call->mate->item : NULL;

    gm_turn(&c->g, GM_RESULTS);
    gm_result_open(&c->g, jr_str(item, "id"), name_of(c, item));
    if (msg == NULL)
        put_no_response(c);
    else
        put_response(c, oa_content_text(c, msg));
    if (msg != NULL && gm_can(c->caps, GM_CAN_RESULT_MEDIA))
        put_result_media(c, msg);
    gm_result_close(&c->g);
}

/* As if the user showed them. */
static void put_media_of(struct chat *c, const struct oa_message *msg)
{
    gm_turn(&c->g, GM_USER);
    jr_each (part, oa_of(msg, "content")) {
        struct gm_media media;

        if (oa_part_media(c, part, &media))
            gm_put_media(&c->g, &media, NULL);
    }
}

/* For families that take no media in a result: they follow. */
static void put_media_after(struct chat *c, const struct gm_pair *call)
{
    if (!gm_can(c->caps, GM_CAN_RESULT_MEDIA) && call->mate != NULL)
        put_media_of(c, call->mate->item);
}

void oa_put_results(struct chat *c, size_t from)
{
    for (size_t i = from; i < c->pair; i++)
        if (!c->pairs.v[i].result)
            put_result(c, &c->pairs.v[i]);
    for (size_t i = from; i < c->pair; i++)
        if (!c->pairs.v[i].result)
            put_media_after(c, &c->pairs.v[i]);
}

/* A result whose call is gone from the history would be refused as one: the user tells it. */
void oa_put_result_turn(struct chat *c, const struct oa_message *msg)
{
    struct str name = jr_text(oa_of(msg, "name"));
    struct buf b;
    struct str text;

    if (oa_of(msg, "tool_call_id") == NULL && name.n == 0)
        fault_missing(c->why, msg->v, "tool_call_id");
    if (c->pairs.v[c->pair++].mate != NULL)
        return;
    buf_init(&b, GM_REQUEST_MAX);
    buf_lit(&b, "Result of an earlier call of ");
    buf_put(&b, name.n > 0 ? name : S("a tool"));
    buf_lit(&b, ":\n");
    buf_put(&b, oa_content_text(c, msg));
    if (b.err != OK)
        fault_set(c->why, E_TOOBIG, "is larger than this server takes", msg->v);
    text = oa_keep(c, buf_str(&b));
    buf_fini(&b);
    gm_turn(&c->g, GM_USER);
    gm_text(&c->g, text);
    put_media_of(c, msg);
}
