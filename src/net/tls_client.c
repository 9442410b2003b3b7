/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_client.c - whom we trust, and the check that the other side is who we asked for.
 *
 * The context is made for the first connection, not at start. There is no way to turn verification
 * off. */
#include "base/buf.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/roots.h"
#include "net/tls_impl.h"
#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    NAME_MAX_BYTES = 253,
    /* A file of a few roots of one's own is read at once. A larger one is the system's whole
     * bundle, whose roots are embedded already: 30 ms of parsing that only a chain to some other
     * root is worth. */
    BUNDLE_BYTES = 64 * 1024,
};

struct tls_client {
    pthread_mutex_t lock; /* guards ctx and extra */
    SSL_CTX *ctx;
    char *extra_roots; /* a path, or NULL */
    X509_STORE *extra; /* what was read from it, waiting for the context */
    bool bundle;       /* it is large: asked only when nothing else is found */
    struct tls_sessions sessions;
};

/* The key of a connection's session, on its SSL. */
static int key_index = -1;

static void free_key(void *parent, void *key, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)parent;
    (void)ad;
    (void)idx;
    (void)argl;
    (void)argp;
    mem_free(key);
}

static void make_index(void)
{
    key_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_key);
}

struct tls_client *tls_client_new(struct str extra_roots)
{
    struct tls_client *c = mem_zalloc(sizeof *c);

    pthread_mutex_init(&c->lock, NULL);
    tls_sessions_init(&c->sessions);
    if (extra_roots.n > 0)
        c->extra_roots = mem_dup(extra_roots.p, extra_roots.n);
    return c;
}

void tls_client_free(struct tls_client *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ctx);
    X509_STORE_free(c->extra);
    tls_sessions_fini(&c->sessions);
    mem_free(c->extra_roots);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* A root of our own with the same subject would no longer be looked up behind the extra one, so it
 * goes in beside it. */
static bool add_extra(X509_STORE *store, X509 *x)
{
    roots_add(store, X509_get_subject_name(x));
    return roots_keep(store, x) == 1;
}

static enum err read_extra(struct tls_client *c, X509_STORE *store, struct fault *why)
{
    FILE *f = fopen(c->extra_roots, "re");
    struct stat st;
    size_t n = 0;
    bool good = true;
    X509 *x;

    if (f == NULL)
        return fault_set(why, E_SYSTEM, "the file of trusted roots cannot be read", NULL);
    c->bundle = fstat(fileno(f), &st) == 0 && st.st_size > BUNDLE_BYTES;
    while (good && !(c->bundle && n > 0) && (x = PEM_read_X509_AUX(f, NULL, NULL, NULL)) != NULL) {
        good = add_extra(store, x);
        X509_free(x);
        n++;
    }
    /* The end of the file is "no start line"; anything else is a broken certificate. */
    good = good && (c->bundle || ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE);
    ERR_clear_error();
    fclose(f);
    if (n == 0)
        return fault_set(why, E_FIELD, "the file of trusted roots holds no certificate", NULL);
    if (!good)
        return fault_set(why, E_FIELD, "the file of trusted roots holds a broken certificate",
                         NULL);
    return OK;
}

/* Under the lock. */
static enum err load_extra(struct tls_client *c, struct fault *why)
{
    X509_STORE *store;
    enum err e;

    if (c->extra_roots == NULL || c->extra != NULL || c->ctx != NULL)
        return OK;
    store = X509_STORE_new();
    if (store == NULL)
        return fault_set(why, E_SYSTEM, tls_last_error(), NULL);
    e = read_extra(c, store, why);
    if (e == OK)
        c->extra = store;
    else
        X509_STORE_free(store);
    return e;
}

enum err tls_client_check(struct tls_client *c, struct fault *why)
{
    enum err e;

    if (c->extra_roots == NULL)
        return OK;
    tls_prepare();
    pthread_mutex_lock(&c->lock);
    e = load_extra(c, why);
    pthread_mutex_unlock(&c->lock);
    return e;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *key = SSL_get_ex_data(ssl, key_index);

    if (key != NULL && SSL_SESSION_is_resumable(session))
        tls_sessions_put(&c->sessions, str_z(key), session);
    return 0; /* OpenSSL keeps its reference */
}

/* Under the lock. */
static enum err make_context(struct tls_client *c, struct fault *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    X509_STORE *store;
    SSL_CTX *ctx;
    enum err e;

    if (c->ctx != NULL)
        return OK;
    pthread_once(&once, make_index);
    e = load_extra(c, why);
    if (e != OK)
        return e;
    ctx = tls_context(TLS_client_method());
    if (ctx == NULL)
        return fault_set(why, E_SYSTEM, tls_last_error(), NULL);
    store = c->extra != NULL ? c->extra : X509_STORE_new();
    c->extra = NULL;
    if (store == NULL || key_index < 0 || !roots_attach(store) ||
        (c->bundle && !roots_attach_file(store, c->extra_roots))) {
        X509_STORE_free(store);
        SSL_CTX_free(ctx);
        return fault_set(why, E_SYSTEM, tls_last_error(), NULL);
    }
    SSL_CTX_set_cert_store(ctx, store);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    SSL_CTX_set_app_data(ctx, c);
    c->ctx = ctx;
    return OK;
}

/* The names the certificate must bear: the address, or the host name, in its SAN. An empty name
 * would turn the check off, so it is refused here. */
static bool expect(SSL *ssl, struct str host)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
    union net_addr a;
    char name[NAME_MAX_BYTES + 1];

    if (addr_parse(host, &a))
        return a.sa.sa_family == AF_INET6
                   ? X509_VERIFY_PARAM_set1_ip(p, a.in6.sin6_addr.s6_addr, 16) == 1
                   : X509_VERIFY_PARAM_set1_ip(p, (unsigned char *)&a.in4.sin_addr, 4) == 1;
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n == 0 || host.n > NAME_MAX_BYTES || memchr(host.p, '\0', host.n) != NULL)
        return false;
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(p, name, host.n) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* Offer what was kept for "host:port", and remember under what to keep the next one. */
static void offer_session(struct tls_client *c, SSL *ssl, struct str host, uint16_t port)
{
    SSL_SESSION *session;
    struct buf key;

    buf_init(&key, NAME_MAX_BYTES + 16);
    for (size_t i = 0; i < host.n; i++)
        buf_putc(&key, host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i]);
    buf_putf(&key, ":%u", (unsigned)port);
    if (key.err == OK) {
        char *z = mem_dup(key.p, key.n);

        session = tls_sessions_get(&c->sessions, buf_str(&key));
        if (session != NULL)
            SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
        if (!SSL_set_ex_data(ssl, key_index, z))
            mem_free(z);
    }
    buf_fini(&key);
}

void tls_client_forget(struct tls_client *c, SSL *ssl)
{
    const char *key = SSL_get_ex_data(ssl, key_index);

    if (key != NULL)
        tls_sessions_drop(&c->sessions, str_z(key));
}

SSL *tls_client_ssl(struct tls_client *c, struct str host, uint16_t port, bool want_h2,
                    const char **what)
{
    struct str alpn = tls_alpn_list(want_h2);
    struct fault why = {.code = OK};
    SSL *ssl = NULL;

    tls_prepare();
    pthread_mutex_lock(&c->lock);
    if (make_context(c, &why) == OK)
        ssl = SSL_new(c->ctx);
    pthread_mutex_unlock(&c->lock);
    *what = why.code != OK ? why.what : "cannot set up TLS";
    if (ssl == NULL)
        return NULL;
    SSL_set_connect_state(ssl);
    if (!expect(ssl, host)) {
        *what = "not a host name that a certificate could bear";
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_alpn_protos(ssl, (const unsigned char *)alpn.p, (unsigned)alpn.n);
    offer_session(c, ssl, host, port);
    return ssl;
}
