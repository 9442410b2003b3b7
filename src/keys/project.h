/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* project.h - which keys share their quotas. Nothing tells; it is read from refusals:
 *
 *   together  a key is refused although it spent little itself, while another is refused for the
 *             same limit of the same model. Twice so, and the two are held to be one project.
 *   apart     a key is served while another is refused, or is served with a file that another knows
 *             nothing of: they are two. This is never forgotten, and outweighs the other; keys that
 *             were joined and are then seen apart are parted.
 *
 * Private to the room; the caller holds the mutex. */
#ifndef KEYS_PROJECT_H
#define KEYS_PROJECT_H

#include "keys/lane.h"

struct keys;
struct key;
struct key_lease;

struct project {
    unsigned id;
    unsigned refs; /* its keys */
    struct list lanes;
    uint64_t retest_ms; /* when it is worth a request to see whether it is really one */
    uint64_t retest_gap_ms;
};

enum {
    RELATIONS_MAX = 4096, /* pairs of projects; where two meet in one place the older gives way */
    REFUSALS_MAX = 16,
};
/* What two projects were seen to do. */
struct relation {
    unsigned a, b; /* a < b; 0: free */
    uint8_t together;
    bool apart;
};
/* A key that was refused lately, and the time for which upstream meant it. */
struct refusal {
    unsigned project;
    uint64_t key; /* its id */
    uint64_t model;
    enum quota_kind kind;
    uint64_t limit;
    uint32_t tokens; /* of the request */
    uint64_t at_ms, until_ms;
    /* Was it explained by what the project itself had spent? That is open until it is known what
     * became of the requests that were under way. */
    bool open, explained;
    uint64_t spent; /* those under way included */
    unsigned under_way;
};
struct relations {
    unsigned ids; /* of projects; never used again */
    struct relation v[RELATIONS_MAX];
    struct refusal refusals[REFUSALS_MAX];
    size_t nrefusals; /* ever; a ring */
};
static inline size_t refusals_known(const struct relations *r)
{
    return r->nrefusals < REFUSALS_MAX ? r->nrefusals : REFUSALS_MAX;
}

struct project *project_new(struct keys *k);
void project_ref(struct project *p);
void project_unref(struct keys *k, struct project *p); /* frees the last, with its lanes */

/* Upstream was found to count a model under another's name. */
void relations_rename_model(struct relations *r, uint64_t from, uint64_t to);

/* The lease's request was refused for a limit of the lane that the verdict names. May join
 * projects. */
void project_refused(struct keys *k, const struct key_lease *lease, const struct lane *lane,
                     const struct quota_verdict *v, struct key_now now);
/* The lease's request was served. True when its project was parted for that. */
bool project_served(struct keys *k, const struct key_lease *lease, struct key_now now);
/* It is known what became of the lease's request: whether it was spent. May join projects. */
void project_resolved(struct keys *k, const struct key_lease *lease, bool spent);

/* Upstream serves the one key what it refuses the other: they are of two projects, for good. */
void project_told_apart(struct keys *k, struct key *served, struct key *refused,
                        struct key_now now);
bool projects_are_apart(const struct keys *k, const struct project *a, const struct project *b);

/* May the key share the quota of one that is refused for the model just now? */
bool project_is_suspect(const struct keys *k, const struct key *key, uint64_t model,
                        struct key_now now);

/* Where nothing else is to be had: a key that waits for what another key of its project was refused
 * for, although the project was not seen to spend that much, and has not been asked for long
 * whether it must. NULL as a rule. */
struct key *project_retest(struct keys *k, uint64_t model, struct key_now now);
void project_retested(struct key *key, struct key_now now); /* it must */

#endif
