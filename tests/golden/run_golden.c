/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* run_golden.c - runs every case folder of a dialect; a new behaviour is a new folder and no C.
 *
 *   run_golden [--update] DIALECT FOLDER [CASE]
 *
 * A case holds (what is not there is not checked, but a case with an upstream answer has both of
 * client.json and client.sse, or error.json in place of the former):
 *
 * - request.json: what the client sends; run as it is, and with "stream": true
 * - options.json: default_model, include_thoughts, markdown_images, model_suffix, remedies
 * - options.json: learned; "store": signatures that are remembered, by name
 * - options.json: "fetch": auto or always; "http"; "files": by address, base64, or null: failed
 * - wanted.json: the addresses that are to be fetched first; nothing else is checked then
 * - upstream.json: what Gemini is sent
 * - translation.json: model, choices, ignored, where they are not plain
 * - upstream.sse: what Gemini answers (upstream.1.sse: to the second choice)
 * - upstream-error.txt: or its refusal: the status, a line break, the body
 * - client.json: what the client gets whole
 * - client.sse: what it gets as a stream, byte by byte
 * - error.json: what it gets when that fails: {"status", "body"}
 * - remembered.json: what was put into the store of signatures
 *
 * Streams are fed whole, byte by byte and cut at every point, and must come out the same. */
#include "files.h"

#include "codec/json_write.h"
#include "codec/sse.h"
#include "dialect/list.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHOICES_MAX = 8, STORE_MAX = 32, CUTS_MAX = 3000 };

static const struct dialect *const DIALECT[] = {&OPENAI_CHAT};

struct run {
    const struct dialect *d;
    char dir[2048];
    const char *name;
    bool update;
    unsigned passed, failed, checks;
    /* the case at hand; read once, for a stream is fed thousands of times */
    bool ok;
    struct buf request, options, upstream[CHOICES_MAX];
};

/* One exchange: a request in one form, and its answer. */
struct exchange {
    struct run *r;
    struct json request, options, event;
    struct buf text, out, remembered;
    struct jw remembering;
    struct arena arena;
    struct dialect_opts opts;
    struct dialect_env env;
    struct gm_links links;
    struct gm_link link[GM_LINKS_MAX];
    struct translation tr;
    struct gm_reader reader[CHOICES_MAX];
    struct gm_error told;
    unsigned choice;
    struct fault why;
    enum err err;
};

static void complain(struct run *r, const char *what, struct str expected, struct str got)
{
    r->ok = false;
    printf("FAIL %s: %s\n  expected: %.*s\n  got:      %.*s\n", r->name, what, S_ARG(expected),
           S_ARG(got));
}

/* JSON for people: the expected files are read by them. */
static void pretty(struct str json, struct buf *out)
{
    struct json j;
    size_t n;
    char *text;

    json_init(&j);
    if (json_parse_copy(&j, json, NULL, NULL) != OK) {
        buf_put(out, json);
    } else {
        text = yyjson_write(j.doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &n);
        buf_put(out, str_of(text, n));
        buf_lit(out, "\n");
        free(text);
    }
    json_fini(&j);
}

static bool same_json(struct str a, struct str b)
{
    struct json x, y;
    bool same;

    json_init(&x);
    json_init(&y);
    same = json_parse_copy(&x, a, NULL, NULL) == OK && json_parse_copy(&y, b, NULL, NULL) == OK &&
           yyjson_equals(x.root, y.root);
    json_fini(&x);
    json_fini(&y);
    return same;
}

/* Hold what came against a file; with --update the file becomes what came. */
static void expect(struct run *r, const char *file, struct str got, bool json)
{
    struct buf want, nice;

    r->checks++;
    buf_init(&want, FILE_CAP);
    buf_init(&nice, FILE_CAP);
    if (json)
        pretty(got, &nice);
    else
        buf_put(&nice, got);
    if (!file_read(r->dir, file, &want) && r->update)
        file_write(r->dir, file, buf_str(&nice));
    else if (json ? !same_json(buf_str(&want), got) : !str_eq(buf_str(&want), got)) {
        if (r->update)
            file_write(r->dir, file, buf_str(&nice));
        else
            complain(r, file, buf_str(&want), got);
    }
    buf_fini(&want);
    buf_fini(&nice);
}

static struct str recall(void *ctx, struct str name)
{
    struct exchange *x = ctx;

    jr_each_member (key, jr_get(x->options.root, "store"))
        if (str_eq(jr_text(key), name))
            return jr_text(key + 1);
    return S("");
}

static void remember(void *ctx, struct str name, struct str signature)
{
    struct exchange *x = ctx;

    jw_str_key(&x->remembering, name, signature);
}

/* Bits of the names in a list. */
static unsigned remedies_of(yyjson_val *names)
{
    unsigned bits = 0;

    jr_each (name, names)
        for (unsigned i = 0; gm_remedy_name(i) != NULL; i++)
            if (str_eq(jr_text(name), str_z(gm_remedy_name(i))))
                bits |= 1U << i;
    return bits;
}

static unsigned learned(void *ctx, struct str model)
{
    struct exchange *x = ctx;

    (void)model;
    return remedies_of(jr_get(x->options.root, "learned"));
}

static void read_options(struct exchange *x)
{
    const struct buf *b = &x->r->options;

    if (b->n > 0 && json_parse_copy(&x->options, buf_str(b), NULL, NULL) != OK)
        complain(x->r, "options.json", S("JSON"), buf_str(b));
    x->opts = (struct dialect_opts){
        .include_thoughts = jr_bool(x->options.root, "include_thoughts", false),
        .markdown_images = jr_bool(x->options.root, "markdown_images", false),
        .default_model = jr_str(x->options.root, "default_model"),
        .model_suffix = jr_str(x->options.root, "model_suffix"),
    };
    x->env = (struct dialect_env){
        .opts = &x->opts,
        .now_s = 1795000000,
        .nonce = S("abcdefghijklmnopqrstuvwx"),
        .arena = &x->arena,
        .recall = recall,
        .remember = remember,
        .store = x,
        .remedies = remedies_of(jr_get(x->options.root, "remedies")),
        .learned = learned,
    };
}

/* Who fetches what is named by address, and what came of it. */
static void read_links(struct exchange *x)
{
    static const struct word FETCH[] = {
        {"auto",   GM_FETCH_AUTO  },
        {"always", GM_FETCH_ALWAYS}
    };
    int fetch = WORD(FETCH, jr_str(x->options.root, "fetch"));

    x->links = (struct gm_links){.fetch = fetch < 0 ? GM_FETCH_NEVER : (enum gm_fetch)fetch,
                                 .http = jr_bool(x->options.root, "http", false),
                                 .v = x->link};
    jr_each_member (url, jr_get(x->options.root, "files")) {
        struct gm_link *l = &x->link[x->links.n++ % GM_LINKS_MAX];

        l->url = jr_text(url);
        l->base64 = jr_text(url + 1);
        l->state = yyjson_is_null(url + 1) ? GM_LINK_FAILED : GM_LINK_HERE;
    }
    x->env.links = &x->links;
}

static void check_wanted(struct exchange *x)
{
    struct buf b;
    struct jw w;

    buf_init(&b, FILE_CAP);
    jw_begin(&w, &b);
    jw_arr(&w, NULL);
    for (size_t i = 0; i < x->links.n; i++)
        if (x->link[i].state == GM_LINK_WANTED)
            jw_str(&w, NULL, x->link[i].url);
    jw_end(&w);
    expect(x->r, "wanted.json", buf_str(&b), true);
    buf_fini(&b);
}

/* The request, with "stream": true put in front where it says nothing of it. */
static void read_request(struct exchange *x, bool stream)
{
    struct str file = buf_str(&x->r->request);
    size_t at = str_find(file, S("{"));

    buf_put(&x->text, str_sub(file, 0, at + 1));
    if (stream && at < file.n && str_find(file, S("\"stream\"")) == file.n)
        buf_lit(&x->text, "\"stream\": true, ");
    buf_put(&x->text, str_skip(file, at + 1));
    buf_put(&x->text, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
}

static void exchange_init(struct exchange *x, struct run *r, bool stream)
{
    *x = (struct exchange){.r = r};
    json_init(&x->request);
    json_init(&x->options);
    json_init(&x->event);
    buf_init(&x->text, FILE_CAP);
    buf_init(&x->out, FILE_CAP);
    buf_init(&x->remembered, FILE_CAP);
    jw_begin(&x->remembering, &x->remembered);
    jw_obj(&x->remembering, NULL);
    arena_init(&x->arena, FILE_CAP);
    for (size_t i = 0; i < CHOICES_MAX; i++)
        gm_reader_init(&x->reader[i], &x->told);
    read_options(x);
    read_links(x);
    read_request(x, stream);
    if (json_parse(&x->request, x->text.p, x->text.n - JSON_PAD, NULL, &x->why) == OK)
        x->err = r->d->request(x->request.root, &x->env, &x->tr, &x->why);
    else
        x->err = E_SYNTAX;
    if (x->err == OK && x->tr.choices > CHOICES_MAX) {
        complain(r, "choices", S("at most 8 in a test"), S("more"));
        x->tr.choices = 1;
    }
}

static void exchange_fini(struct exchange *x)
{
    if (x->err == OK) {
        rope_fini(&x->tr.body);
    }
    arena_fini(&x->arena);
    buf_fini(&x->remembered);
    buf_fini(&x->out);
    buf_fini(&x->text);
    json_fini(&x->event);
    json_fini(&x->options);
    json_fini(&x->request);
}

static void check_error(struct exchange *x, const struct gm_error *e)
{
    struct buf b;

    buf_init(&b, FILE_CAP);
    buf_putf(&b, "{\"status\":%d,", e->client_status);
    if (e->retry_after_s > 0)
        buf_putf(&b, "\"retry_after\":%u,", e->retry_after_s);
    for (unsigned i = 0; gm_remedy_name(i) != NULL; i++)
        if ((unsigned)e->remedy == 1U << i)
            buf_putf(&b, "\"remedy\":\"%s%s\",", gm_remedy_name(i),
                     e->remedy_lasts ? ", from now on" : "");
    if (e->key_fault)
        buf_lit(&b, "\"key_fault\":true,");
    if (e->quota_id[0] != '\0')
        buf_putf(&b, "\"quota_id\":\"%s\",", e->quota_id);
    buf_lit(&b, "\"body\":");
    x->r->d->error(e, &b);
    buf_lit(&b, "}");
    expect(x->r, "error.json", buf_str(&b), true);
    buf_fini(&b);
}

static void check_translation(struct exchange *x)
{
    struct buf b;
    struct rope_pos pos = {0};
    struct str piece;

    buf_init(&b, FILE_CAP);
    while ((piece = rope_next(&x->tr.body, &pos, SIZE_MAX)).n > 0)
        buf_put(&b, piece);
    expect(x->r, "upstream.json", buf_str(&b), true);
    buf_reset(&b);
    buf_putf(&b, "{\"model\":\"%.*s\",\"choices\":%u,\"ignored\":\"%.*s\"}", S_ARG(x->tr.model),
             x->tr.choices, S_ARG(x->tr.ignored));
    if (x->tr.choices != 1 || x->tr.ignored.n > 0 ||
        !str_eq(x->tr.model, jr_str(x->request.root, "model")) ||
        file_exists(x->r->dir, "translation.json"))
        expect(x->r, "translation.json", buf_str(&b), true);
    buf_fini(&b);
}

static enum err on_gm_event(void *ctx, const struct gm_event *e)
{
    struct exchange *x = ctx;

    return x->r->d->event(x->tr.answer, x->choice, e, &x->out);
}

static enum err on_sse(void *ctx, char *data, size_t n)
{
    struct exchange *x = ctx;

    return gm_read_event(&x->reader[x->choice], &x->event, data, n, on_gm_event, x);
}

/* Where the stream is cut: nowhere, everywhere, or at one point. */
enum { CUT_NOWHERE = -1, CUT_EVERYWHERE = -2 };

static enum err feed(struct exchange *x, struct str sse_text, long cut)
{
    struct sse sse;
    enum err err = OK;

    sse_init(&sse, FILE_CAP, on_sse, x);
    if (cut == CUT_EVERYWHERE)
        for (size_t i = 0; i < sse_text.n && err == OK; i++)
            err = sse_feed(&sse, str_sub(sse_text, i, 1));
    else {
        size_t at = cut == CUT_NOWHERE ? sse_text.n : (size_t)cut;

        err = sse_feed(&sse, str_sub(sse_text, 0, at));
        if (err == OK)
            err = sse_feed(&sse, str_skip(sse_text, at));
    }
    if (err == OK)
        err = sse_finish(&sse);
    sse_fini(&sse);
    return err;
}

/* What a client gets in the end, success or not, as one text. */
static void finish(struct exchange *x, enum err err, struct gm_error *ret_error)
{
    const struct dialect *d = x->r->d;

    *ret_error = x->told;
    if (err == OK)
        err = d->end(x->tr.answer, x->reader, x->tr.choices, &x->out, &x->why);
    if (err == OK)
        return;
    if (!ret_error->set)
        gm_error_make(ret_error, GM_BROKEN, str_z(x->why.what ? x->why.what : "cannot be read"));
    if (x->tr.stream)
        d->stream_error(x->tr.answer, ret_error, &x->out);
}

static void answer(struct exchange *x, long cut, struct gm_error *ret_error)
{
    enum err err = OK;

    for (x->choice = 0; x->choice < x->tr.choices; x->choice++) {
        err = feed(x, buf_str(&x->r->upstream[x->choice]), x->choice == 0 ? cut : CUT_NOWHERE);
        if (err != OK)
            break;
    }
    if (x->choice == x->tr.choices)
        x->choice--;
    finish(x, err, ret_error);
}

static void check_answer(struct exchange *x, const struct gm_error *e)
{
    if (x->tr.stream)
        expect(x->r, "client.sse", buf_str(&x->out), false);
    else if (e->set)
        check_error(x, e);
    else
        expect(x->r, "client.json", buf_str(&x->out), true);
    jw_end(&x->remembering);
    if (x->remembered.n > 2 || file_exists(x->r->dir, "remembered.json"))
        expect(x->r, "remembered.json", buf_str(&x->remembered), true);
}

/* The same stream cut at `cut`, its events read by their likeness, must say the same as the one
 * that was neither. */
static void check_cut(struct run *r, bool stream, long cut, struct str uncut)
{
    struct exchange x;
    struct gm_error e;

    exchange_init(&x, r, stream);
    for (unsigned i = 0; i < x.tr.choices; i++)
        x.reader[i].form = gm_form_new(&x.arena);
    answer(&x, cut, &e);
    if (!str_eq(buf_str(&x.out), uncut)) {
        printf("cut at %ld\n", cut);
        complain(r, "the same for every split", uncut, buf_str(&x.out));
    }
    exchange_fini(&x);
}

static void check_cuts(struct run *r, bool stream, struct str uncut)
{
    size_t n = r->upstream[0].n;
    size_t step = n / CUTS_MAX + 1;

    check_cut(r, stream, CUT_EVERYWHERE, uncut);
    for (size_t at = 1; at < n && r->ok; at += step)
        check_cut(r, stream, (long)at, uncut);
}

static void check_refusal(struct exchange *x)
{
    struct buf b;
    struct str body;
    struct gm_error e;
    uint64_t status = 0;
    size_t n;

    buf_init(&b, FILE_CAP);
    (void)file_read(x->r->dir, "upstream-error.txt", &b);
    body = buf_str(&b);
    if (!str_u64(str_trim(str_cut(&body, '\n')), 599, &status))
        complain(x->r, "upstream-error.txt", S("a status"), buf_str(&b));
    n = body.n;
    buf_put(&b, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    gm_error_read(&e, (int)status, b.p + (b.n - JSON_PAD - n), n);
    check_error(x, &e);
    buf_fini(&b);
}

static void run_manner(struct run *r, bool stream)
{
    struct exchange x;
    struct gm_error e;

    exchange_init(&x, r, stream);
    if (x.err != OK) {
        gm_error_fault(&e, &x.why, x.request.root);
        check_error(&x, &e);
    } else if (x.links.wanted > 0) {
        check_wanted(&x);
    } else {
        check_translation(&x);
        if (file_exists(r->dir, "upstream-error.txt"))
            check_refusal(&x);
        else if (file_exists(r->dir, "upstream.sse")) {
            answer(&x, CUT_NOWHERE, &e);
            check_answer(&x, &e);
            if (r->ok && !r->update)
                check_cuts(r, x.tr.stream, buf_str(&x.out));
        }
    }
    exchange_fini(&x);
}

static void read_case(struct run *r)
{
    buf_reset(&r->request);
    buf_reset(&r->options);
    if (!file_read(r->dir, "request.json", &r->request))
        complain(r, "request.json", S("a file"), S("none"));
    (void)file_read(r->dir, "options.json", &r->options);
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        char name[64];

        snprintf(name, sizeof name, "upstream.%u.sse", i);
        buf_reset(&r->upstream[i]);
        if (i == 0 || !file_read(r->dir, name, &r->upstream[i]))
            (void)file_read(r->dir, "upstream.sse", &r->upstream[i]);
    }
}

static void run_case(void *ctx, const char *name)
{
    struct run *r = ctx;
    size_t n = strlen(r->dir);

    snprintf(r->dir + n, sizeof r->dir - n, "/%s", name);
    r->name = name;
    r->ok = true;
    read_case(r);
    run_manner(r, false);
    run_manner(r, true);
    r->passed += r->ok;
    r->failed += !r->ok;
    r->dir[n] = '\0';
}

int main(int argc, char **argv)
{
    struct run r = {.update = argc > 1 && strcmp(argv[1], "--update") == 0};
    int at = r.update ? 2 : 1;

    if (argc - at < 2) {
        fputs("usage: run_golden [--update] DIALECT FOLDER [CASE]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < NELEM(DIALECT); i++)
        if (strcmp(DIALECT[i]->name, argv[at]) == 0)
            r.d = DIALECT[i];
    if (r.d == NULL) {
        fprintf(stderr, "there is no dialect %s\n", argv[at]);
        return 2;
    }
    snprintf(r.dir, sizeof r.dir, "%s", argv[at + 1]);
    buf_init(&r.request, FILE_CAP);
    buf_init(&r.options, FILE_CAP);
    for (unsigned i = 0; i < CHOICES_MAX; i++)
        buf_init(&r.upstream[i], FILE_CAP);
    if (argc - at > 2)
        run_case(&r, argv[at + 2]);
    else
        dir_each(r.dir, run_case, &r);
    for (unsigned i = 0; i < CHOICES_MAX; i++)
        buf_fini(&r.upstream[i]);
    buf_fini(&r.options);
    buf_fini(&r.request);
    printf("%u passed, %u failed (%u checks)\n", r.passed, r.failed, r.checks);
    return r.failed == 0 && r.passed > 0 ? 0 : 1;
}
