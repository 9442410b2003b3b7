/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_bio.c - OpenSSL's view of the stream below it: it reads from the span that the stream lends,
 * and writes into the stream's queue, which takes everything. Knows no record and no handshake. */
#include "net/tls_impl.h"

#include <openssl/bio.h>

#include <pthread.h>

static int bio_read(BIO *b, char *out, int n)
{
    struct tls_wire *w = BIO_get_data(b);
    struct str got = str_sub(w->in, 0, n > 0 ? (size_t)n : 0);

    BIO_clear_retry_flags(b);
    if (got.n == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, got.p, got.n);
    w->in = str_skip(w->in, got.n);
    return (int)got.n;
}

static int bio_write(BIO *b, const char *p, int n)
{
    struct tls_wire *w = BIO_get_data(b);

    BIO_clear_retry_flags(b);
    if (n > 0)
        stream_write(w->lower, str_of(p, (size_t)n));
    return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (bio_method == NULL)
        return;
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

BIO *tls_bio_new(struct tls_wire *w)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *b;

    pthread_once(&once, make_method);
    b = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (b != NULL) {
        BIO_set_data(b, w);
        BIO_set_init(b, 1);
    }
    return b;
}
