/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ring.c - the set of keys, their lanes, and taking one. The choice is pick.c's, what is learned
 * when it comes back outcome.c's. Must not know what a request is, nor read a clock. */
#include "keys/ring.h"

#include "base/mem.h"
#include "keys/ring_impl.h"

#include <assert.h>

struct keys *keys_new(void)
{
    struct keys *k = mem_zalloc(sizeof *k);

    pthread_mutex_init(&k->mutex, NULL);
    list_init(&k->lanes);
    pins_init(&k->pins);
    return k;
}

void key_unref(struct keys *k, struct key *key)
{
    if (--key->refs > 0)
        return;
    project_unref(k, key->project);
    secret_fini(&key->secret);
    mem_free(key);
}

void keys_free(struct keys *k)
{
    if (k == NULL)
        return;
    keys_set(k, NULL, 0);
    assert(list_empty(&k->lanes));
    pins_fini(&k->pins);
    pthread_mutex_destroy(&k->mutex);
    mem_free(k->candidates);
    mem_free(k->v);
    mem_free(k);
}

/* Keys by their secret, while a set is made: there may be thousands, and the mutex is held. */
struct table {
    struct key **slot;
    size_t mask;
};

static void table_init(struct table *t, size_t n)
{
    size_t size = 16;

    while (size / 2 < n)
        size *= 2;
    *t = (struct table){mem_zalloc(size * sizeof *t->slot), size - 1};
}

/* Where it is, or where it would be. */
static struct key **table_slot(const struct table *t, uint64_t seed, struct str value)
{
    for (size_t i = seed & t->mask;; i = (i + 1) & t->mask)
        if (t->slot[i] == NULL ||
            (t->slot[i]->seed == seed && secret_eq(&t->slot[i]->secret, value)))
            return &t->slot[i];
}

static struct key *key_new(struct keys *k, struct str value)
{
    struct key *key = mem_zalloc(sizeof *key);
    struct sha256 digest;

    key->id = ++k->ids;
    key->seed = str_hash(value);
    key->project = project_new(k);
    secret_init(&key->secret, value);
    digest = sha256_of(value);
    key->name = sha256_name(&digest);
    return key;
}

void key_give_a_chance(struct key *key)
{
    key->out = KEY_WELL;
    key->out_times = 0;
}

void keys_set(struct keys *k, const struct str *values, size_t n)
{
    keys_set_ways(k, values, NULL, n);
}

void keys_set_ways(struct keys *k, const struct str *values, const unsigned *ways, size_t n)
{
    struct key **fresh = mem_zalloc((n ? n : 1) * sizeof *fresh);
    struct candidate *scratch = mem_zalloc((n ? n : 1) * sizeof *scratch);
    struct table known, taken;
    struct key **old;
    size_t count = 0;

    table_init(&taken, n);
    pthread_mutex_lock(&k->mutex);
    table_init(&known, k->n);
    for (size_t i = 0; i < k->n; i++)
        *table_slot(&known, k->v[i]->seed, secret_str(&k->v[i]->secret)) = k->v[i];
    for (size_t i = 0; i < n; i++) {
        uint64_t seed = str_hash(values[i]);
        struct key **place = table_slot(&taken, seed, values[i]);
        struct key *key = *table_slot(&known, seed, values[i]);

        if (values[i].n == 0 || *place != NULL)
            continue;
        if (key == NULL)
            key = key_new(k, values[i]);
        *place = key;
        key_give_a_chance(key);
        key->way = ways != NULL ? ways[i] : 0;
        key->refs++;
        fresh[count++] = key;
    }
    old = k->v;
    for (size_t i = 0; i < k->n; i++)
        key_unref(k, old[i]);
    mem_free(k->candidates);
    k->candidates = scratch;
    k->v = fresh;
    k->n = count;
    pthread_mutex_unlock(&k->mutex);
    mem_free(known.slot);
    mem_free(taken.slot);
    mem_free(old);
}

size_t keys_count(struct keys *k)
{
    size_t n;

    pthread_mutex_lock(&k->mutex);
    n = k->n;
    pthread_mutex_unlock(&k->mutex);
    return n;
}

struct lane *keys_lane_find(const struct project *p, uint64_t model)
{
    for (struct list *link = p->lanes.next; link != &p->lanes; link = link->next) {
        struct lane *l = CONTAINER(link, struct lane, link);

        if (l->model == model)
            return l;
    }
    return NULL;
}

void keys_lane_drop(struct keys *k, struct lane *l)
{
    list_remove(&l->link);
    list_remove(&l->by_use);
    k->nlanes--;
    lane_unref(l);
}

/* The longest unused lane without a request in flight goes; rather one that knows no limit. Names
 * of models are the clients' to invent, so what was learned must not be swept out by them soon. */
static bool make_room(struct keys *k)
{
    struct lane *idle = NULL;
    unsigned looked = 0;

    list_each (link, &k->lanes) {
        struct lane *l = CONTAINER(link, struct lane, by_use);

        if (l->in_flight > 0)
            continue;
        if (idle == NULL || lane_is_blank(l))
            idle = l;
        if (lane_is_blank(l) || ++looked == 64)
            break;
    }
    if (idle == NULL)
        return false;
    keys_lane_drop(k, idle);
    return true;
}

bool keys_lane_add(struct keys *k, struct project *p, struct lane *l)
{
    if (k->nlanes >= LANES_MAX && !make_room(k)) {
        lane_unref(l);
        return false;
    }
    list_push(&p->lanes, &l->link);
    list_push(&k->lanes, &l->by_use);
    k->nlanes++;
    return true;
}

struct lane *keys_lane(struct keys *k, struct project *p, uint64_t model, struct str name,
                       struct key_now now)
{
    struct lane *l = keys_lane_find(p, model);

    if (l == NULL) {
        l = lane_new(model, name, &k->phase, now);
        if (!keys_lane_add(k, p, l))
            return NULL;
    }
    list_remove(&l->by_use);
    list_push(&k->lanes, &l->by_use);
    return l;
}

static void take(struct keys *k, const struct key_want *want, const struct model *m,
                 const struct candidate *c, struct key_lease *lease)
{
    struct key *key = c->key;

    *lease = (struct key_lease){.key = key,
                                .way = key->way,
                                .gate = c->answer.gate,
                                .sent_ms = want->now.ms,
                                .estimate = want->tokens};
    key->refs++;
    key->in_flight++;
    key->picked = ++k->picks;
    if (key->out != KEY_WELL)
        key->out_probing = lease->key_probe = true;
    if (m != NULL) {
        lease->model = m->name;
        lease->need = (struct lane_need){model_expect(m, want->tokens), want->extra};
        lease->lane = keys_lane(k, key->project, m->quota, want->model, want->now);
    }
    if (lease->lane != NULL) {
        lane_ref(lease->lane);
        lane_take(lease->lane, lease->need, lease->gate, want->now);
    }
}

/* Everything cools: is it true of every key? */
static bool retest(struct keys *k, const struct key_want *want, const struct model *m,
                   struct candidate *ret)
{
    struct key *key = m && want->nmust == 0 ? project_retest(k, m->quota, want->now) : NULL;

    if (key == NULL)
        return false;
    *ret = (struct candidate){.key = key, .answer = {.gate = LANE_OPEN}};
    return true;
}

enum key_verdict keys_pick(struct keys *k, const struct key_want *want, struct key_lease *ret,
                           struct key_wait *ret_wait)
{
    UNINITIALIZED struct candidate chosen;
    const struct model *m;
    enum key_verdict verdict;
    bool again = false;

    pthread_mutex_lock(&k->mutex);
    m = want->model.n > 0 ? model_at(&k->models, want->model) : NULL;
    verdict = pick(k, want, m, &chosen, ret_wait);
    if (verdict == KEY_COOLING && want->apart == NULL && retest(k, want, m, &chosen)) {
        verdict = KEY_PICKED;
        again = true;
    }
    if (verdict == KEY_PICKED) {
        take(k, want, m, &chosen, ret);
        ret->retest = again;
    }
    pthread_mutex_unlock(&k->mutex);
    return verdict;
}

struct key *keys_by_id(const struct keys *k, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < k->n; i++)
        if (k->v[i]->id == id)
            return k->v[i];
    return NULL;
}

const struct project *keys_project(const struct keys *k, uint64_t id)
{
    const struct key *key = keys_by_id(k, id);

    return key != NULL ? key->project : NULL;
}

/* Served with it before and after another key was refused it: it was there all the time. */
static void compare(struct keys *k, struct key *key, struct str name, struct key_now now)
{
    struct key *denied = keys_by_id(k, pins_denied(&k->pins, name));

    if (denied != NULL && keys_project(k, pins_get(&k->pins, name, now.ms)) == key->project)
        project_told_apart(k, key, denied, now);
}

void keys_pin(struct keys *k, const struct key *key, const struct str *names, size_t n,
              struct key_now now)
{
    struct key *own;

    pthread_mutex_lock(&k->mutex);
    own = keys_by_id(k, key->id);
    for (size_t i = 0; i < n; i++) {
        if (own != NULL)
            compare(k, own, names[i], now);
        pins_put(&k->pins, names[i], key->id, now.ms);
    }
    pthread_mutex_unlock(&k->mutex);
}

void keys_unpin(struct keys *k, const struct key *key, struct str name)
{
    pthread_mutex_lock(&k->mutex);
    if (keys_project(k, pins_get(&k->pins, name, 0)) == key->project)
        pins_drop(&k->pins, name);
    else
        pins_deny(&k->pins, name, key->id);
    pthread_mutex_unlock(&k->mutex);
}

void keys_told_apart(struct keys *k, const struct key *served, const struct key *refused,
                     struct key_now now)
{
    struct key *one = NULL;
    struct key *other = NULL;

    pthread_mutex_lock(&k->mutex);
    for (size_t i = 0; i < k->n; i++) {
        if (k->v[i] == served)
            one = k->v[i];
        if (k->v[i] == refused)
            other = k->v[i];
    }
    if (one != NULL && other != NULL)
        project_told_apart(k, one, other, now);
    pthread_mutex_unlock(&k->mutex);
}

const struct secret *key_secret(const struct key *key)
{
    return &key->secret;
}

const struct sha256_name *key_name(const struct key *key)
{
    return &key->name;
}
