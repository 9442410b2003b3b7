/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media.c - what a client calls an image, a sound or a document, as Gemini takes it.
 *
 * A large file is never copied: its base64 is pointed at where it arrived. Must not know the member
 * names of any client's format. */
#include "gemini/media.h"

#include "codec/base64.h"
#include "codec/utf8.h"
#include "gemini/media_type.h"

enum { TEXT_HEAD = 512 }; /* base64; whole groups of four */

/* What the first bytes say, or NULL. */
static const struct gm_type *type_sniffed(struct str base64)
{
    struct buf head;
    const struct gm_type *found = NULL;

    buf_init(&head, 64);
    if (base64_decode(str_sub(base64, 0, 16), &head) == OK)
        found = gm_type_of_head(buf_str(&head));
    buf_fini(&head);
    return found;
}

/* Is it plain text, as far as its beginning tells? */
static bool is_text(struct str base64)
{
    struct buf head;
    struct str text;
    bool ok;

    buf_init(&head, TEXT_HEAD);
    ok = base64_decode(str_sub(base64, 0, TEXT_HEAD), &head) == OK && head.n > 0;
    text = buf_str(&head);
    if (base64.n > TEXT_HEAD) /* the last character may be cut */
        text = str_sub(text, 0, utf8_floor(text, text.n - 3));
    ok = ok && utf8_ok(text);
    for (size_t i = 0; i < text.n && ok; i++)
        ok = (unsigned char)text.p[i] >= ' ' || memchr("\t\n\f\r", text.p[i], 4) != NULL;
    buf_fini(&head);
    return ok;
}

/* Images and PDFs are known by their bytes, which go before what was declared; the others by their
 * declared type (raw samples may look like anything); what has none, by its bytes, or else by what
 * the client says that it is. A document of a type that nobody knows may still be text, as sources
 * of programs are. */
static const struct gm_type *type_of(struct str declared, struct str base64, enum gm_medium as)
{
    const struct gm_type *named = gm_type_named(declared);
    const struct gm_type *sniffed = type_sniffed(base64);
    bool unsaid = declared.n == 0 || str_starts_nocase(declared, S("application/octet-stream"));

    if (sniffed != NULL &&
        (named == NULL || (named->medium == sniffed->medium &&
                           (named->medium == GM_IMAGE || named->medium == GM_DOCUMENT))))
        return sniffed;
    if (named != NULL)
        return named;
    if (str_starts_nocase(declared, S("text/")))
        return gm_type_named(S("text/plain"));
    if (as == GM_DOCUMENT && is_text(base64))
        return gm_type_named(S("text/plain"));
    return unsaid ? gm_type_first(as) : NULL;
}

static enum err set_type(struct gm_media *m, const struct gm_type *type, struct fault *why)
{
    if (type == NULL)
        return fault_set(why, E_FIELD, "has a type that Gemini does not take", NULL);
    if (type->google == NULL)
        return fault_set(why, E_FIELD,
                         type->medium == GM_IMAGE
                             ? "is an image of a type that Gemini does not take; send png, jpeg, "
                               "webp, heic or heif"
                             : "is a file of a type that Gemini does not take; send PDF or text",
                         NULL);
    m->mime = str_z(type->google);
    return OK;
}

enum err gm_media_base64(struct str base64, struct str mime, enum gm_medium as,
                         struct gm_media *ret, struct fault *why)
{
    struct gm_media m = {.base64 = base64, .uri = S("")};
    struct str by_ending = gm_type_of_ending(mime);
    const struct gm_type *type = type_of(by_ending.n > 0 ? by_ending : mime, base64, as);
    enum err err;

    /* An ending may stand for a film or for a sound ("webm"): the client's word decides. */
    if (type != NULL && as == GM_AUDIO && type->medium == GM_VIDEO &&
        str_ends(str_z(type->spelled), S("webm")))
        type = gm_type_named(S("audio/webm"));
    err = set_type(&m, type, why);
    if (err != OK)
        return err;
    if (base64.n == 0)
        return fault_set(why, E_FIELD, "holds no data", NULL);
    if (!base64_ok(base64))
        return fault_set(why, E_SYNTAX, "is not valid base64", NULL);
    *ret = m;
    return OK;
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at == NULL ? -1 : (int)((at - digits) % 16);
}

static void percent_decode(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_of(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_of(s.p[i + 2]) : -1;

        if (low >= 0) {
            buf_putc(out, (char)(high << 4 | low));
            i += 2;
        } else
            buf_putc(out, s.p[i]);
    }
}

/* The bytes of a data: URL without ";base64", as base64 in the arena. */
static struct str encode_plain(struct str data, struct arena *arena)
{
    struct buf bytes, text;
    struct str ret;

    buf_init(&bytes, data.n + 1);
    buf_init(&text, data.n * 2 + 8);
    percent_decode(data, &bytes);
    base64_encode(buf_str(&bytes), &text);
    ret = arena_dup(arena, buf_str(&text));
    buf_fini(&text);
    buf_fini(&bytes);
    return ret;
}

/* data:[type][;parameter]*[;base64],payload */
static enum err read_data_url(struct str rest, enum gm_medium as, struct arena *arena,
                              struct gm_media *ret, struct fault *why)
{
    size_t comma = str_find(rest, S(","));
    struct str type = str_sub(rest, 0, comma);
    struct str payload = str_skip(rest, comma + 1);

    if (comma == rest.n)
        return fault_set(why, E_SYNTAX, "is a data: URL without a comma", NULL);
    if (type.n >= 7 && str_eq_nocase(str_skip(type, type.n - 7), S(";base64")))
        type.n -= 7;
    else if (payload.n > 0) {
        payload = encode_plain(payload, arena);
        if (payload.n == 0)
            return fault_set(why, E_TOOBIG, "is larger than this server takes", NULL);
    }
    return gm_media_base64(payload, str_cut(&type, ';'), as, ret, why);
}

/* Pages and stores that Google reads without being told a type. */
static const struct str KNOWN_HOST[] = {
    S_INIT("https://www.youtube.com/"),
    S_INIT("https://youtube.com/"),
    S_INIT("https://m.youtube.com/"),
    S_INIT("https://youtu.be/"),
    S_INIT("https://generativelanguage.googleapis.com/"),
};

static bool is_known_host(struct str url)
{
    for (size_t i = 0; i < NELEM(KNOWN_HOST); i++)
        if (str_starts_nocase(url, KNOWN_HOST[i]))
            return true;
    return false;
}

/* "files/abc" is a file of the Files API. */
static struct str file_uri(struct str name, struct arena *arena)
{
    const struct str host = S("https://generativelanguage.googleapis.com/v1beta/");
    char *p = arena_alloc(arena, host.n + name.n);

    if (p == NULL)
        return S("");
    memcpy(p, host.p, host.n);
    memcpy(p + host.n, name.p, name.n);
    return str_of(p, host.n + name.n);
}

/* May Google have a try at it? */
static bool google_may(struct str url, const struct gm_media_env *env)
{
    return (env->links == NULL || env->links->fetch != GM_FETCH_ALWAYS) &&
           str_starts_nocase(url, S("https://")) && gm_can(env->caps, GM_CAN_URLS);
}

/* Is it for us to fetch? What Google would be told of its type is part of that. */
static bool is_ours(struct str url, struct str guess, const struct gm_media_env *env)
{
    if (env->links == NULL || env->links->fetch == GM_FETCH_NEVER)
        return false;
    return !google_may(url, env) || guess.n == 0 || (env->remedies & GM_FETCH_MEDIA) != 0;
}

static struct gm_link *link_of(struct gm_links *links, struct str url)
{
    for (size_t i = 0; i < links->n; i++)
        if (str_eq(links->v[i].url, url))
            return &links->v[i];
    return NULL;
}

/* NULL: the arena is full. */
static struct gm_link *want(struct str url, const struct gm_media_env *env)
{
    struct gm_links *links = env->links;
    struct str kept;

    if (links->v == NULL)
        links->v = arena_zalloc(env->arena, GM_LINKS_MAX * sizeof *links->v);
    if (links->v == NULL)
        return NULL;
    kept = arena_dup(env->arena, url); /* it may stand in JSON that ends with the translation */
    if (kept.n == 0)
        return NULL;
    links->v[links->n] = (struct gm_link){.url = kept, .base64 = S("")};
    links->wanted++;
    return &links->v[links->n++];
}

/* One that we fetch: not yet here, here, or not to be had. m is how Google would be told of it. */
static enum err read_link(struct str url, enum gm_medium as, const struct gm_media_env *env,
                          const struct gm_media *m, struct gm_media *ret, struct fault *why)
{
    struct gm_link *link = link_of(env->links, url);

    if (link == NULL && env->links->n < GM_LINKS_MAX) {
        link = want(url, env);
        if (link == NULL)
            return fault_set(why, E_TOOBIG, "is longer than this server keeps", NULL);
    }
    if (link == NULL && !google_may(url, env))
        return fault_set(why, E_RANGE,
                         "is one address more than this server fetches for a request; at most 16",
                         NULL);
    if (link != NULL && link->state == GM_LINK_HERE)
        return gm_media_base64(link->base64, S(""), as, ret, why);
    /* Where Google has failed already, it is not asked again. */
    if (link != NULL && link->state == GM_LINK_FAILED &&
        (!google_may(url, env) || (env->remedies & GM_FETCH_MEDIA)))
        return fault_set(why, E_FIELD, "could not be fetched", NULL);
    *ret = *m;
    return OK;
}

static enum err read_web(struct str url, enum gm_medium as, const struct gm_media_env *env,
                         struct gm_media *ret, struct fault *why)
{
    struct gm_media m = {.uri = url, .mime = S(""), .base64 = S("")};
    struct str guess = gm_media_type_of(url);
    enum err err;

    if (!str_starts_nocase(url, S("https://")) &&
        (env->links == NULL || env->links->fetch == GM_FETCH_NEVER || !env->links->http ||
         !str_starts_nocase(url, S("http://"))))
        return fault_set(why, E_FIELD, "must be a data: or an https: URL", NULL);
    err = set_type(&m, guess.n > 0 ? gm_type_named(guess) : gm_type_first(as), why);
    if (err != OK)
        return err;
    if (is_ours(url, guess, env))
        return read_link(url, as, env, &m, ret, why);
    if (!google_may(url, env))
        return fault_set(why, E_FIELD,
                         "is an address, which this model does not read; send a data: URL", NULL);
    *ret = m;
    return OK;
}

/* An object of Google's store. */
static enum err read_stored(struct str url, enum gm_medium as, struct gm_media *ret,
                            struct fault *why)
{
    struct gm_media m = {.uri = url, .mime = S(""), .base64 = S("")};
    struct str guess = gm_media_type_of(url);
    enum err err = set_type(&m, guess.n > 0 ? gm_type_named(guess) : gm_type_first(as), why);

    if (err == OK)
        *ret = m;
    return err;
}

enum err gm_media_url(struct str url, enum gm_medium as, const struct gm_media_env *env,
                      struct gm_media *ret, struct fault *why)
{
    if (str_starts_nocase(url, S("data:")))
        return read_data_url(str_skip(url, 5), as, env->arena, ret, why);
    if (str_starts_nocase(url, S("gs://")))
        return read_stored(url, as, ret, why);
    if (str_starts(url, S("files/"))) {
        url = file_uri(url, env->arena);
        if (url.n == 0)
            return fault_set(why, E_TOOBIG, "is larger than this server takes", NULL);
    }
    if (!is_known_host(url))
        return read_web(url, as, env, ret, why);
    *ret = (struct gm_media){.uri = url, .mime = S(""), .base64 = S("")};
    return OK;
}

void gm_put_media(struct gm *g, const struct gm_media *m, const struct gm_extra *extra)
{
    if (m->uri.n > 0)
        gm_file(g, m->uri, m->mime, extra);
    else
        gm_inline(g, m->mime, m->base64, extra);
}

void gm_put_result_media(struct gm *g, const struct gm_media *m)
{
    if (m->uri.n > 0)
        gm_result_file(g, m->uri, m->mime);
    else
        gm_result_inline(g, m->mime, m->base64);
}
