/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer_cite.c - where the answer is from, as url_citation annotations.
 *
 * Google counts bytes of the text, OpenAI characters: in a stream the text told so far is gathered
 * for this when sources were asked for (answer.h, keep_text). Google's own object goes along. */
#include "dialect/openai/answer.h"

#include "codec/utf8.h"

/* The text of a choice in one piece, and the place where the last conversion ended. */
struct ruler {
    struct buf flat;
    size_t bytes, chars;
};

static void ruler_init(struct ruler *r, const struct pieces *text)
{
    buf_init(&r->flat, text->bytes);
    for (const struct piece *p = text->first; p != NULL; p = p->next)
        buf_put(&r->flat, piece_str(p));
    r->bytes = r->chars = 0;
}

/* Characters before byte `at`. Sources stand in the order of the text, as a rule: then the whole
 * text is counted once. */
static uint64_t chars_before(struct ruler *r, uint64_t at)
{
    struct str text = buf_str(&r->flat);
    size_t to = utf8_floor(text, at < text.n ? (size_t)at : text.n);

    if (to < r->bytes)
        r->bytes = r->chars = 0;
    r->chars += utf8_count(str_sub(text, r->bytes, to - r->bytes));
    r->bytes = to;
    return r->chars;
}

struct span {
    uint64_t from, to; /* bytes */
};

/* Where a segment stands. Its own text is the proof: when something was put between the parts (code
 * that ran), it stands elsewhere. */
static struct span span_of(const struct ruler *r, yyjson_val *segment)
{
    struct span s = {jr_count(segment, "startIndex"), jr_count(segment, "endIndex")};
    struct str text = buf_str(&r->flat);
    struct str own = jr_str(segment, "text");
    size_t at;

    if (own.n == 0 || (s.from < text.n && str_starts(str_skip(text, (size_t)s.from), own)))
        return s;
    at = str_find(text, own);
    return at < text.n ? (struct span){at, at + own.n} : s;
}

/* The members under which a chunk of grounding names its source. */
static const char *const SOURCE[] = {"web", "maps", "image", "retrievedContext"};

static struct str uri_of(yyjson_val *source)
{
    struct str uri = jr_str(source, "uri");

    return uri.n > 0 ? uri : jr_str(source, "sourceUri");
}

static yyjson_val *source_of(yyjson_val *chunk)
{
    for (size_t i = 0; i < NELEM(SOURCE); i++) {
        yyjson_val *source = jr_get(chunk, SOURCE[i]);

        if (source != NULL)
            return source;
    }
    return NULL;
}

/* A sink for annotations: a list in a delta, or items that wait. */
struct notes {
    struct oa_answer *a;
    struct oa_choice *c;
    struct buf *out;
    struct jw *w; /* in a stream */
    enum err err;
};

static void put_note(struct jw *w, uint64_t from, uint64_t to, struct str title, struct str uri)
{
    jw_obj(w, NULL);
    jw_str(w, "type", S("url_citation"));
    jw_obj(w, "url_citation");
    jw_u64(w, "start_index", from);
    jw_u64(w, "end_index", to);
    jw_str(w, "title", title);
    jw_str(w, "url", uri);
    jw_end(w);
    jw_end(w);
}

static void note(struct notes *n, struct ruler *r, struct span s, yyjson_val *source)
{
    uint64_t from = chars_before(r, s.from);
    uint64_t to = chars_before(r, s.to);
    struct str uri = uri_of(source);
    size_t at = n->out->n;
    struct jw w;

    if (uri.n == 0 || n->err != OK || n->c->annotations.count >= OA_ANNOTATIONS_MAX)
        return;
    if (n->w != NULL) {
        n->c->annotations.count++;
        put_note(n->w, from, to, jr_str(source, "title"), uri);
        return;
    }
    jw_begin(&w, n->out);
    put_note(&w, from, to, jr_str(source, "title"), uri);
    n->err = jw_end_all(&w);
    if (n->err == OK)
        n->err = pieces_item(&n->c->annotations, n->a->arena, str_skip(buf_str(n->out), at));
    buf_cut(n->out, at);
}

/* A support is a stretch of text and the sources that it has. Later chunks repeat the earlier ones'
 * list and go on: what was told is passed over. */
static void note_supports(struct notes *n, struct ruler *r, yyjson_val *grounding)
{
    yyjson_val *chunks = jr_get(grounding, "groundingChunks");
    unsigned i = 0;

    jr_each (support, jr_get(grounding, "groundingSupports")) {
        struct span s = span_of(r, jr_get(support, "segment"));

        if (i++ < n->c->supports)
            continue;
        n->c->supports++;
        jr_each (index, jr_get(support, "groundingChunkIndices")) {
            int64_t at;

            if (jr_int(index, 0, INT32_MAX, &at))
                note(n, r, s, source_of(yyjson_arr_get(chunks, (size_t)at)));
        }
    }
}

static void note_citations(struct notes *n, struct ruler *r, yyjson_val *citations)
{
    yyjson_val *sources = jr_get(citations, "citationSources");

    jr_each (source, sources != NULL ? sources : jr_get(citations, "citations"))
        note(n, r, (struct span){jr_count(source, "startIndex"), jr_count(source, "endIndex")},
             source);
}

typedef void note_f(struct notes *n, struct ruler *r, yyjson_val *raw);

static enum err tell(struct oa_answer *a, unsigned choice, note_f *put, yyjson_val *raw,
                     const char *google_name, struct buf *out)
{
    struct notes n = {.a = a, .c = &a->choice[choice], .out = out};
    struct ruler r;
    struct jw w;

    ruler_init(&r, &n.c->text);
    if (!a->stream) {
        put(&n, &r, raw);
        buf_fini(&r.flat);
        return n.err;
    }
    n.w = &w;
    oa_chunk_open(a, choice, &w, out);
    jw_str(&w, "content", S(""));
    if (a->keep_text) { /* else there is nothing to count characters in */
        jw_arr(&w, "annotations");
        put(&n, &r, raw);
        jw_end(&w);
    }
    jw_obj(&w, "extra_content");
    jw_obj(&w, "google");
    jw_copy(&w, google_name, raw);
    jw_end(&w);
    jw_end(&w);
    buf_fini(&r.flat);
    return oa_chunk_close(a, &w, out);
}

/* Google's terms ask for its search entry point to be shown: the whole of it goes along. */
enum err oa_answer_grounding(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                             struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    size_t from = out->n;
    struct jw w;
    enum err err;

    if (!a->stream) {
        jw_begin(&w, out);
        jw_copy(&w, NULL, e->raw);
        err = jw_end_all(&w);
        c->grounding = arena_dup(a->arena, str_skip(buf_str(out), from));
        buf_cut(out, from);
        if (err != OK || c->grounding.n == 0)
            return E_TOOBIG;
    }
    return tell(a, choice, note_supports, e->raw, "grounding_metadata", out);
}

enum err oa_answer_citations(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                             struct buf *out)
{
    return tell(a, choice, note_citations, e->raw, "citation_metadata", out);
}
