/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_base64.c - base64_ok agrees with base64_decode; bytes survive there and back. SHP-3, DAT-9.
 */
#include "codec/base64.h"

#include <assert.h>
#include <stdlib.h>

enum { CAP = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text in the standard alphabet with its padding, which is what encoding gives. */
static void normalise(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++)
        buf_putc(out, text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i]);
    while (out->n % 4 != 0)
        buf_putc(out, '=');
}

static void check_text(struct str text)
{
    struct buf bytes;
    struct buf again;
    struct buf normal;
    enum err rc;

    buf_init(&bytes, CAP);
    buf_init(&again, CAP);
    buf_init(&normal, CAP);
    rc = base64_decode(text, &bytes);
    assert(rc == OK || (rc == E_SYNTAX && bytes.n == 0));
    assert(base64_ok(text) == (rc == OK));
    if (rc == OK) {
        assert(bytes.n <= base64_decoded_len(text));
        base64_encode(buf_str(&bytes), &again);
        normalise(text, &normal);
        assert(str_eq(buf_str(&again), buf_str(&normal)));
    }
    buf_fini(&bytes);
    buf_fini(&again);
    buf_fini(&normal);
}

static void check_bytes(struct str bytes)
{
    struct buf text;
    struct buf back;
    enum err rc;

    buf_init(&text, CAP);
    buf_init(&back, CAP);
    base64_encode(bytes, &text);
    assert(base64_ok(buf_str(&text)));
    rc = base64_decode(buf_str(&text), &back);
    assert(rc == OK);
    assert(str_eq(buf_str(&back), bytes));
    buf_fini(&text);
    buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *own = malloc(size ? size : 1); /* a block of its own, so that ASan sees its end */

    assert(own != NULL);
    memcpy(own, data, size);
    check_text(str_of(own, size));
    check_bytes(str_of(own, size));
    free(own);
    return 0;
}
