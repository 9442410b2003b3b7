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

static void check_file(yyjson_val *file, struct emu_problem *p)
{
    struct str uri = emu_str(file, "file_uri");
    struct str mime = emu_str(file, "mime_type");
    bool film =
        str_contains_nocase(uri, S("youtube.com/")) || str_contains_nocase(uri, S("youtu.be/"));
    size_t at = str_find(uri, S("/files/"));

    if (uri.n == 0)
        emu_refuse(p, 400, "Request contains an invalid argument.");
    else if (str_starts(uri, S("files/")) ||
             (at < uri.n && str_contains_nocase(uri, S("googleapis.com"))))
        emu_refuse(p, 403,
                   "You do not have permission to access the File %.*s or it may not exist.",
                   S_ARG(str_skip(uri, at < uri.n ? at + 7 : 6)));
    else if (!film && !known_mime(mime))
        emu_refuse(p, 400, "Unsupported MIME type: %.*s", S_ARG(mime));
}

static void check_part(yyjson_val *part, struct emu_problem *p)
{
    yyjson_val *blob = emu_get(part, "inline_data");
    yyjson_val *file = emu_get(part, "file_data");
    struct emu_each inner = emu_each(emu_get(emu_get(part, "function_response"), "parts"));
    yyjson_val *v;

    if (blob != NULL)
        check_inline(blob, p);
    if (file != NULL)
        check_file(file, p);
    while ((v = emu_next(&inner)) != NULL)
        check_part(v, p);
}

void emu_check_media(yyjson_val *body, struct emu_problem *p)
{
    struct emu_each contents = emu_each(emu_get(body, "contents"));
    yyjson_val *content;
    yyjson_val *part;

    while ((content = emu_next(&contents)) != NULL) {
        struct emu_each parts = emu_each(emu_get(content, "parts"));

        while ((part = emu_next(&parts)) != NULL)
            check_part(part, p);
    }
}
