/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* unescape.c - escapes in a JSON string, as RFC 8259 spells them. None of them is shorter than what
 * it stands for, so the text shrinks in its place. */
#include "codec/unescape.h"

enum { UNIT = 6 }; /* \u and four digits */

/* What the byte after a backslash stands for; 0: none, or a unit. */
static const char SHORT[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int escape_unit(const char *p, size_t n)
{
    int unit = 0;

    if (n < UNIT || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < UNIT; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_utf8(char *to, int c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

static bool is_high(int c)
{
    return c >= 0xd800 && c < 0xdc00;
}

static bool is_low(int c)
{
    return c >= 0xdc00 && c < 0xe000;
}

/* One or two units at *p; NULL: there is none. */
static char *put_units(char *to, const char **p, const char *end)
{
    int c = escape_unit(*p, (size_t)(end - *p));
    int low;

    if (c < 0)
        return NULL;
    *p += UNIT;
    low = is_high(c) ? escape_unit(*p, (size_t)(end - *p)) : -1;
    if (is_low(low)) {
        *p += UNIT;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (is_high(c) || is_low(c)) {
        c = 0xfffd;
    }
    return put_utf8(to, c);
}

bool unescape(char *p, size_t n, struct str *ret)
{
    const char *at = p;
    const char *end = p + n;
    char *to = p;

    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash != NULL ? slash : end) - at);

        if (to != at)
            memmove(to, at, plain);
        to += plain;
        at += plain;
        if (at == end)
            break;
        if (end - at >= 2 && SHORT[(unsigned char)at[1]] != 0) {
            *to++ = SHORT[(unsigned char)at[1]];
            at += 2;
        } else {
            to = put_units(to, &at, end);
            if (to == NULL)
                return false;
        }
    }
    *ret = str_of(p, (size_t)(to - p));
    return true;
}
