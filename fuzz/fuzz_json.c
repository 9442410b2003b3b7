/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_json.c - what json_parse accepts is what yyjson accepts, and prints and parses again to the
 * same text: copied, borrowed, quoted, and read leniently. SHP-3, DAT-5, DAT-6. */
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"
#include "json_print.h"

#include <assert.h>
#include <stdlib.h>

enum { CAP = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err parse(struct json *j, struct str text, bool lenient, char **own)
{
    struct fault why = {0};
    size_t at = SIZE_MAX;
    enum err rc;

    *own = malloc(text.n + JSON_PAD);
    assert(*own != NULL);
    memcpy(*own, text.p, text.n);
    rc = lenient ? json_parse_lenient(j, *own, text.n, &at, &why)
                 : json_parse(j, *own, text.n, &at, &why);
    assert(rc == why.code);
    assert(rc == OK ? j->root != NULL : j->root == NULL && at <= text.n);
    return rc;
}

static void print(yyjson_val *v, struct buf *b)
{
    enum err rc;

    buf_init(b, CAP);
    rc = json_print(v, b);
    assert(rc == OK || rc == E_TOOBIG);
    assert(rc != OK || utf8_ok(buf_str(b)));
}

static void check_against_yyjson(struct str text, enum err rc)
{
    yyjson_doc *doc;

    if (rc == E_TOOBIG)
        return;
    if (str_starts(text, S("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    doc = yyjson_read(text.p, text.n, YYJSON_READ_NUMBER_AS_RAW);
    assert((doc != NULL) == (rc == OK));
    yyjson_doc_free(doc);
}

/* Printed text parses again and prints the same. */
static void check_again(struct str text, bool lenient)
{
    struct json j;
    struct buf b;
    char *own;
    enum err rc;

    json_init(&j);
    rc = parse(&j, text, lenient, &own);
    assert(rc == OK);
    print(j.root, &b);
    assert(str_eq(buf_str(&b), text));
    buf_fini(&b);
    json_fini(&j);
    free(own);
}

static void check_quoted(yyjson_val *v, struct str text)
{
    struct json j;
    struct buf b;
    struct jw w;
    char *own;

    buf_init(&b, CAP);
    json_init(&j);
    jw_begin(&w, &b);
    jw_quoted(&w, NULL, v);
    if (jw_end_all(&w) == OK) {
        enum err rc = parse(&j, buf_str(&b), false, &own);

        assert(rc == OK && str_eq(jr_text(j.root), text));
        free(own);
    }
    json_fini(&j);
    buf_fini(&b);
}

static void check_rope(yyjson_val *v, struct str text)
{
    struct rope r;
    struct rope_pos pos = {0};
    struct str piece;
    struct jw w;
    size_t at = 0;
    enum err rc;

    rope_init(&r, CAP);
    jw_begin_rope(&w, &r);
    jw_copy(&w, NULL, v);
    rc = jw_end_all(&w);
    assert(rc == OK);
    while ((piece = rope_next(&r, &pos, SIZE_MAX)).n > 0) {
        assert(str_eq(piece, str_sub(text, at, piece.n)));
        at += piece.n;
    }
    assert(at == text.n);
    rope_fini(&r);
}

/* Room for the text is enough, and one byte less, or any other number, is not. */
static void check_caps(yyjson_val *v, struct str text)
{
    const size_t caps[] = {text.n, text.n - 1, text.n / 2, str_hash(text) % text.n};

    for (size_t i = 0; i < NELEM(caps); i++) {
        struct buf b;
        struct jw w;
        enum err rc;

        buf_init(&b, caps[i]);
        jw_begin(&w, &b);
        jw_copy(&w, NULL, v);
        rc = jw_end_all(&w);
        assert(rc == (caps[i] < text.n ? E_TOOBIG : OK));
        assert(b.n <= caps[i]);
        buf_fini(&b);
    }
}

/* The readers and the path, at some values. */
static void check_readers(yyjson_val *root)
{
    yyjson_val *end = unsafe_yyjson_get_next(root);
    size_t step = (size_t)(end - root) / 16 + 1;
    struct buf b;
    int64_t i;
    double d;

    buf_init(&b, CAP);
    for (yyjson_val *v = root; v < end; v += (size_t)(end - v) < step ? (size_t)(end - v) : step) {
        buf_reset(&b);
        jr_path(root, v, &b);
        assert(utf8_ok(buf_str(&b)));
        assert((b.n == 0) == (v == root));
        if (jr_int(v, INT64_MIN, INT64_MAX, &i) && jr_is_num(v))
            assert(jr_num(v, &d) && (double)i == d);
        jr_each (item, v)
            assert(item > v);
        jr_each_member (key, v)
            assert(yyjson_is_str(key));
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct json strict;
    struct json lenient;
    struct buf b;
    char *own;
    char *own_lenient;
    enum err rc;

    json_init(&strict);
    json_init(&lenient);
    rc = parse(&strict, text, false, &own);
    check_against_yyjson(text, rc);
    if (rc == OK) {
        print(strict.root, &b);
        if (b.err == OK) {
            check_again(buf_str(&b), false);
            check_again(buf_str(&b), true);
            check_quoted(strict.root, buf_str(&b));
            check_rope(strict.root, buf_str(&b));
            check_caps(strict.root, buf_str(&b));
        }
        buf_fini(&b);
        check_readers(strict.root);
    }
    if (parse(&lenient, text, true, &own_lenient) == OK) {
        print(lenient.root, &b);
        if (b.err == OK)
            check_again(buf_str(&b), false);
        buf_fini(&b);
    } else {
        assert(rc != OK);
    }
    free(own);
    free(own_lenient);
    json_fini(&strict);
    json_fini(&lenient);

    buf_init(&b, CAP);
    utf8_put_clean(&b, text);
    assert(utf8_ok(buf_str(&b)));
    assert(!utf8_ok(text) || str_eq(buf_str(&b), text));
    buf_fini(&b);
    return 0;
}
