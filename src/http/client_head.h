/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_head.h - the fields of one answer's head, gathered in one block while they arrive. */
#ifndef HTTP_CLIENT_HEAD_H
#define HTTP_CLIENT_HEAD_H

#include "base/buf.h"
#include "http/msg.h"

enum { HEAD_FIELD_COST = 32 }; /* charged for each field beside its bytes (LIM-2) */

struct head {
    struct buf text;       /* name value name value ..., nothing between them */
    struct http_header *v; /* allocated with the first field */
    size_t n, room;        /* complete fields; entries of v */
    size_t charged;        /* against HTTP_HEAD_MAX */
};

void head_init(struct head *h); /* allocates nothing yet */
void head_fini(struct head *h);
void head_reset(struct head *h); /* as after head_init; memory for most heads is kept */

/* Pieces of a name are lowered, pieces of a value kept; head_next ends the field.
 *
 *   errors  E_TOOBIG over HTTP_HEAD_MAX charged bytes or HTTP_FIELDS_MAX fields */
MUST_CHECK enum err head_name(struct head *h, struct str piece);
MUST_CHECK enum err head_value(struct head *h, struct str piece);
MUST_CHECK enum err head_next(struct head *h);

/* Charge a field that is dropped (a trailer), by the same limits. */
MUST_CHECK enum err head_skip(struct head *h, size_t bytes);

/* All complete fields, once; valid until the head changes, which can only be head_fini or
 * head_reset. */
struct http_headers head_fields(struct head *h);

#endif
