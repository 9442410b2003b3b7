/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* pick.c - the choice of a key. Changes nothing but the clocks of what it looks at; ring.c does the
 * taking. Must not know what upstream said. */
#include "keys/ring_impl.h"

#include <assert.h>

enum {
    LOAD_FREE = 4, /* requests at once that a conversation's key carries whatever the others do */
};

struct choice {
    struct keys *k;
    const struct key_want *want;
    uint64_t model; /* hash of the name upstream counts under; 0: not counted */
    struct lane_need need;
    const struct project *only;                    /* NULL: any */
    const struct project *foreign[KEYS_TRIED_MAX]; /* none of these */
    size_t nforeign;
    struct candidate *v;
    size_t n;
    uint64_t shut_ms; /* the soonest end of what is shut; 0: nothing is */
    struct key_wait *wait;
};

static bool was_tried(const struct key_want *want, const struct key *key)
{
    for (size_t i = 0; i < want->ntried; i++)
        if (want->tried[i] == key)
            return true;
    return false;
}

static bool leads_nowhere(const struct key_want *want, const struct key *key)
{
    for (size_t i = 0; i < want->nshut; i++)
        if (want->shut[i] == key->way)
            return true;
    return false;
}

static struct key_wait_line *line_for(struct key_wait *w, enum key_why why, uint64_t limit)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->lines[i].why == why && w->lines[i].limit == limit)
            return &w->lines[i];
    if (w->n == KEY_WAIT_LINES)
        return &w->lines[KEY_WAIT_LINES - 1];
    w->lines[w->n] = (struct key_wait_line){.why = why, .limit = limit, .first_ms = UINT64_MAX};
    return &w->lines[w->n++];
}

static void note_shut(struct choice *c, enum key_why why, uint64_t limit, uint64_t until_ms)
{
    uint64_t now_ms = c->want->now.ms;
    uint64_t wait_ms = until_ms > now_ms ? until_ms - now_ms : 1;
    struct key_wait_line *line = line_for(c->wait, why, limit);

    line->keys++;
    if (wait_ms < line->first_ms)
        line->first_ms = wait_ms;
    if (wait_ms > line->last_ms)
        line->last_ms = wait_ms;
    if (why < KEY_NO_CREDIT && (c->shut_ms == 0 || wait_ms < c->shut_ms))
        c->shut_ms = wait_ms;
}

static enum rank rank_of(const struct choice *c, const struct key *key, enum lane_gate gate)
{
    const struct key_want *want = c->want;

    if (was_tried(want, key) || leads_nowhere(want, key))
        return RANK_TRIED;
    if (key->out != KEY_WELL)
        return want->ntried == 0 && c->only == NULL && gate == LANE_OPEN ? RANK_DUE : RANK_PROBE;
    if (gate == LANE_PROBE)
        return RANK_PROBE;
    if (c->model != 0 && project_is_suspect(c->k, key, c->model, want->now))
        return RANK_SUSPECT;
    return RANK_WELL;
}

/* One request finds out, not ten. */
static struct lane_answer ask_suspect(const struct choice *c, const struct lane *lane)
{
    if (lane == NULL)
        return (struct lane_answer){.gate = LANE_PROBE};
    return lane_probe(lane, KEY_PROBED, 0, c->want->now);
}

/* For a request that need not be. */
static bool is_surely_apart(const struct choice *c, const struct candidate *one)
{
    return one->key->project != c->want->apart->project && one->rank == RANK_WELL &&
           one->answer.gate == LANE_OPEN;
}

static void consider(struct choice *c, struct key *key)
{
    struct candidate one = {.key = key, .answer = {.gate = LANE_OPEN}};

    if (key->out != KEY_WELL && (key->out_probing || c->want->now.ms < key->out_until_ms)) {
        note_shut(c, key->out, 0, key->out_until_ms);
        return;
    }
    if (c->model != 0)
        one.lane = keys_lane_find(key->project, c->model);
    if (one.lane != NULL)
        one.answer = lane_ask(one.lane, c->need, c->want->now);
    one.rank = rank_of(c, key, one.answer.gate);
    if (one.rank == RANK_SUSPECT && one.answer.gate == LANE_OPEN)
        one.answer = ask_suspect(c, one.lane);
    if (one.answer.gate == LANE_SHUT)
        note_shut(c, one.answer.why, one.answer.limit, one.answer.until_ms);
    else if (c->want->apart == NULL || is_surely_apart(c, &one))
        c->v[c->n++] = one;
}

/* Only those of the best rank are looked at further. */
static void keep_the_best(struct choice *c)
{
    enum rank best = RANKS;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].rank < best)
            best = c->v[i].rank;
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].rank == best)
            c->v[n++] = c->v[i];
    c->n = n;
}

/* The fewer requests in flight for each that its limits leave room for, the better. */
static bool has_more_room(const struct choice *c, const struct candidate *a,
                          const struct candidate *than)
{
    uint64_t load_a = a->lane ? a->lane->in_flight : 0;
    uint64_t load_b = than->lane ? than->lane->in_flight : 0;
    uint64_t room_a = a->lane ? lane_headroom(a->lane, c->need, c->want->now) + 1 : LANE_FREE + 1;
    uint64_t room_b =
        than->lane ? lane_headroom(than->lane, c->need, c->want->now) + 1 : LANE_FREE + 1;
    uint64_t share_a = (load_a + 1) * room_b;
    uint64_t share_b = (load_b + 1) * room_a;

    if (share_a != share_b)
        return share_a < share_b;
    if (a->key->in_flight != than->key->in_flight)
        return a->key->in_flight < than->key->in_flight;
    return a->key->picked < than->key->picked;
}

static struct candidate *least_loaded(struct choice *c)
{
    struct candidate *best = &c->v[0];

    for (size_t i = 1; i < c->n; i++)
        if (has_more_room(c, &c->v[i], best))
            best = &c->v[i];
    return best;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9U;
    h = (h ^ h >> 27) * 0x94d049bb133111ebU;
    return h ^ h >> 31;
}

/* What one key may carry: its share and a quarter. */
static uint64_t load_bound(const struct choice *c)
{
    uint64_t total = 1;
    uint64_t bound;

    for (size_t i = 0; i < c->n; i++)
        total += c->v[i].key->in_flight;
    bound = (total * 5 + c->n * 4 - 1) / (c->n * 4);
    return bound > LOAD_FREE ? bound : LOAD_FREE;
}

/* Rendezvous hashing: each conversation has its own order of all keys and takes the first that is
 * well and not overloaded. A key that comes or goes moves no conversation but its own.
 *
 *   source  Thaler and Ravishankar, "Using name-based mappings to increase hit rates"; Mirrokni,
 *           Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" */
static struct candidate *of_conversation(struct choice *c)
{
    uint64_t bound = load_bound(c);
    struct candidate *best = NULL;
    uint64_t best_score = 0;

    for (size_t i = 0; i < c->n; i++) {
        uint64_t score = mix(c->v[i].key->seed ^ mix(c->want->affinity));

        if (c->v[i].key->in_flight < bound && (best == NULL || score > best_score)) {
            best = &c->v[i];
            best_score = score;
        }
    }
    return best ? best : least_loaded(c);
}

/* Those that have said that they have not what the request names. */
static void find_foreign(struct choice *c)
{
    for (size_t i = 0; i < c->want->ntried; i++)
        for (size_t j = 0; (c->want->foreign >> i & 1) && j < c->k->n; j++)
            if (c->k->v[j] == c->want->tried[i])
                c->foreign[c->nforeign++] = c->k->v[j]->project;
}

static bool is_foreign(const struct choice *c, const struct project *p)
{
    for (size_t i = 0; i < c->nforeign; i++)
        if (c->foreign[i] == p)
            return true;
    return false;
}

/* The project that holds what the request names: one that has refused the request for something
 * else that is named ends the search, and so does a second one that is known to be another. Keys
 * of which that is not known are asked. A key that has gone took what it had along. */
static enum key_verdict find_home(struct choice *c)
{
    const struct key_want *want = c->want;
    size_t first = 0;

    for (size_t i = 0; i < want->nmust; i++) {
        uint64_t id = pins_get(&c->k->pins, want->must[i], want->now.ms);
        const struct project *p = keys_project(c->k, id);

        if (p == NULL || p == c->only)
            continue;
        if (is_foreign(c, p))
            return KEY_ABSENT;
        if (c->only == NULL) {
            c->only = p;
            first = i;
        } else if (projects_are_apart(c->k, p, c->only)) {
            c->wait->split[0] = pin_name(want->must[first]);
            c->wait->split[1] = pin_name(want->must[i]);
            return KEY_SPLIT;
        }
    }
    return KEY_PICKED;
}

static bool is_eligible(const struct choice *c, const struct key *key)
{
    return (c->only == NULL || key->project == c->only) && !is_foreign(c, key->project);
}

static enum key_verdict nobody(struct choice *c)
{
    c->wait->wait_ms = c->shut_ms;
    return c->shut_ms != 0 ? KEY_COOLING : KEY_ABSENT;
}

enum key_verdict pick(struct keys *k, const struct key_want *want, const struct model *m,
                      struct candidate *ret, struct key_wait *ret_wait)
{
    struct choice c = {.k = k, .want = want, .v = k->candidates, .wait = ret_wait};
    enum key_verdict home;

    ret_wait->wait_ms = 0;
    ret_wait->keys = (unsigned)k->n;
    ret_wait->n = 0; /* its lines are many, and rarely any is written */
    ret_wait->split[0] = ret_wait->split[1] = S("");
    find_foreign(&c);
    home = find_home(&c);
    if (home != KEY_PICKED)
        return home;
    if (m != NULL) {
        c.model = m->quota;
        c.need = (struct lane_need){model_expect(m, want->tokens), want->extra};
    }
    for (size_t i = 0; i < k->n; i++)
        if (is_eligible(&c, k->v[i]))
            consider(&c, k->v[i]);
    if (c.n == 0)
        return nobody(&c);
    keep_the_best(&c);
    assert(c.n > 0); /* it keeps one at least */
    if (want->affinity != 0 && c.v[0].rank <= RANK_SUSPECT && c.v[0].rank >= RANK_WELL)
        *ret = *of_conversation(&c);
    else
        *ret = *least_loaded(&c);
    return KEY_PICKED;
}
