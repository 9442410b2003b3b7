/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* bypass.c - the list of NO_PROXY. Nothing in it is an error: what is not understood matches
 * nothing, as with everybody else who reads that variable. */
#include "egress/way.h"
#include "net/addr.h"

/* The bytes of an address, and how many. */
static size_t bytes_of(const union net_addr *a, const unsigned char **ret)
{
    if (a->sa.sa_family == AF_INET) {
        *ret = (const unsigned char *)&a->in4.sin_addr;
        return 4;
    }
    *ret = (const unsigned char *)&a->in6.sin6_addr;
    return 16;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, size_t bits)
{
    unsigned rest = bits % 8 ? 0xffU << (8 - bits % 8) & 0xff : 0;

    return memcmp(a, b, bits / 8) == 0 && (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & rest) == 0);
}

/* An address, or with `/bits` a network. */
static bool in_network(struct str network, struct str host)
{
    struct str bits_text = network;
    struct str addr_part = str_cut(&bits_text, '/');
    const unsigned char *a, *b;
    union net_addr x, y;
    uint64_t bits;
    size_t n;

    if (!addr_parse(addr_part, &x) || !addr_parse(host, &y) || x.sa.sa_family != y.sa.sa_family)
        return false;
    n = bytes_of(&x, &a);
    bytes_of(&y, &b);
    bits = n * 8;
    if (addr_part.n < network.n && !str_u64(bits_text, n * 8, &bits))
        return false;
    return same_bits(a, b, (size_t)bits);
}

static struct str without_dots(struct str name)
{
    if (str_starts(name, S(".")))
        name = str_skip(name, 1);
    if (str_ends(name, S(".")))
        name.n--;
    return name;
}

static bool is_under(struct str name, struct str host)
{
    name = without_dots(name);
    if (str_ends(host, S(".")))
        host.n--;
    if (name.n == 0 || name.n > host.n || !str_eq_nocase(str_skip(host, host.n - name.n), name))
        return false;
    return name.n == host.n || host.p[host.n - name.n - 1] == '.';
}

/* `host:port`, `[v6]:port`: the port has to be the one that is asked for. */
static bool takes_port(struct str *entry, uint16_t port)
{
    struct str text = *entry;
    struct str tail;
    uint64_t n;

    if (str_starts(text, S("["))) {
        tail = str_skip(text, 1);
        *entry = str_cut(&tail, ']');
        if (tail.n == 0)
            return true;
        return tail.p[0] == ':' && str_u64(str_skip(tail, 1), UINT16_MAX, &n) && n == port;
    }
    tail = text;
    text = str_cut(&tail, ':');
    if (tail.n == 0 || memchr(tail.p, ':', tail.n) != NULL) /* none, or IPv6 without brackets */
        return true;
    *entry = text;
    return str_u64(tail, UINT16_MAX, &n) && n == port;
}

static bool matches(struct str entry, struct str host, uint16_t port)
{
    union net_addr a;

    if (str_eq(entry, S("*")))
        return true;
    if (!takes_port(&entry, port))
        return false;
    return addr_parse(host, &a) ? in_network(entry, host) : is_under(entry, host);
}

static bool separates(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool egress_bypasses(struct str list, struct str host, uint16_t port)
{
    while (list.n > 0) {
        size_t n = 0;

        while (n < list.n && !separates(list.p[n]))
            n++;
        if (n > 0 && matches(str_sub(list, 0, n), host, port))
            return true;
        list = str_skip(list, n + 1);
    }
    return false;
}
