/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_http_loopback.c - our client against our server, over real sockets: HTTP/1.1 and HTTP/2,
 * plain and over TLS. What each does alone is shown elsewhere; here they agree with each other. */
#include "client_stage.h"
#include "fake_http.h"
#include "net/tls.h"
#include "net/tls_impl.h"
#include "test_certs.h"

#include <unistd.h>

enum { DAY_S = 86400, BIG = 3 * 1000 * 1000, POUR = 20 * 1000 * 1000 };

static char dir[] = "/tmp/queqiao-loopback-XXXXXX";
static char ca_path[64], cert_path[64], key_path[64];
static struct tls_server *h1_server, *h2_server;
static struct tls_client *client;

static void path_in_dir(char ret[64], const char *name)
{
    assert_true(snprintf(ret, 64, "%s/%s", dir, name) < 64);
}

static int make_keys(void **state)
{
    static const struct cert_spec SPEC = {
        .cn = "a server", .san = "IP:127.0.0.1", .ca = true, .from_s = -DAY_S, .to_s = DAY_S};
    struct cert own;

    (void)state;
    tls_prepare();
    assert_non_null(mkdtemp(dir));
    path_in_dir(ca_path, "ca.pem");
    path_in_dir(cert_path, "cert.pem");
    path_in_dir(key_path, "key.pem");
    own = cert_make(&SPEC, NULL);
    cert_write(&own, ca_path, NULL);
    cert_write(&own, cert_path, key_path);
    cert_free(&own);
    assert_int_equal(server_on(cert_path, key_path, true, &h2_server, NULL), OK);
    assert_int_equal(server_on(cert_path, key_path, false, &h1_server, NULL), OK);
    client = tls_client_new(str_z(ca_path));
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    tls_server_free(h1_server);
    tls_server_free(h2_server);
    tls_client_free(client);
    unlink(ca_path);
    unlink(cert_path);
    unlink(key_path);
    return rmdir(dir);
}

struct scene {
    struct stage st; /* its own listener is not used */
    struct server *server;
    struct fake_handler h;
};

enum { WAYS = 4 };

static void open_scene(struct scene *x, int way)
{
    struct tls_server *tls = way == 2 ? h1_server : way == 3 ? h2_server : NULL;
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .tls = tls, .fd = -1};
    struct server_handler handler = fake_handler(&x->h);

    stage_open_tls(&x->st, NULL, NULL, NULL, client);
    x->server = server_new(x->st.loop, &handler, &SERVER_LIMITS_DEFAULT);
    assert_int_equal(server_listen(x->server, &o, &x->st.origin.port, NULL), OK);
    x->st.origin.https = tls != NULL;
    x->st.origin.h2_prior = way == 1;
}

static void close_scene(struct scene *x)
{
    server_close(x->server);
    stage_nap(&x->st, 1);
    assert_int_equal(server_calls(x->server), 0);
    server_free(x->server);
    buf_fini(&x->h.seen);
    stage_close(&x->st);
}

/* Bodies cross both ways, one behind the other and at once. */
static void bodies(void **state)
{
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct seen s[4];
        struct rope body;

        open_scene(&x, way);
        rope_fill(&body, BIG);
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < NELEM(s); i++)
                stage_send(&x.st, &s[i], HTTP_POST, "/x?y", &body);
            for (size_t i = 0; i < NELEM(s); i++) {
                UNTIL(&x.st, told(&s[i]));
                assert_true(s[i].ended);
                assert_int_equal(s[i].status, 200);
                assert_int_equal(s[i].body.n, BIG + 12);
                assert_true(str_starts(buf_str(&s[i].body), S("POST /x?y [")));
                assert_true(filled(str_sub(buf_str(&s[i].body), 11, BIG), 0));
                seen_fini(&s[i]);
            }
        }
        assert_int_equal(server_connections(x.server), way % 2 == 1 ? 1 : 4);
        rope_fini(&body);
        close_scene(&x);
    }
}

static void answers(void **state)
{
    static const struct {
        enum http_method method;
        const char *target;
        int status;
        const char *body;
    } rows[] = {
        {HTTP_GET,    "/",       200, "GET /? []"                     },
        {HTTP_HEAD,   "/",       200, ""                              },
        {HTTP_GET,    "/stream", 200, "one two, which is longer three"},
        {HTTP_HEAD,   "/stream", 200, ""                              },
        {HTTP_POST,   "/early",  401, "no"                            },
        {HTTP_DELETE, "/%20",    200, "DELETE /%20? []"               },
    };
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        open_scene(&x, way);
        for (size_t i = 0; i < NELEM(rows); i++) {
            struct seen s;

            stage_send(&x.st, &s, rows[i].method, rows[i].target, NULL);
            UNTIL(&x.st, told(&s));
            assert_true(s.ended);
            assert_int_equal(s.status, rows[i].status);
            assert_true(str_eq(buf_str(&s.body), str_z(rows[i].body)));
            seen_fini(&s);
        }
        assert_int_equal(server_connections(x.server), 1);
        close_scene(&x);
    }
}

/* A body that nobody wants, too large to be read: the client hears the answer. */
static void too_large(void **state)
{
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct seen s;
        struct rope body;

        open_scene(&x, way);
        rope_fill(&body, 33 * 1024 * 1024);
        stage_send(&x.st, &s, HTTP_POST, "/x", &body);
        UNTIL(&x.st, told(&s));
        assert_true(s.ended);
        assert_int_equal(s.status, 413);
        seen_fini(&s);
        rope_fini(&body);
        close_scene(&x);
    }
}

/* Cancelled before the head, and in the middle of the body. */
static void client_leaves(void **state)
{
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct seen s[2];

        open_scene(&x, way);
        for (size_t i = 0; i < 2; i++)
            stage_send(&x.st, &s[i], HTTP_GET, "/hold", NULL);
        UNTIL(&x.st, x.h.nheld == 2);
        for (size_t i = 0; i < 2; i++) {
            call_respond(x.h.held[i]->call, 200, (struct http_headers){NULL, 0}, -1);
            call_write(x.h.held[i]->call, S("one"));
        }
        UNTIL(&x.st, s[0].body_n == 3 && s[1].body_n == 3);
        client_cancel(s[0].r);
        UNTIL(&x.st, x.h.gone == 1);
        seen_fini(&s[0]);
        stage_send(&x.st, &s[0], HTTP_GET, "/hold", NULL);
        UNTIL(&x.st, x.h.nheld == 3);
        client_cancel(s[0].r);
        UNTIL(&x.st, x.h.gone == 2);
        UNTIL(&x.st, server_calls(x.server) == 1);
        client_cancel(s[1].r);
        UNTIL(&x.st, x.h.gone == 3);
        seen_fini(&s[0]);
        seen_fini(&s[1]);
        close_scene(&x);
    }
}

/* A long answer, poured as fast as it is taken, to a reader that stops now and then. */
struct pour {
    struct call *call;
    size_t left;
    size_t most; /* that was ever queued */
};

static void pour_on(void *owner)
{
    static char block[10007];
    struct pour *p = owner;
    enum flow flow = FLOW_GO;

    while (p->left > 0 && flow == FLOW_GO) {
        size_t n = p->left < sizeof block ? p->left : sizeof block;

        for (size_t i = 0; i < n; i++)
            block[i] = (char)('a' + (POUR - p->left + i) % 23);
        flow = call_write(p->call, str_of(block, n));
        p->most = call_queued(p->call) > p->most ? call_queued(p->call) : p->most;
        p->left -= n;
    }
    if (p->left == 0)
        call_end(p->call);
}

static void pour_gone(void *owner)
{
    (void)owner;
    fail();
}

static size_t pauses;

static void pause_often(struct seen *s)
{
    if (s->body_n / 300000 > pauses) {
        pauses++;
        client_pause(s->r);
    }
}

static void slow_reader(void **state)
{
    static const struct call_events EVENTS = {NULL, pour_on, pour_gone};
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct pour p = {.left = POUR};
        struct fake_bound *b;
        struct seen s;

        open_scene(&x, way);
        stage_send(&x.st, &s, HTTP_GET, "/hold", NULL);
        s.at_data = pause_often;
        pauses = 0;
        UNTIL(&x.st, x.h.nheld == 1);
        b = x.h.held[0];
        p.call = b->call;
        fake_let_off(b);
        call_bind(p.call, &EVENTS, &p);
        call_respond(p.call, 200, (struct http_headers){NULL, 0}, -1);
        pour_on(&p);
        while (!told(&s)) {
            size_t before = s.body_n;

            client_resume(s.r);
            UNTIL(&x.st, s.body_n > before || told(&s));
        }
        assert_true(s.ended);
        assert_int_equal(s.body_n, POUR);
        assert_true(filled(buf_str(&s.body), 0));
        assert_true(pauses > 50);
        assert_true(p.most < FLOW_HIGH + 64 * 1024);
        seen_fini(&s);
        close_scene(&x);
    }
}

static void drained(void **state)
{
    struct scene x;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct seen s;

        open_scene(&x, way);
        stage_send(&x.st, &s, HTTP_GET, "/hold", NULL);
        UNTIL(&x.st, x.h.nheld == 1);
        server_drain(x.server);
        fake_answer_held(&x.h, 0, 200, S("the last"));
        UNTIL(&x.st, told(&s));
        assert_true(s.ended);
        assert_true(str_eq(buf_str(&s.body), S("the last")));
        UNTIL(&x.st, server_connections(x.server) == 0);
        seen_fini(&s);
        stage_send(&x.st, &s, HTTP_GET, "/", NULL);
        UNTIL(&x.st, told(&s));
        assert_true(s.failed);
        seen_fini(&s);
        close_scene(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),        cmocka_unit_test(answers),     cmocka_unit_test(too_large),
        cmocka_unit_test(client_leaves), cmocka_unit_test(slow_reader), cmocka_unit_test(drained),
    };

    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
