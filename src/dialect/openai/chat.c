/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat.c - Chat Completions in, Gemini out, and the answer back.
 *
 * Pure: it sends and logs nothing and reads no clock. Gemini's words are spelled in gemini/,
 * OpenAI's words here, and neither anywhere else. A fault does not stop the walk: the first one
 * sticks in `why` and the half-written output is thrown away. */
#include "dialect/openai/chat.h"

#include "dialect/list.h"
#include "dialect/openai/error.h"
#include "gemini/models.h"

static const char NO_MEMORY[] = "the request needs more memory than it may have";

enum { CHOICES_MAX = 128, IGNORED_MAX = 1024, FIRST_ROOM_MAX = 128 << 10, ROOM_MORE = 6 << 10 };

struct str oa_keep(struct chat *c, struct str s)
{
    struct str kept = arena_dup(c->env->arena, s);

    if (kept.n != s.n)
        fault_set(c->why, E_TOOBIG, NO_MEMORY, NULL);
    return kept;
}

struct str oa_function_name(struct chat *c, struct str name)
{
    struct str known = gm_function_name(name, c->env->arena);

    if (name.n > 0 && known.n == 0)
        fault_set(c->why, E_TOOBIG, NO_MEMORY, NULL);
    return known;
}

/* "gemini-3.8-flash:search" is the model with Google's search switched on. */
static void read_model(struct chat *c)
{
    yyjson_val *v = oa_get(c, "model");
    struct str otherwise = c->env->opts->default_model; /* of options that nobody set, p is NULL */
    struct str name = v == NULL ? str_of(otherwise.p, otherwise.n) : jr_text(v);
    struct fault bad = {0};

    if (str_ends(name, S(":search"))) {
        c->own[GM_SEARCH] = true;
        name = str_sub(name, 0, name.n - 7);
    }
    if (c->env->model.n > 0)
        name = c->env->model;
    if (v != NULL && !yyjson_is_str(v))
        fault_set(c->why, E_FIELD, "must be a string", v);
    else if (name.n == 0)
        fault_missing(c->why, c->root, "model");
    else if (gm_model_id(name, &c->tr->model, &bad) != OK)
        fault_set(c->why, bad.code, bad.what, v);
    c->tr->model = oa_keep(c, c->tr->model);
    c->answer->model = c->tr->model;
    c->remedies = c->env->remedies;
    if (c->env->learned != NULL && c->why->code == OK)
        c->remedies |= c->env->learned(c->env->store, c->tr->model);
    gm_caps_without(gm_caps_of(c->tr->model), c->remedies, &c->own_caps);
    c->caps = &c->own_caps;
    c->media = (struct gm_media_env){
        .caps = c->caps,
        .arena = c->env->arena,
        .links = c->env->links,
        .remedies = c->remedies,
    };
}

static bool read_bool(struct chat *c, yyjson_val *v)
{
    if (v != NULL && !yyjson_is_bool(v))
        fault_set(c->why, E_FIELD, "must be true or false", v);
    return yyjson_is_true(v);
}

/* How the answer is wanted: these decide the method and the machine, not the body. */
static void read_manner(struct chat *c)
{
    yyjson_val *n = oa_get(c, "n");
    yyjson_val *options = oa_get(c, "stream_options");
    int64_t choices = 1;

    if (n != NULL && !jr_int(n, 1, CHOICES_MAX, &choices))
        fault_set(c->why, E_RANGE, "must be a whole number from 1 to 128", n);
    if (options != NULL && !yyjson_is_obj(options))
        fault_set(c->why, E_FIELD, "must be an object", options);
    c->tr->choices = (unsigned)choices;
    c->tr->stream = c->answer->stream = read_bool(c, oa_get(c, "stream"));
    c->answer->usage = c->answer->stream && read_bool(c, jr_get(options, "include_usage"));
    c->tr->method = c->tr->stream || gm_can(c->caps, GM_STREAM_ONLY) ? GM_STREAM : GM_GENERATE;
}

/* What the request says, each reader before those that ask for what it found. */
static void read_all(struct chat *c)
{
    oa_read_names(c);
    oa_read_google(c);
    read_model(c);
    read_manner(c);
    oa_read_messages(c);
    oa_read_tools(c);
    oa_read_format(c);
    oa_read_thinking(c);
}

static void put_mapped_config(struct chat *c)
{
    oa_put_config_fields(c);
    if (c->limit > 0)
        jw_int(&c->g.w, "maxOutputTokens", c->limit);
    oa_put_format(c);
    gm_think_put(&c->g.w, &c->think);
}

static void put_all(struct chat *c)
{
    oa_put_system(c);
    oa_put_tools(c);
    gm_contents(&c->g);
    oa_put_turns(c);
    gm_turns_end(&c->g);
    jw_obj(&c->g.w, "generationConfig");
    oa_put_config_merged(c, put_mapped_config);
    jw_end(&c->g.w);
    oa_put_top_fields(c);
    oa_put_google_top(c);
}

static struct oa_answer *new_answer(const struct dialect_env *env)
{
    struct oa_answer *a = arena_zalloc(env->arena, sizeof *a);

    if (a == NULL)
        return NULL;
    a->arena = env->arena;
    a->opts = env->opts;
    a->remember = env->remember;
    a->store = env->store;
    a->created = env->now_s;
    a->nonce = arena_dup(env->arena, env->nonce);
    a->model = a->audio_format = a->head = S("");
    return a;
}

/* Room for the translation in one piece, as long as the request is no file: those are borrowed. The
 * writer looks for room for a piece of text with escapes as if it had nothing else; a short request
 * most often has none, and its translation is kept while the answer comes. */
static void make_room(struct buf *text, size_t size)
{
    size_t room = size + size / 8 + 64 + (size < ROOM_MORE ? size : ROOM_MORE);

    if (size > 0 && buf_reserve(text, room < FIRST_ROOM_MAX ? room : FIRST_ROOM_MAX) == NULL)
        return; /* sticky: gm_end tells */
}

static enum err translate(struct chat *c)
{
    enum err err;

    if (!yyjson_is_obj(c->root))
        return fault_set(c->why, E_FIELD, "the request must be a JSON object", NULL);
    read_all(c);
    make_room(&c->tr->body.text, c->env->size);
    gm_begin(&c->g, &c->tr->body, c->caps, c->why);
    c->g.remedies = c->remedies;
    c->jm = (struct jm){.w = &c->g.w, .why = c->why, .ignored = &c->ignored, .ctx = c};
    if (c->why->code == OK)
        put_all(c);
    c->tr->special = c->g.special || c->google != NULL || oa_wants_own_tool(c);
    if (c->ignored.n > 0)
        c->tr->ignored = oa_keep(c, buf_str(&c->ignored));
    if (gm_end(&c->g) != OK)
        return c->why->code;
    err = oa_answer_ready(c->answer, c->tr->choices);
    return err == OK ? OK : fault_set(c->why, err, NO_MEMORY, NULL);
}

static enum err request(yyjson_val *root, const struct dialect_env *env, struct translation *ret,
                        struct fault *why)
{
    struct translation tr = {.model = S(""), .ignored = S("")};
    struct fault own = {0};
    struct chat c = {.root = root, .env = env, .tr = &tr, .why = why != NULL ? why : &own};
    UNINITIALIZED char ignored[IGNORED_MAX];
    UNINITIALIZED struct oa_fields fields;
    enum err err;

    c.answer = new_answer(env);
    if (c.answer == NULL)
        return fault_set(why, E_TOOBIG, NO_MEMORY, NULL);
    c.fields = &fields;
    rope_init(&tr.body, GM_REQUEST_MAX);
    c.ignored = (struct buf){.p = ignored, .room = sizeof ignored, .max = sizeof ignored};
    json_init(&c.scratch);
    err = translate(&c);
    json_fini(&c.scratch);
    tr.answer = c.answer;
    if (err == OK) {
        *ret = tr;
        return OK;
    }
    rope_fini(&tr.body);
    return err;
}

const struct dialect OPENAI_CHAT = {
    .name = "openai",
    .stream_type = S_INIT("text/event-stream; charset=utf-8"),
    .heartbeat = S_INIT(": keep-alive\n\n"),
    .request = request,
    .event = oa_answer_event,
    .restart = oa_answer_restart,
    .end = oa_answer_end,
    .stream_error = oa_stream_error,
    .error = oa_error,
};
