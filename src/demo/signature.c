/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* signature.c - thought signatures. The check sum finds mistakes of a gateway: a signature cut,
 * merged, re-encoded or sent to another model. It is no protection against forgers. */
#include "demo/signature.h"
#include "codec/base64.h"

#define MAGIC "\x12\x9e\x01QQemu"
enum { LINE_ROOM = 16, SUM_BYTES = 8, SIZE_MIN = 64, SIZE_CAP = 1 << 20 };

static void put_number(char *at, uint64_t v)
{
    for (int i = 0; i < SUM_BYTES; i++)
        at[i] = (char)(unsigned char)(v >> (8 * i));
}

static uint64_t sum_of(struct str s)
{
    return str_hash(s) * 0x9e3779b97f4a7c15U ^ s.n;
}

void emu_signature_put(struct buf *out, struct str line, uint64_t seed, size_t size)
{
    struct buf b;
    char field[LINE_ROOM] = {0};
    char sum[SUM_BYTES];

    if (size < SIZE_MIN)
        size = SIZE_MIN;
    memcpy(field, line.p, line.n < LINE_ROOM ? line.n : LINE_ROOM);
    buf_init(&b, SIZE_CAP + SUM_BYTES);
    buf_put(&b, S(MAGIC));
    buf_put(&b, str_of(field, LINE_ROOM));
    while (b.err == OK && b.n < size - SUM_BYTES) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        buf_putc(&b, (char)(unsigned char)(seed >> 56));
    }
    put_number(sum, sum_of(buf_str(&b)));
    buf_put(&b, str_of(sum, SUM_BYTES));
    base64_encode(buf_str(&b), out);
    buf_fini(&b);
}

/* Both alphabets name the same bytes. */
static bool same_base64(struct str a, struct str b)
{
    while (str_ends(a, S("=")))
        a.n--;
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        char c = a.p[i] == '+' ? '-' : a.p[i] == '/' ? '_' : a.p[i];

        if (c != b.p[i])
            return false;
    }
    return true;
}

static enum emu_signature_verdict judge(struct str bytes, struct str line)
{
    size_t head = sizeof MAGIC - 1;
    char field[LINE_ROOM] = {0};
    char sum[SUM_BYTES];

    if (!str_starts(bytes, S(MAGIC)))
        return EMU_SIGNATURE_FOREIGN;
    if (bytes.n < head + LINE_ROOM + SUM_BYTES)
        return EMU_SIGNATURE_ALTERED;
    put_number(sum, sum_of(str_sub(bytes, 0, bytes.n - SUM_BYTES)));
    if (!str_ends(bytes, str_of(sum, SUM_BYTES)))
        return EMU_SIGNATURE_ALTERED;
    memcpy(field, line.p, line.n < LINE_ROOM ? line.n : LINE_ROOM);
    return memcmp(bytes.p + head, field, LINE_ROOM) == 0 ? EMU_SIGNATURE_OURS
                                                         : EMU_SIGNATURE_FOREIGN;
}

enum emu_signature_verdict emu_signature_check(struct str base64, struct str line)
{
    enum emu_signature_verdict v = EMU_SIGNATURE_ALTERED;
    struct buf bytes;

    if (same_base64(base64, S("skip_thought_signature_validator")) ||
        same_base64(base64, S("context_engineering_is_the_way_to_go")))
        return EMU_SIGNATURE_DUMMY;
    buf_init(&bytes, 2 * SIZE_CAP);
    if (base64_decode(base64, &bytes) == OK)
        v = judge(buf_str(&bytes), line);
    buf_fini(&bytes);
    return v;
}
