/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns_hosts.h - the hosts file: names that are answered without asking a server. */
#ifndef NET_DNS_HOSTS_H
#define NET_DNS_HOSTS_H

#include "net/addr.h"

/* All addresses of the name, in the file's order, at most max; 0 when the file is not there. What a
 * hosts file is to a person decides: a name that is in it is not looked up anywhere else. */
size_t dns_hosts_find(const char *path, struct str name, union net_addr *ret, size_t max);

#endif
