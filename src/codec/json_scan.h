/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_scan.h - private to codec/: one look over JSON text before it is parsed. It counts what
 * could cost memory, mends what a lenient reader forgives, and finds long strings, which the parser
 * need not read byte by byte. */
#ifndef CODEC_JSON_SCAN_H
#define CODEC_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    JSON_CUT_MIN = 512,          /* a shorter string is not worth the trouble */
    JSON_CUT_ENOUGH = 16 * 1024, /* one of these is, whatever the text's length */
    JSON_CUTS_MAX = 32,          /* more of them are parsed like any other */
};

/* How long a string must be to be left out of a text of n bytes. Of text under half a megabyte no
 * more than JSON_CUTS_MAX are that long, so that small ones never take the place of a large one. */
static inline size_t json_cut_min(size_t n)
{
    size_t share = n / JSON_CUTS_MAX;

    if (share < JSON_CUT_MIN)
        return JSON_CUT_MIN;
    return share < JSON_CUT_ENOUGH ? share : JSON_CUT_ENOUGH;
}

/* The text between the quotes of a string: printable ASCII without an escape. */
struct json_cut {
    size_t at, n;
};
struct json_cuts {
    struct json_cut v[JSON_CUTS_MAX];
    size_t n;
    size_t bytes; /* of all */
};

/* Look at p[*at .. n). Right for text that is JSON; of other text it says something harmless, as
 * the parser refuses it.
 *
 *   lenient  half of a surrogate pair, as an escape, is rewritten to U+FFFD
 *   returns  NULL, or which cap of json_read.h is reached, at *at */
const char *json_scan(char *p, size_t n, bool lenient, struct json_cuts *ret_cuts, size_t *at);

#endif
