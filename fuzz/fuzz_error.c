/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_error.c - any bytes as an error of upstream: always an error that can be told, never a
 * secret in it. The first two bytes are the status. SHP-3. */
#include "codec/utf8.h"
#include "dialect/openai/error.h"

#include <assert.h>

enum { CAP = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is scrubbed once has nothing left to scrub. */
static void check_scrubbed(struct str text)
{
    struct buf b;

    buf_init(&b, CAP);
    gm_scrub(&b, text);
    assert(b.err == OK && str_eq(buf_str(&b), text));
    buf_fini(&b);
}

static void check_told(const struct gm_error *e)
{
    struct buf b;
    struct json j;
    yyjson_val *error;
    enum err err;

    buf_init(&b, CAP);
    json_init(&j);
    oa_error(e, &b);
    err = json_parse_copy(&j, buf_str(&b), NULL, NULL);
    assert(err == OK);
    error = jr_get(j.root, "error");
    assert(str_eq(jr_str(error, "message"), str_z(e->message)));
    assert(jr_str(error, "type").n > 0);
    json_fini(&j);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gm_error e;
    struct buf b;
    size_t n;
    int status;

    if (size < 2)
        return 0;
    status = (data[0] << 8 | data[1]) % 600;
    buf_init(&b, CAP);
    buf_put(&b, str_of((const char *)data + 2, size - 2));
    n = b.n;
    buf_put(&b, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    if (b.err == OK) {
        gm_error_read(&e, status, b.p, n);
        assert(e.set && e.message[0] != '\0' && utf8_ok(str_z(e.message)));
        assert(utf8_ok(str_z(e.reason)) && utf8_ok(str_z(e.quota_id)));
        assert(e.client_status >= 400 && e.client_status < 600);
        assert(e.retry_after_s <= 24 * 3600 && e.upstream_status == status);
        check_scrubbed(str_z(e.message));
        check_told(&e);
    }
    buf_fini(&b);
    return 0;
}
