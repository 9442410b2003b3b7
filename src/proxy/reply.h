/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* reply.h - the head of every answer: CORS, request id, caching, and errors in the dialect's shape.
 */
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include "gemini/error.h"
#include "proxy/proxy.h"

enum { REPLY_HEADERS_MAX = 24 };

struct reply_head {
    struct http_header v[REPLY_HEADERS_MAX];
    size_t n;
    char retry_after[16];
};
/* The fields that every answer carries. id must outlive the head. */
void reply_begin(struct reply_head *h, const struct proxy_opts *o, struct call *c,
                 const struct request_id *id);
void reply_add(struct reply_head *h, struct str name, struct str value);
static inline struct http_headers reply_fields(const struct reply_head *h)
{
    return (struct http_headers){h->v, h->n};
}

/* One log line for a request that is answered without an exchange. */
void reply_log(const struct request_id *id, struct call *c, int status);

/* A whole answer: head, body, end. The call is over. */
void reply_json(struct proxy *p, struct call *c, const struct request_id *id, int status,
                struct str body);
/* The same with the body that was written into a buffer: where there was no memory for it, a 503
 * without a body. */
void reply_buf(struct proxy *p, struct call *c, const struct request_id *id, int status,
               const struct buf *body);

/* The fields of the pages of our own: none for CORS, and a browser is kept from everything that
 * they do not need. id must outlive the head. */
void reply_begin_page(struct reply_head *h, const struct request_id *id);

/* Such a page, whole. */
void reply_page(struct proxy *p, struct call *c, const struct request_id *id, int status,
                struct str content_type, struct str body);
void reply_error(struct proxy *p, struct call *c, const struct request_id *id,
                 const struct dialect *d, const struct gm_error *e);

/* The same for a 405, which must say what is allowed (RFC 9110, 15.5.6). */
void reply_not_allowed(struct proxy *p, struct call *c, const struct request_id *id,
                       const struct dialect *d, const struct gm_error *e, struct str allow);

/* The answer to a CORS preflight, or to any OPTIONS. */
void reply_options(struct proxy *p, struct call *c, const struct request_id *id);

#endif
