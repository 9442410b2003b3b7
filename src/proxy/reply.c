/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* reply.c - answer heads. Must not know what an answer says. */
#include "proxy/reply.h"

#include <stdio.h>

enum { REQUESTED_HEADERS_MAX = 2048, SDK_WAIT_S = 60 };

/* What the SDKs send is allowed even to a browser that does not say what it will send. */
static const struct str ALLOWED = S_INIT(
    "authorization, content-type, x-api-key, api-key, x-goog-api-key, x-request-id, "
    "openai-organization, openai-project, openai-beta, user-agent, http-referer, x-title, "
    "x-stainless-arch, x-stainless-async, x-stainless-custom-poll-interval, "
    "x-stainless-helper-method, x-stainless-lang, x-stainless-os, x-stainless-package-version, "
    "x-stainless-poll-helper, x-stainless-retry-count, x-stainless-runtime, "
    "x-stainless-runtime-version, x-stainless-timeout");

void reply_add(struct reply_head *h, struct str name, struct str value)
{
    if (value.n > 0 && h->n < REPLY_HEADERS_MAX)
        h->v[h->n++] = (struct http_header){name, value};
}

static bool in_list(struct str list, struct str origin)
{
    while (list.n > 0)
        if (str_eq(str_trim(str_cut(&list, ',')), origin))
            return true;
    return false;
}

/* `*`, the listed origin, or empty: no CORS. Never reflected unlisted, never with credentials. */
static struct str allowed_origin(const struct proxy_opts *o, struct call *c)
{
    struct str origin;

    switch (o->cors) {
    case CORS_OFF: break;
    case CORS_ANY: return S("*");
    case CORS_LIST:
        origin = http_header_get(call_headers(c), S("origin"));
        return in_list(o->cors_origins, origin) ? origin : S("");
    }
    return S("");
}

void reply_begin(struct reply_head *h, const struct proxy_opts *o, struct call *c,
                 const struct request_id *id)
{
    struct str origin = allowed_origin(o, c);

    h->n = 0;
    reply_add(h, S("x-request-id"), str_of(id->z, id->n));
    reply_add(h, S("x-content-type-options"), S("nosniff"));
    if (o->cors == CORS_LIST)
        reply_add(h, S("vary"), S("Origin"));
    if (origin.n > 0) {
        reply_add(h, S("access-control-allow-origin"), origin);
        reply_add(
            h, S("access-control-expose-headers"),
            S("x-request-id, x-queqiao-ignored, x-queqiao-model, retry-after, x-should-retry"));
    }
}

static void send(struct call *c, int status, const struct reply_head *h, struct str body)
{
    call_respond(c, status, reply_fields(h), (int64_t)body.n);
    if (body.n > 0)
        call_write(c, body);
    call_end(c);
}

/*   source  WEB-1 */
void reply_begin_page(struct reply_head *h, const struct request_id *id)
{
    h->n = 0;
    reply_add(h, S("x-request-id"), str_of(id->z, id->n));
    reply_add(h, S("x-content-type-options"), S("nosniff"));
    reply_add(h, S("content-security-policy"),
              S("default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
                "frame-ancestors 'none'"));
    reply_add(h, S("referrer-policy"), S("no-referrer"));
    reply_add(
        h, S("permissions-policy"),
        S("camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"));
    reply_add(h, S("cross-origin-opener-policy"), S("same-origin"));
    reply_add(h, S("cross-origin-resource-policy"), S("same-origin"));
}

/*   source  RFC 9110, 11.6.1 */
static void add_challenge(struct reply_head *h, int status)
{
    if (status == 401)
        reply_add(h, S("www-authenticate"), S("Bearer"));
}

void reply_page(struct proxy *p, struct call *c, const struct request_id *id, int status,
                struct str content_type, struct str body)
{
    struct reply_head h;

    (void)p;
    reply_begin_page(&h, id);
    reply_add(&h, S("content-type"), content_type);
    reply_add(&h, S("cache-control"), S("no-store"));
    add_challenge(&h, status);
    send(c, status, &h, body);
}

void reply_json(struct proxy *p, struct call *c, const struct request_id *id, int status,
                struct str body)
{
    struct reply_head h;

    reply_begin(&h, p->opts, c, id);
    reply_add(&h, S("content-type"), S("application/json; charset=utf-8"));
    reply_add(&h, S("cache-control"), S("no-store"));
    send(c, status, &h, body);
}

void reply_buf(struct proxy *p, struct call *c, const struct request_id *id, int status,
               const struct buf *body)
{
    if (body->err == OK)
        reply_json(p, c, id, status, buf_str(body));
    else
        reply_json(p, c, id, 503, S(""));
}

/* OpenAI's SDKs ask twice more, within seconds, whatever retry-after beyond a minute says. */
static bool is_worth_another(const struct gm_error *e)
{
    return e->cause != GM_CREDIT && e->retry_after_s < SDK_WAIT_S;
}

void reply_not_allowed(struct proxy *p, struct call *c, const struct request_id *id,
                       const struct dialect *d, const struct gm_error *e, struct str allow)
{
    struct reply_head h;

    buf_reset(&p->out);
    d->error(e, &p->out);
    reply_begin(&h, p->opts, c, id);
    reply_add(&h, S("content-type"), S("application/json; charset=utf-8"));
    reply_add(&h, S("cache-control"), S("no-store"));
    reply_add(&h, S("allow"), allow);
    add_challenge(&h, e->client_status);
    if (e->retry_after_s > 0) {
        snprintf(h.retry_after, sizeof h.retry_after, "%u", (unsigned)e->retry_after_s);
        reply_add(&h, S("retry-after"), str_z(h.retry_after));
    }
    if (!is_worth_another(e))
        reply_add(&h, S("x-should-retry"), S("false"));
    if (p->out.err != OK) /* no memory for the words: the status speaks alone */
        buf_cut(&p->out, 0);
    send(c, e->client_status, &h, buf_str(&p->out));
    buf_reset(&p->out); /* the buffer is everybody's: the next stream would begin with this error */
}

void reply_error(struct proxy *p, struct call *c, const struct request_id *id,
                 const struct dialect *d, const struct gm_error *e)
{
    reply_not_allowed(p, c, id, d, e, S("")); /* an empty field is left out */
}

/* Only what a list of field names may hold, so that echoing it can never inject anything. */
static bool is_name_list(struct str s)
{
    if (s.n == 0 || s.n > REQUESTED_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == ',' || c == ' ';

        if (!ok)
            return false;
    }
    return true;
}

void reply_options(struct proxy *p, struct call *c, const struct request_id *id)
{
    struct str asked = http_header_get(call_headers(c), S("access-control-request-headers"));
    struct reply_head h;

    reply_begin(&h, p->opts, c, id);
    reply_add(&h, S("allow"), S("GET, HEAD, POST, OPTIONS"));
    if (allowed_origin(p->opts, c).n > 0) {
        reply_add(&h, S("access-control-allow-methods"), S("GET, HEAD, POST, OPTIONS"));
        reply_add(&h, S("access-control-allow-headers"), is_name_list(asked) ? asked : ALLOWED);
        reply_add(&h, S("access-control-max-age"), S("86400"));
    }
    send(c, 204, &h, S(""));
}
