/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* addr.h - IPv4 and IPv6 addresses as values: read from text, written as text. No names here. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/str.h"
#include <netinet/in.h>

union net_addr {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};
struct addr_text {
    char z[48];
};

/* An address literal, IPv6 without brackets and without a zone; the port is left 0. */
bool addr_parse(struct str text, union net_addr *ret);
struct addr_text addr_text(const union net_addr *a); /* no port; an IPv4 inside IPv6 as IPv4 */
bool addr_is_loopback(const union net_addr *a);
bool addr_same(const union net_addr *a, const union net_addr *b); /* whatever the ports */
/* What one stranger has: an IPv4 address (2^32 and its number), or the upper half of an IPv6
 * address, its /64. 0 for other families. */
uint64_t addr_network(const union net_addr *a);
void addr_set_port(union net_addr *a, uint16_t port);
uint16_t addr_port(const union net_addr *a);
socklen_t addr_len(const union net_addr *a);
bool addr_is_localhost(struct str name); /* "localhost" or a name under it, RFC 6761 */

#endif
