/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_names.h - the names that one kind of object may have, and which of them a member's is,
 * without a walk over them. */
#ifndef CODEC_JSON_NAMES_H
#define CODEC_JSON_NAMES_H

#include "codec/json_read.h"
#include <stdatomic.h>

enum { JN_MAX = 64, JN_SLOTS = 256 };

/* One static for a list; it is made ready on first use, by whichever thread that is. */
struct jn {
    const char *const *first; /* the first name, and how far it is to the next */
    size_t stride, n;
    /* private */
    _Atomic bool ready;
    uint8_t slot[JN_SLOTS]; /* which name, counted from 1; 0: none */
    struct str name[JN_MAX];
    uint64_t head[JN_MAX]; /* jr_head() */
};
#define JN_LIST(list)                                                                              \
    {                                                                                              \
        .first = (list), .stride = sizeof(list)[0], .n = NELEM(list)                               \
    }
#define JN_ROWS(rows, member)                                                                      \
    {                                                                                              \
        .first = &(rows)[0].member, .stride = sizeof(rows)[0], .n = NELEM(rows)                    \
    }

/* The place of a member's name in the list, or -1. The name is of json_parse. */
int jn_find(struct jn *t, yyjson_val *key);

#endif
