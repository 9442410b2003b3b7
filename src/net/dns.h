/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns.h - name lookups on the loop through c-ares; /etc/hosts and /etc/resolv.conf are honoured
 * when they are there, and nothing breaks when they are not. Answers are cached for their TTL,
 * capped. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/str.h"
#include "net/addr.h"
#include "net/loop.h"

enum { DNS_MAX_ADDRS = 16 };

struct dns;
struct dns_query;

struct dns_answer {
    enum err err; /* E_TIMEOUT, E_REFUSED (no such name), E_UPSTREAM (server trouble), E_TOOBIG */
    size_t n;
    union net_addr addr[DNS_MAX_ADDRS]; /* port unset; families interleaved, preferred first */
};
typedef void dns_done_f(void *owner, const struct dns_answer *a);

/* Reads no file and opens no socket before the first lookup. */
struct dns *dns_new(struct loop *loop);
/* For tests: ask these servers, "127.0.0.1:5353", and not those of /etc/resolv.conf. */
struct dns *dns_new_with_servers(struct loop *loop, const char *servers);
/* Queries that are still open are cancelled. Not from inside an answer. */
void dns_free(struct dns *dns);

/* Exactly one call of done, never from inside; none after dns_cancel. Address literals and
 * "localhost" are answered without asking anybody. */
struct dns_query *dns_lookup(struct dns *dns, struct str host, uint32_t timeout_ms,
                             dns_done_f *done, void *owner);
void dns_cancel(struct dns_query *q); /* NULL is fine */

#endif
