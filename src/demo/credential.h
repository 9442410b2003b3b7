/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credential.h - who may call, by Google's rules. */
#ifndef DEMO_CREDENTIAL_H
#define DEMO_CREDENTIAL_H

#include "demo/problem.h"
#include "http/msg.h"

/* The key that a request carries, of either place; empty when there is none. */
struct str emu_credential_key(struct http_headers h, struct str query_key);

/* keys: comma-separated, empty: any. query_key: of ?key=, empty when there was none. */
void emu_credential_check(struct http_headers h, struct str query_key, struct str keys,
                          struct emu_problem *p);

#endif
