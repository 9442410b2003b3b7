/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_fetch_url.c - a stranger's URL, and behind a line break where a redirect leads. What is
 * accepted has a plain host and a target that can stand on a request line; written again it is read
 * as the same. An address is judged alike in each of its dresses. SHP-3. */
#include "fetch/address.h"
#include "fetch/rules.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct fetch_url *u)
{
    static struct fetch_url again;
    static char text[2 * FETCH_URL_MAX];
    struct fetch_rules rules = {.hosts = S(""), .intranet = S("")};
    bool six = strchr(u->host, ':') != NULL;
    union net_addr a;
    int n;

    require(u->host[0] != '\0' && u->target_n > 0 && u->target[0] == '/' && u->port != 0);
    for (const char *p = u->host; *p != '\0'; p++)
        require((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '.' || *p == '-' ||
                (six && *p == ':'));
    for (size_t i = 0; i < u->target_n; i++)
        require(u->target[i] > 0x20 && u->target[i] < 0x7f && u->target[i] != '#');
    n = snprintf(text, sizeof text, "%s://%s%s%s:%u%.*s", u->https ? "https" : "http",
                 six ? "[" : "", u->host, six ? "]" : "", (unsigned)u->port, (int)u->target_n,
                 u->target);
    if (n > 0 && (size_t)n <= FETCH_URL_MAX) {
        require(fetch_url_read(str_of(text, (size_t)n), &again));
        require(again.https == u->https && again.port == u->port &&
                strcmp(again.host, u->host) == 0 &&
                str_eq(fetch_url_target(&again), fetch_url_target(u)));
    }
    /* Whoever reads it as an address must have been able to from its text. */
    if (addr_parse(str_z(u->host), &a))
        require(str_eq(str_z(addr_text(&a).z), str_z(u->host)));
    require(fetch_rules_guard(&rules, u) == NULL || (u->https && u->port == 443));
}

static void check_address(const uint8_t *data, size_t size)
{
    union net_addr four = {.in4 = {.sin_family = AF_INET}};
    union net_addr six = {.in6 = {.sin6_family = AF_INET6}};

    if (size < 16)
        return;
    memcpy(&four.in4.sin_addr, data, 4);
    memcpy(&six.in6.sin6_addr, data, 16);
    require(!fetch_public(&six, NULL) || fetch_named(&six, NULL));
    require(!fetch_public(&four, NULL) || fetch_named(&four, NULL));
    memset(&six.in6.sin6_addr, 0, 16);
    memset(&six.in6.sin6_addr.s6_addr[10], 0xff, 2);
    memcpy(&six.in6.sin6_addr.s6_addr[12], data, 4);
    require(fetch_public(&six, NULL) == fetch_public(&four, NULL));
    require(fetch_named(&six, NULL) == fetch_named(&four, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fetch_url u, to;
    struct str rest = str_of((const char *)data, size);
    struct str first = str_cut(&rest, '\n');

    check_address(data, size);
    if (!fetch_url_read(first, &u))
        return 0;
    check(&u);
    if (fetch_url_follow(&u, rest, &to)) {
        require(to.https || !u.https);
        check(&to);
    }
    return 0;
}
