/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pin.c - a hash table whose entries hang in one list by age. Must not know what a key is. */
#include "keys/pin.h"

#include "base/mem.h"

enum { LIFE_MS = 48 * 3600 * 1000 }; /* source: mapping 1.10 */

struct pin {
    struct list by_age;
    struct pin *next; /* in its bucket */
    uint64_t key_id, denied;
    uint64_t until_ms;
    size_t n;
    char name[];
};

void pins_init(struct pins *p)
{
    *p = (struct pins){0};
    list_init(&p->by_age);
}

static struct pin **place_of(struct pins *p, struct str name)
{
    uint64_t h = str_hash(name);
    struct pin **at = &p->buckets[(h ^ h >> 32) % PIN_BUCKETS];

    while (*at != NULL && !str_eq(str_of((*at)->name, (*at)->n), name))
        at = &(*at)->next;
    return at;
}

static void drop(struct pins *p, struct pin **at)
{
    struct pin *pin = *at;

    *at = pin->next;
    list_remove(&pin->by_age);
    p->n--;
    mem_free(pin);
}

static void drop_oldest(struct pins *p)
{
    struct pin *oldest = CONTAINER(p->by_age.next, struct pin, by_age);

    drop(p, place_of(p, str_of(oldest->name, oldest->n)));
}

void pins_fini(struct pins *p)
{
    while (p->n > 0)
        drop_oldest(p);
    mem_free(p->buckets);
    p->buckets = NULL;
}

struct str pin_name(struct str name)
{
    size_t from;
    unsigned slashes = 0;

    name = str_cut(&name, '?');
    for (from = name.n; from > 0; from--)
        if (name.p[from - 1] == '/' && ++slashes == 2)
            break;
    return str_skip(name, from);
}

void pins_put(struct pins *p, struct str name, uint64_t key_id, uint64_t now_ms)
{
    struct pin **at;
    struct pin *pin;

    name = pin_name(name);
    if (name.n == 0 || name.n > PIN_NAME_MAX)
        return;
    if (p->buckets == NULL)
        p->buckets = mem_zalloc(PIN_BUCKETS * sizeof *p->buckets);
    at = place_of(p, name);
    if (*at != NULL)
        drop(p, at);
    if (p->n >= PINS_MAX)
        drop_oldest(p);
    pin = mem_zalloc(sizeof *pin + name.n);
    pin->key_id = key_id;
    pin->until_ms = now_ms + LIFE_MS;
    pin->n = name.n;
    memcpy(pin->name, name.p, name.n);
    at = place_of(p, name);
    pin->next = *at;
    *at = pin;
    list_push(&p->by_age, &pin->by_age);
    p->n++;
}

uint64_t pins_get(struct pins *p, struct str name, uint64_t now_ms)
{
    struct pin **at;

    name = pin_name(name);
    if (p->n == 0 || name.n == 0)
        return 0;
    at = place_of(p, name);
    if (*at == NULL)
        return 0;
    if (now_ms >= (*at)->until_ms) {
        drop(p, at);
        return 0;
    }
    return (*at)->key_id;
}

/* Where it is; NULL when it is not. */
static struct pin **find(struct pins *p, struct str name)
{
    struct pin **at = p->buckets != NULL ? place_of(p, pin_name(name)) : NULL;

    return at != NULL && *at != NULL ? at : NULL;
}

void pins_deny(struct pins *p, struct str name, uint64_t key_id)
{
    struct pin **at = find(p, name);

    if (at != NULL)
        (*at)->denied = key_id;
}

uint64_t pins_denied(struct pins *p, struct str name)
{
    struct pin **at = find(p, name);

    return at != NULL ? (*at)->denied : 0;
}

void pins_drop(struct pins *p, struct str name)
{
    struct pin **at = find(p, name);

    if (at != NULL)
        drop(p, at);
}
