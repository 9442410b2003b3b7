/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* embed_roots.c - part of the build: turns the system's CA certificates into a C table.
 *
 *   embed_roots OUT.c DEPFILE PLACE...
 *
 * A place is a folder of PEM files or one PEM file with many certificates; the first that has some
 * is taken. The table is sorted by X509_NAME_hash of the subject, so the same certificates make the
 * same bytes. The depfile names the files that were read. */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ROOTS = 1000, MAX_DER = 65536 };

struct entry {
    unsigned long hash;
    unsigned char *der;
    int n;
};
static struct entry entries[MAX_ROOTS];
static size_t count;

static void die(const char *what, const char *which)
{
    fprintf(stderr, "embed_roots: %s: %s\n", which, what);
    exit(1);
}

static void take(X509 *x, const char *path)
{
    struct entry *e = &entries[count];
    unsigned char *der = NULL;

    if (count == MAX_ROOTS)
        die("too many certificates", path);
    e->n = i2d_X509(x, &der);
    if (e->n <= 0 || e->n > MAX_DER)
        die("a certificate of impossible size", path);
    e->der = der;
    e->hash = X509_NAME_hash_ex(X509_get_subject_name(x), NULL, NULL, NULL);
    if (X509_check_ca(x) == 0) /* nothing that is no CA belongs here */
        OPENSSL_free(der);
    else
        count++;
}

static void read_file(const char *path, FILE *deps)
{
    FILE *f = fopen(path, "r");
    X509 *x;

    if (f == NULL)
        die("cannot be read", path);
    while ((x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        take(x, path);
        X509_free(x);
    }
    fclose(f);
    fprintf(deps, " \\\n  %s", path);
}

static int is_certificate(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot != NULL && (strcmp(dot, ".crt") == 0 || strcmp(dot, ".pem") == 0);
}

static void read_place(const char *place, FILE *deps)
{
    struct dirent **names = NULL;
    struct stat st;
    int n;

    if (stat(place, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode)) {
        read_file(place, deps);
        return;
    }
    n = scandir(place, &names, is_certificate, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];

        if (snprintf(path, sizeof path, "%s/%s", place, names[i]->d_name) < (int)sizeof path)
            read_file(path, deps);
        free(names[i]);
    }
    free(names);
}

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->der, y->der, (size_t)x->n);
}

static void drop_doubles(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_hash(&entries[kept - 1], &entries[i]) == 0)
            OPENSSL_free(entries[i].der);
        else
            entries[kept++] = entries[i];
    }
    count = kept;
}

static void write_table(FILE *out)
{
    unsigned at = 0;

    fputs("/* Written by tools/embed_roots; the certificates keep their own terms. */\n"
          "#include \"net/roots.h\"\n\nconst struct root ROOTS[] = {\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "    {0x%08lx, %u, %d},\n", entries[i].hash & 0xffffffffUL, at, entries[i].n);
        at += (unsigned)entries[i].n;
    }
    fprintf(out, "};\nconst size_t ROOTS_N = %zu;\nconst unsigned char ROOTS_DER[] = {\n", count);
    for (size_t i = 0; i < count; i++) {
        for (int j = 0; j < entries[i].n; j++)
            fprintf(out, "%u,%s", entries[i].der[j], j % 24 == 23 ? "\n" : "");
        fputs("\n", out);
    }
    fputs("};\n", out);
}

int main(int argc, char **argv)
{
    FILE *out, *deps;
    int failed;

    if (argc < 4)
        die("usage: embed_roots OUT.c DEPFILE PLACE...", "arguments");
    out = fopen(argv[1], "w");
    deps = fopen(argv[2], "w");
    if (out == NULL || deps == NULL)
        die("cannot be written", argv[out == NULL ? 1 : 2]);
    fprintf(deps, "%s:", argv[1]);
    for (int i = 3; i < argc && count == 0; i++)
        read_place(argv[i], deps);
    fputs("\n", deps);
    if (count == 0)
        die("holds no certificate; please install ca-certificates", argv[3]);
    qsort(entries, count, sizeof *entries, by_hash);
    drop_doubles();
    write_table(out);
    for (size_t i = 0; i < count; i++)
        OPENSSL_free(entries[i].der);
    failed = ferror(out) | ferror(deps);
    failed |= fclose(out) | fclose(deps);
    return failed ? 1 : 0;
}
