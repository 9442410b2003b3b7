/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media.c - just enough of PNG, JPEG and PCM. Must not know who asks.
 *
 *   source  PNG (Third Edition), "Datastream structure"; RFC 1950, RFC 1951 (stored blocks);
 *           ISO/IEC 10918-1, annex B */
#include "demo/media.h"

enum { RATE = 24000, TONE_HZ = 440 };

static unsigned be16(struct str s, size_t at)
{
    return at + 2 > s.n ? 0 : (unsigned)((unsigned char)s.p[at] << 8 | (unsigned char)s.p[at + 1]);
}

static unsigned be32(struct str s, size_t at)
{
    return be16(s, at) << 16 | be16(s, at + 2);
}

/* SOF0 to SOF15 hold the size; C4, C8 and CC are other things. */
static bool is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool jpeg_size(struct str s, unsigned *w, unsigned *h)
{
    size_t at = 2;

    while (at + 9 <= s.n && (unsigned char)s.p[at] == 0xff) {
        unsigned marker = (unsigned char)s.p[at + 1];

        if (is_frame(marker)) {
            *h = be16(s, at + 5);
            *w = be16(s, at + 7);
            return true;
        }
        at += marker == 0xff ? 1 : 2 + (size_t)be16(s, at + 2);
    }
    return false;
}

bool emu_picture_size(struct str bytes, unsigned *ret_width, unsigned *ret_height)
{
    if (str_starts(bytes, S("\x89PNG\r\n\x1a\n")) && bytes.n >= 24) {
        *ret_width = be32(bytes, 16);
        *ret_height = be32(bytes, 20);
        return true;
    }
    return str_starts(bytes, S("\xff\xd8\xff")) && jpeg_size(bytes, ret_width, ret_height);
}

static void put_be32(struct buf *out, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(out, (char)(unsigned char)(v >> shift));
}

static uint32_t crc32(struct str s)
{
    uint32_t crc = 0xffffffffU;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned char)s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}

static void put_chunk(struct buf *out, struct str type_and_data)
{
    put_be32(out, (uint32_t)type_and_data.n - 4);
    buf_put(out, type_and_data);
    put_be32(out, crc32(type_and_data));
}

/* zlib without compression: one stored block for each row. */
static void put_row(struct buf *out, struct str row, bool last)
{
    uint16_t n = (uint16_t)row.n;

    buf_putc(out, last ? 1 : 0);
    buf_putc(out, (char)(n & 0xff));
    buf_putc(out, (char)(n >> 8));
    buf_putc(out, (char)(~n & 0xff));
    buf_putc(out, (char)((uint16_t)~n >> 8));
    buf_put(out, row);
}

static void adler(uint32_t sum[2], struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        sum[0] = (sum[0] + (unsigned char)s.p[i]) % 65521;
        sum[1] = (sum[1] + sum[0]) % 65521;
    }
}

void emu_make_png(unsigned width, unsigned height, uint64_t seed, struct buf *out)
{
    uint32_t sum[2] = {1, 0};
    struct buf chunk;
    struct buf row;

    buf_init(&row, 1 + 3 * (size_t)width);
    buf_putc(&row, 0); /* no filter */
    for (unsigned x = 0; x < 3 * width; x++)
        buf_putc(&row, (char)(unsigned char)(seed >> 8 * (x % 3)));
    buf_init(&chunk, (row.n + 5) * height + 64);
    buf_put(out, S("\x89PNG\r\n\x1a\n"));
    buf_put(&chunk, S("IHDR"));
    put_be32(&chunk, width);
    put_be32(&chunk, height);
    buf_put(&chunk, S("\x08\x02\0\0\0"));
    put_chunk(out, buf_str(&chunk));
    buf_reset(&chunk);
    buf_put(&chunk, S("IDAT\x78\x01"));
    for (unsigned y = 0; y < height; y++) {
        put_row(&chunk, buf_str(&row), y + 1 == height);
        adler(sum, buf_str(&row));
    }
    put_be32(&chunk, sum[1] << 16 | sum[0]);
    put_chunk(out, buf_str(&chunk));
    put_chunk(out, S("IEND"));
    buf_fini(&chunk);
    buf_fini(&row);
}

void emu_make_tone(unsigned ms, struct buf *out)
{
    for (unsigned i = 0; i < RATE / 1000 * ms; i++) {
        unsigned phase = i * TONE_HZ % RATE; /* a triangle: no libm needed */
        int level = (int)(phase < RATE / 2 ? phase : RATE - phase) - RATE / 4;
        uint16_t sample = (uint16_t)(int16_t)level;

        buf_putc(out, (char)(sample & 0xff));
        buf_putc(out, (char)(sample >> 8));
    }
}
