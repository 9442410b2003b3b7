/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_common.c - what clients and servers ask of OpenSSL alike. */
#include "base/mem.h"
#include "net/tls_impl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <pthread.h>

static void *heap_alloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return mem_alloc(n);
}

static void *heap_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return mem_realloc(p, n);
}

static void heap_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    mem_free(p);
}

static void prepare(void)
{
    CRYPTO_set_mem_functions(heap_alloc, heap_realloc, heap_free);
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

void tls_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, prepare);
}

const char *tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

SSL_CTX *tls_context(const SSL_METHOD *method)
{
    static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_security_level(ctx, 2);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(ctx, ciphers))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

const char *tls_last_error(void)
{
    const char *text;

    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text != NULL ? text : "TLS failed";
}

struct str tls_alpn_list(bool want_h2)
{
    static const struct str both = S_INIT("\x02h2\x08http/1.1");

    return want_h2 ? both : str_skip(both, 3);
}
