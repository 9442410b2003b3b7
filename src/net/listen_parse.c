/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* listen_parse.c - where to listen, as people write it. Must not open anything. */
#include "net/addr.h"
#include "net/listen.h"

static bool port_of(struct str text, uint16_t *ret)
{
    uint64_t port;

    if (text.n > 5 || !str_u64(text, 65535, &port))
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* Splits at the last colon, or after the bracket. */
static bool split(struct str text, struct str *host, struct str *port)
{
    size_t at;

    if (str_starts(text, S("["))) {
        at = str_find(text, S("]"));
        *host = str_sub(text, 1, at - 1);
        *port = str_skip(text, at + 1);
        if (at == text.n || !str_starts(*port, S(":")))
            return false;
        *port = str_skip(*port, 1);
        return memchr(host->p, ':', host->n) != NULL;
    }
    *port = text;
    *host = str_cut(port, ':');
    return host->n < text.n && memchr(port->p, ':', port->n) == NULL;
}

enum err listen_parse(struct str text, struct listen_addr *ret, struct fault *why)
{
    struct listen_addr a = {.host = ""};
    union net_addr ignored;
    struct str host, port;

    if (!split(text, &host, &port))
        return fault_set(why, E_SYNTAX, "must be host:port, with IPv6 in brackets", NULL);
    if (!port_of(port, &a.port))
        return fault_set(why, E_RANGE, "must end in a port from 0 to 65535", NULL);
    if (str_eq(host, S("*")))
        host = S("");
    if (host.n > 0 && !addr_parse(host, &ignored) && !addr_is_localhost(host))
        return fault_set(why, E_FIELD, "must name an address, localhost or *", NULL);
    if (host.n >= sizeof a.host)
        return fault_set(why, E_TOOBIG, "is too long for an address", NULL);
    memcpy(a.host, host.p, host.n);
    *ret = a;
    return OK;
}
