/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_print.h - a parsed value, printed again: what the targets for JSON have in common. */
#ifndef FUZZ_JSON_PRINT_H
#define FUZZ_JSON_PRINT_H

#include "codec/json_write.h"

#include <assert.h>

/* ret is to be initialized with a cap; its error is the answer. */
static inline enum err json_print(yyjson_val *v, struct buf *ret)
{
    struct jw w;
    enum err rc;

    jw_begin(&w, ret);
    jw_copy(&w, NULL, v);
    rc = jw_end_all(&w);
    assert(rc == ret->err);
    return rc;
}

#endif
