/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_tls_agree.c - what the two sides agree on: versions, ciphers, ALPN, sessions; and
 * peers of another make that want something else. */
#include "tls_scene.h"

#include <openssl/err.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

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

/* TLS-2. */
static void old_clients_are_refused(void **state)
{
    static const struct {
        int max_version;
        const char *ciphers, *alpn;
        bool renegotiate, shakes;
    } rows[] = {
        {TLS1_3_VERSION, NULL,                        NULL,           false, true },
        {TLS1_2_VERSION, NULL,                        NULL,           false, true },
        {TLS1_1_VERSION, NULL,                        NULL,           false, false},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", NULL,           false, false},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA",    NULL,           false, false},
        {0,              NULL,                        "\x08http/1.1", false, true },
        {0,              NULL,                        "\x04gear",     false, false},
        {TLS1_2_VERSION, NULL,                        NULL,           true,  true },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct raw_client r = {.max_version = rows[i].max_version,
                               .ciphers = rows[i].ciphers,
                               .alpn = rows[i].alpn,
                               .renegotiate = rows[i].renegotiate};
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

/* TLS-1. */
static void bad_servers(void **state)
{
    static const struct {
        void (*serve)(struct raw_server *r, int fd, SSL_CTX *ctx);
        int max_version;
        uint32_t connect_ms;
        enum err err;
        const char *what;
    } rows[] = {
        {serve_tls_hello,  TLS1_1_VERSION, 20000, E_UPSTREAM, "tlsv1 alert protocol version"},
        {serve_plain_text, 0,              20000, E_UPSTREAM, "wrong version number"        },
        {serve_hang_up,    0,              20000, E_CLOSED,   "connection closed"           },
        {serve_silence,    0,              50,    E_TIMEOUT,  "took too long"               },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct raw_server r = {.serve = rows[i].serve, .max_version = rows[i].max_version};
        struct scene s;

        scene_init(&s, &GOOD, &ca);
        r.n = 1;
        dial_raw(&s, raw_server_start(&r), rows[i].connect_ms);
        assert_int_equal(s.p.result.err, rows[i].err);
        assert_int_equal(s.p.result.phase, DIAL_TLS);
        assert_non_null(strstr(s.p.result.what, rows[i].what));
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

/* Workers: a loop for each thread, one client and one server for all. No assertion in here:
 * cmocka's jump out of a failed test belongs to the main thread. */
struct worker {
    pthread_t thread;
    struct tls_client *client;
    struct tls_server *server;
    struct loop *loop;
    struct dns *dns;
    struct listener *l;
    unsigned left, good;
};

static void worker_dial(struct worker *w);

static void worker_dialled(void *owner, const struct dial_result *r)
{
    struct worker *w = owner;

    w->good += r->err == OK;
    stream_close(r->stream);
    if (--w->left > 0)
        worker_dial(w);
    else
        loop_stop(w->loop);
}

static void worker_dial(struct worker *w)
{
    struct dial_opts o = {.dns = w->dns,
                          .host = S_INIT("localhost"),
                          .port = listener_port(w->l),
                          .tls = w->client,
                          .dns_ms = 20000,
                          .connect_ms = 20000};

    dial_open(w->loop, &o, worker_dialled, w);
}

static void worker_accepted(void *owner, struct stream *s)
{
    (void)owner;
    stream_close_soft(s);
}

static void *worker_run(void *arg)
{
    struct worker *w = arg;
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .tls = w->server, .fd = -1};

    w->loop = loop_new();
    w->dns = dns_new(w->loop);
    if (listener_open(w->loop, &o, worker_accepted, w, &w->l, NULL) != OK)
        abort();
    worker_dial(w);
    loop_run(w->loop);
    listener_close(w->l);
    dns_free(w->dns);
    loop_free(w->loop);
    return NULL;
}

static void workers_share_contexts(void **state)
{
    struct tls_server *server = serve(&GOOD, &ca, true);
    struct tls_client *client = tls_client_new(str_z(ca_path));
    struct worker w[4];

    (void)state;
    for (size_t i = 0; i < NELEM(w); i++) {
        w[i] = (struct worker){.client = client, .server = server, .left = 25};
        assert_int_equal(pthread_create(&w[i].thread, NULL, worker_run, &w[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        struct tls_server *fresh = NULL;

        assert_int_equal(server_on(cert_path, key_path, true, &fresh, NULL), OK);
        tls_server_take(server, fresh);
    }
    for (size_t i = 0; i < NELEM(w); i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].good, 25);
    }
    tls_client_free(client);
    tls_server_free(server);
    assert_int_equal(mem_counted(), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alpn),
        cmocka_unit_test(old_clients_are_refused),
        cmocka_unit_test(bad_servers),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(sessions_belong_to_one_name),
        cmocka_unit_test(workers_share_contexts),
    };

    return cmocka_run_group_tests(tests, make_authorities, drop_authorities);
}
