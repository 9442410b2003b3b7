/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* outcome.c - a key comes back, and what became of its request is learned: by the key, the lane,
 * the model and the project. Must not choose. */
#include "keys/ring_impl.h"

enum {
    OUT_MS = 5 * 60 * 1000, /* a refused key is tried again after this, then four times as long */
    OUT_MAX_MS = 24 * 3600 * 1000,
};

/* The one that the request is counted in now: lanes are folded while requests are under way. */
static struct lane *lane_of(const struct key_lease *lease)
{
    return lane_now(lease->lane);
}

static void put_out(struct keys *k, struct key *key, enum key_why why, struct key_now now)
{
    uint64_t ms = OUT_MS;

    for (unsigned i = 0; i < key->out_times && ms < OUT_MAX_MS; i++)
        ms *= 4;
    k->put_out[why] += key->out != why;
    key->out = why;
    key->out_times++;
    key->out_until_ms =
        why == KEY_LEAKED ? KEY_NEVER : now.ms + (ms < OUT_MAX_MS ? ms : OUT_MAX_MS);
}

/* Once for each lease: what became of its request is known. */
static void resolve(struct keys *k, struct key_lease *lease, bool spent)
{
    if (lease->resolved)
        return;
    lease->resolved = true;
    if (lease->lane == NULL)
        return;
    lane_resolved(lane_of(lease));
    project_resolved(k, lease, spent); /* it may fold lanes: lane_of() anew after this */
}

static void accept(struct keys *k, struct key_lease *lease, struct key_now now)
{
    if (lease->resolved)
        return;
    resolve(k, lease, true);
    if (lease->key_probe) {
        key_give_a_chance(lease->key);
        lease->key->out_probing = lease->key_probe = false;
    }
    if (lease->lane == NULL)
        return;
    /* A lane whose keys are parted by this stays as it is, for the key that was refused. */
    if (!project_served(k, lease, now))
        lane_accepted(lane_of(lease), lease->need, lease->gate, lease->sent_ms, now);
    else if (lease->gate == LANE_PROBE)
        lane_of(lease)->probing = false;
    lease->gate = LANE_OPEN;
}

void keys_accepted(struct keys *k, struct key_lease *lease, struct key_now now)
{
    if (lease->key == NULL)
        return;
    pthread_mutex_lock(&k->mutex);
    accept(k, lease, now);
    pthread_mutex_unlock(&k->mutex);
}

static void served(struct keys *k, struct key_lease *lease, const struct key_outcome *o)
{
    struct model *m = model_find(&k->models, lease->model);

    accept(k, lease, o->now);
    if (lease->lane == NULL)
        return;
    if (m != NULL && o->tokens_in > 0)
        model_learn(m, lease->estimate, o->tokens_in);
    lane_served(lane_of(lease), lease->need, lease->sent_ms, o->tokens_in, o->now);
}

/* Upstream counts this model under another name than the one asked for, so what was counted under
 * the one was spent of the other. */
static void rename_lanes(struct keys *k, uint64_t from, uint64_t to, struct str name)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct project *p = k->v[i]->project;
        struct lane *l = keys_lane_find(p, from);
        struct lane *same = keys_lane_find(p, to);

        if (l == NULL)
            continue;
        if (same == NULL) {
            lane_rename(l, to, name);
        } else {
            lane_fold(l, same);
            keys_lane_drop(k, l);
        }
    }
    relations_rename_model(&k->relations, from, to);
}

/* The lane that the refusal is about: the lease's own, as a rule. */
static struct lane *refused_lane(struct keys *k, struct key_lease *lease, struct str name,
                                 struct key_now now)
{
    struct model *m = model_find(&k->models, lease->model);
    uint64_t quota = model_hash(name);
    struct lane *lane = lane_of(lease);
    struct lane *other;

    if (m == NULL || name.n == 0 || lane->model == quota)
        return lane;
    if (lane->model == m->name)
        rename_lanes(k, m->name, quota, name);
    m->quota = quota;
    lane = lane_now(lane);
    other = lane->model == quota ? NULL : keys_lane(k, lease->key->project, quota, name, now);
    if (other == NULL)
        return lane;
    lane_unsent(lane, lease->need, lease->gate, lease->sent_ms);
    lease->gate = LANE_OPEN;
    lane_take(other, lease->need, lease->gate, now);
    lane_resolved(other);
    return other;
}

static void limited(struct keys *k, struct key_lease *lease, const struct key_outcome *o)
{
    struct quota_verdict v = quota_judge(&o->failure);
    struct lane *lane;

    if (lease->lane == NULL)
        return;
    resolve(k, lease, false);
    lane = refused_lane(k, lease, v.model, o->now);
    lane_limited(lane, lease->need, lease->gate, lease->sent_ms, &v, o->now);
    if (lease->retest)
        project_retested(lease->key, o->now);
    if (v.limit == 0 || v.why < KEY_OVER_RPM || v.why > KEY_OVER_TPD)
        return;
    project_refused(k, lease, lane, &v, o->now);
}

static void refused(struct keys *k, struct key_lease *lease, const struct key_outcome *o)
{
    static const enum key_why why[] = {
        [KEY_REFUSED_CREDIT] = KEY_NO_CREDIT,
        [KEY_REFUSED_INVALID] = KEY_INVALID,
        [KEY_REFUSED_FORBIDDEN] = KEY_FORBIDDEN,
        [KEY_REFUSED_LEAKED] = KEY_LEAKED,
    };
    struct key *key = lease->key;

    /* Of requests that were under way together the first refusal counts, or the one for good. */
    if (key->out == KEY_WELL || lease->key_probe || o->result == KEY_REFUSED_LEAKED)
        put_out(k, key, why[o->result], o->now);
    resolve(k, lease, false);
    if (lease->lane != NULL)
        lane_unsent(lane_of(lease), lease->need, lease->gate, lease->sent_ms);
}

static void learn(struct keys *k, struct key_lease *lease, const struct key_outcome *o)
{
    struct key_status *t = &lease->key->totals;

    switch (o->result) {
    case KEY_SERVED:
        t->served++;
        t->tokens_in += o->tokens_in;
        t->tokens_out += o->tokens_out;
        t->tokens_cached += o->tokens_cached;
        served(k, lease, o);
        return;
    case KEY_LIMITED:
        t->limited++;
        limited(k, lease, o);
        return;
    case KEY_REFUSED_CREDIT:
    case KEY_REFUSED_INVALID:
    case KEY_REFUSED_FORBIDDEN:
    case KEY_REFUSED_LEAKED:
        t->refused++;
        refused(k, lease, o);
        return;
    case KEY_BLAMELESS:
        t->failed++;
        resolve(k, lease, true);
        if (lease->lane != NULL)
            lane_ended(lane_of(lease), lease->gate);
        return;
    case KEY_UNSENT:
        resolve(k, lease, false);
        if (lease->lane != NULL)
            lane_unsent(lane_of(lease), lease->need, lease->gate, lease->sent_ms);
        return;
    }
}

void keys_done(struct keys *k, struct key_lease *lease, const struct key_outcome *o)
{
    if (lease->key == NULL)
        return;
    pthread_mutex_lock(&k->mutex);
    lease->key->in_flight--;
    if (lease->key_probe)
        lease->key->out_probing = false;
    learn(k, lease, o);
    lane_unref(lease->lane);
    key_unref(k, lease->key);
    pthread_mutex_unlock(&k->mutex);
    *lease = (struct key_lease){0};
}
