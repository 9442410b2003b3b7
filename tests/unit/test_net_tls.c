/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_tls.c - TLS streams on both sides: who is trusted, what is agreed on, how bytes cross
 * however they are cut, and how a connection ends. */
#include "base/mem.h"
#include "net/roots.h"
#include "net/tls.h"
#include "net/tls_impl.h"
#include "net_pair.h"
#include "test_certs.h"

#include <openssl/err.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static struct cert ca, other_ca;
static char dir[] = "/tmp/queqiao-tls-XXXXXX";
static char ca_path[64], cert_path[64], key_path[64];

static const struct cert_spec GOOD = {
    .cn = "ours", .san = "DNS:localhost,IP:127.0.0.1", .from_s = -DAY_S, .to_s = DAY_S};

static void path_in_dir(char ret[64], const char *name)
{
    assert_true(snprintf(ret, 64, "%s/%s", dir, name) < 64);
}

static int make_authorities(void **state)
{
    static const struct cert_spec root = {
        .cn = "a root", .ca = true, .from_s = -DAY_S, .to_s = DAY_S};
    static const struct cert_spec other = {
        .cn = "another root", .ca = true, .from_s = -DAY_S, .to_s = DAY_S};

    (void)state;
    tls_prepare();
    assert_non_null(mkdtemp(dir));
    path_in_dir(ca_path, "ca.pem");
    path_in_dir(cert_path, "cert.pem");
    path_in_dir(key_path, "key.pem");
    ca = cert_make(&root, NULL);
    other_ca = cert_make(&other, NULL);
    cert_write(&ca, ca_path, NULL);
    return 0;
}

static int drop_authorities(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&other_ca);
    unlink(ca_path);
    unlink(cert_path);
    unlink(key_path);
    return rmdir(dir);
}

static struct tls_server *serve(const struct cert_spec *spec, const struct cert *issuer, bool h2)
{
    struct cert c = cert_make(spec, issuer);
    struct tls_server *s = NULL;
    struct fault why = {.code = OK};

    cert_write(&c, cert_path, key_path);
    cert_free(&c);
    assert_int_equal(tls_server_new(str_z(cert_path), str_z(key_path), h2, &s, &why), OK);
    return s;
}

struct scene {
    struct pair p;
    struct tls_server *server;
    struct tls_client *client;
};

static void dial(struct scene *s, const char *host, bool want_h2)
{
    struct dial_opts o = pair_opts(&s->p, s->client, host);

    o.want_h2 = want_h2;
    s->p.dialled = false;
    dial_open(s->p.loop, &o, pair_dialled, &s->p);
    UNTIL(&s->p, s->p.dialled && (s->p.result.err != OK || s->p.server.s));
}

static void scene_init(struct scene *s, const struct cert_spec *spec, const struct cert *issuer)
{
    s->server = serve(spec, issuer, true);
    s->client = tls_client_new(str_z(ca_path));
    pair_init(&s->p, s->server, "127.0.0.1");
}

static void scene_fini(struct scene *s)
{
    pair_fini(&s->p);
    tls_client_free(s->client);
    tls_server_free(s->server);
    assert_int_equal(mem_counted(), 0);
}

static void scene_open(struct scene *s)
{
    scene_init(s, &GOOD, &ca);
    dial(s, "localhost", true);
    assert_int_equal(s->p.result.err, OK);
}

static void hang_up(struct scene *s)
{
    stream_close(s->p.client.s);
    stream_close(s->p.server.s);
    s->p.client.s = s->p.server.s = NULL;
    s->p.client.ended = s->p.server.ended = false;
    buf_reset(&s->p.client.got);
    buf_reset(&s->p.server.got);
}

static void echo(struct end *e, struct str bytes)
{
    stream_write(e->s, bytes);
}

static void round_trip(struct scene *s)
{
    s->p.server.on_read = echo;
    stream_write(s->p.client.s, S("there and back"));
    UNTIL(&s->p, s->p.client.got.n == 14);
    assert_memory_equal(s->p.client.got.p, "there and back", 14);
}

/* Who is trusted. */

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

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
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

        missing += o == NULL || X509_subject_name_cmp(X509_OBJECT_get0_X509(o), x) != 0;
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

/* What is agreed on. */

static void alpn(void **state)
{
    static const struct {
        bool server_h2, client_h2;
        const char *agreed;
    } rows[] = {
        {true,  true,  "h2"      },
        {true,  false, "http/1.1"},
        {false, true,  "http/1.1"},
        {false, false, "http/1.1"},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene s = {.server = serve(&GOOD, &ca, rows[i].server_h2),
                          .client = tls_client_new(str_z(ca_path))};

        pair_init(&s.p, s.server, "127.0.0.1");
        dial(&s, "localhost", rows[i].client_h2);
        assert_int_equal(s.p.result.err, OK);
        assert_true(str_eq(stream_alpn(s.p.client.s), str_z(rows[i].agreed)));
        assert_true(str_eq(stream_alpn(s.p.server.s), str_z(rows[i].agreed)));
        assert_true(stream_is_tls(s.p.server.s));
        assert_string_equal(stream_peer(s.p.server.s).z, "127.0.0.1");
        round_trip(&s);
        scene_fini(&s);
    }
}

/* A client of another make, in a thread of its own: one blocking connection. */
struct raw_client {
    uint16_t port;
    int max_version;
    const char *ciphers;
    const char *alpn; /* wire form */
    bool renegotiate;
    bool shook; /* the handshake went through */
    bool renegotiated;
    struct loop *loop;
    struct task tell;
    bool over;
};

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_port = htons(port);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        abort();
    return fd;
}

static void *raw_client_run(void *arg)
{
    struct raw_client *r = arg;
    int fd = connect_to(r->port);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    SSL_CTX_set_security_level(ctx, 0);
    if (r->max_version)
        SSL_CTX_set_max_proto_version(ctx, r->max_version);
    if (r->ciphers)
        SSL_CTX_set_cipher_list(ctx, r->ciphers);
    ssl = SSL_new(ctx);
    if (r->alpn)
        SSL_set_alpn_protos(ssl, (const unsigned char *)r->alpn, (unsigned)strlen(r->alpn));
    SSL_set_fd(ssl, fd);
    r->shook = SSL_connect(ssl) == 1;
    if (r->shook && r->renegotiate)
        r->renegotiated = SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    ERR_clear_error();
    loop_post(r->loop, &r->tell);
    return NULL;
}

static void raw_client_over(struct task *t)
{
    struct raw_client *r = CONTAINER(t, struct raw_client, tell);

    r->over = true;
    loop_stop(r->loop);
}

static void old_clients_are_refused(void **state)
{
    static const struct {
        struct raw_client client;
        bool shakes;
    } rows[] = {
        {{.max_version = TLS1_3_VERSION},                                         true },
        {{.max_version = TLS1_2_VERSION},                                         true },
        {{.max_version = TLS1_1_VERSION},                                         false},
        {{.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256"}, false},
        {{.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA"},    false},
        {{.alpn = "\x08http/1.1"},                                                true },
        {{.alpn = "\x03"
                  "ftp"},
         false                                                                         },
        {{.max_version = TLS1_2_VERSION, .renegotiate = true},                    true },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct raw_client r = rows[i].client;
        struct scene s;
        pthread_t thread;

        scene_init(&s, &GOOD, &ca);
        r.port = listener_port(s.p.l);
        r.loop = s.p.loop;
        task_init(&r.tell, raw_client_over);
        assert_int_equal(pthread_create(&thread, NULL, raw_client_run, &r), 0);
        UNTIL(&s.p, r.over);
        pthread_join(thread, NULL);
        assert_int_equal(r.shook, rows[i].shakes);
        assert_false(r.renegotiated);
        assert_int_equal(s.p.server.s != NULL, rows[i].shakes);
        scene_fini(&s);
    }
}

/* A server of another make, in a thread of its own: n connections, each served by `serve`. */
struct raw_server {
    int fd;
    unsigned n;
    int max_version;
    void (*serve)(struct raw_server *r, int fd, SSL_CTX *ctx);
    pthread_t thread;
};

static void *raw_server_run(void *arg)
{
    struct raw_server *r = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_cipher_list(ctx, "ALL");
    if (r->max_version)
        SSL_CTX_set_max_proto_version(ctx, r->max_version);
    SSL_CTX_use_certificate_chain_file(ctx, cert_path);
    SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM);
    for (unsigned i = 0; i < r->n; i++) {
        int fd = accept(r->fd, NULL, NULL);

        r->serve(r, fd, ctx);
        close(fd);
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return NULL;
}

static uint16_t raw_server_start(struct raw_server *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;

    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(r->fd, 5), 0);
    getsockname(r->fd, (struct sockaddr *)&a, &n);
    assert_int_equal(pthread_create(&r->thread, NULL, raw_server_run, r), 0);
    return ntohs(a.sin_port);
}

static void raw_server_join(struct raw_server *r)
{
    pthread_join(r->thread, NULL);
    close(r->fd);
}

static void wait_eof(int fd)
{
    char c[512];

    while (read(fd, c, sizeof c) > 0)
        continue;
}

static void serve_tls_hello(struct raw_server *r, int fd, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    (void)r;
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        SSL_write(ssl, "hello", 5);
    wait_eof(fd);
    SSL_free(ssl);
}

static void serve_plain_text(struct raw_server *r, int fd, SSL_CTX *ctx)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

    (void)r;
    (void)ctx;
    if (write(fd, answer, sizeof answer - 1) > 0)
        wait_eof(fd);
}

static void serve_hang_up(struct raw_server *r, int fd, SSL_CTX *ctx)
{
    char c;

    (void)r;
    (void)ctx;
    if (read(fd, &c, 1) == 1)
        shutdown(fd, SHUT_RDWR);
}

static void serve_silence(struct raw_server *r, int fd, SSL_CTX *ctx)
{
    (void)r;
    (void)ctx;
    wait_eof(fd);
}

static void dial_raw(struct scene *s, uint16_t port, uint32_t tls_ms)
{
    struct dial_opts o = pair_opts(&s->p, s->client, "localhost");

    o.port = port;
    o.tls_ms = tls_ms;
    s->p.dialled = false;
    dial_open(s->p.loop, &o, pair_dialled, &s->p);
    UNTIL(&s->p, s->p.dialled);
}

static void bad_servers(void **state)
{
    static const struct {
        struct raw_server server;
        uint32_t tls_ms;
        enum err err;
        const char *what;
    } rows[] = {
        {{.serve = serve_tls_hello, .max_version = TLS1_1_VERSION},
         20000,                                                            E_UPSTREAM,
         "tlsv1 alert protocol version"                                                                                            },
        {{.serve = serve_plain_text},                               20000, E_UPSTREAM, "wrong version number"                      },
        {{.serve = serve_hang_up},                                  20000, E_CLOSED,   "connection closed during the TLS handshake"},
        {{.serve = serve_silence},                                  50,    E_TIMEOUT,  "the TLS handshake took too long"           },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct raw_server r = rows[i].server;
        struct scene s;

        scene_init(&s, &GOOD, &ca);
        r.n = 1;
        dial_raw(&s, raw_server_start(&r), rows[i].tls_ms);
        assert_int_equal(s.p.result.err, rows[i].err);
        assert_int_equal(s.p.result.phase, DIAL_TLS);
        assert_string_equal(s.p.result.what, rows[i].what);
        pair_turn(&s.p);
        scene_fini(&s); /* takes lingering streams along, so that the server sees the end */
        raw_server_join(&r);
    }
}

static void sessions_are_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < NELEM(versions); i++) {
        struct raw_server r = {.serve = serve_tls_hello, .n = 3, .max_version = versions[i]};
        struct scene s;
        uint16_t port;

        scene_init(&s, &GOOD, &ca);
        port = raw_server_start(&r);
        for (int k = 0; k < 3; k++) {
            dial_raw(&s, port, 20000);
            assert_int_equal(s.p.result.err, OK);
            assert_int_equal(tls_resumed(s.p.client.s), k > 0);
            UNTIL(&s.p, s.p.client.got.n == 5); /* the tickets come before that */
            hang_up(&s);
        }
        scene_fini(&s);
        raw_server_join(&r);
    }
}

static void sessions_belong_to_one_name(void **state)
{
    static const struct cert_spec spec = {
        .cn = "two", .san = "DNS:localhost,IP:127.0.0.1", .from_s = -9, .to_s = DAY_S};
    static const struct {
        const char *host;
        bool resumed;
    } rows[] = {
        {"localhost", false},
        {"127.0.0.1", false},
        {"LocalHost", true },
        {"127.0.0.1", true },
    };
    struct scene s;

    (void)state;
    scene_init(&s, &spec, &ca);
    for (size_t i = 0; i < NELEM(rows); i++) {
        dial(&s, rows[i].host, true);
        assert_int_equal(s.p.result.err, OK);
        assert_int_equal(tls_resumed(s.p.client.s), rows[i].resumed);
        round_trip(&s);
        hang_up(&s);
    }
    scene_fini(&s);
}

static void reload_takes_a_new_pair_or_none(void **state)
{
    struct scene s;
    struct fault why = {.code = OK};
    struct cert fresh = cert_make(&GOOD, &other_ca);

    (void)state;
    scene_init(&s, &GOOD, &ca);
    write_text(key_path, "no key\n");
    assert_int_equal(tls_server_reload(s.server, &why), E_FIELD);
    dial(&s, "localhost", true);
    assert_int_equal(s.p.result.err, OK);
    round_trip(&s);
    hang_up(&s);
    cert_write(&fresh, cert_path, key_path);
    cert_free(&fresh);
    assert_int_equal(tls_server_reload(s.server, NULL), OK);
    tls_client_free(s.client); /* with its session */
    s.client = tls_client_new(str_z(ca_path));
    dial(&s, "localhost", true);
    assert_string_equal(s.p.result.what, "unable to get local issuer certificate");
    scene_fini(&s);
}

static void server_files_are_checked(void **state)
{
    struct cert a = cert_make(&GOOD, &ca), b = cert_make(&GOOD, &ca);
    struct tls_server *s = NULL;
    struct fault why = {.code = OK};

    (void)state;
    cert_write(&a, cert_path, key_path);
    assert_int_equal(tls_server_new(S("/nonexistent"), str_z(key_path), true, &s, &why), E_FIELD);
    assert_string_equal(why.what, "the certificate file cannot be used");
    why = (struct fault){.code = OK};
    assert_int_equal(tls_server_new(str_z(cert_path), S("/nonexistent"), true, &s, &why), E_FIELD);
    why = (struct fault){.code = OK};
    cert_write(&b, cert_path, NULL);
    assert_int_equal(tls_server_new(str_z(cert_path), str_z(key_path), true, &s, &why), E_FIELD);
    assert_string_equal(why.what,
                        "the key file cannot be used, or the key is not the certificate's");
    assert_null(s);
    tls_server_free(NULL);
    cert_free(&a);
    cert_free(&b);
}

/* How bytes cross. */

static char *pattern(size_t n)
{
    char *p = malloc(n);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + i / 251);
    return p;
}

static void large_writes(void **state)
{
    enum { N = 5 * 1024 * 1024 + 17 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_int_equal(stream_write(s.p.client.s, str_of(bytes, N)), FLOW_FULL);
    assert_int_equal(stream_queued(s.p.client.s), N);
    stream_write(s.p.server.s, str_of(bytes, N));
    UNTIL(&s.p, s.p.client.got.n == N && s.p.server.got.n == N);
    assert_memory_equal(s.p.client.got.p, bytes, N);
    assert_memory_equal(s.p.server.got.p, bytes, N);
    UNTIL(&s.p, s.p.client.drains == 1 && s.p.server.drains == 1);
    assert_int_equal(stream_queued(s.p.client.s), 0);
    assert_int_equal(stream_write(s.p.client.s, S("x")), FLOW_GO);
    scene_fini(&s);
    free(bytes);
}

/* FULL is answered at every size around the marks, and on_drain always follows. */
static void drain_follows_full(void **state)
{
    static char block[FLOW_HIGH + 4096];
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t n = FLOW_HIGH - 64; n < sizeof block; n += 61) {
        size_t drains = s.p.client.drains;
        bool full;

        buf_reset(&s.p.server.got);
        /* Something below is queued already when the flush of these comes. */
        full = stream_write(s.p.client.s, str_of(block, n / 2)) == FLOW_FULL;
        assert_false(full);
        full = stream_write(s.p.client.s, str_of(block, n - n / 2)) == FLOW_FULL;
        assert_int_equal(full, n >= FLOW_HIGH);
        UNTIL(&s.p, s.p.server.got.n == n && s.p.client.drains == drains + full);
    }
    scene_fini(&s);
}

static void back_pressure(void **state)
{
    static char block[256 * 1024];
    struct scene s;
    size_t sent = 0, before;

    (void)state;
    scene_open(&s);
    stream_pause(s.p.server.s);
    do {
        before = s.p.client.drains;
        stream_write(s.p.client.s, str_of(block, sizeof block));
        sent += sizeof block;
        for (int i = 0; i < 20 && s.p.client.drains == before; i++)
            pair_turn(&s.p);
        assert_true(sent < (size_t)1 << 30);
    } while (s.p.client.drains != before);
    assert_true(stream_queued(s.p.client.s) >= FLOW_LOW);
    assert_int_equal(s.p.server.reads, 0);
    stream_resume(s.p.server.s);
    UNTIL(&s.p, s.p.server.got.n == sent && s.p.client.drains == before + 1);
    scene_fini(&s);
}

static void take_and_pause(struct end *e, struct str bytes)
{
    buf_put(&e->got, bytes);
    stream_pause(e->s);
}

/* A reader that pauses after every read and goes on a little later loses nothing of what had been
 * opened or had arrived already, and is told nothing while it pauses. */
static void pausing_at_every_read(void **state)
{
    enum { N = 3 * 1024 * 1024 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    s.p.server.on_read = take_and_pause;
    stream_write(s.p.client.s, str_of(bytes, N));
    stream_close_soft(s.p.client.s);
    s.p.client.s = NULL;
    while (!s.p.server.ended) {
        size_t reads = s.p.server.reads;

        pair_turn(&s.p);
        assert_true(s.p.server.reads <= reads + 1);
        if (!s.p.server.ended)
            stream_resume(s.p.server.s);
    }
    assert_int_equal(s.p.server.why, OK);
    assert_int_equal(s.p.server.got.n, N);
    assert_memory_equal(s.p.server.got.p, bytes, N);
    scene_fini(&s);
    free(bytes);
}

/* A wire that passes `step` bytes on in each turn, so that records arrive cut at every place. */
struct wire {
    struct loop *loop;
    struct stream *end[2];
    struct buf waiting[2]; /* bytes for end[i] */
    struct timer tick;
    size_t step;
    uint16_t to;
    struct dns *dns;
    bool ended[2];
};
struct wire_end {
    struct wire *w;
    int i;
};
static struct wire_end wire_ends[2];

static void wire_read(void *owner, struct str bytes)
{
    struct wire_end *e = owner;

    buf_put(&e->w->waiting[!e->i], bytes);
    if (!timer_running(&e->w->tick))
        timer_start(&e->w->tick, 0);
}

static void wire_drain(void *owner)
{
    (void)owner;
}

static void wire_end(void *owner, enum err why)
{
    struct wire_end *e = owner;

    (void)why;
    e->w->ended[e->i] = true;
    if (!timer_running(&e->w->tick))
        timer_start(&e->w->tick, 0);
}

static const struct stream_events WIRE = {wire_read, wire_drain, wire_end};

static void wire_tick(struct timer *t)
{
    struct wire *w = CONTAINER(t, struct wire, tick);

    for (int i = 0; i < 2; i++) {
        size_t n = w->waiting[i].n < w->step ? w->waiting[i].n : w->step;

        if (w->end[i] == NULL)
            continue;
        stream_write(w->end[i], str_of(w->waiting[i].p, n));
        buf_drop_front(&w->waiting[i], n);
        if (w->waiting[i].n > 0)
            timer_start(&w->tick, 0);
        else if (w->ended[!i]) {
            stream_close_soft(w->end[i]);
            w->end[i] = NULL;
        }
    }
}

static void wire_take(struct wire *w, int i, struct stream *s)
{
    wire_ends[i] = (struct wire_end){w, i};
    w->end[i] = s;
    stream_bind(s, &WIRE, &wire_ends[i]);
    stream_resume(s);
    if (!timer_running(&w->tick))
        timer_start(&w->tick, 0);
}

static void wire_dialled(void *owner, const struct dial_result *r)
{
    assert_int_equal(r->err, OK);
    wire_take(owner, 1, r->stream);
}

static void wire_accepted(void *owner, struct stream *s)
{
    struct wire *w = owner;
    struct dial_opts o = {.dns = w->dns,
                          .host = S_INIT("127.0.0.1"),
                          .port = w->to,
                          .dns_ms = 9000,
                          .connect_ms = 9000};

    wire_take(w, 0, s);
    dial_open(w->loop, &o, wire_dialled, w);
}

static void records_cut_anywhere(void **state)
{
    static const struct {
        size_t step, bytes;
    } rows[] = {
        {1,    1500  },
        {2,    3000  },
        {7,    20000 },
        {1000, 300000},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        char *bytes = pattern(rows[i].bytes);
        struct wire w = {.step = rows[i].step};
        struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
        struct listener *l = NULL;
        struct scene s;

        scene_init(&s, &GOOD, &ca);
        w.loop = s.p.loop;
        w.dns = s.p.dns;
        w.to = listener_port(s.p.l);
        timer_init(&w.tick, w.loop, wire_tick);
        buf_init(&w.waiting[0], 1 << 30);
        buf_init(&w.waiting[1], 1 << 30);
        assert_int_equal(listener_open(w.loop, &o, wire_accepted, &w, &l, NULL), OK);
        dial_raw(&s, listener_port(l), 30000);
        assert_int_equal(s.p.result.err, OK);
        UNTIL(&s.p, s.p.server.s);
        s.p.server.on_read = echo;
        stream_write(s.p.client.s, str_of(bytes, rows[i].bytes));
        UNTIL(&s.p, s.p.client.got.n == rows[i].bytes);
        assert_memory_equal(s.p.client.got.p, bytes, rows[i].bytes);
        stream_close_soft(s.p.server.s);
        s.p.server.s = NULL;
        UNTIL(&s.p, s.p.client.ended);
        assert_int_equal(s.p.client.why, OK);
        timer_stop(&w.tick);
        stream_close(w.end[0]);
        stream_close(w.end[1]);
        listener_close(l);
        buf_fini(&w.waiting[0]);
        buf_fini(&w.waiting[1]);
        scene_fini(&s);
        free(bytes);
    }
}

/* How it ends. */

static void truncation_is_not_an_end(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_write(s.p.server.s, S("half an ans"));
    UNTIL(&s.p, s.p.client.got.n == 11);
    stream_close(s.p.server.s); /* FIN without close_notify, as a cut connection looks */
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_CLOSED);
    scene_fini(&s);
}

static void soft_close_says_so(void **state)
{
    enum { N = 2 * 1024 * 1024 };
    char *bytes = pattern(N);
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_write(s.p.server.s, str_of(bytes, N));
    stream_close_soft(s.p.server.s);
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, OK);
    assert_int_equal(s.p.client.got.n, N);
    assert_memory_equal(s.p.client.got.p, bytes, N);
    scene_fini(&s);
    free(bytes);
}

static void free_while_closing_softly(void **state)
{
    static char block[8 * 1024 * 1024];
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_pause(s.p.client.s);
    stream_write(s.p.server.s, str_of(block, sizeof block));
    stream_close_soft(s.p.server.s);
    s.p.server.s = NULL;
    for (int i = 0; i < 5; i++)
        pair_turn(&s.p);
    listener_close(s.p.l);
    stream_close(s.p.client.s);
    dns_free(s.p.dns);
    loop_free(s.p.loop);
    tls_client_free(s.client);
    tls_server_free(s.server);
    assert_int_equal(mem_counted(), 0);
}

static void reset_is_seen_as_such(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    stream_reset(s.p.server.s);
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_CLOSED);
    scene_fini(&s);
}

static void close_inside(struct end *e, struct str bytes)
{
    (void)bytes;
    stream_write(e->s, S("dropped"));
    stream_close(e->s);
    e->s = NULL;
}

static void close_inside_a_read(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    s.p.server.on_read = close_inside;
    stream_write(s.p.client.s, S("one"));
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.server.reads, 1);
    assert_int_equal(s.p.client.got.n, 0);
    scene_fini(&s);
}

/* A byte changed on the way: the record is refused, the stream ends with a fault. */
static void forged_records_are_refused(void **state)
{
    struct wire w = {.step = SIZE_MAX};
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct listener *l = NULL;
    struct scene s;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    w.loop = s.p.loop;
    w.dns = s.p.dns;
    w.to = listener_port(s.p.l);
    timer_init(&w.tick, w.loop, wire_tick);
    buf_init(&w.waiting[0], 1 << 30);
    buf_init(&w.waiting[1], 1 << 30);
    assert_int_equal(listener_open(w.loop, &o, wire_accepted, &w, &l, NULL), OK);
    dial_raw(&s, listener_port(l), 30000);
    UNTIL(&s.p, s.p.server.s);
    stream_write(w.end[1], S("\x17\x03\x03\x00\x20"
                             "this is no record of that session"));
    UNTIL(&s.p, s.p.server.ended);
    assert_int_equal(s.p.server.why, E_SYNTAX);
    assert_int_equal(s.p.server.got.n, 0);
    stream_close(s.p.server.s); /* the alert still leaves */
    s.p.server.s = NULL;
    UNTIL(&s.p, s.p.client.ended);
    assert_int_equal(s.p.client.why, E_SYNTAX);
    timer_stop(&w.tick);
    stream_close(w.end[0]);
    stream_close(w.end[1]);
    listener_close(l);
    buf_fini(&w.waiting[0]);
    buf_fini(&w.waiting[1]);
    scene_fini(&s);
}

/* Plain HTTP sent to a TLS port ends the connection; nobody is told of it. */
static void plain_text_to_a_tls_port(void **state)
{
    struct scene s;
    struct dial_opts o;

    (void)state;
    scene_init(&s, &GOOD, &ca);
    o = pair_opts(&s.p, NULL, "127.0.0.1");
    dial_open(s.p.loop, &o, pair_dialled, &s.p);
    UNTIL(&s.p, s.p.client.s);
    stream_write(s.p.client.s, S("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    UNTIL(&s.p, s.p.client.ended);
    assert_null(s.p.server.s);
    scene_fini(&s);
}

/* A dial given up at each of its steps, and a listener closed in the middle of a handshake. */
static void giving_up_at_any_time(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        struct scene s;
        struct dial_opts o;
        struct dial *d;

        scene_init(&s, &GOOD, &ca);
        o = pair_opts(&s.p, s.client, "localhost");
        d = dial_open(s.p.loop, &o, pair_dialled, &s.p);
        for (int i = 0; i < turns && !s.p.dialled; i++)
            pair_turn(&s.p);
        if (!s.p.dialled) {
            dial_cancel(d);
            if (turns % 2) {
                listener_close(s.p.l);
                s.p.l = NULL;
            }
            for (int i = 0; i < 5; i++)
                pair_turn(&s.p);
            assert_false(s.p.dialled);
        }
        scene_fini(&s);
    }
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
        cmocka_unit_test(only_embedded_roots),
        cmocka_unit_test(extra_roots_are_checked),
        cmocka_unit_test(unread_extra_roots_fail_the_dial),
        cmocka_unit_test(every_embedded_root_is_found),
        cmocka_unit_test(googles_root_is_there),
        cmocka_unit_test(roots_are_shared_between_threads),
        cmocka_unit_test(alpn),
        cmocka_unit_test(old_clients_are_refused),
        cmocka_unit_test(bad_servers),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(sessions_belong_to_one_name),
        cmocka_unit_test(reload_takes_a_new_pair_or_none),
        cmocka_unit_test(server_files_are_checked),
        cmocka_unit_test(large_writes),
        cmocka_unit_test(drain_follows_full),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(pausing_at_every_read),
        cmocka_unit_test(records_cut_anywhere),
        cmocka_unit_test(truncation_is_not_an_end),
        cmocka_unit_test(soft_close_says_so),
        cmocka_unit_test(free_while_closing_softly),
        cmocka_unit_test(reset_is_seen_as_such),
        cmocka_unit_test(close_inside_a_read),
        cmocka_unit_test(forged_records_are_refused),
        cmocka_unit_test(plain_text_to_a_tls_port),
        cmocka_unit_test(giving_up_at_any_time),
        cmocka_unit_test(impossible_names),
    };

    return cmocka_run_group_tests(tests, make_authorities, drop_authorities);
}
