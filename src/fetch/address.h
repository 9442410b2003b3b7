/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* address.h - which addresses a stranger's URL may lead to. Pure; for net/dial.h to ask. */
#ifndef FETCH_ADDRESS_H
#define FETCH_ADDRESS_H

#include "net/addr.h"
#include "net/dial.h"

/* Public, and not this host itself: nothing private, local, reserved or of a cloud's own, also not
 * in the disguise of an IPv6 address.
 *
 *   source  IANA's registries of special-purpose addresses; SSR-3 */
bool fetch_public(const union net_addr *peer, const union net_addr *own);

/* For servers that the operator named: any address but link-local ones and those where clouds keep
 * their secrets. */
bool fetch_named(const union net_addr *peer, const union net_addr *own);

#endif
