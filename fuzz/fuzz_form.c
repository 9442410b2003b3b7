/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_form.c - a chunk, and chunks that differ from it in one place: the reader that knows them by
 * their likeness tells what the reader tells that parses each, as events of a stream and as whole
 * answers of one request after another.
 *
 * The chunk ends at the first NUL. Behind it stand edits of it: where (two bytes), how many bytes
 * go, how many come, and these. SHP-3, SHP-6. */
#include "gemini/event.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

enum { CAP = 1 << 20, EDITS_MAX = 8, EDIT_HEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct side {
    struct json json;
    struct gm_error told;
    struct gm_reader reader;
    struct buf out; /* what it told, and what is known at the end */
    enum err err;
    char *chunk; /* the last one: a block of its own, so that ASan sees its end */
};

static void begin(struct side *s, struct gm_form *form)
{
    *s = (struct side){.err = OK};
    json_init(&s->json);
    buf_init(&s->out, CAP);
    gm_reader_init(&s->reader, &s->told);
    s->reader.form = form;
}

static void end(struct side *s)
{
    free(s->chunk);
    buf_fini(&s->out);
    json_fini(&s->json);
}

static void put(struct buf *out, const char *name, struct str s)
{
    buf_putf(out, "%s(%zu)", name, s.n);
    buf_put(out, s);
}

static enum err on_event(void *ctx, const struct gm_event *e)
{
    struct buf *out = &((struct side *)ctx)->out;

    buf_putf(out, "%d %d ", (int)e->kind, e->thought);
    put(out, "text", e->text);
    put(out, "name", e->name);
    put(out, "id", e->id);
    put(out, "mime", e->mime);
    put(out, "data", e->data);
    put(out, "signature", e->signature);
    return OK;
}

static void put_reader(struct buf *out, const struct gm_reader *r)
{
    const struct gm_usage *u = &r->usage;
    const uint64_t counts[] = {
        u->prompt, u->candidates,   u->thoughts,     u->tool_use,         u->cached,
        u->total,  u->prompt_audio, u->prompt_image, u->candidates_audio, u->candidates_image};

    for (size_t i = 0; i < NELEM(counts); i++)
        buf_putf(out, " %llu", (unsigned long long)counts[i]);
    buf_putf(out, " %d %d %d %d %d %d", u->seen, (int)r->finish, r->blocked, r->any_content,
             r->any_answer, r->any_chunk);
    put(out, "tier", str_z(u->tier));
    put(out, "id", str_z(r->response_id));
    put(out, "model", str_z(r->model_version));
    put(out, "word", str_z(r->finish_word));
    put(out, "message", str_z(r->finish_message));
}

static void feed(struct side *s, struct str chunk)
{
    free(s->chunk);
    s->chunk = malloc(chunk.n + JSON_PAD);
    assert(s->chunk != NULL);
    memcpy(s->chunk, chunk.p, chunk.n);
    s->err = gm_read_event(&s->reader, &s->json, s->chunk, chunk.n, on_event, s);
    if (s->err == OK)
        put_reader(&s->out, &s->reader);
}

/* Whatever is wrong with a chunk, what it told before that is the same, but for one that is no
 * JSON: the reader by likeness may see it later. */
static void compare(const struct side *likeness, const struct side *parsed)
{
    assert(likeness->err == parsed->err);
    assert(parsed->err == OK || !likeness->told.set || parsed->told.set);
    assert(likeness->out.err == OK && parsed->out.err == OK);
    assert(parsed->err != OK || str_eq(buf_str(&likeness->out), buf_str(&parsed->out)));
}

/* The chunk with the next edit done. */
static struct str edited(struct str chunk, struct str *edits, struct buf *out)
{
    const uint8_t *e = (const uint8_t *)edits->p;
    size_t at = chunk.n > 0 ? ((size_t)e[0] << 8 | e[1]) % (chunk.n + 1) : 0;
    struct str come = str_sub(*edits, EDIT_HEAD, e[3]);

    buf_reset(out);
    buf_put(out, str_sub(chunk, 0, at));
    buf_put(out, come);
    buf_put(out, str_skip(chunk, at + e[2]));
    *edits = str_skip(*edits, EDIT_HEAD + come.n);
    return buf_str(out);
}

typedef bool step_f(void *ctx, struct str chunk);

static void walk(struct str chunk, struct str edits, step_f *step, void *ctx)
{
    struct buf text;

    buf_init(&text, CAP);
    if (step(ctx, chunk))
        for (int i = 0; i < EDITS_MAX && edits.n >= EDIT_HEAD; i++)
            if (!step(ctx, edited(chunk, &edits, &text)))
                break;
    buf_fini(&text);
}

struct pair {
    struct side likeness, parsed;
};

/* An error ends a stream. */
static bool next_event(void *ctx, struct str chunk)
{
    struct pair *p = ctx;

    feed(&p->likeness, chunk);
    feed(&p->parsed, chunk);
    compare(&p->likeness, &p->parsed);
    return p->parsed.err == OK;
}

static bool next_answer(void *ctx, struct str chunk)
{
    struct pair p;

    begin(&p.likeness, ctx);
    begin(&p.parsed, NULL);
    next_event(&p, chunk);
    end(&p.likeness);
    end(&p.parsed);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str edits = str_of((const char *)data, size);
    struct str chunk = str_cut(&edits, '\0');
    struct gm_form *wholes = gm_form_of_wholes();
    struct arena arena;
    struct pair p;

    arena_init(&arena, CAP);
    begin(&p.likeness, gm_form_new(&arena));
    begin(&p.parsed, NULL);
    walk(chunk, edits, next_event, &p);
    end(&p.likeness);
    end(&p.parsed);
    arena_fini(&arena);
    walk(chunk, edits, next_answer, wholes);
    mem_free(wholes);
    return 0;
}
