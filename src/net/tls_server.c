/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_server.c - our own certificate. Sessions are tickets, sealed with a key that OpenSSL makes
 * for each context: nothing is kept for a client that went away. */
#include "base/mem.h"
#include "net/tls_impl.h"

#include <openssl/err.h>

#include <pthread.h>

struct tls_server {
    pthread_mutex_t lock; /* guards ctx against reload */
    SSL_CTX *ctx;
    char *cert_file, *key_file;
    bool want_h2;
};

/* RFC 7301, 3.2: a client that offers nothing we speak is refused, so that no other protocol's
 * server can be played against us. */
static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                       const unsigned char *offer, unsigned offer_n, void *arg)
{
    const struct tls_server *s = arg;
    struct str ours = tls_alpn_list(s->want_h2);
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, ret_n, (const unsigned char *)ours.p, (unsigned)ours.n,
                              offer, offer_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A key with a passphrase is refused; OpenSSL would ask for it on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum err load(struct tls_server *s, SSL_CTX **ret, struct fault *why)
{
    SSL_CTX *ctx = tls_context(TLS_server_method());
    const char *what = NULL;

    if (ctx == NULL)
        return fault_set(why, E_SYSTEM, tls_last_error(), NULL);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, s);
    if (SSL_CTX_use_certificate_chain_file(ctx, s->cert_file) != 1)
        what = "the certificate file cannot be used";
    else if (SSL_CTX_use_PrivateKey_file(ctx, s->key_file, SSL_FILETYPE_PEM) != 1)
        what = "the key file cannot be used, or the key is not the certificate's";
    else if (SSL_CTX_check_private_key(ctx) != 1)
        what = "the key is not the certificate's";
    ERR_clear_error();
    if (what == NULL) {
        *ret = ctx;
        return OK;
    }
    SSL_CTX_free(ctx);
    return fault_set(why, E_FIELD, what, NULL);
}

enum err tls_server_new(struct str cert_file, struct str key_file, bool want_h2,
                        struct tls_server **ret, struct fault *why)
{
    struct tls_server *s = mem_zalloc(sizeof *s);
    enum err e;

    tls_prepare();
    pthread_mutex_init(&s->lock, NULL);
    s->cert_file = mem_dup(cert_file.p, cert_file.n);
    s->key_file = mem_dup(key_file.p, key_file.n);
    s->want_h2 = want_h2;
    e = load(s, &s->ctx, why);
    if (e == OK)
        *ret = s;
    else
        tls_server_free(s);
    return e;
}

enum err tls_server_reload(struct tls_server *s, struct fault *why)
{
    SSL_CTX *fresh = NULL, *old;
    enum err e = load(s, &fresh, why);

    if (e != OK)
        return e;
    pthread_mutex_lock(&s->lock);
    old = s->ctx;
    s->ctx = fresh;
    pthread_mutex_unlock(&s->lock);
    SSL_CTX_free(old); /* open connections hold it as long as they need it */
    return OK;
}

SSL *tls_server_ssl(struct tls_server *s)
{
    SSL *ssl;

    pthread_mutex_lock(&s->lock);
    ssl = SSL_new(s->ctx);
    pthread_mutex_unlock(&s->lock);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}

void tls_server_free(struct tls_server *s)
{
    if (s == NULL)
        return;
    SSL_CTX_free(s->ctx);
    mem_free(s->cert_file);
    mem_free(s->key_file);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
