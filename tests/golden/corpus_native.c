/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* corpus_native.c - requests that Gemini once took, said as an OpenAI client would say them, and
 * translated back: every text, call, result and signature must be where it was. */
#include "corpus.h"

#include "codec/json_write.h"
#include "demo/catalog.h"

#include <stdio.h>

enum { CAP = 64 << 20 };

/* Google takes both spellings. */
static yyjson_val *either(yyjson_val *obj, const char *camel, const char *snake)
{
    yyjson_val *v = jr_get(obj, camel);

    return v != NULL ? v : jr_get(obj, snake);
}

static yyjson_val *call_of(yyjson_val *part)
{
    return either(part, "functionCall", "function_call");
}

static yyjson_val *response_of(yyjson_val *part)
{
    return either(part, "functionResponse", "function_response");
}

static yyjson_val *media_of(yyjson_val *part)
{
    return either(part, "inlineData", "inline_data");
}

static struct str signature_of(yyjson_val *part)
{
    return jr_text(either(part, "thoughtSignature", "thought_signature"));
}

static bool is_thought(yyjson_val *part)
{
    return jr_bool(part, "thought", false);
}

static struct str role_of(yyjson_val *content)
{
    return str_eq(jr_str(content, "role"), S("model")) ? S("model") : S("user");
}

/* A line for each thing that is said. */
static void tell_part(struct str role, yyjson_val *part, struct buf *out)
{
    yyjson_val *call = call_of(part);
    yyjson_val *response = response_of(part);
    yyjson_val *media = media_of(part);
    struct str signature = signature_of(part);
    struct jw w;

    if (str_eq(signature, S("skip_thought_signature_validator")))
        signature = S("");
    if (call != NULL) {
        buf_putf(out, "call %.*s %.*s ", S_ARG(jr_str(call, "name")), S_ARG(signature));
        jw_begin(&w, out);
        if (jr_get(call, "args") != NULL)
            jw_copy(&w, NULL, jr_get(call, "args"));
        else
            jw_raw(&w, NULL, S("{}"));
        buf_lit(out, "\n");
    } else if (response != NULL) {
        if (str_eq(jr_str(jr_get(response, "response"), "error"), S("no result")))
            return; /* put in for one that is missing, which older models let pass */
        buf_lit(out, "result ");
        jw_begin(&w, out);
        jw_copy(&w, NULL, jr_get(response, "response"));
        buf_lit(out, "\n");
    } else if (media != NULL)
        buf_putf(out, "%.*s media %zu\n", S_ARG(role), jr_str(media, "data").n);
    else if (!is_thought(part) && str_trim(jr_str(part, "text")).n > 0) {
        buf_putf(out, "%.*s ", S_ARG(role));
        buf_put(out, jr_str(part, "text"));
        buf_lit(out, "\n");
    }
}

static void tell(yyjson_val *body, struct buf *out)
{
    jr_each (part, jr_get(either(body, "systemInstruction", "system_instruction"), "parts"))
        tell_part(S("system"), part, out);
    jr_each (tool, jr_get(body, "tools"))
        jr_each (fn, either(tool, "functionDeclarations", "function_declarations"))
            buf_putf(out, "function %.*s\n", S_ARG(jr_str(fn, "name")));
    jr_each (content, jr_get(body, "contents"))
        jr_each (part, jr_get(content, "parts"))
            tell_part(role_of(content), part, out);
}

/* The recordings had keys and more taken out; where that hit base64, it is none any more. */
static bool is_whole(struct str base64)
{
    return str_find(base64, S("REDACTED")) == base64.n;
}

/* What OpenAI's format has no words for. */
static bool can_be_said(yyjson_val *body)
{
    static const char *const strange[] = {
        "fileData",        "file_data",    "executableCode", "toolCall",      "codeExecutionResult",
        "executable_code", "toolResponse", "tool_call",      "videoMetadata", "video_metadata"};
    bool any = false;

    jr_each (content, jr_get(body, "contents"))
        jr_each (part, jr_get(content, "parts")) {
            any = true;
            for (size_t i = 0; i < NELEM(strange); i++)
                if (jr_get(part, strange[i]) != NULL)
                    return false;
            if (!is_whole(signature_of(part)) || !is_whole(jr_str(media_of(part), "data")))
                return false;
            if (response_of(part) != NULL && jr_get(response_of(part), "parts") != NULL)
                return false;
        }
    return any && jr_get(body, "cachedContent") == NULL;
}

/* Ids, where the recording has none: calls are counted, results take them in order. */
struct ids {
    unsigned made, taken;
    char room[32];
};

static struct str id_of(struct ids *ids, yyjson_val *v, unsigned *counter)
{
    int n = snprintf(ids->room, sizeof ids->room, "call-%u", (*counter)++);

    return jr_str(v, "id").n > 0 ? jr_str(v, "id") : str_of(ids->room, (size_t)n);
}

static void put_extra(struct jw *w, struct str signature)
{
    if (signature.n == 0)
        return;
    jw_obj(w, "extra_content");
    jw_obj(w, "google");
    jw_str(w, "thought_signature", signature);
    jw_end(w);
    jw_end(w);
}

static void put_call(struct jw *w, struct ids *ids, yyjson_val *part)
{
    yyjson_val *call = call_of(part);

    jw_obj(w, NULL);
    jw_str(w, "id", id_of(ids, call, &ids->made));
    jw_str(w, "type", S("function"));
    jw_obj(w, "function");
    jw_str(w, "name", jr_str(call, "name"));
    if (jr_get(call, "args") != NULL)
        jw_quoted(w, "arguments", jr_get(call, "args"));
    else
        jw_str(w, "arguments", S("{}"));
    jw_end(w);
    put_extra(w, signature_of(part));
    jw_end(w);
}

static void put_media(struct jw *w, yyjson_val *media)
{
    jw_obj(w, NULL);
    jw_str(w, "type", S("file"));
    jw_obj(w, "file");
    jw_str_open(w, "file_data");
    jw_str_more(w, S("data:"));
    jw_str_more(w, jr_text(either(media, "mimeType", "mime_type")));
    jw_str_more(w, S(";base64,"));
    jw_str_more(w, jr_str(media, "data"));
    jw_str_close(w);
    jw_end(w);
    jw_end(w);
}

static void put_words(struct jw *w, yyjson_val *parts)
{
    jw_arr(w, "content");
    jr_each (part, parts) {
        if (media_of(part) != NULL)
            put_media(w, media_of(part));
        if (jr_str(part, "text").n == 0 || is_thought(part))
            continue;
        jw_obj(w, NULL);
        jw_str(w, "type", S("text"));
        jw_str(w, "text", jr_str(part, "text"));
        jw_end(w);
    }
    jw_end(w);
}

static void put_model(struct jw *w, struct ids *ids, yyjson_val *parts)
{
    struct str signature = S("");
    size_t calls = 0;

    jr_each (part, parts) {
        calls += call_of(part) != NULL;
        if (call_of(part) == NULL && !is_thought(part) && signature_of(part).n > 0)
            signature = signature_of(part);
    }
    ids->taken = ids->made;
    jw_obj(w, NULL);
    jw_str(w, "role", S("assistant"));
    put_words(w, parts);
    if (calls > 0)
        jw_arr(w, "tool_calls");
    jr_each (part, parts)
        if (call_of(part) != NULL)
            put_call(w, ids, part);
    if (calls > 0)
        jw_end(w);
    put_extra(w, signature);
    jw_end(w);
}

static void put_user(struct jw *w, struct ids *ids, yyjson_val *parts)
{
    size_t words = 0;

    jr_each (part, parts) {
        yyjson_val *response = response_of(part);

        words += response == NULL;
        if (response == NULL)
            continue;
        jw_obj(w, NULL);
        jw_str(w, "role", S("tool"));
        jw_str(w, "tool_call_id", id_of(ids, response, &ids->taken));
        jw_quoted(w, "content", jr_get(response, "response"));
        jw_end(w);
    }
    if (words == 0)
        return;
    jw_obj(w, NULL);
    jw_str(w, "role", S("user"));
    put_words(w, parts);
    jw_end(w);
}

static void put_tools(struct jw *w, yyjson_val *body)
{
    jw_arr(w, "tools");
    jr_each (tool, jr_get(body, "tools"))
        jr_each (fn, either(tool, "functionDeclarations", "function_declarations")) {
            yyjson_val *json = either(fn, "parametersJsonSchema", "parameters_json_schema");
            yyjson_val *schema = json != NULL ? json : jr_get(fn, "parameters");

            jw_obj(w, NULL);
            jw_str(w, "type", S("function"));
            jw_obj(w, "function");
            jw_str(w, "name", jr_str(fn, "name"));
            jw_str(w, "description", jr_str(fn, "description"));
            if (schema != NULL)
                jw_copy(w, "parameters", schema);
            jw_end(w);
            jw_end(w);
        }
    jw_end(w);
}

/* The model that was asked; one that is gone was much like the oldest that there is. */
static struct str model_of(yyjson_val *exchange)
{
    struct emu_target target;
    struct str path = jr_str(jr_get(exchange, "request"), "path");
    struct str rest = str_skip(path, str_find(path, S("models/")) + 7);

    rest = str_cut(&rest, ':');
    return emu_catalog_find(rest, &target) ? rest : S("gemini-2.5-flash");
}

static void put_request(struct jw *w, yyjson_val *body, struct str model)
{
    yyjson_val *system = either(body, "systemInstruction", "system_instruction");
    struct ids ids = {0};

    jw_obj(w, NULL);
    jw_str(w, "model", model);
    jw_arr(w, "messages");
    if (system != NULL) {
        jw_obj(w, NULL);
        jw_str(w, "role", S("system"));
        put_words(w, jr_get(system, "parts"));
        jw_end(w);
    }
    jr_each (content, jr_get(body, "contents"))
        if (str_eq(role_of(content), S("model")))
            put_model(w, &ids, jr_get(content, "parts"));
        else
            put_user(w, &ids, jr_get(content, "parts"));
    jw_end(w);
    put_tools(w, body);
    jw_end(w);
}

static void compare(struct corpus *c, yyjson_val *body, const struct chat_run *r)
{
    struct buf want, got, text;
    struct json j;

    buf_init(&want, CAP);
    buf_init(&got, CAP);
    buf_init(&text, CAP);
    json_init(&j);
    chat_run_body(r, &text);
    if (json_parse_copy(&j, buf_str(&text), NULL, NULL) == OK) {
        tell(body, &want);
        tell(j.root, &got);
        if (!str_eq(buf_str(&want), buf_str(&got)))
            corpus_fail(c, "the same is said", buf_str(&want), buf_str(&got));
    }
    json_fini(&j);
    buf_fini(&text);
    buf_fini(&got);
    buf_fini(&want);
}

void corpus_native(struct corpus *c, yyjson_val *exchange)
{
    yyjson_val *body = jr_get(jr_get(exchange, "request"), "body");
    bool taken = jr_count(jr_get(exchange, "response"), "status") < 400;
    struct chat_run r;
    struct buf b;
    struct jw w;
    struct json j;

    if (!taken || !can_be_said(body))
        return;
    c->native++;
    buf_init(&b, CAP);
    json_init(&j);
    jw_begin(&w, &b);
    put_request(&w, body, model_of(exchange));
    corpus_check(c, json_parse_copy(&j, buf_str(&b), NULL, NULL) == OK, "the request is JSON");
    chat_run_init(&r, j.root);
    if (r.err != OK)
        corpus_fail(c, "the request is taken", S("ok"), str_z(r.why.what));
    else {
        compare(c, body, &r);
        corpus_rules(c, &r);
    }
    chat_run_fini(&r);
    json_fini(&j);
    buf_fini(&b);
}
