/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* answer_media.c - images and speech that the model made. Images go out as data URLs in the list
 * that the ecosystem reads; speech as OpenAI's audio member. */
#include "dialect/openai/answer.h"
#include "dialect/openai/sign.h"

#include "codec/base64.h"

enum { AUDIO_LIVES_S = 3600, AUDIO_MAX = 64 << 20 };

static void put_data_url(struct jw *w, const char *key, const struct gm_event *e)
{
    jw_str_open(w, key);
    jw_str_more(w, S("data:"));
    jw_str_more(w, e->mime);
    jw_str_more(w, S(";base64,"));
    jw_str_more(w, e->data);
    jw_str_close(w);
}

static void put_image(struct jw *w, unsigned index, const struct gm_event *e)
{
    jw_str(w, "type", S("image_url"));
    jw_obj(w, "image_url");
    put_data_url(w, "url", e);
    jw_end(w);
    jw_u64(w, "index", index);
    if (e->signature.n > 0) {
        jw_obj(w, "extra_content");
        jw_obj(w, "google");
        jw_str(w, "thought_signature", e->signature);
        jw_end(w);
        jw_end(w);
    }
}

/* For front-ends that render markdown and know no images member. */
static enum err put_markdown(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                             struct buf *out)
{
    struct buf b;
    enum err err;

    buf_init(&b, e->data.n + e->mime.n + 64);
    buf_lit(&b, "![image](data:");
    buf_put(&b, e->mime);
    buf_lit(&b, ";base64,");
    buf_put(&b, e->data);
    buf_lit(&b, ")");
    err = b.err == OK ? oa_answer_text(a, choice, buf_str(&b), false, out) : b.err;
    buf_fini(&b);
    return err;
}

static enum err tell_image(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                           struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    struct oa_sign name = oa_sign_image(e->data);
    struct oa_item item;
    enum err err;

    if (e->signature.n > 0 && a->remember != NULL)
        a->remember(a->store, oa_sign_str(&name), e->signature);
    oa_item_open(a, choice, &item, out, "images", true);
    put_image(&item.w, c->image_count++, e);
    err = oa_item_close(a, &item, out, &c->images);
    if (err == OK && a->opts->markdown_images)
        err = put_markdown(a, choice, e, out);
    return err;
}

static void put_audio_id(const struct oa_answer *a, struct jw *w)
{
    jw_str_open(w, "id");
    jw_str_more(w, S("audio_"));
    jw_str_more(w, a->nonce);
    jw_str_close(w);
}

/* In a stream each piece is decoded by itself, as OpenAI's are. */
static enum err tell_audio(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                           struct buf *out)
{
    struct oa_choice *c = &a->choice[choice];
    struct jw w;

    if (!a->stream) {
        if (c->audio_mime.n == 0)
            c->audio_mime = arena_dup(a->arena, e->mime);
        return pieces_item(&c->audio, a->arena, e->data);
    }
    oa_chunk_open(a, choice, &w, out);
    jw_obj(&w, "audio");
    put_audio_id(a, &w);
    jw_str(&w, "data", e->data);
    jw_int(&w, "expires_at", a->created + AUDIO_LIVES_S);
    jw_end(&w);
    return oa_chunk_close(a, &w, out);
}

enum err oa_answer_media(struct oa_answer *a, unsigned choice, const struct gm_event *e,
                         struct buf *out)
{
    if (e->thought)
        return OK; /* a sketch on the way to the image (mapping 3.5) */
    if (str_starts(e->mime, S("audio/")))
        return tell_audio(a, choice, e, out);
    return tell_image(a, choice, e, out);
}

static void put_le(struct buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)(v >> 8 * i & 0xff));
}

/* "audio/L16;codec=pcm;rate=24000" */
static uint32_t rate_of(struct str mime)
{
    struct str rest = str_skip(mime, str_find(mime, S("rate=")) + 5);
    uint64_t rate;

    return str_u64(str_trim(str_cut(&rest, ';')), 384000, &rate) ? (uint32_t)rate : 24000;
}

/* A RIFF header for n bytes of 16 bit mono. */
static void put_wav_header(struct buf *b, uint32_t rate, size_t n)
{
    uint32_t size = n < UINT32_MAX - 36 ? (uint32_t)n : UINT32_MAX - 36;

    buf_lit(b, "RIFF");
    put_le(b, size + 36, 4);
    buf_lit(b, "WAVEfmt ");
    put_le(b, 16, 4);
    put_le(b, 1, 2); /* PCM */
    put_le(b, 1, 2); /* channels */
    put_le(b, rate, 4);
    put_le(b, rate * 2, 4);
    put_le(b, 2, 2);
    put_le(b, 16, 2);
    buf_lit(b, "data");
    put_le(b, size, 4);
}

static enum err decode_audio(const struct oa_choice *c, struct buf *raw)
{
    enum err err = OK;

    for (const struct piece *p = c->audio.first; p != NULL && err == OK; p = p->next)
        err = base64_decode(piece_str(p), raw);
    return err;
}

static void put_audio_data(struct jw *w, const struct oa_answer *a, const struct oa_choice *c)
{
    struct buf raw, whole, text;

    buf_init(&raw, AUDIO_MAX);
    buf_init(&whole, AUDIO_MAX + 64);
    buf_init(&text, AUDIO_MAX * 2);
    if (decode_audio(c, &raw) == OK) {
        if (str_eq(a->audio_format, S("wav")) && str_starts(c->audio_mime, S("audio/L16")))
            put_wav_header(&whole, rate_of(c->audio_mime), raw.n);
        buf_put(&whole, buf_str(&raw));
        base64_encode(buf_str(&whole), &text);
    }
    jw_str(w, "data", buf_str(&text));
    buf_fini(&text);
    buf_fini(&whole);
    buf_fini(&raw);
}

void oa_put_audio(const struct oa_answer *a, struct jw *w, const struct oa_choice *c)
{
    if (c->audio.count == 0)
        return;
    jw_obj(w, "audio");
    put_audio_id(a, w);
    put_audio_data(w, a, c);
    jw_int(w, "expires_at", a->created + AUDIO_LIVES_S);
    jw_str(w, "transcript", S(""));
    jw_end(w);
}
