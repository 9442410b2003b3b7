/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* say_input.c - what the emulated model says about things it was given: results of calls, pictures,
 * sounds, documents. */
#include "codec/base64.h"
#include "codec/json_write.h"
#include "demo/fields.h"
#include "demo/media.h"
#include "demo/skill.h"

enum { RESULT_MAX = 2000, HEAD_CHARS = 64 * 1024 };

/* JSON, cut where it gets long; it is ASCII only by luck, so the cut looks for a character's start.
 */
static void put_json(yyjson_val *v, struct buf *out)
{
    struct buf text;
    struct jw w;
    size_t n;

    buf_init(&text, 1 << 22);
    jw_begin(&w, &text);
    jw_copy(&w, NULL, v);
    n = text.n < RESULT_MAX ? text.n : RESULT_MAX;
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    buf_put(out, str_sub(buf_str(&text), 0, n));
    buf_put(out, n < text.n ? S("…") : S(""));
    buf_fini(&text);
}

bool emu_say_results(const struct emu_prompt *p, struct buf *out)
{
    struct emu_each parts = emu_each(emu_get(p->results, "parts"));
    yyjson_val *part;

    if (p->results == NULL)
        return false;
    while ((part = emu_next(&parts)) != NULL) {
        yyjson_val *result = emu_get(part, "function_response");

        if (result == NULL)
            continue;
        if (out->n > 0)
            buf_putc(out, '\n');
        buf_putf(out, p->chinese ? "工具 %.*s 的结果：" : "The tool %.*s answered: ",
                 S_ARG(emu_str(result, "name")));
        put_json(emu_get(result, "response"), out);
    }
    return true;
}

static void say_blob(const struct emu_prompt *p, yyjson_val *blob, struct buf *out)
{
    struct str mime = emu_str(blob, "mime_type");
    struct str data = emu_str(blob, "data");
    struct buf head;
    unsigned w;
    unsigned h;

    buf_putf(out, p->chinese ? "\n- %.*s，%zu 字节" : "\n- %.*s, %zu bytes", S_ARG(mime),
             emu_base64_bytes(data));
    buf_init(&head, HEAD_CHARS);
    if (base64_decode(str_sub(data, 0, HEAD_CHARS), &head) == OK &&
        emu_picture_size(buf_str(&head), &w, &h))
        buf_putf(out, p->chinese ? "，%u × %u 像素" : ", %u x %u pixels", w, h);
    buf_fini(&head);
}

bool emu_say_media(const struct emu_prompt *p, struct buf *out)
{
    struct emu_each parts = emu_each(emu_get(p->asked, "parts"));
    bool any = false;
    yyjson_val *part;

    while ((part = emu_next(&parts)) != NULL) {
        yyjson_val *blob = emu_get(part, "inline_data");
        yyjson_val *file = emu_get(part, "file_data");

        if (blob == NULL && file == NULL)
            continue;
        if (!any)
            buf_put(out, str_z(p->chinese ? "我是鹊桥的仿真，看不见内容，但收到了："
                                          : "I am queqiao's emulation and cannot see, but this "
                                            "arrived:"));
        any = true;
        if (blob != NULL)
            say_blob(p, blob, out);
        else
            buf_putf(out, p->chinese ? "\n- 链接 %.*s" : "\n- a link to %.*s",
                     S_ARG(emu_str(file, "file_uri")));
    }
    return any;
}
