/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_sse.c - splitting a stream never changes its events, nor the error that ends it.
 *
 * The first byte chooses the cap and the second the sizes of the pieces; the rest is the stream.
 * SHP-3, SHP-6. */
#include "codec/json_read.h"
#include "codec/sse.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct got {
    struct buf all;
    size_t cap;
};

static enum err keep(void *ctx, char *data, size_t n)
{
    struct got *g = ctx;
    uint64_t length = n;

    assert(n > 0 && n <= g->cap);
    buf_put(&g->all, str_of((char *)&length, sizeof length));
    buf_put(&g->all, str_of(data, n));
    memset(data, '\n', n + JSON_PAD);
    return OK;
}

/* Pieces of 1 to `most` bytes (of all bytes when 0), each in a block of its own. */
static enum err run(struct str in, size_t most, struct got *g)
{
    struct sse s;
    enum err rc = OK;
    uint32_t seed = (uint32_t)most;

    buf_init(&g->all, 1 << 26);
    sse_init(&s, g->cap, keep, g);
    while (in.n > 0 && rc == OK) {
        size_t n = in.n;
        char *own;

        seed = seed * 1664525 + 1013904223;
        if (most > 0 && n > 1 + (seed >> 16) % most)
            n = 1 + (seed >> 16) % most;
        own = malloc(n);
        assert(own != NULL);
        memcpy(own, in.p, n);
        rc = sse_feed(&s, str_of(own, n));
        free(own);
        in = str_skip(in, n);
    }
    if (rc == OK)
        rc = sse_finish(&s);
    sse_fini(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct got whole = {0};
    struct got pieces = {0};
    enum err rc;

    if (size < 2)
        return 0;
    whole.cap = pieces.cap = data[0] < 0x80 ? data[0] : (size_t)1 << 20;
    rc = run(str_of((const char *)data + 2, size - 2), 0, &whole);
    assert(rc == OK || rc == E_TOOBIG);
    for (size_t most = 1; most <= 1 + (size_t)data[1] % 64; most += 1 + most / 2) {
        enum err again = run(str_of((const char *)data + 2, size - 2), most, &pieces);

        assert(again == rc);
        assert(str_eq(buf_str(&whole.all), buf_str(&pieces.all)));
        buf_fini(&pieces.all);
    }
    buf_fini(&whole.all);
    return 0;
}
