/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pin.h - with which key a file or a cache was served. Private to the room; the caller holds the
 * mutex. */
#ifndef KEYS_PIN_H
#define KEYS_PIN_H

#include "base/list.h"
#include "base/str.h"

enum {
    PINS_MAX = 4096, /* the oldest makes room */
    PIN_BUCKETS = 1024,
    PIN_NAME_MAX = 200,
};

struct pin;
struct pins {
    struct pin **buckets; /* NULL until the first pin */
    struct list by_age;   /* the oldest first */
    size_t n;
};

void pins_init(struct pins *p);
void pins_fini(struct pins *p);

/* The last two parts of the path: "files/abc" of "https://host/v1beta/files/abc?alt=media". */
struct str pin_name(struct str name);

void pins_put(struct pins *p, struct str name, uint64_t key_id, uint64_t now_ms);
uint64_t pins_get(struct pins *p, struct str name, uint64_t now_ms); /* key's id; 0: not known */
/* A key with which it was refused since it was put: its id, or 0. */
void pins_deny(struct pins *p, struct str name, uint64_t key_id);
uint64_t pins_denied(struct pins *p, struct str name);
void pins_drop(struct pins *p, struct str name);

#endif
