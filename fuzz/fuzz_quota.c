/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_quota.c - the text of a refusal. A duration reads the same alone and in a sentence, and
 * whatever is said, what is made of it is within its bounds. SHP-3. */
#include "base/buf.h"
#include "keys/quota.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MIN_MS = 1000, MAX_MS = 24 * 3600 * 1000 };

static void alone_and_in_a_sentence(struct str s)
{
    uint64_t ms = quota_duration_ms(s);
    struct buf sentence;

    if (ms == 0)
        return;
    buf_init(&sentence, 1 << 16);
    buf_lit(&sentence, "Please retry in ");
    buf_put(&sentence, s);
    assert(quota_retry_ms(buf_str(&sentence)) == ms);
    buf_fini(&sentence);
}

/* Lines: the message, then one violation each; the first digit of a line is its value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct key_failure f = {0};
    struct quota_verdict v;

    alone_and_in_a_sentence(in);
    f.message = str_cut(&in, '\n');
    f.retry_ms = quota_duration_ms(f.message);
    while (in.n > 0 && f.nv < KEY_VIOLATIONS_MAX) {
        struct key_violation *one = &f.v[f.nv++];

        one->id = str_cut(&in, '\n');
        one->model = one->id;
        one->valued = one->id.n > 0 && one->id.p[0] >= '0' && one->id.p[0] <= '9';
        one->value = one->valued ? (uint64_t)(one->id.p[0] - '0') : 0;
        assert(quota_kind_of(one->id) >= -1 && quota_kind_of(one->id) < QUOTA_KINDS);
    }
    v = quota_judge(&f);
    assert(v.wait_ms == 0 || (v.wait_ms >= MIN_MS && v.wait_ms <= MAX_MS));
    assert(v.why >= KEY_OVER_RPM && v.why <= KEY_NO_QUOTA);
    assert(v.limit <= 9 && key_why_text(v.why) != NULL);
    return 0;
}
