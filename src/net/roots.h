/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* roots.h - the embedded trusted roots. For net/ and its tests.
 *
 * tools/embed_roots writes the table at build time from the system's CA certificates. Parsing all
 * of them takes longer than starting the process, so each is parsed when a chain asks for its
 * subject. */
#ifndef NET_ROOTS_H
#define NET_ROOTS_H

#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

struct root {
    uint32_t subject; /* X509_NAME_hash of the subject, the order of the table */
    uint32_t at, n;   /* place in ROOTS_DER */
};
extern const struct root ROOTS[];
extern const size_t ROOTS_N;
extern const unsigned char ROOTS_DER[];

/* Let the store ask for embedded roots. Thread-safe from then on. */
MUST_CHECK int roots_attach(X509_STORE *store);

/* After them, let it ask the PEM file at path, which is read whole when a chain first ends at none
 * of the others. path must live as long as the store. Thread-safe from then on. */
MUST_CHECK int roots_attach_file(X509_STORE *store, const char *path);

/* Add one that has been read whole, its extensions too: else OpenSSL reads those for the first
 * chain that needs them, while other threads have it already. 0: no memory. */
int roots_keep(X509_STORE *store, X509 *x);

/* Add the embedded roots with this subject to the store; how many there were. */
size_t roots_add(X509_STORE *store, const X509_NAME *subject);

#endif
