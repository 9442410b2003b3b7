/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_tunnel.c - what a proxy answers. However the bytes are split, the verdict, what we say and
 * what is left for the tunnel are the same. SHP-3. */
#include "base/buf.h"
#include "net/tunnel_talk.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
    enum talk_verdict verdict;
    enum err err;
    size_t rest;
    struct buf said;
};

static void play(const struct tunnel_proxy *proxy, struct str in, size_t piece, struct end *end)
{
    struct tunnel_talk t;
    struct str now = S("");

    buf_init(&end->said, 1 << 16);
    end->verdict = TALK_MORE;
    talk_begin(&t, proxy, S("generativelanguage.googleapis.com"), 443);
    buf_put(&end->said, talk_say(&t));
    while (end->verdict == TALK_MORE && in.n > 0) {
        now = str_sub(in, 0, piece);
        in = str_skip(in, now.n);
        end->verdict = talk_feed(&t, &now);
        buf_put(&end->said, talk_say(&t));
    }
    end->rest = in.n + now.n;
    end->err = t.err;
    assert((end->verdict == TALK_FAILED) == (t.err != OK) && t.what != NULL);
    talk_fini(&t);
}

/* The first byte: which proxy, and how long the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct tunnel_proxy proxy = {0};
    struct end whole, split;

    if (size == 0)
        return 0;
    proxy.kind = data[0] & 1 ? TUNNEL_SOCKS5 : TUNNEL_HTTP;
    proxy.user = data[0] & 2 ? S("user") : S("");
    proxy.password = data[0] & 4 ? S("password") : S("");
    in = str_skip(in, 1);
    play(&proxy, in, SIZE_MAX, &whole);
    play(&proxy, in, 1 + (data[0] >> 3), &split);
    assert(whole.verdict == split.verdict && whole.err == split.err && whole.rest == split.rest);
    assert(str_eq(buf_str(&whole.said), buf_str(&split.said)));
    buf_fini(&whole.said);
    buf_fini(&split.said);
    return 0;
}
