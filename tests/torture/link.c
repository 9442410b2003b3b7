/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* link.c - sockets, blocking by poll; OpenSSL on top where it is asked for. */
#include "link.h"

#include "../unit/test_certs.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

static SSL_CTX *trusting;

void link_trust(const char *ca_file)
{
    SSL_CTX_free(trusting);
    trusting = NULL;
    if (ca_file == NULL)
        return;
    trusting = SSL_CTX_new(TLS_client_method());
    assert_non_null(trusting);
    assert_int_equal(SSL_CTX_load_verify_locations(trusting, ca_file, NULL), 1);
    SSL_CTX_set_verify(trusting, SSL_VERIFY_PEER, NULL);
}

/* False: it has ended, or patience has. */
static bool await(struct link *l, short events, int within_ms)
{
    struct pollfd p = {.fd = l->fd, .events = events};

    if (poll(&p, 1, within_ms) == 1)
        return true;
    if (within_ms >= PATIENCE_MS)
        l->ended = l->hung = true;
    return false;
}

/* What OpenSSL wants before the call is made once more. */
static bool satisfied(struct link *l, int r, int within_ms)
{
    switch (SSL_get_error(l->ssl, r)) {
    case SSL_ERROR_WANT_READ: return await(l, POLLIN, within_ms);
    case SSL_ERROR_WANT_WRITE: return await(l, POLLOUT, within_ms);
    default: l->ended = true; return false;
    }
}

/* Shows the protocol that was agreed, which must be the one that was asked for. */
static void shake(struct link *l, const char *alpn)
{
    unsigned char list[16] = {(unsigned char)strlen(alpn)};
    const unsigned char *got;
    unsigned n;
    int r;

    memcpy(list + 1, alpn, list[0]);
    l->ssl = SSL_new(trusting);
    assert_non_null(l->ssl);
    SSL_set_fd(l->ssl, l->fd);
    SSL_set_alpn_protos(l->ssl, list, list[0] + 1u);
    do {
        ERR_clear_error();
        r = SSL_connect(l->ssl);
    } while (r != 1 && satisfied(l, r, PATIENCE_MS));
    if (r != 1)
        return;
    SSL_get0_alpn_selected(l->ssl, &got, &n);
    assert_true(n == list[0] && memcmp(got, alpn, n) == 0);
}

void link_open(struct link *l, uint16_t port, const char *alpn)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *l = (struct link){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connect(l->fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(l->fd);
        l->fd = -1;
        l->ended = true;
        return;
    }
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
    if (alpn != NULL)
        shake(l, alpn);
}

/* -1: it cannot be sent; 0: once more. */
static ssize_t send_some(struct link *l, const void *p, size_t n)
{
    size_t sent = 0;
    ssize_t r;

    if (l->ssl != NULL) {
        ERR_clear_error();
        if (SSL_write_ex(l->ssl, p, n, &sent) == 1)
            return (ssize_t)sent;
        return satisfied(l, 0, PATIENCE_MS) ? 0 : -1;
    }
    r = send(l->fd, p, n, MSG_NOSIGNAL);
    if (r < 0 && errno == EAGAIN)
        return await(l, POLLOUT, PATIENCE_MS) ? 0 : -1;
    return r > 0 ? r : -1; /* an early answer may stand there */
}

bool link_send(struct link *l, const void *p, size_t n)
{
    const char *at = p;
    ssize_t sent = 0;

    while (n > 0 && !l->ended && (sent = send_some(l, at, n)) >= 0) {
        at += sent;
        n -= (size_t)sent;
    }
    return n == 0;
}

static ssize_t recv_some(struct link *l, void *p, size_t n, int within_ms)
{
    size_t got = 0;
    ssize_t r;

    if (l->ssl != NULL) {
        int ok;

        ERR_clear_error();
        ok = SSL_read_ex(l->ssl, p, n, &got);
        return ok == 1 ? (ssize_t)got : satisfied(l, ok, within_ms) ? -1 : 0;
    }
    r = recv(l->fd, p, n, 0);
    if (r < 0 && errno == EAGAIN)
        return await(l, POLLIN, within_ms) ? -1 : 0;
    l->ended = r <= 0;
    return r > 0 ? r : 0;
}

size_t link_recv(struct link *l, void *p, size_t n, int within_ms)
{
    ssize_t r = -1;

    while (r < 0 && !l->ended)
        r = recv_some(l, p, n, within_ms);
    return r > 0 ? (size_t)r : 0;
}

void link_close(struct link *l)
{
    SSL_free(l->ssl);
    if (l->fd >= 0)
        close(l->fd);
    *l = (struct link){.fd = -1, .ended = true};
}
