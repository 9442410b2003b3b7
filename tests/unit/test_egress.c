/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_egress.c - the ways out: how they are written, which hosts need none, and who is next on a
 * clock that the test moves. */
#include "egress/set.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HOUR_MS = 3600 * 1000 };

static void urls(void **state)
{
    static const struct {
        const char *text, *name; /* name NULL: refused */
        const char *user, *password;
        const char *what;
    } rows[] = {
        {"direct",                         "direct",                        "",    "",          NULL                                            },
        {" Direct\n",                      "direct",                        "",    "",          NULL                                            },
        {"proxy:3128",                     "http://proxy:3128",             "",    "",          NULL                                            },
        {"proxy",                          "http://proxy:80",               "",    "",          NULL                                            },
        {"http://proxy.example.com:8080/", "http://proxy.example.com:8080", "",    "",          NULL                                            },
        {"HTTP://10.0.0.1:1",              "http://10.0.0.1:1",             "",    "",          NULL                                            },
        {"socks5://127.0.0.1:1080",        "socks5://127.0.0.1:1080",       "",    "",          NULL                                            },
        {"socks5h://host",                 "socks5://host:1080",            "",    "",          NULL                                            },
        {"socks://127.0.0.1:7890/",        "socks5://127.0.0.1:7890",       "",    "",          NULL                                            },
        {"http://[2001:db8::1]:3128",      "http://[2001:db8::1]:3128",     "",    "",          NULL                                            },
        {"socks5://[::1]",                 "socks5://[::1]:1080",           "",    "",          NULL                                            },
        {"http://u:p@h:1",                 "http://h:1",                    "u",   "p",         NULL                                            },
        {"u:p@h:1",                        "http://h:1",                    "u",   "p",         NULL                                            },
        {"http://u@h:1",                   "http://h:1",                    "u",   "",          NULL                                            },
        {"http://:p@h:1",                  "http://h:1",                    "",    "p",         NULL                                            },
        {"http://u:p%40ss%2C%3a@h:1",      "http://h:1",                    "u",   "p@ss,:",    NULL                                            },
        {"http://u:p@ss:word@h:1",         "http://h:1",                    "u",   "p@ss:word", NULL                                            },
        {"socks5://a%3ab:c@h:1",           "socks5://h:1",                  "a:b", "c",         NULL                                            },
        {"",                               NULL,                            "",    "",          "is empty"                                      },
        {"https://u:p@proxy",              "https://proxy:443",             "u",   "p",         NULL                                            },
        {"ftp://proxy:21",                 NULL,                            "",    "",          "has a scheme other than http, https and socks5"},
        {"socks4a://proxy:1080",           NULL,                            "",    "",
         "is SOCKS4, which knows no names: socks5:// is wanted"                                                                                 },
        {"http://a%3ab:c@h:1",             NULL,                            "",    "",          "has a colon in its user, which HTTP cannot say"},
        {"http://u:%zz@h:1",               NULL,                            "",    "",
         "has a user or a password that is too long or not percent-encoded"                                                                     },
        {"http://u:p%4@h:1",               NULL,                            "",    "",
         "has a user or a password that is too long or not percent-encoded"                                                                     },
        {"http://u:p%00@h:1",              NULL,                            "",    "",
         "has a user or a password that is too long or not percent-encoded"                                                                     },
        {"http://",                        NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h:0",                     NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h:65536",                 NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h:80:80",                 NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h:x",                     NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h/path",                  NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://h:1?x",                   NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://a b:1",                   NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://.h:1",                    NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://[::1:80",                 NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://[::1]80",                 NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://[1.2.3.4]:80",            NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://[zz]:80",                 NULL,                            "",    "",          "has no valid host and port"                    },
        {"http://::1:80",                  NULL,                            "",    "",          "has no valid host and port"                    },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct egress_way w = {.user = "untouched"};
        struct fault why = {.code = OK};
        enum err err = egress_way_parse(str_z(rows[i].text), &w, &why);

        if ((err == OK) != (rows[i].name != NULL))
            fail_msg("%s: %s", rows[i].text, err == OK ? "accepted" : why.what);
        if (err == OK) {
            assert_string_equal(egress_way_name(&w).z, rows[i].name);
            assert_string_equal(w.user, rows[i].user);
            assert_string_equal(w.password, rows[i].password);
        } else {
            assert_string_equal(why.what, rows[i].what);
            assert_string_equal(w.user, "untouched");
        }
    }
}

static void the_longest_names(void **state)
{
    char text[2000];
    struct egress_way w;
    struct egress_name name;

    (void)state;
    memset(text, 'h', sizeof text);
    assert_int_equal(egress_way_parse(str_of(text, 255), &w, NULL), OK);
    name = egress_way_name(&w);
    assert_true(str_ends(str_z(name.z), S(":80")));
    assert_int_equal(egress_way_parse(str_of(text, 256), &w, NULL), E_SYNTAX);
    text[255] = ':';
    text[511] = '@';
    assert_int_equal(egress_way_parse(str_of(text, 600), &w, NULL), OK);
    assert_int_equal(strlen(w.user), 255);
    assert_int_equal(strlen(w.password), 255);
    text[511] = 'h';
    text[512] = '@';
    assert_int_equal(egress_way_parse(str_of(text, 600), &w, NULL), E_SYNTAX);
}

static void hosts_without_a_proxy(void **state)
{
    static const struct {
        const char *list, *host;
        uint16_t port;
        bool bypasses;
    } rows[] = {
        {"",                      "example.com",     443, false},
        {"*",                     "example.com",     443, true },
        {"example.com",           "example.com",     443, true },
        {"example.com",           "EXAMPLE.com.",    443, true },
        {"example.com",           "api.example.com", 443, true },
        {".example.com",          "api.example.com", 443, true },
        {".example.com",          "example.com",     443, true },
        {"example.com",           "notexample.com",  443, false},
        {"api.example.com",       "example.com",     443, false},
        {"a, b ,\texample.com\n", "example.com",     443, true },
        {"a b example.com",       "example.com",     443, true },
        {"example.com:443",       "example.com",     443, true },
        {"example.com:80",        "example.com",     443, false},
        {"example.com:x",         "example.com",     443, false},
        {".",                     "example.com",     443, false},
        {",,  ,",                 "example.com",     443, false},
        {"10.0.0.1",              "10.0.0.1",        443, true },
        {"10.0.0.1:443",          "10.0.0.1",        443, true },
        {"10.0.0.1:80",           "10.0.0.1",        443, false},
        {"0.0.1",                 "10.0.0.1",        443, false},
        {"10.0.0.0/8",            "10.200.3.4",      443, true },
        {"10.0.0.0/8",            "11.0.0.1",        443, false},
        {"10.128.0.0/9",          "10.127.0.1",      443, false},
        {"10.128.0.0/9",          "10.129.0.1",      443, true },
        {"0.0.0.0/0",             "1.2.3.4",         443, true },
        {"10.0.0.0/33",           "10.0.0.1",        443, false},
        {"10.0.0.0/",             "10.0.0.0",        443, false},
        {"10.0.0.0/8",            "ten.example.com", 443, false},
        {"::1",                   "::1",             443, true },
        {"[::1]",                 "::1",             443, true },
        {"[::1]:443",             "::1",             443, true },
        {"[::1]:80",              "::1",             443, false},
        {"2001:db8::/32",         "2001:db8:1::9",   443, true },
        {"2001:db8::/32",         "2001:db9::9",     443, false},
        {"10.0.0.0/8",            "::1",             443, false},
        {"com",                   "1.2.3.4",         443, false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        if (egress_bypasses(str_z(rows[i].list), str_z(rows[i].host), rows[i].port) !=
            rows[i].bypasses)
            fail_msg("%s for %s", rows[i].list, rows[i].host);
}

/* The set. */

struct play {
    struct egresses *e;
    uint64_t now_ms;
    unsigned ids[8];
    struct egress_news news;
};

static struct egress_way way(const char *text)
{
    struct egress_way w;

    assert_int_equal(egress_way_parse(str_z(text), &w, NULL), OK);
    return w;
}

static void set(struct play *p, size_t nshared, size_t n, const char *const *texts)
{
    struct egress_way v[8];

    for (size_t i = 0; i < n; i++)
        v[i] = way(texts[i]);
    egresses_set(p->e, v, n, nshared, p->ids);
}

static struct play three(void)
{
    static const char *const texts[] = {"a:1", "socks5://b:2", "direct", "c:3"};
    struct play p = {.e = egresses_new(), .now_ms = 1000};

    set(&p, 3, 4, texts);
    return p;
}

/* One request: the way that it gets, and how it goes. 'N': none is left. */
static char go(struct play *p, struct egress_want *want, enum egress_result r)
{
    struct egress_lease lease;
    unsigned id;

    want->now_ms = p->now_ms;
    if (!egresses_pick(p->e, want, &lease))
        return 'N';
    id = egress_id(lease.way);
    if (r == EGRESS_FAILED || r == EGRESS_LOCATION)
        want->tried[want->ntried++] = id;
    egresses_done(p->e, &lease, r, p->now_ms, &p->news);
    assert_null(lease.way);
    for (char c = 0; c < 4; c++)
        if (id == p->ids[(int)c])
            return (char)('a' + c);
    return '?';
}

static char once(struct play *p, enum egress_result r)
{
    struct egress_want want = {0};

    return go(p, &want, r);
}

static void the_one_that_works_is_stayed_with(void **state)
{
    struct play p = three();

    (void)state;
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    assert_false(p.news.any);
    assert_int_equal(once(&p, EGRESS_FAILED), 'a');
    assert_true(p.news.any);
    assert_int_equal(p.news.state, EGRESS_FAILING);
    assert_string_equal(p.news.name.z, "http://a:1");
    assert_string_equal(p.news.next.z, "socks5://b:2");
    for (int i = 0; i < 3; i++)
        assert_int_equal(once(&p, EGRESS_WORKS), 'b');
    p.now_ms += HOUR_MS; /* its time has come, but nobody needs it */
    assert_int_equal(once(&p, EGRESS_WORKS), 'b');
    assert_int_equal(once(&p, EGRESS_FAILED), 'b');
    assert_int_equal(once(&p, EGRESS_WORKS), 'c');
    assert_int_equal(once(&p, EGRESS_FAILED), 'c');
    assert_string_equal(p.news.next.z, ""); /* none is known to be well */
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    assert_true(p.news.any);
    assert_int_equal(p.news.state, EGRESS_WELL);
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    egresses_free(p.e);
}

static void a_request_moves_on(void **state)
{
    struct play p = three();
    struct egress_want want = {0};

    (void)state;
    assert_int_equal(go(&p, &want, EGRESS_FAILED), 'a');
    assert_int_equal(go(&p, &want, EGRESS_LOCATION), 'b');
    assert_int_equal(p.news.state, EGRESS_REFUSED);
    assert_string_equal(p.news.next.z, "direct");
    assert_int_equal(go(&p, &want, EGRESS_FAILED), 'c');
    assert_int_equal(go(&p, &want, EGRESS_FAILED), 'N');
    egresses_free(p.e);
}

/* 2 s, 4 s, ... 5 min; then 2 s again after it worked. */
static void failures_rest_longer_and_longer(void **state)
{
    static const char *const one[] = {"a:1", "b:2"};
    struct play p = {.e = egresses_new(), .now_ms = 1000};
    struct egress_status s[2];
    uint64_t want_ms = 2000;

    (void)state;
    set(&p, 2, 2, one);
    for (int i = 0; i < 12; i++) {
        struct egress_want want = {.own = p.ids[0]};

        assert_int_equal(go(&p, &want, EGRESS_FAILED), 'a');
        assert_int_equal(egresses_status(p.e, p.now_ms, s, 2), 2);
        assert_int_equal(s[0].back_ms, want_ms);
        assert_false(s[0].in_use);
        assert_true(s[1].in_use);
        p.now_ms += want_ms;
        want_ms = want_ms * 2 < 300000 ? want_ms * 2 : 300000;
        assert_int_equal(p.news.any, i == 0); /* a change is told, not its repetition */
    }
    assert_int_equal(s[0].failed, 12);
    {
        struct egress_want want = {.own = p.ids[0]};

        go(&p, &want, EGRESS_WORKS);
        want.ntried = 0;
        go(&p, &want, EGRESS_FAILED);
    }
    egresses_status(p.e, p.now_ms, s, 2);
    assert_int_equal(s[0].back_ms, 2000);
    egresses_free(p.e);
}

/* Of a hundred requests that were under way together the first counts. */
static void one_outage_is_one_failure(void **state)
{
    struct play p = three();
    struct egress_lease leases[100];
    struct egress_status s[4];
    unsigned told = 0;

    (void)state;
    for (size_t i = 0; i < NELEM(leases); i++)
        assert_true(egresses_pick(p.e, &(struct egress_want){.now_ms = p.now_ms}, &leases[i]));
    for (size_t i = 0; i + 1 < NELEM(leases); i++) {
        egresses_done(p.e, &leases[i], EGRESS_FAILED, p.now_ms, &p.news);
        told += p.news.any;
    }
    assert_int_equal(told, 1);
    egresses_status(p.e, p.now_ms, s, 4);
    assert_int_equal(s[0].back_ms, 2000);
    assert_int_equal(s[0].in_flight, 1);
    /* An answer that had begun before says nothing of what is now. */
    egresses_done(p.e, &leases[99], EGRESS_WORKS, p.now_ms, &p.news);
    egresses_status(p.e, p.now_ms, s, 4);
    assert_int_equal(s[0].state, EGRESS_FAILING);
    assert_int_equal(once(&p, EGRESS_WORKS), 'b');
    egresses_free(p.e);
}

/* Refused everywhere: each new request asks one way, the one that was refused longest ago. */
static void refused_everywhere(void **state)
{
    struct play p = three();
    struct egress_want want = {0};
    struct egress_status s[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(go(&p, &want, EGRESS_LOCATION), "abc"[i]);
        p.now_ms += 1000;
    }
    assert_int_equal(go(&p, &want, EGRESS_LOCATION), 'N');
    for (int i = 0; i < 6; i++) {
        want.ntried = 0;
        assert_int_equal(go(&p, &want, EGRESS_LOCATION), "abc"[i % 3]);
        assert_false(p.news.any);
        assert_int_equal(go(&p, &want, EGRESS_LOCATION), 'N');
        p.now_ms += 1000;
    }
    assert_int_equal(egresses_status(p.e, p.now_ms, s, 4), 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(s[i].state, EGRESS_REFUSED);
    assert_in_range(s[2].back_ms, HOUR_MS - 2000, HOUR_MS);
    want.ntried = 0;
    assert_int_equal(go(&p, &want, EGRESS_WORKS), 'a'); /* the location has been allowed */
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    egresses_free(p.e);
}

static void a_key_keeps_to_its_own(void **state)
{
    struct play p = three();
    struct egress_want want = {.own = p.ids[3]};
    unsigned unwell[8];

    (void)state;
    assert_int_equal(egresses_unwell(p.e, p.now_ms, unwell, 8), 0);
    assert_int_equal(go(&p, &want, EGRESS_LOCATION), 'd');
    assert_string_equal(p.news.next.z, "");
    assert_int_equal(go(&p, &want, EGRESS_WORKS), 'N');
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    assert_int_equal(egresses_unwell(p.e, p.now_ms, unwell, 8), 1);
    assert_int_equal(unwell[0], p.ids[3]);
    want = (struct egress_want){0};
    for (int i = 0; i < 3; i++)
        go(&p, &want, EGRESS_FAILED);
    assert_int_equal(egresses_unwell(p.e, p.now_ms, unwell, 8), 5);
    assert_int_equal(unwell[0], 0);
    p.now_ms += 2000;
    assert_int_equal(egresses_unwell(p.e, p.now_ms, unwell, 8), 1);
    want.own = 12345; /* it went with a reload */
    want.ntried = 0;
    assert_int_equal(go(&p, &want, EGRESS_WORKS), 'N');
    egresses_free(p.e);
}

/* Where all keys go the same way its failure says nothing for or against one of them. */
static void only_everybodys_ways(void **state)
{
    struct egresses *e = egresses_new();
    struct egress_want want = {.now_ms = 1000};
    struct egress_lease lease;
    struct egress_news news;
    unsigned unwell[8];
    unsigned id;

    (void)state;
    assert_true(egresses_pick(e, &want, &lease));
    id = egress_id(lease.way);
    egresses_done(e, &lease, EGRESS_FAILED, want.now_ms, &news);
    assert_int_equal(egresses_unwell(e, want.now_ms, unwell, 8), 1);
    assert_int_equal(unwell[0], id);
    egresses_free(e);
}

static void a_reload_keeps_what_is_known(void **state)
{
    static const char *const other[] = {"socks5://u:p@b:2", "a:1", "a:1", "socks5://b:2"};
    struct play p = three();
    struct egress_lease held;
    struct egress_status s[4];
    unsigned before[4];

    (void)state;
    memcpy(before, p.ids, sizeof before);
    assert_true(egresses_pick(p.e, &(struct egress_want){.own = p.ids[3]}, &held));
    assert_int_equal(once(&p, EGRESS_LOCATION), 'a');
    set(&p, 2, 4, other);
    assert_int_equal(p.ids[1], before[0]);
    assert_int_equal(p.ids[2], before[0]);
    assert_int_equal(p.ids[3], before[1]);
    assert_true(p.ids[0] > before[3]); /* another password is another way */
    assert_int_equal(egresses_status(p.e, p.now_ms, s, 4), 3);
    assert_string_equal(s[0].name.z, "socks5://b:2");
    assert_int_equal(s[1].state, EGRESS_REFUSED);
    assert_true(s[1].shared);
    assert_false(s[2].shared);
    assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    assert_string_equal(egress_proxy(held.way)->host.p, "c"); /* gone from the set, not from us */
    egresses_done(p.e, &held, EGRESS_WORKS, p.now_ms, &p.news);
    egresses_set(p.e, NULL, 0, 0, NULL);
    assert_int_equal(egresses_status(p.e, p.now_ms, s, 4), 1);
    assert_string_equal(s[0].name.z, "direct");
    egresses_free(p.e);
}

/* Keys learn the new ids after the ways are replaced: until then the old ones still lead out. */
static void a_way_that_goes_serves_until_it_is_settled(void **state)
{
    struct play p = three();
    struct egress_want own = {.own = p.ids[3], .now_ms = p.now_ms};
    struct egress_status s[4];
    struct egress_way kept = way("a:1");

    (void)state;
    for (int round = 0; round < 2; round++) {
        egresses_renew(p.e, &kept, 1, 1, NULL);
        assert_int_equal(egresses_status(p.e, p.now_ms, s, 4), 1);
        assert_int_equal(go(&p, &own, EGRESS_WORKS), round == 0 ? 'd' : 'N');
        assert_int_equal(once(&p, EGRESS_WORKS), 'a');
    }
    egresses_settle(p.e);
    egresses_renew(p.e, NULL, 0, 0, NULL);
    egresses_free(p.e);
}

static void without_proxies_it_is_direct(void **state)
{
    struct egresses *e = egresses_new();
    struct egress_lease lease = {0};
    struct egress_news news;

    (void)state;
    for (int i = 0; i < 3; i++) { /* also when it fails: there is nothing else */
        assert_true(egresses_pick(e, &(struct egress_want){.now_ms = 5}, &lease));
        assert_null(egress_proxy(lease.way));
        egresses_done(e, &lease, EGRESS_LOCATION, 5, &news);
        assert_int_equal(news.any, i == 0);
    }
    egresses_done(e, &lease, EGRESS_LOCATION, 5, &news);
    assert_false(news.any);
    egresses_works(e, &lease, 5, &news);
    assert_false(news.any);
    egresses_free(e);
    egresses_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(the_longest_names),
        cmocka_unit_test(hosts_without_a_proxy),
        cmocka_unit_test(the_one_that_works_is_stayed_with),
        cmocka_unit_test(a_request_moves_on),
        cmocka_unit_test(failures_rest_longer_and_longer),
        cmocka_unit_test(one_outage_is_one_failure),
        cmocka_unit_test(refused_everywhere),
        cmocka_unit_test(a_key_keeps_to_its_own),
        cmocka_unit_test(only_everybodys_ways),
        cmocka_unit_test(a_reload_keeps_what_is_known),
        cmocka_unit_test(a_way_that_goes_serves_until_it_is_settled),
        cmocka_unit_test(without_proxies_it_is_direct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
