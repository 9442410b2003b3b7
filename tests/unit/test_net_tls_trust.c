/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_tls_trust.c - which certificates are taken, and where trust comes from: the embedded
 * roots, an extra file, the server's own pair. */
#include "net/roots.h"
#include "tls_scene.h"

#include <pthread.h>

/* SHP-5. TLS-1. */
static void certificates(void **state)
{
    enum by { CA, OTHER, SELF };
    static const struct {
        const char *san, *eku;
        enum by by;
        long from_s, to_s;
        const char *host;
        const char *what; /* NULL: accepted */
    } rows[] = {
        {"DNS:localhost",      NULL,         CA,    -9,     DAY_S, "localhost",       NULL                          },
        {"DNS:localhost",      "serverAuth", CA,    -9,     DAY_S, "LOCALHOST",       NULL                          },
        {"DNS:localhost",      NULL,         CA,    -9,     DAY_S, "localhost.",      NULL                          },
        {"IP:127.0.0.1",       NULL,         CA,    -9,     DAY_S, "127.0.0.1",       NULL                          },
        {"DNS:*.a.localhost",  NULL,         CA,    -9,     DAY_S, "b.a.localhost",   NULL                          },
        {"DNS:*.a.localhost",  NULL,         CA,    -9,     DAY_S, "c.b.a.localhost", "hostname mismatch"           },
        {"DNS:b*.a.localhost", NULL,         CA,    -9,     DAY_S, "bc.a.localhost",  "hostname mismatch"           },
        {"DNS:example.com",    NULL,         CA,    -9,     DAY_S, "localhost",       "hostname mismatch"           },
        {NULL,                 NULL,         CA,    -9,     DAY_S, "localhost",       "hostname mismatch"           }, /* the CN does not count */
        {"DNS:127.0.0.1",      NULL,         CA,    -9,     DAY_S, "127.0.0.1",       "IP address mismatch"         },
        {"DNS:localhost",      NULL,         CA,    -DAY_S, -9,    "localhost",       "certificate has expired"     },
        {"DNS:localhost",      NULL,         CA,    9000,   DAY_S, "localhost",       "certificate is not yet valid"},
        {"DNS:localhost",      NULL,         OTHER, -9,     DAY_S, "localhost",
         "unable to get local issuer certificate"                                                                   },
        {"DNS:localhost",      NULL,         SELF,  -9,     DAY_S, "localhost",       "self-signed certificate"     },
        {"DNS:localhost",      "clientAuth", CA,    -9,     DAY_S, "localhost",
         "unsuitable certificate purpose"                                                                           },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct cert_spec spec = {.cn = "localhost",
                                 .san = rows[i].san,
                                 .eku = rows[i].eku,
                                 .from_s = rows[i].from_s,
                                 .to_s = rows[i].to_s};
        const struct cert *by[] = {&ca, &other_ca, NULL};
        struct scene s;

        scene_init(&s, &spec, by[rows[i].by]);
        dial(&s, rows[i].host, true);
        if (rows[i].what == NULL) {
            assert_int_equal(s.p.result.err, OK);
            round_trip(&s);
        } else {
            assert_int_equal(s.p.result.err, E_UPSTREAM);
            assert_int_equal(s.p.result.phase, DIAL_TLS);
            assert_string_equal(s.p.result.what, rows[i].what);
            for (int k = 0; k < 5; k++)
                pair_turn(&s.p);
            assert_null(s.p.server.s); /* the server was not told of a connection */
        }
        scene_fini(&s);
    }
}

/* TLS-1. */
static void only_embedded_roots(void **state)
{
    struct scene s;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    tls_client_free(s.client);
    s.client = tls_client_new(S(""));
    assert_int_equal(tls_client_check(s.client, NULL), OK);
    dial(&s, "localhost", true);
    assert_int_equal(s.p.result.err, E_UPSTREAM);
    assert_string_equal(s.p.result.what, "unable to get local issuer certificate");
    scene_fini(&s);
}

/* A file as large as a system's bundle is read only when no embedded root is found, and then whole.
 */
static void a_bundle_is_read_when_it_is_needed(void **state)
{
    static char pem[32768];
    char path[64];
    struct scene s;
    FILE *f;

    (void)state;
    path_in_dir(path, "bundle.pem");
    cert_write(&other_ca, path, NULL);
    f = fopen(path, "ae");
    assert_non_null(f);
    for (int i = 0; i < 2000; i++)
        fputs("# a bundle names each of its certificates in a comment\n", f);
    {
        FILE *mine = fopen(ca_path, "re");
        size_t n = fread(pem, 1, sizeof pem, mine);

        assert_true(n > 0 && n < sizeof pem);
        assert_int_equal(fwrite(pem, 1, n, f), n);
        fclose(mine);
    }
    fclose(f);
    scene_init(&s, &GOOD, &ca);
    tls_client_free(s.client);
    s.client = tls_client_new(str_z(path));
    assert_int_equal(tls_client_check(s.client, NULL), OK);
    dial(&s, "localhost", true);
    assert_int_equal(s.p.result.err, OK);
    round_trip(&s);
    scene_fini(&s);
    unlink(path);
}

static void extra_roots_are_checked(void **state)
{
    static const struct {
        const char *text; /* NULL: no such file */
        enum err err;
        const char *what;
    } rows[] = {
        {NULL,                                                             E_SYSTEM, "the file of trusted roots cannot be read"      },
        {"",                                                               E_FIELD,  "the file of trusted roots holds no certificate"},
        {"# nothing\n",                                                    E_FIELD,  "the file of trusted roots holds no certificate"},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", E_FIELD,
         "the file of trusted roots holds no certificate"                                                                            },
    };
    char path[64];
    struct tls_client *c;

    (void)state;
    path_in_dir(path, "extra.pem");
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {.code = OK};

        if (rows[i].text)
            write_text(path, rows[i].text);
        c = tls_client_new(str_z(path));
        assert_int_equal(tls_client_check(c, &why), rows[i].err);
        assert_string_equal(why.what, rows[i].what);
        tls_client_free(c);
        unlink(path);
    }
    c = tls_client_new(str_z(ca_path));
    assert_int_equal(tls_client_check(c, NULL), OK);
    assert_int_equal(tls_client_check(c, NULL), OK);
    tls_client_free(c);
    tls_client_free(NULL);
}

/* A wrong path that nobody checked is told by the first connection. */
static void unread_extra_roots_fail_the_dial(void **state)
{
    struct scene s;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    tls_client_free(s.client);
    s.client = tls_client_new(S("/nonexistent/roots.pem"));
    dial(&s, "localhost", true);
    assert_int_equal(s.p.result.err, E_SYSTEM);
    assert_string_equal(s.p.result.what, "the file of trusted roots cannot be read");
    scene_fini(&s);
}

static X509 *root_at(size_t i)
{
    const unsigned char *der = ROOTS_DER + ROOTS[i].at;
    X509 *x = d2i_X509(NULL, &der, (long)ROOTS[i].n);

    assert_non_null(x);
    assert_ptr_equal(der, ROOTS_DER + ROOTS[i].at + ROOTS[i].n);
    return x;
}

static X509_STORE *store_with_roots(void)
{
    X509_STORE *store = X509_STORE_new();

    assert_non_null(store);
    assert_int_equal(roots_attach(store), 1);
    return store;
}

static bool store_holds(X509_STORE *store, X509 *x)
{
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);

    for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
        if (X509_cmp(X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i)), x) == 0)
            return true;
    return false;
}

/* Of two roots with one subject OpenSSL takes the newer for the issuer of both, and then finds that
 * the other is not itself. As issuers of a chain both are good. */
static bool shares_its_subject(size_t i)
{
    return (i > 0 && ROOTS[i - 1].subject == ROOTS[i].subject) ||
           (i + 1 < ROOTS_N && ROOTS[i + 1].subject == ROOTS[i].subject);
}

/* Every embedded root is found by its subject, trusted, and signed by itself; expiry is not ours.
 */
static void every_embedded_root_is_found(void **state)
{
    X509_STORE *store = store_with_roots();

    (void)state;
    assert_true(ROOTS_N > 50);
    for (size_t i = 0; i < ROOTS_N; i++) {
        X509 *x = root_at(i);
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();

        assert_true(i == 0 || ROOTS[i - 1].subject <= ROOTS[i].subject);
        assert_int_equal(X509_self_signed(x, 1), 1);
        assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
        assert_true(X509_verify_cert(ctx) == 1 || shares_its_subject(i));
        assert_true(store_holds(store, x));
        X509_STORE_CTX_free(ctx);
        X509_free(x);
    }
    X509_STORE_free(store);
}

static X509_NAME *name_of(const char *const *parts, size_t n)
{
    X509_NAME *name = X509_NAME_new();

    for (size_t i = 0; i + 1 < n; i += 2)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, parts[i], MBSTRING_UTF8,
                                                    (const unsigned char *)parts[i + 1], -1, -1, 0),
                         1);
    return name;
}

static void googles_root_is_there(void **state)
{
    static const char *const known[] = {"C",  "US",         "O", "Google Trust Services LLC",
                                        "CN", "GTS Root R1"};
    static const char *const unknown[] = {"C",  "US",         "O", "Google Trust Services LLC",
                                          "CN", "GTS Root R0"};
    X509_STORE *store = store_with_roots();
    X509_NAME *name = name_of(known, NELEM(known));
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_OBJECT *found;

    (void)state;
    assert_int_equal(X509_STORE_CTX_init(ctx, store, NULL, NULL), 1);
    found = X509_STORE_CTX_get_obj_by_subject(ctx, X509_LU_X509, name);
    assert_non_null(found);
    assert_int_equal(X509_self_signed(X509_OBJECT_get0_X509(found), 1), 1);
    X509_OBJECT_free(found);
    assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 1); /* and no other */
    assert_int_equal(roots_add(store, name), 1);
    assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 1); /* not twice */
    X509_NAME_free(name);
    name = name_of(unknown, NELEM(unknown));
    assert_null(X509_STORE_CTX_get_obj_by_subject(ctx, X509_LU_X509, name));
    X509_NAME_free(name);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
}

/* Looks at the extensions as well: nothing is left to be read by whoever comes first. */
static void *look_up_all(void *arg)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    size_t missing = 0;

    X509_STORE_CTX_init(ctx, arg, NULL, NULL);
    for (size_t i = 0; i < ROOTS_N; i++) {
        const unsigned char *der = ROOTS_DER + ROOTS[i].at;
        X509 *x = d2i_X509(NULL, &der, (long)ROOTS[i].n);
        X509_OBJECT *o =
            X509_STORE_CTX_get_obj_by_subject(ctx, X509_LU_X509, X509_get_subject_name(x));

        missing += o == NULL || X509_subject_name_cmp(X509_OBJECT_get0_X509(o), x) != 0 ||
                   X509_check_issued(X509_OBJECT_get0_X509(o), x) == X509_V_ERR_UNSPECIFIED;
        X509_OBJECT_free(o);
        X509_free(x);
    }
    X509_STORE_CTX_free(ctx);
    return missing ? arg : NULL;
}

static void roots_are_shared_between_threads(void **state)
{
    X509_STORE *store = store_with_roots();
    pthread_t t[4];

    (void)state;
    for (size_t i = 0; i < NELEM(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, look_up_all, store), 0);
    for (size_t i = 0; i < NELEM(t); i++) {
        void *failed = NULL;

        pthread_join(t[i], &failed);
        assert_null(failed);
    }
    X509_STORE_free(store);
}

/* TLS-2. */
static void reload_takes_a_new_pair_or_none(void **state)
{
    struct scene s;
    struct fault why = {.code = OK};
    struct cert fresh = cert_make(&GOOD, &other_ca);
    struct tls_server *fresh_server = NULL;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    write_text(key_path, "no key\n");
    assert_int_equal(server_on(cert_path, key_path, true, &fresh_server, &why), E_FIELD);
    assert_null(fresh_server);
    dial(&s, "localhost", true);
    assert_int_equal(s.p.result.err, OK);
    round_trip(&s);
    hang_up(&s);
    cert_write(&fresh, cert_path, key_path);
    cert_free(&fresh);
    assert_int_equal(server_on(cert_path, key_path, true, &fresh_server, NULL), OK);
    tls_server_take(s.server, fresh_server);
    tls_client_free(s.client); /* with its session */
    s.client = tls_client_new(str_z(ca_path));
    dial(&s, "localhost", true);
    assert_string_equal(s.p.result.what, "unable to get local issuer certificate");
    scene_fini(&s);
}

/* TLS-2. */
static void server_files_are_checked(void **state)
{
    struct cert a = cert_make(&GOOD, &ca), b = cert_make(&GOOD, &ca);
    struct tls_server *s = NULL;
    struct fault why = {.code = OK};

    (void)state;
    cert_write(&a, cert_path, key_path);
    assert_int_equal(server_on("/nonexistent", key_path, true, &s, &why), E_FIELD);
    assert_string_equal(why.what, "the certificate cannot be used");
    why = (struct fault){.code = OK};
    assert_int_equal(server_on(cert_path, "/nonexistent", true, &s, &why), E_FIELD);
    assert_string_equal(why.what, "the key cannot be used");
    why = (struct fault){.code = OK};
    cert_write(&b, cert_path, NULL);
    assert_int_equal(server_on(cert_path, key_path, true, &s, &why), E_FIELD);
    assert_string_equal(why.what, "the key is not the certificate's");
    assert_null(s);
    tls_server_free(NULL);
    cert_free(&a);
    cert_free(&b);
}

/* Names that no certificate could bear must not switch the check off. */
static void impossible_names(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } rows[] = {
        {"",            0 },
        {".",           1 },
        {"local\0host", 10},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct tls_client *c = tls_client_new(S(""));
        const char *what = NULL;

        assert_null(tls_client_ssl(c, str_of(rows[i].p, rows[i].n), 443, true, &what));
        assert_string_equal(what, "not a host name that a certificate could bear");
        tls_client_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),
        cmocka_unit_test(impossible_names),
        cmocka_unit_test(only_embedded_roots),
        cmocka_unit_test(a_bundle_is_read_when_it_is_needed),
        cmocka_unit_test(extra_roots_are_checked),
        cmocka_unit_test(unread_extra_roots_fail_the_dial),
        cmocka_unit_test(every_embedded_root_is_found),
        cmocka_unit_test(googles_root_is_there),
        cmocka_unit_test(roots_are_shared_between_threads),
        cmocka_unit_test(reload_takes_a_new_pair_or_none),
        cmocka_unit_test(server_files_are_checked),
    };

    return cmocka_run_group_tests(tests, make_authorities, drop_authorities);
}
