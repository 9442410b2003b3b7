/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_scene.h - a TLS client and a TLS server of ours, with certificates made for the
 * test. One authority is trusted, the other is not. */
#ifndef TESTS_TLS_SCENE_H
#define TESTS_TLS_SCENE_H

#include "base/mem.h"
#include "net/tls.h"
#include "net/tls_impl.h"
#include "net_pair.h"
#include "test_certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static struct cert ca, other_ca;
static char dir[] = "/tmp/queqiao-tls-XXXXXX";
static char ca_path[64], cert_path[64], key_path[64];

static const struct cert_spec GOOD = {
    .cn = "ours", .san = "DNS:localhost,IP:127.0.0.1", .from_s = -DAY_S, .to_s = DAY_S};

static inline void path_in_dir(char ret[64], const char *name)
{
    assert_true(snprintf(ret, 64, "%s/%s", dir, name) < 64);
}

static inline int make_authorities(void **state)
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

static inline int drop_authorities(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&other_ca);
    unlink(ca_path);
    unlink(cert_path);
    unlink(key_path);
    return rmdir(dir);
}

static inline struct tls_server *serve(const struct cert_spec *spec, const struct cert *issuer,
                                       bool h2)
{
    struct cert c = cert_make(spec, issuer);
    struct tls_server *s = NULL;
    struct fault why = {.code = OK};

    cert_write(&c, cert_path, key_path);
    cert_free(&c);
    assert_int_equal(server_on(cert_path, key_path, h2, &s, &why), OK);
    return s;
}

struct scene {
    struct pair p;
    struct tls_server *server;
    struct tls_client *client;
};

static inline void dial(struct scene *s, const char *host, bool want_h2)
{
    struct dial_opts o = pair_opts(&s->p, s->client, host);

    o.want_h2 = want_h2;
    s->p.dialled = false;
    dial_open(s->p.loop, &o, pair_dialled, &s->p);
    UNTIL(&s->p, s->p.dialled && (s->p.result.err != OK || s->p.server.s));
}

static inline void scene_init(struct scene *s, const struct cert_spec *spec,
                              const struct cert *issuer)
{
    s->server = serve(spec, issuer, true);
    s->client = tls_client_new(str_z(ca_path));
    pair_init(&s->p, s->server, "127.0.0.1");
}

static inline void scene_fini(struct scene *s)
{
    pair_fini(&s->p);
    tls_client_free(s->client);
    tls_server_free(s->server);
    assert_int_equal(mem_counted(), 0);
}

static inline void scene_open(struct scene *s)
{
    scene_init(s, &GOOD, &ca);
    dial(s, "localhost", true);
    assert_int_equal(s->p.result.err, OK);
}

static inline void hang_up(struct scene *s)
{
    stream_close(s->p.client.s);
    stream_close(s->p.server.s);
    s->p.client.s = s->p.server.s = NULL;
    s->p.client.ended = s->p.server.ended = false;
    buf_reset(&s->p.client.got);
    buf_reset(&s->p.server.got);
}

static inline void echo(struct end *e, struct str bytes)
{
    stream_write(e->s, bytes);
}

static inline void round_trip(struct scene *s)
{
    s->p.server.on_read = echo;
    stream_write(s->p.client.s, S("there and back"));
    UNTIL(&s->p, s->p.client.got.n == 14);
    assert_memory_equal(s->p.client.got.p, "there and back", 14);
}

static inline void dial_raw(struct scene *s, uint16_t port, uint32_t connect_ms)
{
    struct dial_opts o = pair_opts(&s->p, s->client, "localhost");

    o.port = port;
    o.connect_ms = connect_ms;
    s->p.dialled = false;
    dial_open(s->p.loop, &o, pair_dialled, &s->p);
    UNTIL(&s->p, s->p.dialled);
}
static inline void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

#endif
