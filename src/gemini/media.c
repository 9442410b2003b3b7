/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media.c - what a client calls an image, a sound or a document, as Gemini takes it.
 *
 * A large file is never copied: its base64 is pointed at where it arrived. Must not know the member
 * names of any client's format. */
#include "gemini/media.h"

#include "codec/base64.h"

/* A type as clients spell it (or a name's ending), as Google does (NULL: refused), and what it is.
 * The first row of a medium is what it is taken for when nothing tells. Source: mapping 2.5. */
static const struct type {
    const char *spelled, *google;
    enum gm_medium medium;
} TYPE[] = {
    {"image/jpeg",               "image/jpeg",      GM_IMAGE   },
    {"image/jpg",                "image/jpeg",      GM_IMAGE   },
    {"image/png",                "image/png",       GM_IMAGE   },
    {"image/webp",               "image/webp",      GM_IMAGE   },
    {"image/heic",               "image/heic",      GM_IMAGE   },
    {"image/heif",               "image/heif",      GM_IMAGE   },
    {"image/avif",               "image/avif",      GM_IMAGE   },
    {"image/gif",                NULL,              GM_IMAGE   },
    {"image/svg+xml",            NULL,              GM_IMAGE   },
    {"image/bmp",                NULL,              GM_IMAGE   },
    {"image/tiff",               NULL,              GM_IMAGE   },
    {"audio/wav",                "audio/wav",       GM_AUDIO   },
    {"audio/x-wav",              "audio/wav",       GM_AUDIO   },
    {"audio/wave",               "audio/wav",       GM_AUDIO   },
    {"audio/mp3",                "audio/mp3",       GM_AUDIO   },
    {"audio/mpeg",               "audio/mp3",       GM_AUDIO   },
    {"audio/aiff",               "audio/aiff",      GM_AUDIO   },
    {"audio/aac",                "audio/aac",       GM_AUDIO   },
    {"audio/ogg",                "audio/ogg",       GM_AUDIO   },
    {"audio/opus",               "audio/ogg",       GM_AUDIO   },
    {"audio/flac",               "audio/flac",      GM_AUDIO   },
    {"audio/m4a",                "audio/mp4",       GM_AUDIO   },
    {"audio/x-m4a",              "audio/mp4",       GM_AUDIO   },
    {"audio/mp4",                "audio/mp4",       GM_AUDIO   },
    {"audio/webm",               "audio/webm",      GM_AUDIO   },
    {"audio/pcm16",              "audio/l16",       GM_AUDIO   },
    {"audio/l16",                "audio/l16",       GM_AUDIO   },
    {"video/mp4",                "video/mp4",       GM_VIDEO   },
    {"video/mpeg",               "video/mpeg",      GM_VIDEO   },
    {"video/mov",                "video/mov",       GM_VIDEO   },
    {"video/quicktime",          "video/mov",       GM_VIDEO   },
    {"video/avi",                "video/avi",       GM_VIDEO   },
    {"video/x-flv",              "video/x-flv",     GM_VIDEO   },
    {"video/mpg",                "video/mpg",       GM_VIDEO   },
    {"video/webm",               "video/webm",      GM_VIDEO   },
    {"video/wmv",                "video/wmv",       GM_VIDEO   },
    {"video/3gpp",               "video/3gpp",      GM_VIDEO   },
    {"application/pdf",          "application/pdf", GM_DOCUMENT},
    {"text/plain",               "text/plain",      GM_DOCUMENT},
    {"text/html",                "text/html",       GM_DOCUMENT},
    {"text/css",                 "text/css",        GM_DOCUMENT},
    {"text/csv",                 "text/csv",        GM_DOCUMENT},
    {"text/xml",                 "text/xml",        GM_DOCUMENT},
    {"text/rtf",                 "text/rtf",        GM_DOCUMENT},
    {"text/markdown",            "text/markdown",   GM_DOCUMENT},
    {"text/javascript",          "text/javascript", GM_DOCUMENT},
    {"text/x-python",            "text/x-python",   GM_DOCUMENT},
    {"application/rtf",          "text/rtf",        GM_DOCUMENT},
    {"application/xml",          "text/xml",        GM_DOCUMENT},
    {"application/javascript",   "text/javascript", GM_DOCUMENT},
    {"application/x-javascript", "text/javascript", GM_DOCUMENT},
    {"application/json",         "text/plain",      GM_DOCUMENT},
    {"application/x-yaml",       "text/plain",      GM_DOCUMENT},
};

/* A name's ending, and its type where that is not the ending itself. */
static const struct ending {
    const char *ending, *type;
} ENDING[] = {
    {"jpg",   "image/jpeg"     },
    {"jpeg",  "image/jpeg"     },
    {"png",   "image/png"      },
    {"webp",  "image/webp"     },
    {"heic",  "image/heic"     },
    {"heif",  "image/heif"     },
    {"avif",  "image/avif"     },
    {"gif",   "image/gif"      },
    {"svg",   "image/svg+xml"  },
    {"bmp",   "image/bmp"      },
    {"wav",   "audio/wav"      },
    {"mp3",   "audio/mp3"      },
    {"aiff",  "audio/aiff"     },
    {"aac",   "audio/aac"      },
    {"ogg",   "audio/ogg"      },
    {"opus",  "audio/opus"     },
    {"flac",  "audio/flac"     },
    {"m4a",   "audio/m4a"      },
    {"pcm16", "audio/pcm16"    },
    {"mp4",   "video/mp4"      },
    {"mpeg",  "video/mpeg"     },
    {"mpg",   "video/mpg"      },
    {"mov",   "video/mov"      },
    {"avi",   "video/avi"      },
    {"webm",  "video/webm"     },
    {"wmv",   "video/wmv"      },
    {"flv",   "video/x-flv"    },
    {"3gp",   "video/3gpp"     },
    {"pdf",   "application/pdf"},
    {"txt",   "text/plain"     },
    {"log",   "text/plain"     },
    {"json",  "text/plain"     },
    {"yaml",  "text/plain"     },
    {"yml",   "text/plain"     },
    {"html",  "text/html"      },
    {"htm",   "text/html"      },
    {"css",   "text/css"       },
    {"csv",   "text/csv"       },
    {"xml",   "text/xml"       },
    {"rtf",   "text/rtf"       },
    {"md",    "text/markdown"  },
    {"js",    "text/javascript"},
    {"py",    "text/x-python"  },
};

/* First bytes that tell an image or a document, whatever it was declared. */
static const struct {
    struct str bytes;
    size_t at;
    const char *type;
} MAGIC[] = {
    {S_INIT("\x89PNG"),      0, "image/png"      },
    {S_INIT("\xff\xd8\xff"), 0, "image/jpeg"     },
    {S_INIT("GIF8"),         0, "image/gif"      },
    {S_INIT("WEBP"),         8, "image/webp"     },
    {S_INIT("%PDF"),         0, "application/pdf"},
};

static const struct type *type_named(struct str spelled)
{
    struct str bare = str_cut(&spelled, ';');

    bare = str_trim(bare);
    for (size_t i = 0; i < NELEM(TYPE); i++)
        if (str_eq_nocase(bare, str_z(TYPE[i].spelled)))
            return &TYPE[i];
    return NULL;
}

static const struct type *first_of(enum gm_medium medium)
{
    for (size_t i = 0; i < NELEM(TYPE); i++)
        if (TYPE[i].medium == medium)
            return &TYPE[i];
    return NULL;
}

static struct str type_of_ending(struct str ending)
{
    for (size_t i = 0; i < NELEM(ENDING); i++)
        if (str_eq_nocase(ending, str_z(ENDING[i].ending)))
            return str_z(ENDING[i].type);
    return S("");
}

struct str gm_media_type_of(struct str name)
{
    struct str rest = name;
    struct str path = str_cut(&rest, '?');
    size_t dot = path.n;

    rest = path;
    path = str_cut(&rest, '#');
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/' && dot == path.n; i--)
        if (path.p[i - 1] == '.')
            dot = i;
    return type_of_ending(str_skip(path, dot));
}

/* What the first bytes say, or NULL. */
static const struct type *type_sniffed(struct str base64)
{
    struct buf head;
    const struct type *found = NULL;

    buf_init(&head, 64);
    if (base64_decode(str_sub(base64, 0, 16), &head) == OK)
        for (size_t i = 0; i < NELEM(MAGIC) && found == NULL; i++)
            if (str_starts(str_skip(buf_str(&head), MAGIC[i].at), MAGIC[i].bytes))
                found = type_named(str_z(MAGIC[i].type));
    buf_fini(&head);
    return found;
}

/* Images and PDFs are known by their bytes, which go before what was declared; the others by their
 * declared type; what has none, by what the client says that it is. */
static const struct type *type_of(struct str declared, struct str base64, enum gm_medium as)
{
    const struct type *named = type_named(declared);
    const struct type *sniffed = type_sniffed(base64);
    bool unsaid = declared.n == 0 || str_starts_nocase(declared, S("application/octet-stream"));

    if (sniffed != NULL && (named == NULL || named->medium == sniffed->medium))
        return sniffed;
    if (named != NULL)
        return named;
    if (str_starts_nocase(declared, S("text/")))
        return type_named(S("text/plain"));
    return unsaid ? first_of(as) : NULL;
}

static enum err set_type(struct gm_media *m, const struct type *type, struct fault *why)
{
    if (type == NULL)
        return fault_set(why, E_FIELD, "has a type that Gemini does not take", NULL);
    if (type->google == NULL)
        return fault_set(why, E_FIELD,
                         type->medium == GM_IMAGE
                             ? "is an image of a type that Gemini does not take; send png, jpeg, "
                               "webp, heic or heif"
                             : "has a type that Gemini does not take",
                         NULL);
    m->mime = str_z(type->google);
    return OK;
}

enum err gm_media_base64(struct str base64, struct str mime, enum gm_medium as,
                         struct gm_media *ret, struct fault *why)
{
    struct gm_media m = {.base64 = base64, .uri = S("")};
    struct str by_ending = type_of_ending(mime);
    const struct type *type = type_of(by_ending.n > 0 ? by_ending : mime, base64, as);
    enum err err;

    /* An ending may stand for a film or for a sound ("webm"): the client's word decides. */
    if (type != NULL && as == GM_AUDIO && type->medium == GM_VIDEO &&
        str_ends(str_z(type->spelled), S("webm")))
        type = type_named(S("audio/webm"));
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

static enum err read_address(struct str url, enum gm_medium as, const struct gm_caps *caps,
                             struct gm_media *ret, struct fault *why)
{
    struct gm_media m = {.uri = url, .mime = S(""), .base64 = S("")};
    struct str guess = gm_media_type_of(url);
    bool stored = str_starts_nocase(url, S("gs://"));
    enum err err;

    if (!is_known_host(url)) {
        if (!stored && !str_starts_nocase(url, S("https://")))
            return fault_set(why, E_FIELD, "must be a data: or an https: URL", NULL);
        if (!stored && !gm_can(caps, GM_CAN_URLS))
            return fault_set(why, E_FIELD,
                             "is an address, which this model does not read; send a data: URL",
                             NULL);
        err = set_type(&m, guess.n > 0 ? type_named(guess) : first_of(as), why);
        if (err != OK)
            return err;
    }
    *ret = m;
    return OK;
}

enum err gm_media_url(struct str url, enum gm_medium as, const struct gm_caps *caps,
                      struct arena *arena, struct gm_media *ret, struct fault *why)
{
    if (str_starts_nocase(url, S("data:")))
        return read_data_url(str_skip(url, 5), as, arena, ret, why);
    if (str_starts(url, S("files/"))) {
        url = file_uri(url, arena);
        if (url.n == 0)
            return fault_set(why, E_TOOBIG, "is larger than this server takes", NULL);
    }
    return read_address(url, as, caps, ret, why);
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
