/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_head.c - one pass over a request's fields. Strict where two readers of the same bytes
 * could come to different ends of the message; RFC 9112, 6 and 11. */
#include "http/server_head.h"

enum { LENGTH_DIGITS = 18 };

static bool refuse(struct refusal *why, int status, const char *what)
{
    *why = (struct refusal){status, what};
    return false;
}

enum http_method method_find(struct str word)
{
    if (str_eq(word, S("POST"))) /* as nearly always */
        return HTTP_POST;
    for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++)
        if (str_eq(word, http_method_str(m)))
            return m;
    return HTTP_OTHER;
}

/* Is `word` an element of the comma-separated list? */
static bool list_has(struct str list, struct str word)
{
    while (list.n > 0)
        if (str_eq_nocase(str_trim(str_cut(&list, ',')), word))
            return true;
    return false;
}

/* uri-host [ ":" port ], RFC 3986, 3.2.2; empty is legal where the target has no authority. */
static bool host_valid(struct str host)
{
    static const char MARKS[] = "-._~%!$&'()*+,;=";
    bool literal = str_starts(host, S("["));
    size_t i = 0;

    if (literal) {
        i = str_find(host, S("]"));
        if (i == host.n || i < 3)
            return false;
        for (size_t j = 1; j < i; j++)
            if (strchr("0123456789abcdefABCDEF:.", host.p[j]) == NULL || host.p[j] == '\0')
                return false;
        i++;
    }
    for (; i < host.n && host.p[i] != ':'; i++) {
        unsigned char c = (unsigned char)host.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        if (literal || c == '\0' || (!alnum && strchr(MARKS, c) == NULL))
            return false;
    }
    if (i == host.n)
        return true;
    for (i++; i < host.n; i++)
        if (host.p[i] < '0' || host.p[i] > '9')
            return false;
    return true;
}

struct fields {
    int minor;
    struct head_facts *f;
    struct refusal *why;
    size_t hosts, encodings;
    bool close, keep;
};

static bool on_host(struct fields *x, struct str v)
{
    x->f->has_host = true;
    x->f->host = v;
    if (++x->hosts > 1)
        return refuse(x->why, 400, "more than one Host field");
    return host_valid(v) || refuse(x->why, 400, "the Host field is not a host name");
}

static bool on_length(struct fields *x, struct str v)
{
    if (x->f->has_length)
        return refuse(x->why, 400, "more than one Content-Length field");
    x->f->has_length = true;
    if (v.n > LENGTH_DIGITS || !str_u64(v, UINT64_MAX, &x->f->length))
        return refuse(x->why, 400, "Content-Length is not a number");
    return true;
}

static bool on_transfer(struct fields *x, struct str v)
{
    if (x->f->chunked)
        return refuse(x->why, 400, "more than one Transfer-Encoding field");
    if (x->minor == 0)
        return refuse(x->why, 400, "Transfer-Encoding does not exist in HTTP/1.0");
    if (!str_eq_nocase(v, S("chunked")))
        return refuse(x->why, 501, "a Transfer-Encoding other than chunked is not supported");
    x->f->chunked = true;
    return true;
}

static bool on_connection(struct fields *x, struct str v)
{
    x->close = x->close || list_has(v, S("close"));
    x->keep = x->keep || list_has(v, S("keep-alive"));
    return true;
}

static bool on_expect(struct fields *x, struct str v)
{
    if (x->minor == 0)
        return true; /* RFC 9110, 10.1.1: ignored */
    if (str_eq_nocase(v, S("100-continue")))
        x->f->expects_100 = true;
    else
        x->f->expects_other = true;
    return true;
}

static bool on_encoding(struct fields *x, struct str v)
{
    if (v.n > 0 && !str_eq_nocase(v, S("identity")))
        x->f->encoded = true;
    return true;
}

struct field_row {
    struct str name;
    bool (*on)(struct fields *x, struct str value);
};
static const struct field_row FIELDS[] = {
    {S_INIT("host"),              on_host      },
    {S_INIT("expect"),            on_expect    },
    {S_INIT("connection"),        on_connection},
    {S_INIT("content-length"),    on_length    },
    {S_INIT("content-encoding"),  on_encoding  },
    {S_INIT("transfer-encoding"), on_transfer  },
};

/* Every name has a length of its own. */
static const struct field_row *row_of(struct str name)
{
    const struct field_row *row;

    switch (name.n) {
    case 4: row = &FIELDS[0]; break;
    case 6: row = &FIELDS[1]; break;
    case 10: row = &FIELDS[2]; break;
    case 14: row = &FIELDS[3]; break;
    case 16: row = &FIELDS[4]; break;
    case 17: row = &FIELDS[5]; break;
    default: return NULL;
    }
    return memcmp(name.p, row->name.p, name.n) == 0 ? row : NULL;
}

bool head_facts(struct http_headers h, int minor, struct head_facts *ret, struct refusal *ret_why)
{
    struct head_facts f = {0};
    struct fields x = {.minor = minor, .f = &f, .why = ret_why};

    for (size_t i = 0; i < h.n; i++) {
        const struct field_row *row = row_of(h.v[i].name);

        if (row != NULL && !row->on(&x, h.v[i].value))
            return false;
    }
    if (f.has_length && f.chunked)
        return refuse(ret_why, 400, "both Content-Length and Transfer-Encoding");
    if (minor == 1 && x.hosts != 1)
        return refuse(ret_why, 400, "the Host field is missing");
    f.keep_alive = !x.close && (minor != 0 || x.keep);
    *ret = f;
    return true;
}

static size_t find_any(struct str s, const char *any)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\0' && strchr(any, s.p[i]) != NULL)
            return i;
    return s.n;
}

static bool target_absolute(struct str raw, struct target *ret)
{
    size_t scheme = str_starts_nocase(raw, S("http://"))    ? 7
                    : str_starts_nocase(raw, S("https://")) ? 8
                                                            : 0;
    struct str rest = str_skip(raw, scheme);
    size_t end = find_any(rest, "/?");

    ret->authority = str_sub(rest, 0, end);
    ret->path = str_skip(rest, end);
    return scheme > 0 && end > 0 && host_valid(ret->authority);
}

bool target_split(struct str raw, enum http_method m, struct target *ret, struct refusal *ret_why)
{
    struct target t = {.path = raw, .query = S(""), .authority = S("")};

    if (m == HTTP_OTHER) { /* never looked at */
        *ret = t;
        return true;
    }
    if (raw.n > 0 && (!http_visible(raw) || memchr(raw.p, '#', raw.n) != NULL))
        return refuse(ret_why, 400, "a byte in the request target that must be encoded");
    if (!str_starts(raw, S("/")) && !(m == HTTP_OPTIONS && str_eq(raw, S("*"))) &&
        !target_absolute(raw, &t))
        return refuse(ret_why, 400, "the request target is not a path");
    t.query = t.path;
    t.path = str_cut(&t.query, '?');
    if (t.path.n == 0)
        t.path = S("/");
    *ret = t;
    return true;
}

bool authority_agrees(struct str authority, const struct head_facts *f, struct refusal *ret_why)
{
    if (authority.n == 0 || !f->has_host || str_eq_nocase(authority, f->host))
        return true;
    return refuse(ret_why, 400, "the Host field differs from the request's authority");
}
