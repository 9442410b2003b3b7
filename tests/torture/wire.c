/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wire.c - HTTP/1.1 by hand: what is needed to tell a whole answer from a broken one. HTTP/2 is
 * wire_h2.c's. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const ALPN[FRONTS] = {NULL, NULL, "http/1.1", "h2"};

static bool is_h2(const struct wire *w)
{
    return w->front == FRONT_H2 || w->front == FRONT_TLS_H2;
}

void wire_open(struct wire *w, uint16_t port, enum front front)
{
    *w = (struct wire){.front = front};
    link_open(&w->link, port, ALPN[front]);
    if (is_h2(w))
        w->h2 = wire_h2_new(&w->link);
}

bool wire_ask(struct wire *w, const char *method, const char *path, const char *body)
{
    char head[512];
    int n;

    if (is_h2(w))
        return wire_h2_ask(w->h2, method, path, body);
    w->n = 0;
    n = snprintf(head, sizeof head,
                 "%s %s HTTP/1.1\r\nHost: torture\r\nAuthorization: Bearer torture-token\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 method, path, strlen(body));
    return link_send(&w->link, head, (size_t)n) && link_send(&w->link, body, strlen(body));
}

/* Some more of what comes; false: nothing did within that time, or the connection has ended. */
static bool hear(struct wire *w, int within_ms)
{
    size_t got;

    if (is_h2(w))
        return wire_h2_hear(w->h2, within_ms);
    w->heard = realloc(w->heard, w->n + 65536 + 1);
    got = link_recv(&w->link, w->heard + w->n, 65536, within_ms);
    w->n += got;
    w->heard[w->n] = '\0';
    return got > 0;
}

static bool begun(const struct wire *w)
{
    return w->link.ended || (is_h2(w) ? wire_h2_begun(w->h2) : w->n > 0);
}

bool wire_readable(struct wire *w)
{
    while (!begun(w) && hear(w, 0))
        ;
    return begun(w);
}

bool wire_wait(struct wire *w)
{
    while (!begun(w) && hear(w, PATIENCE_MS))
        ;
    return !w->link.hung;
}

static const char *field(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at == NULL ? NULL : at + strlen(name);
}

static size_t number(const char *p, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    const char *at;
    size_t n = 0;

    while (*p == ' ')
        p++;
    for (; *p != '\0' && (at = strchr(digits, *p)) != NULL && at < digits + base; p++)
        n = n * base + (size_t)(at - digits);
    return n;
}

/* Takes whole chunks out of in[0..n); true when the last one was among them. */
static bool unchunk(const char *in, size_t n, struct wire_answer *a)
{
    a->n = 0;
    for (;;) {
        const char *end = memmem(in, n, "\r\n", 2);
        size_t head, size;

        if (end == NULL)
            return false;
        size = number(in, 16);
        head = (size_t)(end - in) + 2;
        if (n < head + size + 2)
            return false;
        if (size == 0)
            return true;
        memcpy(a->body + a->n, in + head, size);
        a->n += size;
        in += head + size + 2;
        n -= head + size + 2;
    }
}

static bool whole(const struct wire *w, struct wire_answer *a)
{
    const char *end = w->n == 0 ? NULL : memmem(w->heard, w->n, "\r\n\r\n", 4);
    const char *length, *body;
    size_t n;

    if (end == NULL)
        return false;
    body = end + 4;
    n = w->n - (size_t)(body - w->heard);
    length = field(w->heard, "\r\ncontent-length:");
    a->status = (int)number(w->heard + strlen("HTTP/1.1 "), 10);
    a->stream = field(w->heard, "content-type: text/event-stream") != NULL;
    a->body = realloc(a->body, n + 1);
    if (length == NULL || length > end)
        return unchunk(body, n, a);
    memcpy(a->body, body, n);
    a->n = n;
    return n == number(length, 10);
}

struct wire_answer wire_read(struct wire *w)
{
    struct wire_answer a = {0};

    if (is_h2(w))
        a = wire_h2_read(w->h2);
    else
        while (!(a.complete = whole(w, &a)) && hear(w, PATIENCE_MS))
            ;
    a.closed = a.closed || (!a.complete && w->link.ended && !w->link.hung);
    a.body = realloc(a.body, a.n + 1);
    a.body[a.n] = '\0';
    return a;
}

bool wire_cancel(struct wire *w)
{
    if (is_h2(w))
        return wire_h2_cancel(w->h2);
    return false;
}

void wire_close(struct wire *w)
{
    wire_h2_free(w->h2);
    link_close(&w->link);
    free(w->heard);
    *w = (struct wire){.link.fd = -1, .link.ended = true};
}

void wire_answer_fini(struct wire_answer *a)
{
    free(a->body);
    *a = (struct wire_answer){0};
}
