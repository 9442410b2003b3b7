/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_head.h - what the fields of a request say about its framing, and whether they may say so.
 * Pure. The same rules for both HTTP versions where both can break them (H1-1, H1-2, H1-5, H1-7).
 */
#ifndef HTTP_SERVER_HEAD_H
#define HTTP_SERVER_HEAD_H

#include "http/server.h"

enum { HEAD_FIELD_COST_BYTES = 32 }; /* LIM-2: each field costs this beside its name and value */

struct head_facts {
    bool chunked;
    bool has_length;
    uint64_t length;
    bool keep_alive;
    bool expects_100;
    bool expects_other;
    bool encoded;  /* a Content-Encoding that is not identity */
    bool has_host; /* then: */
    struct str host;
};
static inline bool head_has_body(const struct head_facts *f)
{
    return f->chunked || (f->has_length && f->length > 0);
}

/* `minor` is that of HTTP/1, or HEAD_H2. Names are lower case, values trimmed.
 *
 *   errors  *ret_why, a framing error: the connection must not be read any further */
enum { HEAD_H2 = 2 };
MUST_CHECK bool head_facts(struct http_headers h, int minor, struct head_facts *ret,
                           struct refusal *ret_why);

struct target {
    struct str path, query;
    struct str authority; /* of the absolute form, else empty */
};
MUST_CHECK bool target_split(struct str raw, enum http_method m, struct target *ret,
                             struct refusal *ret_why);
/* H1-5, H2-8: an authority that came beside a Host field says the same. */
MUST_CHECK bool authority_agrees(struct str authority, const struct head_facts *f,
                                 struct refusal *ret_why);

enum http_method
method_find(struct str word); /* HTTP_OTHER for all that have no name of their own */

#endif
