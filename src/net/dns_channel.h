/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns_channel.h - c-ares on the loop: one question, one answer. For dns.c alone. */
#ifndef NET_DNS_CHANNEL_H
#define NET_DNS_CHANNEL_H

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"

enum { DNS_FAMILY_MAX = 8 };

struct dns_channel;
struct dns_records {
    enum err
        err; /* OK, E_REFUSED: no such name or no address of that family; E_TIMEOUT, E_UPSTREAM */
    size_t n;
    union net_addr addr[DNS_FAMILY_MAX];
    uint32_t ttl_s; /* the shortest */
};
/* What a server's answer says of that family, for whoever asks with dns_channel_ask. */
struct dns_records dns_answer_read(int family, const unsigned char *p, int n);

typedef void dns_records_f(void *arg, int family, const struct dns_records *r);

/* Reads resolv.conf. servers: "127.0.0.1:5353" instead of what it says, or NULL. NULL: no memory or
 * a broken configuration. */
struct dns_channel *dns_channel_new(struct loop *loop, const char *servers);
void dns_channel_free(
    struct dns_channel *c); /* open questions are answered with E_UPSTREAM first */

/* Exactly one answer, perhaps from inside. family: AF_INET or AF_INET6. */
void dns_channel_ask(struct dns_channel *c, const char *name, int family, dns_records_f *done,
                     void *arg);

#endif
