/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_client_tls.c - the client over TLS: ALPN decides between the versions, bodies cross both
 * ways, an end without close_notify is no end, and a wrong certificate sends no byte. */
#include "client_h2_peer.h"
#include "net/tls.h"
#include "net/tls_impl.h"
#include "test_certs.h"

#include <unistd.h>

enum { DAY_S = 86400, BIG = 3 * 1000 * 1000 };
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static char dir[] = "/tmp/queqiao-client-XXXXXX";
static char ca_path[64], cert_path[64], key_path[64];
static struct tls_server *h1_server, *h2_server;
static struct tls_client *client, *stranger;

static void path_in_dir(char ret[64], const char *name)
{
    assert_true(snprintf(ret, 64, "%s/%s", dir, name) < 64);
}

static int make_keys(void **state)
{
    static const struct cert_spec ROOT = {
        .cn = "a root", .ca = true, .from_s = -DAY_S, .to_s = DAY_S};
    static const struct cert_spec LEAF = {
        .cn = "a server", .san = "IP:127.0.0.1", .from_s = -DAY_S, .to_s = DAY_S};
    struct cert ca, leaf;

    (void)state;
    tls_prepare();
    assert_non_null(mkdtemp(dir));
    path_in_dir(ca_path, "ca.pem");
    path_in_dir(cert_path, "cert.pem");
    path_in_dir(key_path, "key.pem");
    ca = cert_make(&ROOT, NULL);
    leaf = cert_make(&LEAF, &ca);
    cert_write(&ca, ca_path, NULL);
    cert_write(&leaf, cert_path, key_path);
    assert_int_equal(server_on(cert_path, key_path, true, &h2_server, NULL), OK);
    assert_int_equal(server_on(cert_path, key_path, false, &h1_server, NULL), OK);
    client = tls_client_new(str_z(ca_path));
    stranger = tls_client_new(S(""));
    cert_free(&leaf);
    cert_free(&ca);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    tls_server_free(h1_server);
    tls_server_free(h2_server);
    tls_client_free(client);
    tls_client_free(stranger);
    unlink(ca_path);
    unlink(cert_path);
    unlink(key_path);
    return rmdir(dir);
}

static struct h2_stream *stream_on(struct stage *st, size_t n)
{
    UNTIL(st, st->peers > 0 && h2p(&st->peer[0])->streams >= n);
    return &h2p(&st->peer[0])->stream[n - 1];
}

/* Five requests at once share the first connection; bodies go up and come down on it. */
static void h2_by_alpn(void **state)
{
    struct stage st;
    struct seen s[5];
    struct rope body;

    (void)state;
    rope_fill(&body, BIG);
    stage_open_tls(&st, &H2_PEER, NULL, h2_server, client);
    for (size_t i = 0; i < NELEM(s); i++)
        stage_send(&st, &s[i], HTTP_POST, "/", &body);
    for (size_t i = 0; i < NELEM(s); i++) {
        struct h2_stream *hs = stream_on(&st, i + 1);

        UNTIL(&st, hs->ended);
        assert_int_equal(hs->got, BIG);
        assert_false(hs->bad);
        h2p_answer(hs, "200", BIG, false, NULL, NULL);
    }
    for (size_t i = 0; i < NELEM(s); i++) {
        UNTIL(&st, told(&s[i]));
        assert_true(s[i].ended);
        assert_int_equal(s[i].body_n, BIG);
        assert_true(filled(buf_str(&s[i].body), 0));
        seen_fini(&s[i]);
    }
    assert_int_equal(st.peers, 1);
    rope_fini(&body);
    stage_close(&st);
}

static size_t requests(const struct stage *st)
{
    size_t n = 0;

    for (size_t i = 0; i < st->peers; i++) {
        struct str s = buf_str(&st->peer[i].got);
        size_t at;

        while ((at = str_find(s, S("\r\n\r\n"))) < s.n) {
            s = str_skip(s, at + 4);
            n++;
        }
    }
    return n;
}

static void h1_where_h2_is_not_spoken(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open_tls(&st, NULL, NULL, h1_server, client);
    for (size_t i = 0; i < 3; i++) {
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, requests(&st) == i + 1);
        peer_say(&st.peer[0], OK_HEAD "content-length: 2\r\n\r\nok");
        UNTIL(&st, told(&s));
        assert_true(s.ended);
        seen_fini(&s);
    }
    assert_int_equal(st.peers, 1);
    assert_int_equal(client_stats(st.client).reused, 2);
    stage_close(&st);
}

/* The peer closes the pooled connection: close_notify, FIN. The next request never notices. */
static void closed_while_idle(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        stage_open_tls(&st, NULL, NULL, h1_server, client);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, requests(&st) == 1);
        peer_say(&st.peer[0], OK_HEAD "content-length: 2\r\n\r\nok");
        UNTIL(&st, told(&s));
        seen_fini(&s);
        (i == 0 ? peer_close : peer_reset)(&st.peer[0]);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, requests(&st) == 2);
        peer_say(&st.peer[1], OK_HEAD "content-length: 2\r\n\r\nok");
        UNTIL(&st, told(&s));
        assert_true(s.ended);
        seen_fini(&s);
        stage_close(&st);
    }
}

/* A body that is framed by the close of the connection is whole behind close_notify only. */
static void framed_by_the_close(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        stage_open_tls(&st, NULL, NULL, h1_server, client);
        stage_send(&st, &s, HTTP_GET, "/", NULL);
        UNTIL(&st, requests(&st) == 1);
        peer_say(&st.peer[0], OK_HEAD "\r\nall of it");
        UNTIL(&st, s.body_n == 9);
        (i == 0 ? peer_close : peer_reset)(&st.peer[0]);
        UNTIL(&st, told(&s));
        assert_int_equal(s.ended, i == 0);
        if (i == 1)
            assert_int_equal(s.fault.err, E_CLOSED);
        seen_fini(&s);
        stage_close(&st);
    }
}

static void an_unknown_authority(void **state)
{
    struct stage st;
    struct seen s;

    (void)state;
    stage_open_tls(&st, NULL, NULL, h2_server, stranger);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    UNTIL(&st, told(&s));
    assert_true(s.failed);
    assert_int_equal(s.fault.phase, CLIENT_TLS);
    assert_int_equal(st.peers, 0);
    seen_fini(&s);
    stage_close(&st);
}

/* A slow reader: the window fills, TLS and all, and opens again. */
static void paused_over_tls(void **state)
{
    struct stage st;
    struct seen s;
    struct h2_stream *hs;

    (void)state;
    stage_open_tls(&st, &H2_PEER, NULL, h2_server, client);
    stage_send(&st, &s, HTTP_GET, "/", NULL);
    hs = stream_on(&st, 1);
    client_pause(s.r);
    h2p_answer(hs, "200", BIG, false, NULL, NULL);
    UNTIL(&st, s.heads == 1);
    stage_nap(&st, 5);
    assert_int_equal(s.body_n, 0);
    assert_true(hs->sent < BIG / 2);
    client_resume(s.r);
    UNTIL(&st, told(&s));
    assert_true(s.ended);
    assert_true(filled(buf_str(&s.body), 0));
    assert_int_equal(s.body_n, BIG);
    seen_fini(&s);
    stage_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_by_alpn),           cmocka_unit_test(h1_where_h2_is_not_spoken),
        cmocka_unit_test(closed_while_idle),    cmocka_unit_test(framed_by_the_close),
        cmocka_unit_test(an_unknown_authority), cmocka_unit_test(paused_over_tls),
    };

    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
