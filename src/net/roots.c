/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* roots.c - finds embedded roots by subject and hands them to OpenSSL, as its "hash dir" look-up
 * does for files: the store keeps what it was given, so each root is parsed once. */
#include "net/roots.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <pthread.h>
#include <stdio.h>

static X509_LOOKUP_METHOD *method;
static X509_LOOKUP_METHOD *file_method;
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;

/* The first row that is not below the hash. */
static size_t lower_bound(uint32_t hash)
{
    size_t lo = 0, hi = ROOTS_N;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ROOTS[mid].subject < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int roots_keep(X509_STORE *store, X509 *x)
{
    ERR_set_mark();
    X509_check_purpose(x, -1, 0); /* reads the extensions; a chain finds what is wrong with them */
    ERR_pop_to_mark();
    return X509_STORE_add_cert(store, x);
}

size_t roots_add(X509_STORE *store, const X509_NAME *subject)
{
    int ok = 0;
    uint32_t hash = (uint32_t)X509_NAME_hash_ex(subject, NULL, NULL, &ok);
    size_t found = 0;

    for (size_t i = lower_bound(hash); ok && i < ROOTS_N && ROOTS[i].subject == hash; i++) {
        const unsigned char *der = ROOTS_DER + ROOTS[i].at;
        X509 *x = d2i_X509(NULL, &der, (long)ROOTS[i].n);

        if (x != NULL && X509_NAME_cmp(X509_get_subject_name(x), subject) == 0 &&
            roots_keep(store, x))
            found++;
        X509_free(x);
    }
    return found;
}

/* *ret must point at what the store holds, without a reference of its own. */
static int give(X509_STORE *store, X509_LOOKUP_TYPE type, const X509_NAME *subject,
                X509_OBJECT *ret)
{
    X509_OBJECT *held;
    X509 *x;
    int ok = 0;

    if (!X509_STORE_lock(store))
        return 0;
    held = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, subject);
    x = held != NULL ? X509_OBJECT_get0_X509(held) : NULL;
    if (x != NULL && X509_OBJECT_set1_X509(ret, x)) {
        X509_free(x);
        ok = 1;
    }
    X509_STORE_unlock(store);
    return ok;
}

static int by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *subject,
                      X509_OBJECT *ret)
{
    X509_STORE *store = X509_LOOKUP_get_store(lookup);

    if (type != X509_LU_X509 || roots_add(store, subject) == 0)
        return 0;
    return give(store, type, subject, ret);
}

static void read_file(X509_STORE *store, const char *path)
{
    FILE *f = fopen(path, "re");
    X509 *x;

    if (f == NULL)
        return;
    while ((x = PEM_read_X509_AUX(f, NULL, NULL, NULL)) != NULL) {
        roots_keep(store, x);
        X509_free(x);
    }
    ERR_clear_error();
    fclose(f);
}

/* The path is the lookup's data until the file has been read. */
static int by_subject_in_file(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *subject,
                              X509_OBJECT *ret)
{
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    const char *path;

    if (type != X509_LU_X509)
        return 0;
    pthread_mutex_lock(&file_lock);
    path = X509_LOOKUP_get_method_data(lookup);
    if (path != NULL) {
        read_file(store, path);
        X509_LOOKUP_set_method_data(lookup, NULL);
    }
    pthread_mutex_unlock(&file_lock);
    return give(store, type, subject, ret);
}

static X509_LOOKUP_METHOD *make_method(const char *name, X509_LOOKUP_get_by_subject_fn get)
{
    X509_LOOKUP_METHOD *m = X509_LOOKUP_meth_new(name);

    if (m != NULL)
        X509_LOOKUP_meth_set_get_by_subject(m, get);
    return m;
}

static void make_methods(void)
{
    method = make_method("embedded roots", by_subject);
    file_method = make_method("roots of a file", by_subject_in_file);
}

static X509_LOOKUP *attach(X509_STORE *store, X509_LOOKUP_METHOD *const *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_methods);
    return *m != NULL ? X509_STORE_add_lookup(store, *m) : NULL;
}

int roots_attach(X509_STORE *store)
{
    return attach(store, &method) != NULL;
}

int roots_attach_file(X509_STORE *store, const char *path)
{
    X509_LOOKUP *lookup = attach(store, &file_method);

    return lookup != NULL && X509_LOOKUP_set_method_data(lookup, (void *)(uintptr_t)path) == 1;
}
