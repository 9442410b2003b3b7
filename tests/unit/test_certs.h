/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_certs.h - certificates of every kind, made on the spot: a test needs no files in the tree
 * and none of them expires. */
#ifndef TESTS_TEST_CERTS_H
#define TESTS_TEST_CERTS_H

#include "net/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

/* A server on one pair of files. */
static inline enum err server_on(const char *cert_file, const char *key_file, bool h2,
                                 struct tls_server **ret, struct fault *why)
{
    const char *files[] = {cert_file, key_file};
    struct str text[2];
    struct tls_pair pair;
    static char room[2][65536];

    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(files[i], "r");

        text[i] = str_of(room[i], f ? fread(room[i], 1, sizeof room[i], f) : 0);
        if (f != NULL)
            fclose(f);
    }
    pair = (struct tls_pair){text[0], text[1]};
    return tls_server_new(&pair, 1, h2, ret, why);
}

struct cert {
    EVP_PKEY *key;
    X509 *x;
};
struct cert_spec {
    const char *cn;
    const char *san; /* "DNS:localhost,IP:127.0.0.1", or NULL */
    const char *eku; /* "serverAuth", or NULL */
    bool ca;
    long from_s, to_s; /* from now */
};

static inline void cert_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* Signed by the issuer, or by itself when that is NULL. */
static inline struct cert cert_make(const struct cert_spec *spec, const struct cert *issuer)
{
    static long serial = 1;
    struct cert c = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *name = X509_get_subject_name(c.x);

    X509_set_version(c.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.x), spec->from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.x), spec->to_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1,
                               0);
    X509_set_issuer_name(c.x, issuer ? X509_get_subject_name(issuer->x) : name);
    X509_set_pubkey(c.x, c.key);
    cert_extension(c.x, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->san)
        cert_extension(c.x, NID_subject_alt_name, spec->san);
    if (spec->eku)
        cert_extension(c.x, NID_ext_key_usage, spec->eku);
    assert_true(X509_sign(c.x, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
    return c;
}

static inline void cert_free(struct cert *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->x);
}

static inline void cert_write(const struct cert *c, const char *cert_path, const char *key_path)
{
    FILE *f = fopen(cert_path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, c->x), 1);
    fclose(f);
    if (key_path == NULL)
        return;
    f = fopen(key_path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

#endif
