/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* addr.c - addresses to text and back. Knows neither names nor sockets. */
#include "net/addr.h"

#include <arpa/inet.h>

bool addr_parse(struct str text, union net_addr *ret)
{
    char z[INET6_ADDRSTRLEN];
    union net_addr a = {.in6 = {.sin6_family = AF_UNSPEC}};

    if (text.n >= sizeof z || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, &a.in4.sin_addr) == 1)
        a.in4.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, z, &a.in6.sin6_addr) == 1)
        a.in6.sin6_family = AF_INET6;
    else
        return false;
    *ret = a;
    return true;
}

/* The IPv4 address, also when it is dressed as ::ffff:a.b.c.d, as a dual-stack socket tells it. */
static bool as_ipv4(const union net_addr *a, struct in_addr *ret)
{
    if (a->sa.sa_family == AF_INET) {
        *ret = a->in4.sin_addr;
        return true;
    }
    if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return false;
    memcpy(&ret->s_addr, &a->in6.sin6_addr.s6_addr[12], 4);
    return true;
}

struct addr_text addr_text(const union net_addr *a)
{
    struct addr_text t = {""};
    struct in_addr v4;

    if (as_ipv4(a, &v4))
        inet_ntop(AF_INET, &v4, t.z, sizeof t.z);
    else if (a->sa.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &a->in6.sin6_addr, t.z, sizeof t.z);
    return t;
}

bool addr_is_loopback(const union net_addr *a)
{
    struct in_addr v4;

    if (as_ipv4(a, &v4))
        return ntohl(v4.s_addr) >> 24 == 127;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool addr_same(const union net_addr *a, const union net_addr *b)
{
    struct in_addr x, y;
    bool four = as_ipv4(a, &x);

    if (four != as_ipv4(b, &y))
        return false;
    if (four)
        return x.s_addr == y.s_addr;
    return a->sa.sa_family == AF_INET6 && b->sa.sa_family == AF_INET6 &&
           memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

uint64_t addr_network(const union net_addr *a)
{
    struct in_addr v4;
    uint64_t n = 0;

    if (as_ipv4(a, &v4))
        return (uint64_t)1 << 32 | ntohl(v4.s_addr);
    for (size_t i = 0; i < 8 && a->sa.sa_family == AF_INET6; i++)
        n = n << 8 | a->in6.sin6_addr.s6_addr[i];
    return n;
}

void addr_set_port(union net_addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
    else
        a->in4.sin_port = htons(port);
}

uint16_t addr_port(const union net_addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in4.sin_port);
}

socklen_t addr_len(const union net_addr *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in4;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool addr_is_localhost(struct str name)
{
    static const struct str tail = S_INIT(".localhost");

    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (str_eq_nocase(name, S("localhost")))
        return true;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_byte(name.p[i]))
            return false;
    return name.n > tail.n && str_eq_nocase(str_skip(name, name.n - tail.n), tail);
}
