/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_map.h - a row for each field: its name here, its name there, how it crosses, its range.
 *
 * Policy is a verdict like any other (jm_refuse, jm_ignore), so that every documented field has a
 * row and the documents are printed from the same rows. */
#ifndef CODEC_JSON_MAP_H
#define CODEC_JSON_MAP_H

#include "codec/json_names.h"
#include "codec/json_write.h"

struct jm;
struct jm_row;
/* Write v under row->to, or fail with jm_fault. */
typedef void jm_put_f(struct jm *m, const struct jm_row *row, yyjson_val *v);

struct jm_row {
    const char *from;
    const char *to; /* NULL where nothing is written */
    jm_put_f *put;
    double lowest, highest; /* of the value, or of the length for strings and lists */
    const char *note;       /* for docs/compat.md; may be NULL */
};
struct jm {
    struct jw *w;
    struct fault *why;
    struct buf *ignored; /* names of fields that were dropped, comma-separated; may be NULL */
    void *ctx;           /* the caller's, for put functions of its own */
};

/* Rows, and where each name's is. */
struct jm_table {
    const struct jm_row *rows;
    struct jn names;
};
#define JM_TABLE(r)                                                                                \
    {                                                                                              \
        .rows = (r), .names = JN_ROWS(r, from)                                                     \
    }

/* What an object has of a table's rows. Begin with none: {.seen = 0, .have = 0}. */
struct jm_found {
    uint64_t seen, have; /* a bit for each row: the member is there; and it is not null */
    yyjson_val *v[JN_MAX];
};

/* One walk over an object finds what it has of several tables: note each of its members. Of members
 * that are there twice the first counts. False: the table has no row for it. */
bool jm_note(struct jm_found *f, struct jm_table *t, yyjson_val *key);

/* Rows are written in order; of rows with one target the first present wins, the others are listed
 * in m->ignored. null means absent. */
void jm_apply(struct jm *m, const struct jm_table *t, const struct jm_found *f);

COLD void jm_fault(struct jm *m, yyjson_val *at, enum err code, const char *what);

jm_put_f jm_num; /* keeps the number's text */
jm_put_f jm_int; /* 1.0 is a whole number, "1" is none */
jm_put_f jm_bool, jm_copy;
jm_put_f jm_str;    /* range in code points; highest 0: no limit */
jm_put_f jm_strs;   /* a string or a list of them; a list is written. Empty strings are dropped, and
                       when none is left the field counts as absent. Range in items left; of more
                       than the highest the first are written, and m->ignored gets "from=first_N" */
jm_put_f jm_refuse; /* a clear 400: "is not supported" */
jm_put_f jm_ignore; /* dropped, and its name added to m->ignored */
jm_put_f jm_skip;   /* read elsewhere; nothing is written here */

#endif
