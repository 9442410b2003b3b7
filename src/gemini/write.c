/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* write.c - Gemini's request, a part at a time.
 *
 * A turn is opened by its first part, not by gm_turn: so an empty message leaves nothing behind,
 * and turns of one role become one. Must not know any client's format, nor judge values. */
#include "gemini/write.h"

#include "codec/json_read.h"

#include <assert.h>

/* Skips the check of a signature that was lost. Source: "Thought signatures", its FAQ. */
static const struct str BYPASS = S_INIT("skip_thought_signature_validator");

/* What a turn begins with. */
static const struct str TURN[] = {
    [GM_SYSTEM] = S_INIT("{\"parts\":["),
    [GM_USER] = S_INIT("{\"role\":\"user\",\"parts\":["),
    [GM_MODEL] = S_INIT("{\"role\":\"model\",\"parts\":["),
    [GM_RESULTS] = S_INIT("{\"role\":\"user\",\"parts\":["),
};

void gm_begin(struct gm *g, struct rope *out, const struct gm_caps *caps, struct fault *why)
{
    *g = (struct gm){.caps = caps, .why = why};
    jw_begin_rope(&g->w, out);
    jw_obj(&g->w, NULL);
}

void gm_fault(struct gm *g, const void *at, enum err code, const char *what)
{
    fault_set(g->why, code, what, at);
}

void gm_turn(struct gm *g, enum gm_role role)
{
    /* Inside the contents there is no system turn: a user says it. */
    g->want = role == GM_SYSTEM && g->in_contents ? GM_USER : role;
}

static void close_turn(struct gm *g)
{
    if (!g->in_turn)
        return;
    jw_end(&g->w); /* parts */
    jw_end(&g->w);
    g->in_turn = false;
}

static void open_turn(struct gm *g, enum gm_role role)
{
    assert(g->in_contents || role == GM_SYSTEM);
    if (g->in_turn && g->open == role)
        return;
    close_turn(g);
    jw_open(&g->w, role == GM_SYSTEM ? "systemInstruction" : NULL, TURN[role], "{[");
    g->any_turn = g->any_turn || role != GM_SYSTEM;
    g->in_turn = true;
    g->open = role;
    g->calls = 0;
}

/* The turn of the part that comes now. A history that begins with the model's words is refused by
 * some families, so a user's silence is put before it (mapping 2.2, rule 6). */
static void part_turn(struct gm *g)
{
    if (g->in_contents && !g->any_turn && g->want != GM_USER) {
        open_turn(g, GM_USER);
        jw_obj(&g->w, NULL);
        jw_str(&g->w, "text", S(" "));
        jw_end(&g->w);
    }
    open_turn(g, g->want);
}

static void part_open(struct gm *g)
{
    part_turn(g);
    jw_obj(&g->w, NULL);
}

static void part_close(struct gm *g)
{
    jw_end(&g->w);
}

static void put_signature(struct gm *g, struct str signature)
{
    if (signature.n > 0 && !(g->remedies & GM_DROP_SIGNATURES))
        jw_str(&g->w, "thoughtSignature", signature);
}

void gm_signed_text(struct gm *g, struct str text, struct str signature)
{
    if (text.n == 0 && signature.n == 0)
        return;
    part_open(g);
    jw_str(&g->w, "text", text);
    put_signature(g, signature);
    part_close(g);
}

void gm_text(struct gm *g, struct str text)
{
    gm_signed_text(g, text, S(""));
}

void gm_text_value(struct gm *g, yyjson_val *text)
{
    if (!jr_is_plain(text)) {
        gm_text(g, jr_text(text));
    } else if (jr_text(text).n > 0) {
        part_open(g);
        jw_plain(&g->w, "text", jr_text(text));
        part_close(g);
    }
}

void gm_signed_thought(struct gm *g, struct str signature)
{
    if (signature.n == 0 || (g->remedies & GM_DROP_SIGNATURES))
        return;
    part_open(g);
    jw_str(&g->w, "text", S(""));
    jw_bool(&g->w, "thought", true);
    put_signature(g, signature);
    part_close(g);
}

static void put_video(struct gm *g, const struct gm_extra *x)
{
    if (x->fps.n == 0 && x->from.n == 0 && x->to.n == 0)
        return;
    jw_obj(&g->w, "videoMetadata");
    if (x->from.n > 0)
        jw_str(&g->w, "startOffset", x->from);
    if (x->to.n > 0)
        jw_str(&g->w, "endOffset", x->to);
    if (x->fps.n > 0)
        jw_raw(&g->w, "fps", x->fps);
    jw_end(&g->w);
}

static void put_extra(struct gm *g, const struct gm_extra *x)
{
    if (x == NULL)
        return;
    put_signature(g, x->signature);
    put_video(g, x);
    if (x->resolution != NULL && gm_can(g->caps, GM_CAN_RESOLUTION)) {
        jw_obj(&g->w, "mediaResolution");
        jw_str(&g->w, "level", str_z(x->resolution));
        jw_end(&g->w);
    }
}

static void put_inline(struct gm *g, struct str mime, struct str base64)
{
    jw_obj(&g->w, "inlineData");
    jw_str(&g->w, "mimeType", mime);
    jw_plain(&g->w, "data", base64);
    jw_end(&g->w);
}

static void put_file(struct gm *g, struct str uri, struct str mime)
{
    g->special = true;
    jw_obj(&g->w, "fileData");
    jw_str(&g->w, "fileUri", uri);
    if (mime.n > 0)
        jw_str(&g->w, "mimeType", mime);
    jw_end(&g->w);
}

void gm_inline(struct gm *g, struct str mime, struct str base64, const struct gm_extra *extra)
{
    part_open(g);
    put_inline(g, mime, base64);
    put_extra(g, extra);
    part_close(g);
}

void gm_file(struct gm *g, struct str uri, struct str mime, const struct gm_extra *extra)
{
    part_open(g);
    put_file(g, uri, mime);
    put_extra(g, extra);
    part_close(g);
}

void gm_copy(struct gm *g, const char *key, yyjson_val *v)
{
    struct rope *rope = g->w.rope;

    g->w.rope = NULL;
    jw_copy(&g->w, key, v);
    g->w.rope = rope;
}

void gm_raw_part(struct gm *g, yyjson_val *part, bool short_lived)
{
    part_turn(g);
    g->special = true;
    if (short_lived)
        gm_copy(g, NULL, part);
    else
        jw_copy(&g->w, NULL, part);
}

static void call_open(struct gm *g, struct str id, struct str name)
{
    part_open(g);
    jw_obj(&g->w, "functionCall");
    if (id.n > 0)
        jw_str(&g->w, "id", id);
    jw_str(&g->w, "name", name);
}

static void call_close(struct gm *g, struct str signature)
{
    bool lost = signature.n == 0 || (g->remedies & GM_DROP_SIGNATURES);

    jw_end(&g->w);
    if (!lost)
        put_signature(g, signature);
    else if (g->calls == 0 && gm_can(g->caps, GM_NEEDS_SIGNATURE))
        jw_str(&g->w, "thoughtSignature", BYPASS);
    g->calls++;
    part_close(g);
}

void gm_call(struct gm *g, struct str id, struct str name, yyjson_val *args, struct str signature)
{
    call_open(g, id, name);
    if (args != NULL)
        gm_copy(g, "args", args);
    else {
        jw_obj(&g->w, "args");
        jw_end(&g->w);
    }
    call_close(g, signature);
}

void gm_call_text(struct gm *g, struct str id, struct str name, const char *member, struct str text,
                  struct str signature)
{
    call_open(g, id, name);
    jw_obj(&g->w, "args");
    jw_str(&g->w, member, text);
    jw_end(&g->w);
    call_close(g, signature);
}

void gm_result_open(struct gm *g, struct str id, struct str name)
{
    part_open(g);
    jw_obj(&g->w, "functionResponse");
    if (id.n > 0)
        jw_str(&g->w, "id", id);
    jw_str(&g->w, "name", name);
}

static void result_part_open(struct gm *g)
{
    if (!g->in_result_parts)
        jw_arr(&g->w, "parts");
    g->in_result_parts = true;
    jw_obj(&g->w, NULL);
}

void gm_result_inline(struct gm *g, struct str mime, struct str base64)
{
    result_part_open(g);
    put_inline(g, mime, base64);
    jw_end(&g->w);
}

void gm_result_file(struct gm *g, struct str uri, struct str mime)
{
    result_part_open(g);
    put_file(g, uri, mime);
    jw_end(&g->w);
}

void gm_result_close(struct gm *g)
{
    if (g->in_result_parts)
        jw_end(&g->w);
    g->in_result_parts = false;
    jw_end(&g->w);
    part_close(g);
}

void gm_system_end(struct gm *g)
{
    close_turn(g);
}

void gm_contents(struct gm *g)
{
    close_turn(g);
    jw_arr(&g->w, "contents");
    g->in_contents = true;
    g->want = GM_USER;
}

void gm_turns_end(struct gm *g)
{
    gm_turn(g, GM_USER);
    if (!g->any_turn)
        gm_text(g, S(" "));
    else if (g->open == GM_MODEL && !gm_can(g->caps, GM_CAN_END_ON_MODEL))
        gm_text(g, S("Continue from exactly where you stopped."));
    close_turn(g);
    jw_end(&g->w);
    g->in_contents = false;
}

enum err gm_end(struct gm *g)
{
    enum err err;

    jw_end(&g->w);
    err = jw_end_all(&g->w);
    if (err != OK)
        fault_set(g->why, err, "is larger than Gemini takes", NULL);
    return g->why->code;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '+' || c == '/' || c == '=' || c == '-' || c == '_'))
            return false;
    }
    return s.n > 0 && s.n <= GM_TOKEN_MAX;
}

enum err gm_continue(struct rope *body, size_t *body_n, struct str token)
{
    size_t n = *body_n ? *body_n : body->text.n - 1; /* without the last brace */

    if (!is_token(token))
        return E_SYNTAX;
    if (body->text.max < n + token.n + 32)
        return E_TOOBIG;
    buf_cut(&body->text, n);
    buf_lit(&body->text, ",\"continuationToken\":\"");
    buf_put(&body->text, token);
    buf_lit(&body->text, "\"}");
    *body_n = n;
    return body->text.err;
}
