/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* msg.h - what both sides of HTTP share: methods, header fields, targets. */
#ifndef HTTP_MSG_H
#define HTTP_MSG_H

#include "base/err.h"
#include "base/str.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* TRACE and CONNECT and whatever else: answered by the server itself with 405 */
};
struct str http_method_str(enum http_method m); /* "GET" */

struct http_header {
    struct str name; /* lower case on everything that was parsed */
    struct str value;
};
struct http_headers {
    const struct http_header *v;
    size_t n;
};
/* The first field of that name (lower case), or the empty string. */
struct str http_header_get(struct http_headers h, struct str name);

struct str http_reason(int status); /* "Not Found"; "Unknown" where there is none */

/* Field names: a token character in lower case, or 0 for a byte that is none. RFC 9110, 5.6.2. */
extern const unsigned char TOKEN_LOWER[256];
/* All token characters, in lower case, and at least one of them. */
bool http_name_ok(struct str name);
/* No control byte but HTAB: it ends no line, and may stand in a field's value. */
bool http_value_ok(struct str value);
/* Visible ASCII, and at least one byte of it. */
bool http_visible(struct str s);

/* Cap what strangers send: see ARCHITECTURE.md, "Caps". */
enum {
    HTTP_LINE_MAX = 8 * 1024,
    HTTP_FIELD_MAX = 16 * 1024,
    HTTP_HEAD_MAX = 64 * 1024,
    HTTP_FIELDS_MAX = 100,
};

#endif
