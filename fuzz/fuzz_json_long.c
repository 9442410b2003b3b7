/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_json_long.c - JSON with long strings, which are left out of what is parsed and put back: the
 * same is accepted, refused and read as by yyjson, which sees all of it.
 *
 * A byte 1 stands for many letters: a few less than such a string needs, and as many as the next
 * byte says. Inputs of even length are read leniently. SHP-3, DAT-5. */
#include "codec/json_read.h"
#include "codec/json_scan.h"
#include "json_print.h"

#include <assert.h>
#include <stdlib.h>

enum { MARK = 1, MARKS_MAX = 2, FEWER = 40, CAP = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand(const uint8_t *data, size_t size, struct buf *out)
{
    static char letters[JSON_CUT_MIN + UINT8_MAX];
    unsigned n = 0;

    if (letters[0] == '\0')
        memset(letters, 'x', sizeof letters);
    for (size_t i = 0; i < size; i++)
        if (data[i] == MARK && i + 1 < size && n++ < MARKS_MAX)
            buf_put(out, str_of(letters, JSON_CUT_MIN - FEWER + (size_t)data[++i]));
        else
            buf_putc(out, (char)data[i]);
}

static void print(yyjson_val *v, struct buf *b)
{
    buf_init(b, CAP);
    (void)json_print(v, b); /* compared even where it is cut */
}

/* A block of its own, so that ASan sees its end. */
static char *copy(struct str text)
{
    char *own = malloc(text.n + JSON_PAD);

    assert(own != NULL);
    memcpy(own, text.p, text.n);
    return own;
}

static void compare(struct str text, yyjson_doc *doc, bool lenient)
{
    struct json j;
    struct buf ours, whole;
    char *own = copy(text);
    enum err rc;

    json_init(&j);
    rc = lenient ? json_parse_lenient(&j, own, text.n, NULL, NULL)
                 : json_parse(&j, own, text.n, NULL, NULL);
    assert(rc == E_TOOBIG || (rc == OK) == (doc != NULL) || (lenient && rc == OK));
    if (rc == OK && doc != NULL) {
        print(j.root, &ours);
        print(yyjson_doc_get_root(doc), &whole);
        assert(ours.err == whole.err);
        assert(ours.err != OK || str_eq(buf_str(&ours), buf_str(&whole)));
        buf_fini(&ours);
        buf_fini(&whole);
    }
    json_fini(&j);
    free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text;
    struct str seen;
    yyjson_doc *doc;

    buf_init(&text, CAP);
    expand(data, size, &text);
    seen = buf_str(&text);
    if (str_starts(seen, S("\xef\xbb\xbf")))
        seen = str_skip(seen, 3);
    doc = yyjson_read(seen.p, seen.n, YYJSON_READ_NUMBER_AS_RAW);
    compare(buf_str(&text), doc, size % 2 == 0);
    yyjson_doc_free(doc);
    buf_fini(&text);
    return 0;
}
