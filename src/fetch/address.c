/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* address.c - two tables of networks, and IPv4 addresses found inside of IPv6 ones. Must not know
 * names or URLs. */
#include "fetch/address.h"

struct net {
    uint8_t byte[16]; /* as on the wire; the rest is zero */
    unsigned bits;
};

/* SSR-3, and one public address that is none: Azure's metadata and name server. */
static const struct net NOT_PUBLIC_4[] = {
    {{0},                8 }, /* this network */
    {{10},               8 },
    {{100, 64},          10}, /* carriers; Alibaba's metadata, 100.100.100.200, is in it
  */
    {{127},              8 },
    {{168, 63, 129, 16}, 32}, /* Azure's own */
    {{169, 254},         16}, /* link-local; nearly every cloud's metadata */
    {{172, 16},          12},
    {{192, 0, 0},        24}, /* Oracle's metadata, 192.0.0.192, is in it */
    {{192, 0, 2},        24},
    {{192, 88, 99},      24},
    {{192, 168},         16},
    {{198, 18},          15},
    {{198, 51, 100},     24},
    {{203, 0, 113},      24},
    {{224},              3 }, /* multicast, reserved, broadcast */
};
/* Of 2000::/3, outside of which nothing is public. */
static const struct net NOT_PUBLIC_6[] = {
    {{0x20, 0x01},             23}, /* IETF: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff},             20}, /* documentation */
};
static const struct net GLOBAL_6 = {{0x20}, 3};

/* Never, whoever names them: where clouds hand out the machine's credentials. */
static const struct net SECRETS_4[] = {
    {{100, 100, 100, 200}, 32}, /* Alibaba */
    {{168, 63, 129, 16},   32}, /* Azure */
    {{169, 254},           16},
    {{192, 0, 0, 192},     32}, /* Oracle */
};
static const struct net SECRETS_6[] = {
    {{0xfd, 0x00, 0x0e, 0xc2},                                     32 }, /* AWS */
    {{0xfd, 0x20, 0x00, 0xce},                                     32 }, /* Google */
    {{0xfd, 0x00, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42}, 128}, /* Scaleway */
    {{0xfe, 0x80},                                                 10 },
};

/* IPv6 addresses with an IPv4 address in them, by which they are judged; where it begins. */
static const struct {
    struct net net;
    unsigned at;
} DISGUISE[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0, 0x64, 0xff, 0x9b}, 96},                      12}, /* NAT64 */
    {{{0x20, 0x02}, 16},                               2 }, /* 6to4 */
};

static bool is_in(const uint8_t *a, const struct net *net)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;

    return memcmp(a, net->byte, whole) == 0 &&
           (rest == 0 || (a[whole] ^ net->byte[whole]) >> (8 - rest) == 0);
}

static bool is_in_any(const uint8_t *a, const struct net *nets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(a, &nets[i]))
            return true;
    return false;
}

/* Its IPv4 address, plain or in disguise; false when it has none. */
static bool four_of(const union net_addr *a, uint8_t ret[4])
{
    const uint8_t *six = a->in6.sin6_addr.s6_addr;

    if (a->sa.sa_family == AF_INET) {
        memcpy(ret, &a->in4.sin_addr, 4);
        return true;
    }
    for (size_t i = 0; i < NELEM(DISGUISE); i++)
        if (is_in(six, &DISGUISE[i].net)) {
            memcpy(ret, six + DISGUISE[i].at, 4);
            return true;
        }
    return false;
}

static bool is_ip(const union net_addr *a)
{
    return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

bool fetch_public(const union net_addr *peer, const union net_addr *own)
{
    const uint8_t *six = peer->in6.sin6_addr.s6_addr;
    uint8_t four[4];

    if (!is_ip(peer) || (own != NULL && addr_same(peer, own)))
        return false;
    if (four_of(peer, four))
        return !is_in_any(four, NOT_PUBLIC_4, NELEM(NOT_PUBLIC_4));
    return is_in(six, &GLOBAL_6) && !is_in_any(six, NOT_PUBLIC_6, NELEM(NOT_PUBLIC_6));
}

bool fetch_named(const union net_addr *peer, const union net_addr *own)
{
    uint8_t four[4];

    (void)own;
    if (!is_ip(peer))
        return false;
    if (four_of(peer, four))
        return !is_in_any(four, SECRETS_4, NELEM(SECRETS_4));
    return !is_in_any(peer->in6.sin6_addr.s6_addr, SECRETS_6, NELEM(SECRETS_6));
}
