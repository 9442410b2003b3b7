/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* rules.c - the operator's lists, and names that mean something else inside a network than
 * outside. */
#include "fetch/rules.h"

#include "fetch/address.h"

#include <stdio.h>

/* Ends of names that no public host has (RFC 6761, RFC 8375, ICANN's .internal). A cloud's metadata
 * service is found under some of them; their addresses are refused as well. */
static const struct str LOCAL[] = {
    S_INIT("localhost"), S_INIT("local"), S_INIT("localdomain"), S_INIT("internal"),
    S_INIT("intranet"),  S_INIT("lan"),   S_INIT("home.arpa"),   S_INIT("onion"),
};

static struct str next_entry(struct str *list)
{
    struct str entry = S("");

    while (entry.n == 0 && list->n > 0)
        entry = str_trim(str_cut(list, ','));
    return entry;
}

/* host is the name, or a name under it. */
static bool is_under(struct str host, struct str name)
{
    return str_ends(host, name) && (host.n == name.n || host.p[host.n - name.n - 1] == '.');
}

static bool is_local(struct str host)
{
    for (size_t i = 0; i < NELEM(LOCAL); i++)
        if (is_under(host, LOCAL[i]))
            return true;
    return memchr(host.p, '.', host.n) == NULL && memchr(host.p, ':', host.n) == NULL;
}

/* "example.com" is that host, "*.example.com" all those under it. */
static bool is_among(struct str hosts, struct str host)
{
    struct str entry;

    while ((entry = next_entry(&hosts)).n > 0) {
        struct str name = str_starts(entry, S("*.")) ? str_skip(entry, 1) : entry;

        if (str_starts(entry, S("["))) /* an address, as it stands in a URL */
            entry = name = str_sub(entry, 1, entry.n - 2);

        if (host.n < name.n || (entry.p == name.p && host.n != name.n) ||
            (entry.p != name.p && host.n == name.n))
            continue;
        if (str_eq_nocase(str_skip(host, host.n - name.n), name))
            return true;
    }
    return false;
}

static bool is_private(const struct fetch_rules *r, const struct fetch_url *u)
{
    char own[FETCH_HOST_MAX + sizeof "[]:65535"];
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): an array is never NULL */
    bool six = strchr(u->host, ':') != NULL;
    struct str list = r->intranet, entry;

    snprintf(own, sizeof own, "%s%s%s:%u", six ? "[" : "", u->host, six ? "]" : "",
             (unsigned)u->port);
    while ((entry = next_entry(&list)).n > 0)
        if (str_eq_nocase(entry, str_z(own)))
            return true;
    return false;
}

dial_guard_f *fetch_rules_guard(const struct fetch_rules *r, const struct fetch_url *u)
{
    struct str host = str_z(u->host);

    if (is_private(r, u))
        return fetch_named;
    if (!u->usual_port || (!u->https && !r->http) || is_local(host))
        return NULL;
    return r->hosts.n == 0 || is_among(r->hosts, host) ? fetch_public : NULL;
}

/* An entry as the host of a URL that would be asked for. */
static bool is_host(struct str entry, bool with_port)
{
    char text[FETCH_HOST_MAX + 64];
    struct fetch_url u;
    int n;

    if (str_starts(entry, S("*.")) && !with_port)
        entry = str_skip(entry, 2);
    n = snprintf(text, sizeof text, "https://%.*s", S_ARG(entry));
    return n > 0 && (size_t)n < sizeof text && str_find(entry, S("/")) == entry.n &&
           str_find(entry, S("?")) == entry.n && str_find(entry, S("#")) == entry.n &&
           fetch_url_read(str_of(text, (size_t)n), &u) &&
           (!str_ends(entry, S("]")) && memchr(entry.p, ':', entry.n) != NULL) == with_port;
}

const char *fetch_rules_fault(const struct fetch_rules *r)
{
    struct str hosts = r->hosts, intranet = r->intranet, entry;

    while ((entry = next_entry(&hosts)).n > 0)
        if (!is_host(entry, false))
            return "QUEQIAO_FETCH_HOSTS must be host names, as example.com or *.example.com";
    while ((entry = next_entry(&intranet)).n > 0)
        if (!is_host(entry, true))
            return "QUEQIAO_FETCH_PRIVATE must be host:port, as minio.lan:9000";
    return NULL;
}
