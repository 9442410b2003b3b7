/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check_media.c - inlineData and fileData: types that Google takes, and bytes that are what they
 * are called. */
#include "codec/base64.h"
#include "demo/check.h"
#include "demo/fields.h"

static const char *const MIMES[] = {
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/avif",
    "audio/wav",
    "audio/x-wav",
    "audio/mp3",
    "audio/mpeg",
    "audio/aiff",
    "audio/aac",
    "audio/ogg",
    "audio/flac",
    "audio/mp4",
    "audio/m4a",
    "audio/webm",
    "audio/l16",
    "audio/opus",
    "audio/mpga",
    "audio/pcm",
    "video/mp4",
    "video/mpeg",
    "video/mov",
    "video/quicktime",
    "video/avi",
    "video/x-flv",
    "video/mpg",
    "video/webm",
    "video/wmv",
    "video/3gpp",
    "application/pdf",
    "application/json",
    "application/rtf",
    "application/xml",
    "application/x-javascript",
    "application/x-python",
};

static bool known_mime(struct str mime)
{
    struct str type = str_cut(&mime, ';');

    if (str_starts_nocase(type, S("text/")))
        return true;
    for (size_t i = 0; i < NELEM(MIMES); i++) {
        if (str_eq_nocase(str_trim(type), str_z(MIMES[i])))
            return true;
    }
    return false;
}

/* The first bytes of pictures that can be read: PNG, JPEG, WebP, HEIF and its kin. */
static bool is_picture(struct str head)
{
    return str_starts(head, S("\x89PNG\r\n\x1a\n")) || str_starts(head, S("\xff\xd8\xff")) ||
           (str_starts(head, S("RIFF")) && str_eq(str_sub(head, 8, 4), S("WEBP"))) ||
           str_eq(str_sub(head, 4, 4), S("ftyp"));
}

static void check_bytes(struct str mime, struct str data, struct emu_problem *p)
{
    struct buf head;

    buf_init(&head, 64);
    if (base64_decode(str_sub(data, 0, 32), &head) != OK)
        head.n = 0;
    if (str_starts_nocase(mime, S("image/")) && !is_picture(buf_str(&head)))
        emu_refuse(p, 400,
                   "Unable to process input image. Please retry or report in "
                   "https://developers.generativeai.google/guide/troubleshooting");
    if (str_eq_nocase(mime, S("application/pdf")) && !str_starts(buf_str(&head), S("%PDF")))
        emu_refuse(p, 400, "The document has no pages.");
    buf_fini(&head);
}

static void check_inline(yyjson_val *blob, struct emu_problem *p)
{
    struct str mime = emu_str(blob, "mime_type");

    if (!known_mime(mime))
        emu_refuse(p, 400, "Unsupported MIME type: %.*s", S_ARG(mime));
    else
        check_bytes(mime, emu_str(blob, "data"), p);
}

static bool has(struct str s, const char *word)
{
    return str_contains_nocase(s, str_z(word));
}

/* Any public https URL is fetched by Google, with each request. The emulator opens no connection:
 * it has what a URL's text does not deny. What is in its path tells how it ends; hosts that Google
 * cannot reach are the loopback's and those of private networks, as far as a name tells. */
static void check_address(const struct emu_ask *ask, struct str uri, struct emu_problem *p)
{
    static const char *const unreachable[] = {"://localhost", "://127.",    "://[",  "://10.",
                                              "://192.168.",  ".internal/", ".lan/", ".local/"};
    const char *status = has(uri, "emulate-unfetchable") ? "URL_ROBOTED-ROBOTED_DENIED" : NULL;

    for (size_t i = 0; i < NELEM(unreachable); i++)
        if (has(uri, unreachable[i]))
            status = "URL_UNREACHABLE-UNREACHABLE_NO_RESPONSE";
    if (!str_starts_nocase(uri, S("https://")) || !emu_can(ask->target.family, EMU_READS_URLS))
        emu_refuse(p, 400, "Invalid or unsupported file uri: %.*s", S_ARG(uri));
    else if (status != NULL)
        emu_refuse(p, 400,
                   "Cannot fetch content from the provided URL. Please ensure the URL is valid and "
                   "accessible by Vertex AI. Vertex AI respects robots.txt rules, so confirm the "
                   "URL is allowed to be crawled. Status: %s",
                   status);
}

/* "files/abc" of a name or URI of the Files API; empty when it is of another kind. */
static struct str file_name(struct str uri)
{
    size_t at = str_find(uri, S("/files/"));

    if (at < uri.n && str_contains_nocase(uri, S("googleapis.com")))
        return str_skip(uri, at + 1);
    return str_starts(uri, S("files/")) ? uri : S("");
}

static void check_file(const struct emu_ask *ask, yyjson_val *file, struct emu_problem *p)
{
    struct str uri = emu_str(file, "file_uri");
    struct str mime = emu_str(file, "mime_type");
    bool film =
        str_contains_nocase(uri, S("youtube.com/")) || str_contains_nocase(uri, S("youtu.be/"));
    struct str name = file_name(uri);

    if (uri.n == 0)
        emu_refuse(p, 400, "Request contains an invalid argument.");
    else if (name.n > 0 && !emu_holds(ask, name))
        emu_refuse(p, 403,
                   "You do not have permission to access the File %.*s or it may not exist.",
                   S_ARG(str_skip(name, 6)));
    else if (!film && !known_mime(mime) && !(name.n > 0 && mime.n == 0)) /* a file knows its type */
        emu_refuse(p, 400, "Unsupported MIME type: %.*s", S_ARG(mime));
    else if (!film && name.n == 0 && !str_starts(uri, S("gs://")))
        check_address(ask, uri, p);
}

static void check_part(const struct emu_ask *ask, yyjson_val *part, struct emu_problem *p)
{
    yyjson_val *blob = emu_get(part, "inline_data");
    yyjson_val *file = emu_get(part, "file_data");
    struct emu_each inner = emu_each(emu_get(emu_get(part, "function_response"), "parts"));
    yyjson_val *v;

    if (blob != NULL)
        check_inline(blob, p);
    if (file != NULL)
        check_file(ask, file, p);
    while ((v = emu_next(&inner)) != NULL)
        check_part(ask, v, p);
}

void emu_check_media(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    yyjson_val *content;
    yyjson_val *part;

    while ((content = emu_next(&contents)) != NULL) {
        struct emu_each parts = emu_each(emu_get(content, "parts"));

        while ((part = emu_next(&parts)) != NULL)
            check_part(ask, part, p);
    }
}
