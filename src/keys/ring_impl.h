/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ring_impl.h - the set's inside, for the files of this room alone. The mutex is held by whoever
 * calls anything here. */
#ifndef KEYS_RING_IMPL_H
#define KEYS_RING_IMPL_H

#include "keys/model.h"
#include "keys/pin.h"
#include "keys/project.h"
#include "keys/ring.h"

#include <pthread.h>

enum { LANES_MAX = 4096 }; /* of all projects together; the longest unused makes room */

struct key {
    uint64_t id; /* never used again */
    struct secret secret;
    struct sha256_name name;
    uint64_t seed; /* of the secret: conversations choose the same key in every process */
    unsigned way;  /* out, of its own; 0: everybody's */
    struct project *project;
    unsigned refs; /* the set's own, and one for each lease */
    unsigned in_flight;
    uint64_t picked; /* the set's count at the last pick: ties go to the longest unused */
    enum key_why out;
    uint64_t out_until_ms; /* or KEY_NEVER */
    unsigned out_times;    /* refusals in a row */
    bool out_probing;
    struct key_status totals;
};

/* What a key is to one request. */
enum rank {
    RANK_DUE, /* it is out, and it is time to try it again */
    RANK_WELL,
    RANK_SUSPECT, /* well, but it may share the quota that another key was just refused for */
    RANK_PROBE,   /* one request would show whether it is well */
    RANK_TRIED,   /* well, but this request failed on it, or its way out leads nowhere */
    RANKS
};
struct candidate {
    struct key *key;
    struct lane *lane; /* NULL: nothing is known */
    struct lane_answer answer;
    enum rank rank;
};

struct keys {
    pthread_mutex_t mutex;
    struct key **v;
    struct candidate *candidates; /* as many: scratch of a pick */
    size_t n;
    uint64_t picks, ids;
    uint64_t put_out[KEY_WHYS];
    struct models models;
    struct list lanes; /* by use */
    size_t nlanes;
    struct phase phase;
    struct relations relations;
    struct pins pins;
};

/* ring.c */
void key_unref(struct keys *k, struct key *key);
void key_give_a_chance(struct key *key);                               /* it is not out any more */
struct lane *keys_lane_find(const struct project *p, uint64_t model);  /* or NULL */
struct key *keys_by_id(const struct keys *k, uint64_t id);             /* or NULL */
const struct project *keys_project(const struct keys *k, uint64_t id); /* of a key; or NULL */
/* Found, or made; NULL when every lane that there may be is in use. */
struct lane *keys_lane(struct keys *k, struct project *p, uint64_t model, struct str name,
                       struct key_now now);
/* Takes the lane. False when every lane that there may be is in use. */
bool keys_lane_add(struct keys *k, struct project *p, struct lane *l);
void keys_lane_drop(struct keys *k, struct lane *l);

/* pick.c */
/* m: the row of want->model, or NULL when none is named. */
enum key_verdict pick(struct keys *k, const struct key_want *want, const struct model *m,
                      struct candidate *ret, struct key_wait *ret_wait);

#endif
