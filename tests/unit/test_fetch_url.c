/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_fetch_url.c - strangers' URLs: how they are read (SSR-1), where redirects lead (SSR-4),
 * which may be asked for, and which addresses are public (SSR-3), at every border of every network.
 */
#include "fetch/address.h"
#include "fetch/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What was read, as text: "https host port target"; empty when it was refused. */
struct seen {
    char z[FETCH_URL_MAX + 512];
};
static struct seen show(bool ok, const struct fetch_url *u)
{
    struct seen s = {""};

    if (ok)
        snprintf(s.z, sizeof s.z, "%s %s %u %.*s", u->https ? "https" : "http", u->host,
                 (unsigned)u->port, (int)u->target_n, u->target);
    return s;
}

static void test_ssr_1_read(void **state)
{
    static const struct {
        const char *text, *seen;
    } ROWS[] = {
        {"https://example.com",                  "https example.com 443 /"             },
        {"HTTPS://Example.COM/",                 "https example.com 443 /"             },
        {"http://example.com/a",                 "http example.com 80 /a"              },
        {"https://example.com:8443/a",           "https example.com 8443 /a"           },
        {"https://a-b.example/x?y=/../z#frag",   "https a-b.example 443 /x?y=/../z"    },
        {"https://example.com?x=1",              "https example.com 443 /?x=1"         },
        {"https://example.com#/x",               "https example.com 443 /"             },
        {"https://example.com/a/./b/../c",       "https example.com 443 /a/c"          },
        {"https://example.com/../../x/..",       "https example.com 443 /"             },
        {"https://example.com/\xe5\x9b\xbe.png", "https example.com 443 /%E5%9B%BE.png"},
        {"https://example.com/a b\"<>\\^`{|}",
         "https example.com 443 /a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"                     },
        {"https://example.com/%41%2e?a%20b",     "https example.com 443 /%41%2e?a%20b" },
        {"https://xn--fiq228c.example/",         "https xn--fiq228c.example 443 /"     },
        {"https://1.2.3.4/x",                    "https 1.2.3.4 443 /x"                },
        {"https://[2001:db8::1]:8443/x",         "https 2001:db8::1 8443 /x"           },
        {"https://[2001:DB8::A]/x",              "https 2001:db8::a 443 /x"            },
        {"https://4u.example/",                  "https 4u.example 443 /"              },
        {"https://1.2.3.4.example/",             "https 1.2.3.4.example 443 /"         },
        {"https://a/",                           "https a 443 /"                       },
        {"",                                     ""                                    },
        {"https://",                             ""                                    },
        {"https:///x",                           ""                                    },
        {"https:/example.com/",                  ""                                    },
        {"ftp://example.com/",                   ""                                    },
        {"file:///etc/passwd",                   ""                                    },
        {"gopher://example.com/",                ""                                    },
        {"javascript:alert(1)",                  ""                                    },
        {" https://example.com/",                ""                                    },
        {"https://user@example.com/",            ""                                    },
        {"https://user:pw@example.com/",         ""                                    },
        {"https://example.com@127.0.0.1/",       ""                                    },
        {"https://example.com\\@127.0.0.1/",     ""                                    },
        {"https://127.0.0.1\\.example.com/",     ""                                    },
        {"https://example.com:443@127.0.0.1/",   ""                                    },
        {"https://2130706433/",                  ""                                    },
        {"https://0x7f000001/",                  ""                                    },
        {"https://0x7f.0.0.1/",                  ""                                    },
        {"https://017700000001/",                ""                                    },
        {"https://0177.0.0.1/",                  ""                                    },
        {"https://127.1/",                       ""                                    },
        {"https://127.0.1/",                     ""                                    },
        {"https://127.0.0.01/",                  ""                                    },
        {"https://127.0.0.1./",                  ""                                    },
        {"https://256.1.1.1/",                   ""                                    },
        {"https://example.0x1/",                 ""                                    },
        {"https://example.com./",                ""                                    },
        {"https://.example.com/",                ""                                    },
        {"https://example..com/",                ""                                    },
        {"https://-a.example/",                  ""                                    },
        {"https://a-.example/",                  ""                                    },
        {"https://a_b.example/",                 ""                                    },
        {"https://ex%61mple.com/",               ""                                    },
        {"https://%31%32%37.0.0.1/",             ""                                    },
        {"https://\xe2\x91\xa0.example/",        ""                                    },
        {"https://ex\xc3\xa4mple.com/",          ""                                    },
        {"https://exa mple.com/",                ""                                    },
        {"https://example.com:/",                ""                                    },
        {"https://example.com:0/",               ""                                    },
        {"https://example.com:0443/",            ""                                    },
        {"https://example.com:65536/",           ""                                    },
        {"https://example.com:+443/",            ""                                    },
        {"https://example.com:443x/",            ""                                    },
        {"https://[::1%25lo]/",                  ""                                    },
        {"https://[::1%lo]/",                    ""                                    },
        {"https://[fe80::1%eth0]/",              ""                                    },
        {"https://[0:0:0:0:0:0:0:1]/",           ""                                    },
        {"https://[::ffff:127.0.0.1]/",          ""                                    },
        {"https://[::ffff:7f00:1]/",             ""                                    },
        {"https://[127.0.0.1]/",                 ""                                    },
        {"https://[::1/",                        ""                                    },
        {"https://::1/",                         ""                                    },
        {"https://[::1]x/",                      ""                                    },
        {"https://[]/",                          ""                                    },
        {"https://example.com/a\r\nHost: x",     ""                                    },
        {"https://example.com/a\tb",             ""                                    },
        {"https://example.com/a\x7f",            ""                                    },
    };
    static struct fetch_url u;
    static char longest[FETCH_URL_MAX + 8];
    struct str nul = S("https://example.com\0.evil.example/");

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++)
        assert_string_equal(show(fetch_url_read(str_z(ROWS[i].text), &u), &u).z, ROWS[i].seen);
    assert_false(fetch_url_read(nul, &u));
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "https://a.b/", 12);
    assert_true(fetch_url_read(str_of(longest, FETCH_URL_MAX), &u));
    assert_false(fetch_url_read(str_of(longest, FETCH_URL_MAX + 1), &u));
    memset(longest + 12, '"', 4000); /* three bytes each once it is escaped */
    assert_false(fetch_url_read(str_of(longest, FETCH_URL_MAX), &u));
    memset(longest + 8, 'a', 64);
    memcpy(longest + 72, ".b/", 3);
    assert_false(fetch_url_read(str_of(longest, 100), &u)); /* a label of 64 */
}

static void test_ssr_4_redirects(void **state)
{
    static const struct {
        const char *from, *location, *seen;
    } ROWS[] = {
        {"https://a.b/c/d?e",  "https://f.g/h",            "https f.g 443 /h"           },
        {"https://a.b/c/d?e",  "/h?i",                     "https a.b 443 /h?i"         },
        {"https://a.b/c/d?e",  "h",                        "https a.b 443 /c/h"         },
        {"https://a.b/c/d?e",  "../h",                     "https a.b 443 /h"           },
        {"https://a.b/c/d?e",  "../../../h",               "https a.b 443 /h"           },
        {"https://a.b/c/d?e",  "?i=/j",                    "https a.b 443 /c/d?i=/j"    },
        {"https://a.b/c/d?e",  "#i",                       "https a.b 443 /c/d?e"       },
        {"https://a.b:8443/c", "//f.g:9443/h",             "https f.g 9443 /h"          },
        {"https://a.b:8443/c", "d",                        "https a.b 8443 /d"          },
        {"http://a.b/c",       "https://f.g/",             "https f.g 443 /"            },
        {"http://a.b/c",       "http://f.g/",              "http f.g 80 /"              },
        {"https://a.b/c",      "https://100.100.100.200/", "https 100.100.100.200 443 /"},
        {"https://a.b/c",      "http://f.g/",              ""                           },
        {"https://a.b/c",      "HTTP://a.b/c",             ""                           },
        {"https://a.b/c",      "",                         ""                           },
        {"https://a.b/c",      "file:///etc/passwd",       ""                           },
        {"https://a.b/c",      "//user@f.g/",              ""                           },
        {"https://a.b/c",      "//2130706433/",            ""                           },
        {"https://a.b/c",      "https:f",                  ""                           },
        {"https://a.b/c",      "x\x01",                    ""                           },
    };
    static struct fetch_url from, to;

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        assert_true(fetch_url_read(str_z(ROWS[i].from), &from));
        assert_string_equal(show(fetch_url_follow(&from, str_z(ROWS[i].location), &to), &to).z,
                            ROWS[i].seen);
    }
}

static dial_guard_f *guard_of(const struct fetch_rules *r, const char *text)
{
    static struct fetch_url u;

    assert_true(fetch_url_read(str_z(text), &u));
    return fetch_rules_guard(r, &u);
}

static void test_rules(void **state)
{
    struct fetch_rules any = {.hosts = S(""), .intranet = S("")};
    struct fetch_rules http = {.http = true, .hosts = S(""), .intranet = S("")};
    struct fetch_rules some = {.hosts = S(" example.com , *.cdn.example,[2606:4700::1],"),
                               .intranet = S("")};
    struct fetch_rules lan = {.hosts = S(""),
                              .intranet = S("minio.lan:9000, localhost:80,[::1]:8443")};
    static const char *const LOCAL[] = {
        "https://localhost/",     "https://a.localhost/",  "https://nas.local/",
        "https://metadata/",      "https://router.lan/",   "https://metadata.google.internal/",
        "https://x.home.arpa/",   "https://intranet/",     "https://instance-data.ec2.internal/",
        "https://x.localdomain/", "https://wiki.intranet/"};

    (void)state;
    assert_ptr_equal(guard_of(&any, "https://example.com/"), fetch_public);
    assert_ptr_equal(guard_of(&any, "https://notlocal.example/"), fetch_public);
    assert_ptr_equal(guard_of(&any, "https://[2606:4700::1]/"), fetch_public);
    assert_null(guard_of(&any, "http://example.com/"));
    assert_null(guard_of(&any, "https://example.com:8443/"));
    assert_null(guard_of(&any, "https://example.com:80/"));
    assert_ptr_equal(guard_of(&http, "http://example.com/"), fetch_public);
    assert_null(guard_of(&http, "http://example.com:443/"));
    for (size_t i = 0; i < NELEM(LOCAL); i++)
        assert_null(guard_of(&http, LOCAL[i]));
    assert_ptr_equal(guard_of(&some, "https://example.com/"), fetch_public);
    assert_ptr_equal(guard_of(&some, "https://a.cdn.example/"), fetch_public);
    assert_ptr_equal(guard_of(&some, "https://[2606:4700::1]/"), fetch_public);
    assert_null(guard_of(&some, "https://[2606:4700::2]/"));
    assert_null(guard_of(&some, "https://cdn.example/"));
    assert_null(guard_of(&some, "https://www.example.com/"));
    assert_null(guard_of(&some, "https://badexample.com/"));
    assert_null(guard_of(&some, "https://acdn.example/"));
    assert_ptr_equal(guard_of(&lan, "http://minio.lan:9000/a"), fetch_named);
    assert_ptr_equal(guard_of(&lan, "https://MINIO.lan:9000/a"), fetch_named);
    assert_ptr_equal(guard_of(&lan, "http://localhost/"), fetch_named);
    assert_ptr_equal(guard_of(&lan, "https://[::1]:8443/"), fetch_named);
    assert_null(guard_of(&lan, "https://minio.lan/"));
    assert_null(guard_of(&lan, "https://localhost/"));
    assert_null(guard_of(&lan, "http://minio.lan:9001/"));
}

static void test_rules_that_make_no_sense(void **state)
{
    static const struct {
        const char *hosts, *intranet;
        bool ok;
    } ROWS[] = {
        {"",                             "",                                         true },
        {"example.com,*.example.org , ", "minio.lan:9000,10.0.0.1:80,[fd00::1]:443", true },
        {"https://example.com",          "",                                         false},
        {"example.com/a",                "",                                         false},
        {"example.com:443",              "",                                         false},
        {"*",                            "",                                         false},
        {"a b",                          "",                                         false},
        {"",                             "minio.lan",                                false},
        {"",                             "*.lan:9000",                               false},
        {"",                             "[fd00::1]",                                false},
        {"",                             "minio.lan:0",                              false},
        {"",                             "http://minio.lan:9000",                    false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct fetch_rules r = {.hosts = str_z(ROWS[i].hosts), .intranet = str_z(ROWS[i].intranet)};

        assert_true((fetch_rules_fault(&r) == NULL) == ROWS[i].ok);
    }
}

static union net_addr addr(const char *text)
{
    union net_addr a = {.in6 = {.sin6_family = AF_UNSPEC}};

    assert_true(addr_parse(str_z(text), &a));
    return a;
}

/* Each network of SSR-3: the address before it, its first and last, the one behind it. NULL: there
 * is none that is public there. */
static void test_ssr_3_borders(void **state)
{
    static const struct {
        const char *before, *first, *last, *behind;
    } ROWS[] = {
        {NULL,                                      "0.0.0.0",       "0.255.255.255",                           "1.0.0.0"      },
        {"9.255.255.255",                           "10.0.0.0",      "10.255.255.255",                          "11.0.0.0"     },
        {"100.63.255.255",                          "100.64.0.0",    "100.127.255.255",                         "100.128.0.0"  },
        {"126.255.255.255",                         "127.0.0.0",     "127.255.255.255",                         "128.0.0.0"    },
        {"168.63.129.15",                           "168.63.129.16", "168.63.129.16",                           "168.63.129.17"},
        {"169.253.255.255",                         "169.254.0.0",   "169.254.255.255",                         "169.255.0.0"  },
        {"172.15.255.255",                          "172.16.0.0",    "172.31.255.255",                          "172.32.0.0"   },
        {"191.255.255.255",                         "192.0.0.0",     "192.0.0.255",                             "192.0.1.0"    },
        {"192.0.1.255",                             "192.0.2.0",     "192.0.2.255",                             "192.0.3.0"    },
        {"192.88.98.255",                           "192.88.99.0",   "192.88.99.255",                           "192.88.100.0" },
        {"192.167.255.255",                         "192.168.0.0",   "192.168.255.255",                         "192.169.0.0"  },
        {"198.17.255.255",                          "198.18.0.0",    "198.19.255.255",                          "198.20.0.0"   },
        {"198.51.99.255",                           "198.51.100.0",  "198.51.100.255",                          "198.51.101.0" },
        {"203.0.112.255",                           "203.0.113.0",   "203.0.113.255",                           "203.0.114.0"  },
        {"223.255.255.255",                         "224.0.0.0",     "255.255.255.255",                         NULL           },
        {NULL,                                      "::",            "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL           },
        {NULL,                                      "2001::",        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",  "2001:200::"   },
        {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::",        "2001::",                                  NULL           },
        {"2001:db7:ffff::",                         "2001:db8::",    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",  "2001:db9::"   },
        {"3ffe:ffff::",                             "3fff::",        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",  "3fff:1000::"  },
        {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::",        "4000::",                                  NULL           },
        {NULL,                                      "64:ff9b:1::",   "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",      NULL           },
        {NULL,                                      "100::",         "100::ffff:ffff:ffff:ffff",                NULL           },
        {NULL,                                      "5f00::",        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL           },
        {NULL,                                      "fc00::",        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL           },
        {NULL,                                      "fe80::",        "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL           },
        {NULL,                                      "ff00::",        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL           },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        union net_addr a;

        for (int k = 0; k < 2; k++) {
            const char *out = k == 0 ? ROWS[i].before : ROWS[i].behind;

            a = addr(k == 0 ? ROWS[i].first : ROWS[i].last);
            assert_false(fetch_public(&a, NULL));
            if (out == NULL)
                continue;
            a = addr(out);
            assert_true(fetch_public(&a, NULL));
        }
    }
}

/* Every IPv4 network again, in each IPv6 dress: it is judged by what is inside. */
static void test_ssr_3_disguises(void **state)
{
    static const char *const INSIDE[] = {
        "10.1.2.3",    "100.100.100.200", "127.0.0.1",       "169.254.169.254", "168.63.129.16",
        "192.168.1.1", "0.0.0.0",         "255.255.255.255", "8.8.8.8",         "1.1.1.1"};

    (void)state;
    for (size_t i = 0; i < NELEM(INSIDE); i++) {
        union net_addr four = addr(INSIDE[i]), a;
        const unsigned char *b = (const unsigned char *)&four.in4.sin_addr;
        bool open = fetch_public(&four, NULL);
        char text[64];

        assert_true(open == (i >= 8));
        snprintf(text, sizeof text, "::ffff:%s", INSIDE[i]);
        a = addr(text);
        assert_true(fetch_public(&a, NULL) == open);
        snprintf(text, sizeof text, "64:ff9b::%s", INSIDE[i]);
        a = addr(text);
        assert_true(fetch_public(&a, NULL) == open);
        snprintf(text, sizeof text, "2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]);
        a = addr(text);
        assert_true(fetch_public(&a, NULL) == open);
        snprintf(text, sizeof text, "::%s", INSIDE[i]); /* IPv4-compatible: never */
        a = addr(text);
        assert_false(fetch_public(&a, NULL));
    }
}

/* Where clouds hand out a machine's credentials: never, also when the operator named the host. */
static void test_metadata_services(void **state)
{
    static const char *const ROWS[] = {
        "100.100.100.200", "169.254.169.254", "169.254.170.2",          "169.254.0.23",
        "168.63.129.16",   "192.0.0.192",     "fd00:ec2::254",          "fd20:ce::254",
        "fd00:42::42",     "fe80::a9fe:a9fe", "::ffff:100.100.100.200", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::"};
    static const char *const FINE[] = {"127.0.0.1", "10.0.0.1",   "192.168.1.7", "::1",
                                       "fd00::1",   "100.64.0.1", "8.8.8.8",     "2606:4700::1"};
    union net_addr a, nothing = {.in6 = {.sin6_family = AF_UNSPEC}};

    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        a = addr(ROWS[i]);
        assert_false(fetch_public(&a, NULL));
        assert_false(fetch_named(&a, NULL));
    }
    for (size_t i = 0; i < NELEM(FINE); i++) {
        a = addr(FINE[i]);
        assert_true(fetch_named(&a, &a));
    }
    assert_false(fetch_public(&nothing, NULL));
    assert_false(fetch_named(&nothing, NULL));
}

/* A public address of this very host, as the connected socket shows. */
static void test_our_own_address(void **state)
{
    union net_addr peer = addr("203.1.2.3"), own = addr("203.1.2.3"), other = addr("10.0.0.2");

    (void)state;
    addr_set_port(&peer, 443);
    addr_set_port(&own, 54321);
    assert_true(fetch_public(&peer, &other));
    assert_false(fetch_public(&peer, &own));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ssr_1_read),
        cmocka_unit_test(test_ssr_4_redirects),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_rules_that_make_no_sense),
        cmocka_unit_test(test_ssr_3_borders),
        cmocka_unit_test(test_ssr_3_disguises),
        cmocka_unit_test(test_metadata_services),
        cmocka_unit_test(test_our_own_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
