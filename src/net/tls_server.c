/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_server.c - our own certificates. Each pair has a context; the first one owns the others, and
 * every connection holds it, so that a reload takes nothing away from a handshake. Sessions are
 * tickets, sealed with a key that OpenSSL makes for the first context: a reload makes a new key,
 * and nothing is kept for a client that went away. */
#include "base/mem.h"
#include "net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <assert.h>
#include <pthread.h>
#include <time.h>

struct tls_server {
    pthread_mutex_t lock; /* guards the rest */
    SSL_CTX *ctx;         /* of the first pair */
    int64_t expires_s;
    size_t expires; /* which */
};

/* The contexts behind the first one, in its ex_data. */
struct others {
    size_t n;
    SSL_CTX *ctx[TLS_PAIRS_MAX - 1];
};
static int others_slot;

static void free_others(void *parent, void *p, CRYPTO_EX_DATA *ad, int slot, long argl, void *argp)
{
    struct others *o = p;

    (void)parent;
    (void)ad;
    (void)slot;
    (void)argl;
    (void)argp;
    for (size_t i = 0; o != NULL && i < o->n; i++)
        SSL_CTX_free(o->ctx[i]);
    mem_free(o);
}

static void make_slot(void)
{
    others_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_others);
    assert(others_slot >= 0);
}

static bool is_for(SSL_CTX *ctx, const char *name)
{
    return X509_check_host(SSL_CTX_get0_certificate(ctx), name, 0,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* RFC 6066, 3: a name that we do not have gets the first pair, for clients that do not care. */
static int choose_pair(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct others *o = arg;

    (void)alert;
    if (name == NULL || is_for(SSL_get_SSL_CTX(ssl), name))
        return SSL_TLSEXT_ERR_OK;
    for (size_t i = 0; i < o->n; i++)
        if (is_for(o->ctx[i], name)) {
            SSL_set_SSL_CTX(ssl, o->ctx[i]);
            break;
        }
    return SSL_TLSEXT_ERR_OK;
}

static char h2_too; /* its address is the mark */

/* RFC 7301, 3.2: a client that offers nothing we speak is refused, so that no other protocol's
 * server can be played against us. */
static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                       const unsigned char *offer, unsigned offer_n, void *arg)
{
    struct str ours = tls_alpn_list(arg == &h2_too);
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

static BIO *reader(struct str pem)
{
    return BIO_new_mem_buf(pem.p, pem.n < INT32_MAX ? (int)pem.n : 0);
}

/* What follows the first certificate is its chain, and every one of them must be whole. */
static bool use_chain(SSL_CTX *ctx, BIO *pem)
{
    X509 *x;
    unsigned long end;

    while ((x = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
            X509_free(x);
            return false;
        }
    end = ERR_peek_last_error();
    return ERR_GET_LIB(end) == ERR_LIB_PEM && ERR_GET_REASON(end) == PEM_R_NO_START_LINE;
}

static bool use_certificate(SSL_CTX *ctx, struct str pem)
{
    BIO *in = reader(pem);
    X509 *x = in ? PEM_read_bio_X509_AUX(in, NULL, no_passphrase, NULL) : NULL;
    bool good = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1 && use_chain(ctx, in);

    X509_free(x);
    BIO_free(in);
    return good;
}

static EVP_PKEY *read_key(struct str pem)
{
    BIO *in = reader(pem);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;

    BIO_free(in);
    return key;
}

/* NULL when all is well. */
static const char *use_pair(SSL_CTX *ctx, const struct tls_pair *pair)
{
    const char *what = NULL;
    EVP_PKEY *key;

    if (!use_certificate(ctx, pair->cert))
        return "the certificate cannot be used";
    key = read_key(pair->key);
    if (key == NULL)
        what = "the key cannot be used";
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        what = "the key is not the certificate's";
    EVP_PKEY_free(key);
    return what;
}

static SSL_CTX *context_of(const struct tls_pair *pair, bool want_h2, struct fault *why)
{
    SSL_CTX *ctx = tls_context(TLS_server_method());
    const char *what;

    if (ctx == NULL) {
        (void)fault_set(why, E_SYSTEM, tls_last_error(), NULL);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, want_h2 ? &h2_too : NULL);
    what = use_pair(ctx, pair);
    ERR_clear_error();
    if (what == NULL)
        return ctx;
    SSL_CTX_free(ctx);
    (void)fault_set(why, E_FIELD, what, pair);
    return NULL;
}

static int64_t expires_s(SSL_CTX *ctx)
{
    struct tm t = {0};

    return ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &t) == 1 ? timegm(&t)
                                                                                       : 0;
}

static void note_expiry(struct tls_server *s, SSL_CTX *ctx, size_t i)
{
    int64_t when = expires_s(ctx);

    if (i == 0 || when < s->expires_s) {
        s->expires_s = when;
        s->expires = i;
    }
}

/* All contexts, the first with the others behind it. NULL: why says which failed. */
static SSL_CTX *load(struct tls_server *s, const struct tls_pair *pairs, size_t n, bool want_h2,
                     struct fault *why)
{
    SSL_CTX *first = context_of(&pairs[0], want_h2, why);
    struct others *o;

    if (first == NULL || n == 1) {
        if (first != NULL)
            note_expiry(s, first, 0);
        return first;
    }
    o = mem_zalloc(sizeof *o);
    SSL_CTX_set_ex_data(first, others_slot, o);
    SSL_CTX_set_tlsext_servername_callback(first, choose_pair);
    SSL_CTX_set_tlsext_servername_arg(first, o);
    note_expiry(s, first, 0);
    for (size_t i = 1; i < n; i++) {
        o->ctx[i - 1] = context_of(&pairs[i], want_h2, why);
        if (o->ctx[i - 1] == NULL) {
            SSL_CTX_free(first);
            return NULL;
        }
        o->n++;
        note_expiry(s, o->ctx[i - 1], i);
    }
    return first;
}

enum err tls_server_new(const struct tls_pair *pairs, size_t n, bool want_h2,
                        struct tls_server **ret, struct fault *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fault here = {.code = OK};
    struct tls_server *s;

    assert(n > 0 && n <= TLS_PAIRS_MAX);
    tls_prepare();
    pthread_once(&once, make_slot);
    s = mem_zalloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->ctx = load(s, pairs, n, want_h2, &here);
    if (s->ctx != NULL) {
        *ret = s;
        return OK;
    }
    tls_server_free(s);
    return fault_set(why, here.code, here.what, here.at);
}

void tls_server_take(struct tls_server *s, struct tls_server *fresh)
{
    SSL_CTX *old;

    pthread_mutex_lock(&s->lock);
    old = s->ctx;
    s->ctx = fresh->ctx;
    s->expires_s = fresh->expires_s;
    s->expires = fresh->expires;
    pthread_mutex_unlock(&s->lock);
    fresh->ctx = NULL;
    tls_server_free(fresh);
    SSL_CTX_free(old); /* open connections hold it as long as they need it */
}

int64_t tls_server_expires_s(struct tls_server *s, size_t *ret_pair)
{
    int64_t when;

    pthread_mutex_lock(&s->lock);
    when = s->expires_s;
    *ret_pair = s->expires;
    pthread_mutex_unlock(&s->lock);
    return when;
}

SSL *tls_server_ssl(struct tls_server *s)
{
    SSL_CTX *ctx;
    SSL *ssl;

    pthread_mutex_lock(&s->lock);
    ctx = s->ctx;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&s->lock);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}

void tls_server_free(struct tls_server *s)
{
    if (s == NULL)
        return;
    SSL_CTX_free(s->ctx);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
