/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* event.c - one GenerateContentResponse, whole or a chunk, told as typed events.
 *
 *   candidates[0].content.parts[]  -> one event each, a signature after the part that it is on
 *   everything else                -> gathered in the reader
 *
 * Must not know what a client makes of it. Readers are total: whatever is missing or of a wrong
 * type reads as absent, and members not known yet are passed over. */
#include "gemini/event.h"
#include "gemini/form.h"
#include "gemini/usage.h"

#include "codec/utf8.h"

#include <stddef.h>

/* Google's words, and their numbers under enum-encoding=int, which some recordings have. */
static const struct word FINISH[] = {
    {"STOP",                      GM_STOP    },
    {"MAX_TOKENS",                GM_LENGTH  },
    {"SAFETY",                    GM_FILTER  },
    {"RECITATION",                GM_FILTER  },
    {"LANGUAGE",                  GM_FILTER  },
    {"BLOCKLIST",                 GM_FILTER  },
    {"PROHIBITED_CONTENT",        GM_FILTER  },
    {"SPII",                      GM_FILTER  },
    {"MODEL_ARMOR",               GM_FILTER  },
    {"IMAGE_SAFETY",              GM_FILTER  },
    {"IMAGE_PROHIBITED_CONTENT",  GM_FILTER  },
    {"IMAGE_RECITATION",          GM_FILTER  },
    {"MALFORMED_FUNCTION_CALL",   GM_BAD_CALL},
    {"UNEXPECTED_TOOL_CALL",      GM_BAD_CALL},
    {"TOO_MANY_TOOL_CALLS",       GM_BAD_CALL},
    {"MISSING_THOUGHT_SIGNATURE", GM_BAD_CALL},
    {"MALFORMED_RESPONSE",        GM_BAD_CALL},
    {"CONTINUATION",              GM_CONTINUE},
    {"OTHER",                     GM_OTHER   },
    {"IMAGE_OTHER",               GM_OTHER   },
    {"NO_IMAGE",                  GM_OTHER   },
    {"FINISH_REASON_UNSPECIFIED", GM_NONE    },
};
static const char *const FINISH_NUMBER[] = {
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
};

/* The members of each object that are read, found in one walk over it. */
enum chunk_member { CANDIDATES, USAGE, MODEL_VERSION, RESPONSE_ID, FEEDBACK, ERROR, CHUNK_MEMBERS };
static const struct str CHUNK[] = {
    [CANDIDATES] = S_INIT("candidates"),      [USAGE] = S_INIT("usageMetadata"),
    [MODEL_VERSION] = S_INIT("modelVersion"), [RESPONSE_ID] = S_INIT("responseId"),
    [FEEDBACK] = S_INIT("promptFeedback"),    [ERROR] = S_INIT("error"),
};
enum candidate_member {
    CONTENT,
    REASON,
    MESSAGE,
    CITATIONS,
    GROUNDING,
    LOGPROBS,
    CANDIDATE_MEMBERS
};
static const struct str CANDIDATE[] = {
    [CONTENT] = S_INIT("content"),
    [REASON] = S_INIT("finishReason"),
    [MESSAGE] = S_INIT("finishMessage"),
    [CITATIONS] = S_INIT("citationMetadata"),
    [GROUNDING] = S_INIT("groundingMetadata"),
    [LOGPROBS] = S_INIT("logprobsResult"),
};
enum part_member {
    TEXT,
    THOUGHT,
    SIGNATURE,
    CALL,
    MEDIA,
    CODE,
    CODE_RESULT,
    TOOL_CALL,
    TOOL_RESPONSE,
    PART_MEMBERS
};
static const struct str PART[] = {
    [TEXT] = S_INIT("text"),
    [THOUGHT] = S_INIT("thought"),
    [SIGNATURE] = S_INIT("thoughtSignature"),
    [CALL] = S_INIT("functionCall"),
    [MEDIA] = S_INIT("inlineData"),
    [CODE] = S_INIT("executableCode"),
    [CODE_RESULT] = S_INIT("codeExecutionResult"),
    [TOOL_CALL] = S_INIT("toolCall"),
    [TOOL_RESPONSE] = S_INIT("toolResponse"),
};
struct walk {
    struct gm_reader *r;
    gm_event_f *on_event;
    void *ctx;
    struct str signature; /* of the part at hand */
    bool thought;
    unsigned parts;
    yyjson_val *text, *text_signature; /* of the last part, when that is all it has */
    bool is_plain;                     /* the chunk told nothing but: */
    struct gm_plain plain;
};

void gm_reader_init(struct gm_reader *r, struct gm_error *error)
{
    memset(r, 0, offsetof(struct gm_reader, response_id));
    r->response_id[0] = r->model_version[0] = r->finish_word[0] = r->finish_message[0] = '\0';
    r->error = error;
    error->set = false;
}

bool gm_worth_again(const struct gm_reader *r)
{
    if (r->any_answer || r->blocked)
        return false;
    return r->finish == GM_BAD_CALL || r->finish == GM_STOP || r->finish == GM_OTHER ||
           r->finish == GM_NONE;
}

const char *gm_finish_word(size_t i, enum gm_finish *ret)
{
    if (i >= NELEM(FINISH))
        return NULL;
    *ret = (enum gm_finish)FINISH[i].value;
    return FINISH[i].name;
}

static enum err tell(struct walk *w, struct gm_event *e)
{
    e->thought = w->thought;
    if (e->kind != GM_SIGNATURE && e->kind != GM_SERVER_TOOL) {
        w->r->any_content = true;
        w->r->any_answer = w->r->any_answer || !w->thought || e->kind == GM_CALL;
    }
    return w->on_event(w->ctx, e);
}

/* A signature goes with a call or a medium; on text it is an event of its own, for it may come
 * after all text was sent, on an empty part. */
static enum err put_text(struct walk *w, struct str text, bool plain)
{
    enum gm_kind kind = w->thought ? GM_THOUGHT : GM_TEXT;
    enum err err = OK;

    if (text.n > 0)
        err = tell(w, &(struct gm_event){.kind = kind, .text = text, .plain = plain});
    if (err == OK && w->signature.n > 0)
        err = tell(w, &(struct gm_event){.kind = GM_SIGNATURE, .signature = w->signature});
    return err;
}

/* Some models put the name of their tool library before the function's. Source: mapping 3.2. */
static struct str bare_name(struct str name)
{
    if (str_starts(name, S("default_api:")) || str_starts(name, S("default_api.")))
        return str_skip(name, 12);
    return name;
}

static enum err put_call(struct walk *w, yyjson_val *call)
{
    yyjson_val *args = jr_get(call, "args");
    struct gm_event e = {
        .kind = GM_CALL,
        .name = bare_name(jr_str(call, "name")),
        .id = jr_str(call, "id"),
        .args = yyjson_is_obj(args) ? args : NULL,
        .signature = w->signature,
    };

    if (e.name.n == 0)
        return OK; /* a piece of streamed arguments, which is never asked for */
    return tell(w, &e);
}

static enum err put_media(struct walk *w, yyjson_val *media)
{
    struct gm_event e = {
        .kind = GM_MEDIA,
        .mime = jr_str(media, "mimeType"),
        .data = jr_str(media, "data"),
        .signature = w->signature,
    };

    return e.data.n > 0 ? tell(w, &e) : OK;
}

static enum err put_code(struct walk *w, yyjson_val *code)
{
    return tell(w, &(struct gm_event){.kind = GM_CODE,
                                      .text = jr_str(code, "code"),
                                      .name = jr_str(code, "language"),
                                      .signature = w->signature,
                                      .raw = code});
}

static enum err put_code_result(struct walk *w, yyjson_val *result)
{
    return tell(w, &(struct gm_event){.kind = GM_CODE_RESULT,
                                      .text = jr_str(result, "output"),
                                      .name = jr_str(result, "outcome"),
                                      .signature = w->signature,
                                      .raw = result});
}

/* The member that makes a part what it is, and who tells it. NULL: the part itself is told. */
static const struct {
    enum part_member member;
    enum err (*put)(struct walk *w, yyjson_val *v);
} TELLERS[] = {
    {CALL,          put_call       },
    {MEDIA,         put_media      },
    {CODE,          put_code       },
    {CODE_RESULT,   put_code_result},
    {TOOL_CALL,     NULL           },
    {TOOL_RESPONSE, NULL           },
};

static enum err put_part(struct walk *w, yyjson_val *part)
{
    yyjson_val *m[PART_MEMBERS];

    jr_members(part, PART, PART_MEMBERS, m);
    w->parts++;
    w->text = NULL;
    w->signature = jr_text(m[SIGNATURE]);
    w->thought = yyjson_is_true(m[THOUGHT]);
    for (size_t i = 0; i < NELEM(TELLERS); i++) {
        yyjson_val *v = m[TELLERS[i].member];

        if (v == NULL)
            continue;
        if (TELLERS[i].put != NULL)
            return TELLERS[i].put(w, v);
        return tell(w, &(struct gm_event){.kind = GM_SERVER_TOOL,
                                          .name = PART[TELLERS[i].member],
                                          .signature = w->signature,
                                          .raw = part});
    }
    w->text = yyjson_is_str(m[TEXT]) ? m[TEXT] : NULL;
    w->text_signature = m[SIGNATURE];
    return put_text(w, jr_text(m[TEXT]), jr_is_plain(m[TEXT]));
}

/* What hangs on a candidate besides its content, each told whole when it is not empty. */
static const struct {
    enum candidate_member member;
    enum gm_kind kind;
} EXTRA[] = {
    {CITATIONS, GM_CITATIONS},
    {GROUNDING, GM_GROUNDING},
    {LOGPROBS,  GM_LOGPROBS },
};

static enum err put_extras(struct walk *w, yyjson_val *const *candidate)
{
    enum err err = OK;

    w->thought = false;
    for (size_t i = 0; i < NELEM(EXTRA) && err == OK; i++) {
        yyjson_val *v = candidate[EXTRA[i].member];

        if (yyjson_is_obj(v) && yyjson_obj_size(v) > 0)
            err = w->on_event(w->ctx, &(struct gm_event){.kind = EXTRA[i].kind, .raw = v});
    }
    return err;
}

static struct str finish_word(yyjson_val *v)
{
    int64_t number;

    if (yyjson_is_str(v))
        return jr_text(v);
    if (v == NULL || !jr_int(v, 0, INT32_MAX, &number))
        return S("");
    return number < (int64_t)NELEM(FINISH_NUMBER) ? str_z(FINISH_NUMBER[number]) : S("OTHER");
}

/* The last reason holds: code execution has been seen to say STOP twice (traffic-facts 3.1). */
static void read_finish(struct gm_reader *r, yyjson_val *const *candidate)
{
    struct str word = finish_word(candidate[REASON]);
    struct str message = jr_text(candidate[MESSAGE]);
    int known = word.n > 0 ? WORD(FINISH, word) : GM_NONE;

    if (message.n > 0)
        utf8_copy(r->finish_message, sizeof r->finish_message, message);
    if (word.n == 0 || known == GM_NONE)
        return;
    r->finish = known > 0 ? (enum gm_finish)known : GM_OTHER;
    utf8_copy(r->finish_word, sizeof r->finish_word, word);
}

void gm_reader_hop(struct gm_reader *r)
{
    gm_usage_add(&r->before, &r->usage);
    r->usage = (struct gm_usage){0};
    r->finish = GM_NONE;
    r->finish_word[0] = '\0';
}

void gm_reader_sum(struct gm_reader *r)
{
    gm_usage_add(&r->usage, &r->before);
    r->before = (struct gm_usage){0};
}

struct str gm_continuation(yyjson_val *chunk)
{
    return jr_str(yyjson_arr_get_first(jr_get(chunk, "candidates")), "continuationToken");
}

static void read_feedback(struct gm_reader *r, yyjson_val *feedback)
{
    yyjson_val *reason = jr_get(feedback, "blockReason");

    if (reason == NULL)
        return;
    r->blocked = true;
    r->finish = GM_FILTER;
    utf8_copy(r->finish_word, sizeof r->finish_word,
              yyjson_is_str(reason) ? jr_text(reason) : S("OTHER"));
    utf8_copy(r->finish_message, sizeof r->finish_message, jr_str(feedback, "blockReasonMessage"));
}

void gm_read_id(char *to, struct str id)
{
    if (id.n > 0)
        utf8_copy(to, GM_ID_MAX, id);
}

/* Nothing is told but one text, which may be signed, and counts; and, of a whole answer, whose it
 * is and its end. */
static bool is_plain(const struct walk *w, yyjson_val *chunk, yyjson_val *const *m,
                     yyjson_val *const *candidate)
{
    for (size_t i = CONTENT + 1; i < CANDIDATE_MEMBERS; i++)
        if (candidate[i] != NULL && !(i == REASON && w->r->form->whole))
            return false;
    return w->parts == 1 && w->text != NULL && m[FEEDBACK] == NULL && gm_continuation(chunk).n == 0;
}

static enum err read_one(struct walk *w, yyjson_val *chunk)
{
    struct gm_reader *r = w->r;
    yyjson_val *m[CHUNK_MEMBERS];
    yyjson_val *candidate[CANDIDATE_MEMBERS];
    bool counted;
    enum err err = OK;

    if (!yyjson_is_obj(chunk))
        return E_UPSTREAM;
    jr_members(chunk, CHUNK, CHUNK_MEMBERS, m);
    if (m[ERROR] != NULL) {
        gm_error_from_value(r->error, m[ERROR]);
        return E_UPSTREAM;
    }
    jr_members(yyjson_arr_get_first(m[CANDIDATES]), CANDIDATE, CANDIDATE_MEMBERS, candidate);
    r->any_chunk = true;
    gm_read_id(r->response_id, jr_text(m[RESPONSE_ID]));
    gm_read_id(r->model_version, jr_text(m[MODEL_VERSION]));
    counted = gm_usage_read(&r->usage, m[USAGE]);
    read_feedback(r, m[FEEDBACK]);
    read_finish(r, candidate);
    jr_each (part, jr_get(candidate[CONTENT], "parts"))
        if (err == OK)
            err = put_part(w, part);
    w->is_plain = r->form != NULL && is_plain(w, chunk, m, candidate);
    w->plain = (struct gm_plain){
        w->text, w->text_signature, w->thought, counted, m[USAGE], m[RESPONSE_ID], m[MODEL_VERSION],
    };
    return err == OK ? put_extras(w, candidate) : err;
}

static enum err read_value(struct walk *w, yyjson_val *chunk)
{
    enum err err = OK;

    if (!yyjson_is_arr(chunk))
        return read_one(w, chunk);
    jr_each (item, chunk) /* a stream asked for without alt=sse, or an error in its array form */
        if (err == OK)
            err = read_one(w, item);
    w->is_plain = false;
    return err;
}

enum err gm_read(struct gm_reader *r, yyjson_val *chunk, gm_event_f *on_event, void *ctx)
{
    struct walk w = {.r = r, .on_event = on_event, .ctx = ctx};

    return read_value(&w, chunk);
}

/* It fills the form: there is nothing to be parsed. */
static enum err read_filled(struct gm_reader *r, const struct json_entry *entries,
                            gm_event_f *on_event, void *ctx)
{
    UNINITIALIZED struct walk w;
    struct str text;

    w.r = r;
    w.on_event = on_event;
    w.ctx = ctx;
    w.thought = r->form->thought;
    if (!gm_form_apply(r->form, entries, r, &text, &w.signature))
        return E_SYNTAX;
    return put_text(&w, text, text.n > 0 && !entries[GM_TAG_TEXT].escaped);
}

static enum err read_parsed(struct gm_reader *r, struct json *j, char *data, size_t n,
                            gm_event_f *on_event, void *ctx)
{
    struct walk w = {.r = r, .on_event = on_event, .ctx = ctx};
    bool kept = r->form != NULL && gm_form_keep(r->form, str_of(data, n));
    enum err err = json_parse_lenient(j, data, n, NULL, NULL);

    if (err == OK)
        err = read_value(&w, j->root);
    if (err == OK && kept && w.is_plain)
        gm_form_learn(r->form, data, &w.plain, r);
    return err;
}

enum err gm_read_event(struct gm_reader *r, struct json *j, char *data, size_t n,
                       gm_event_f *on_event, void *ctx)
{
    UNINITIALIZED struct json_entry entries[GM_TAGS];

    if (r->form == NULL || !json_form_fill(&r->form->json, data, n, entries))
        return read_parsed(r, j, data, n, on_event, ctx);
    j->root = NULL;
    return read_filled(r, entries, on_event, ctx);
}
