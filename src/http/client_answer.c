/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_answer.c - HTTP/1 answers on llhttp, with every leniency off and the checks that llhttp
 * leaves to its user. One llhttp message is one head with its body; the parser stops after each, so
 * that no byte of a next message is read before this one was judged. */
#include "http/client_answer.h"
#include "http/quick.h"

#include <assert.h>

enum { CHUNK_EXTENSION_MAX = 256, CHUNK_EXTENSIONS_MAX = 4096 }; /* H1-3 */
enum { LENGTH_DIGITS_MAX = 18 };                                 /* H1-1 */
static_assert(QUICK_MAX + HTTP_FIELDS_MAX * HEAD_FIELD_COST <= HTTP_HEAD_MAX, "no cap is reached");
enum { NO_BODY = 1 }; /* from on_headers_complete: whatever the fields say */

static struct answer *of(llhttp_t *ll)
{
    return ll->data;
}

static int fail(struct answer *a, enum err e, const char *what)
{
    if (a->state != ANSWER_FAILED) {
        a->state = ANSWER_FAILED;
        a->err = e;
        a->what = what;
    }
    return HPE_USER;
}

static int too_big(struct answer *a)
{
    return fail(a, E_TOOBIG, "the head of the answer is larger than the limit");
}

static int on_status(llhttp_t *ll, const char *p, size_t n)
{
    (void)p;
    return n > HTTP_HEAD_MAX - of(ll)->head.charged ? too_big(of(ll))
                                                    : (of(ll)->head.charged += n, HPE_OK);
}

/* Trailers come through the same callbacks after the body; they are charged and dropped. */
static int on_field(llhttp_t *ll, const char *p, size_t n)
{
    return head_name(&of(ll)->head, str_of(p, n)) == OK ? HPE_OK : too_big(of(ll));
}

static int on_value(llhttp_t *ll, const char *p, size_t n)
{
    return head_value(&of(ll)->head, str_of(p, n)) == OK ? HPE_OK : too_big(of(ll));
}

static int on_value_complete(llhttp_t *ll)
{
    return head_next(&of(ll)->head) == OK ? HPE_OK : too_big(of(ll));
}

static bool length_ok(struct str v, uint64_t *ret)
{
    return v.n <= LENGTH_DIGITS_MAX && str_u64(v, UINT64_MAX, ret);
}

/* H1-1 and H1-2. llhttp refuses most of this by itself; what must not pass is spelled out here, so
 * that it holds for every version of llhttp. */
static const char *framing_fault(struct answer *a, struct http_headers h)
{
    uint64_t length;

    for (size_t i = 0; i < h.n; i++) {
        if (h.v[i].name.n == 0)
            return "the answer has a field without a name";
        if (str_eq(h.v[i].name, S("content-length"))) {
            a->framings++;
            if (!length_ok(h.v[i].value, &length))
                return "the answer has a bad content-length";
        } else if (str_eq(h.v[i].name, S("transfer-encoding"))) {
            a->framings++;
            if (!str_eq_nocase(h.v[i].value, S("chunked")) || a->ll.http_minor == 0)
                return "the answer has a transfer-encoding that is not chunked";
        }
    }
    return a->framings > 1 ? "the answer frames its body twice" : NULL;
}

static int on_interim(struct answer *a)
{
    if (a->ll.status_code == 101)
        return fail(a, E_UPSTREAM, "upstream switched protocols unasked");
    if (a->framings > 0)
        return fail(a, E_UPSTREAM, "an interim answer has a body");
    if (++a->interims > ANSWER_INTERIM_MAX)
        return fail(a, E_UPSTREAM, "upstream sent too many interim answers");
    a->interim = true;
    return NO_BODY;
}

static int on_headers_complete(llhttp_t *ll)
{
    struct answer *a = of(ll);
    struct http_headers h = head_fields(&a->head);
    const char *fault = framing_fault(a, h);
    bool empty = a->to_head || ll->status_code == 204 || ll->status_code == 304;

    if (fault != NULL)
        return fail(a, E_UPSTREAM, fault);
    if (ll->http_major != 1 || ll->http_minor > 1)
        return fail(a, E_UPSTREAM, "the answer is not HTTP/1.0 or HTTP/1.1");
    if (ll->status_code < 100 || ll->status_code > 599)
        return fail(a, E_UPSTREAM, "the answer has a status out of range");
    if (ll->status_code < 200)
        return on_interim(a);
    a->state = ANSWER_BODY;
    a->on->on_head(a->owner, ll->status_code, h);
    head_fini(&a->head);
    if (a->stopped)
        return fail(a, E_CLOSED, "stopped");
    return empty ? NO_BODY : HPE_OK;
}

static int on_body(llhttp_t *ll, const char *p, size_t n)
{
    struct answer *a = of(ll);

    if (n > 0)
        a->on->on_data(a->owner, str_of(p, n));
    return a->stopped ? fail(a, E_CLOSED, "stopped") : HPE_OK;
}

static int on_chunk_header(llhttp_t *ll)
{
    of(ll)->extension = 0;
    return HPE_OK;
}

static int on_chunk_extension(llhttp_t *ll, const char *p, size_t n)
{
    struct answer *a = of(ll);

    (void)p;
    a->extension += n;
    a->extensions += n;
    if (a->extension > CHUNK_EXTENSION_MAX || a->extensions > CHUNK_EXTENSIONS_MAX)
        return fail(a, E_TOOBIG, "the answer has chunk extensions over the limit");
    return HPE_OK;
}

static int on_message_complete(llhttp_t *ll)
{
    struct answer *a = of(ll);

    if (!a->interim) {
        a->state = ANSWER_DONE;
        /* A 204 that names a length may be followed by bytes of one. */
        a->keep = ll->http_minor == 1 && llhttp_should_keep_alive(ll) &&
                  !(ll->status_code == 204 && a->framings > 0);
    }
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

static void next_message(struct answer *a)
{
    a->in_message = a->interim = false;
    a->framings = 0;
    head_fini(&a->head);
}

void answer_init(struct answer *a, bool to_head, const struct answer_events *on, void *owner)
{
    *a = (struct answer){.to_head = to_head, .on = on, .owner = owner};
    head_init(&a->head);
}

void answer_fini(struct answer *a)
{
    head_fini(&a->head);
}

/* llhttp skips empty lines before a message; a server has no reason to send any. */
static bool starts_well(struct answer *a, struct str bytes)
{
    if (!a->in_message) {
        if (bytes.p[0] != 'H')
            fail(a, E_UPSTREAM, "the answer is not HTTP/1");
        llhttp_init(&a->ll, HTTP_RESPONSE, &SETTINGS);
        a->ll.data = a;
    }
    a->in_message = true;
    return a->state != ANSWER_FAILED;
}

/* Feed one message; the bytes that it took. */
static size_t feed_message(struct answer *a, struct str bytes)
{
    llhttp_errno_t e = llhttp_execute(&a->ll, bytes.p, bytes.n);

    if (e == HPE_OK)
        return bytes.n;
    if (e != HPE_PAUSED)
        fail(a, E_UPSTREAM, "the framing of the answer is broken");
    return (size_t)(llhttp_get_error_pos(&a->ll) - bytes.p);
}

/* The usual answer: its head is here as a whole, and its body has a length. llhttp does not see it;
 * what it would not say of it, or is not sure of, is left to it. */

/* "HTTP/1.1 200 OK"; 0 for all that may be without a body. */
static int quick_status(struct str line)
{
    uint64_t status = 0;

    if (!str_starts(line, S("HTTP/1.1 ")) || line.n < 13 || line.p[12] != ' ' ||
        !str_u64(str_sub(line, 9, 3), 599, &status) || status < 200 || status == 204 ||
        status == 304)
        return 0;
    return (int)status;
}

static bool quick_fields(struct answer *a, struct http_headers h)
{
    size_t lengths = 0;

    for (size_t i = 0; i < h.n; i++) {
        struct str name = h.v[i].name, v = h.v[i].value;

        if (str_eq(name, S("content-length"))) {
            if (lengths++ > 0 || !length_ok(v, &a->left))
                return false;
        } else if (str_eq(name, S("transfer-encoding")) || str_eq(name, S("upgrade")) ||
                   str_eq(name, S("proxy-connection")) ||
                   (str_eq(name, S("connection")) && !str_eq_nocase(v, S("keep-alive")))) {
            return false;
        }
    }
    return lengths == 1;
}

static void quick_settle(struct answer *a)
{
    if (a->stopped)
        fail(a, E_CLOSED, "stopped");
    else if (a->left == 0)
        a->state = ANSWER_DONE;
}

/* The bytes of the head, or 0. */
static size_t quick_head(struct answer *a, struct str bytes)
{
    UNINITIALIZED struct quick_lines x;
    UNINITIALIZED struct http_header v[HTTP_FIELDS_MAX];
    UNINITIALIZED char copy[QUICK_MAX];
    struct http_headers h = {v, 0};
    int status;

    if (a->to_head || !quick_lines(bytes, &x))
        return 0;
    memcpy(copy, bytes.p, x.bytes);
    status = quick_status(quick_line(copy, &x, 0));
    if (status == 0)
        return 0;
    for (; h.n + 1 < x.n; h.n++) {
        struct str line = quick_line(copy, &x, h.n + 1);

        if (!quick_field(copy + (line.p - copy), line.n, &v[h.n]))
            return 0;
    }
    if (!quick_fields(a, h))
        return 0;
    a->state = ANSWER_BODY;
    a->quick = a->keep = true;
    a->on->on_head(a->owner, status, h);
    quick_settle(a);
    return x.bytes;
}

static size_t quick_body(struct answer *a, struct str bytes)
{
    struct str data = str_sub(bytes, 0, a->left < bytes.n ? (size_t)a->left : bytes.n);

    a->left -= data.n;
    a->on->on_data(a->owner, data);
    quick_settle(a);
    return data.n;
}

static size_t feed_some(struct answer *a, struct str bytes)
{
    size_t took = 0;

    if (a->quick)
        return quick_body(a, bytes);
    if (!a->in_message)
        took = quick_head(a, bytes);
    if (took > 0 || !starts_well(a, bytes))
        return took;
    took = feed_message(a, bytes);
    if (a->interim && a->ll.error == HPE_PAUSED && a->state != ANSWER_FAILED)
        next_message(a);
    return took;
}

size_t answer_feed(struct answer *a, struct str bytes)
{
    size_t took = 0;

    while (took < bytes.n && a->state < ANSWER_DONE)
        took += feed_some(a, str_skip(bytes, took));
    if (a->state == ANSWER_HEAD && (a->raw += bytes.n) > (size_t)4 * HTTP_HEAD_MAX)
        too_big(a); /* blanks that no field counts */
    return took;
}

void answer_eof(struct answer *a)
{
    if (a->state >= ANSWER_DONE)
        return;
    if (a->state == ANSWER_BODY && !a->quick)
        llhttp_finish(&a->ll); /* completes an answer that is framed by the close */
    if (a->state != ANSWER_DONE)
        fail(a, E_CLOSED, "upstream closed the connection inside its answer");
    a->keep = false;
}

void answer_stop(struct answer *a)
{
    a->stopped = true;
}
