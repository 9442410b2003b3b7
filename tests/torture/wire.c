/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wire.c - HTTP/1.1 by hand: what is needed to tell a whole answer from a broken one. */
#include "wire.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int wire_open(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool wire_ask(int fd, const char *method, const char *path, const char *body)
{
    char head[512];
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: torture\r\nAuthorization: Bearer torture-token\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     method, path, strlen(body));

    return send_all(fd, head, (size_t)n) && send_all(fd, body, strlen(body));
}

static bool readable(int fd, int within_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, within_ms) == 1;
}

bool wire_readable(int fd)
{
    return readable(fd, 0);
}

bool wire_wait(int fd)
{
    return readable(fd, PATIENCE_MS);
}

/* Everything that has come so far. */
struct heard {
    char *p;
    size_t n;
    bool ended, hung;
};

static bool hear(int fd, struct heard *h)
{
    ssize_t got = 0;

    h->p = realloc(h->p, h->n + 65536 + 1);
    if (!wire_wait(fd))
        h->hung = true;
    else
        got = recv(fd, h->p + h->n, 65536, 0);
    if (got > 0)
        h->n += (size_t)got;
    else
        h->ended = true;
    h->p[h->n] = '\0';
    return got > 0;
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

static bool whole(const struct heard *h, struct wire_answer *a)
{
    const char *end = memmem(h->p, h->n, "\r\n\r\n", 4);
    const char *length, *body;
    size_t n;

    if (end == NULL)
        return false;
    body = end + 4;
    n = h->n - (size_t)(body - h->p);
    length = field(h->p, "\r\ncontent-length:");
    a->status = (int)number(h->p + strlen("HTTP/1.1 "), 10);
    a->stream = field(h->p, "content-type: text/event-stream") != NULL;
    a->body = realloc(a->body, n + 1);
    if (length == NULL || length > end)
        return unchunk(body, n, a);
    memcpy(a->body, body, n);
    a->n = n;
    return n == number(length, 10);
}

struct wire_answer wire_read(int fd)
{
    struct heard h = {0};
    struct wire_answer a = {0};

    if (fd < 0) {
        a.closed = true;
        return a;
    }
    while (hear(fd, &h) && !whole(&h, &a))
        ;
    a.complete = !h.ended;
    a.closed = h.ended && !h.hung;
    if (a.body != NULL)
        a.body[a.n] = '\0';
    free(h.p);
    return a;
}

void wire_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void wire_answer_fini(struct wire_answer *a)
{
    free(a->body);
    *a = (struct wire_answer){0};
}
