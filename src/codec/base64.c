/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* base64.c - four characters, three bytes. One table knows both alphabets. */
#include "codec/base64.h"

enum { BAD = 0x80 };

/* The value of a character plus one, so that what is not listed reads as none. */
static const uint8_t VALUE_PLUS_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

/* 0..63, or something with the BAD bit. */
static unsigned value(char c)
{
    return (VALUE_PLUS_1[(unsigned char)c] - 1U) & (BAD | 63U);
}

/* Takes the padding off; false when it is there and wrong, or when the length is no text's. */
static bool strip_padding(struct str *text)
{
    size_t n = text->n;
    size_t pad = 0;

    while (pad < 2 && pad < n && text->p[n - 1 - pad] == '=')
        pad++;
    if (pad > 0 && n % 4 != 0)
        return false;
    text->n = n - pad;
    return text->n % 4 != 1;
}

/* The last two or three characters carry bits that belong to no byte; they must be zero. */
static bool tail_ok(struct str text)
{
    size_t rest = text.n % 4;
    unsigned spare = rest == 2 ? 15 : rest == 3 ? 3 : 0;

    return rest == 0 || (value(text.p[text.n - 1]) & spare) == 0;
}

size_t base64_decoded_len(struct str text)
{
    return text.n / 4 * 3 + text.n % 4;
}

enum err base64_decode(struct str text, struct buf *out)
{
    unsigned bad = 0;
    size_t i = 0;
    uint8_t *to;
    size_t n;

    if (!strip_padding(&text) || !tail_ok(text))
        return E_SYNTAX;
    n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    to = (uint8_t *)buf_reserve(out, n);
    if (out->err != OK)
        return out->err;
    for (; text.n - i >= 4; i += 4) {
        unsigned a = value(text.p[i]);
        unsigned b = value(text.p[i + 1]);
        unsigned c = value(text.p[i + 2]);
        unsigned d = value(text.p[i + 3]);
        unsigned v = a << 18 | b << 12 | c << 6 | d;

        bad |= a | b | c | d;
        *to++ = (uint8_t)(v >> 16);
        *to++ = (uint8_t)(v >> 8);
        *to++ = (uint8_t)v;
    }
    if (i < text.n) {
        unsigned a = value(text.p[i]);
        unsigned b = value(text.p[i + 1]);
        unsigned c = text.n - i == 3 ? value(text.p[i + 2]) : 0;

        bad |= a | b | c;
        *to++ = (uint8_t)(a << 2 | b >> 4);
        if (text.n - i == 3)
            *to++ = (uint8_t)(b << 4 | c >> 2);
    }
    if ((bad & BAD) != 0)
        return E_SYNTAX;
    out->n += n;
    return OK;
}

void base64_encode(struct str bytes, struct buf *out)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t left = bytes.n;
    char *to;

    if (left > SIZE_MAX / 2) {
        out->err = E_TOOBIG;
        return;
    }
    to = buf_reserve(out, (left + 2) / 3 * 4);
    if (to == NULL)
        return;
    out->n += (left + 2) / 3 * 4;
    for (; left >= 3; left -= 3, p += 3) {
        unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];

        *to++ = abc[v >> 18];
        *to++ = abc[v >> 12 & 63];
        *to++ = abc[v >> 6 & 63];
        *to++ = abc[v & 63];
    }
    if (left > 0) {
        unsigned v = (unsigned)p[0] << 8 | (left == 2 ? p[1] : 0);

        *to++ = abc[v >> 10];
        *to++ = abc[v >> 4 & 63];
        *to++ = left == 2 ? abc[v << 2 & 63] : '=';
        *to++ = '=';
    }
}

/* How many of 64 characters are in no alphabet. No branches and a fixed count, so that compilers
 * turn it into vector code: images of many megabytes are checked with it. */
static unsigned count_bad(const char *p)
{
    uint8_t bad = 0;

    for (size_t i = 0; i < 64; i++) {
        uint8_t c = (uint8_t)p[i];
        uint8_t letter = (uint8_t)((c | 0x20) - 'a') < 26;
        uint8_t digit = (uint8_t)(c - '0') < 10;
        uint8_t sign = (c == '+') | (c == '/') | (c == '-') | (c == '_');

        bad = (uint8_t)(bad + !(letter | digit | sign));
    }
    return bad;
}

bool base64_ok(struct str text)
{
    unsigned bad = 0;
    size_t i = 0;

    if (!strip_padding(&text) || !tail_ok(text))
        return false;
    for (; text.n - i >= 64; i += 64)
        if (count_bad(text.p + i) != 0)
            return false;
    for (; i < text.n; i++)
        bad |= value(text.p[i]);
    return (bad & BAD) == 0;
}
