/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_form.h - JSON text that says the same as the last one but for a few values.
 *
 * A form is text that was parsed, with blanks in the place of some of its strings and numbers. Text
 * that is the form everywhere else, and fills each blank with a string or a number, is JSON too:
 * the same value but for these. So nothing of it is left to be parsed. */
#ifndef CODEC_JSON_FORM_H
#define CODEC_JSON_FORM_H

#include "base/arena.h"
#include "codec/json_read.h"

enum {
    JSON_FORM_MAX = 4096, /* bytes of a text that may become a form */
    JSON_BLANKS_MAX = 16,
};

/* A string, or a whole number below 10^9 without a sign. */
struct json_blank {
    yyjson_val *v;
    unsigned tag; /* the caller's: where its entry goes */
};

/* What stands in a blank. */
struct json_entry {
    char *p; /* of a string: the text between its quotes as it is written */
    size_t n;
    bool escaped;    /* there is a backslash in it */
    bool ascii;      /* and nothing above ASCII */
    uint32_t number; /* of a number */
};

struct json_form {
    /* private; all are zeroes in a form that knows nothing */
    size_t kept;     /* bytes of a text that is being parsed */
    unsigned blanks; /* 0: fits nothing */
    struct {
        uint16_t before; /* bytes from the blank before it */
        uint8_t tag;
        bool string;
    } blank[JSON_BLANKS_MAX];
    size_t n; /* of text: what stands before, between and behind the blanks, without a gap */
    char *text;
    size_t room;
    struct arena *arena; /* where there is more of it; NULL: nowhere */
};

/* A form that knows nothing, with room for so many bytes to begin with. */
void json_form_init(struct json_form *f, char *room, size_t n, struct arena *arena);

/* Before a text is parsed: what the form was is forgotten, and the text kept if it is short enough,
 * and there is room for it. */
void json_form_keep(struct json_form *f, struct str text);

/* After that: blanks in the place of these values, in any order.
 *
 *   base    where the text began that was kept; the values point into it
 *   after   where they are too many, or one is no blank, the form fits nothing */
void json_form_cut(struct json_form *f, const char *base, struct json_blank *blanks, size_t n);

/* Is this the form, filled? Then ret[tag] is the entry of each blank; what other tags have is not
 * touched. Strings may still hold bad escapes or bytes that are not UTF-8. */
MUST_CHECK bool json_form_fill(const struct json_form *f, char *p, size_t n,
                               struct json_entry *ret);

/* The text of a string that json_form_fill() found, as json_parse_lenient() reads it, and in place.
 * False: it is no string of JSON. */
MUST_CHECK bool json_entry_text(const struct json_entry *e, struct str *ret);

#endif
