/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* examine.h - this process and its options as facts for the doctor. */
#ifndef APP_EXAMINE_H
#define APP_EXAMINE_H

#include "app/gateway.h"
#include "doctor/facts.h"
#include "http/msg.h"

enum { EXAMINE_NOTES_MAX = 360 };

/* s: what is judged. headers: of the request that asks, where the platform tells more; or none.
 * notes is written, and pointed at by ret. Never a value of a variable, but for the region and the
 * timeout. */
void examine(const struct gateway *g, const struct settings *s, struct http_headers headers,
             struct doctor_facts *ret, char notes[EXAMINE_NOTES_MAX]);

/* What the server knows of its keys, their quotas and its ways out by now: who rests, until when.
 */
void examine_keys(const struct gateway *g, struct key_now now, struct findings *out);

#endif
