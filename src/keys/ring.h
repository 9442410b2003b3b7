/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ring.h - the upstream keys: which one next, and what each one's last answers say about it.
 *
 * Keys belong to projects, and it is the project that has quotas, one set for each model. What
 * belongs together is learned from refusals (project.h), and so are the limits (quota.h); once they
 * are known no request is sent that would exceed them (lane.h).
 *
 * One for the process, shared by all workers: a mutex is held inside each call for microseconds.
 * Time is an argument, so that a simulation can own the clock. Nothing here is random. */
#ifndef KEYS_RING_H
#define KEYS_RING_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "keys/lane.h"
#include "keys/quota.h"

struct keys;
struct key; /* counted: it lives until the last exchange that uses it has given it back */

struct keys *keys_new(void);
void keys_free(struct keys *k); /* NULL is fine; no key may be out */

/* Replace the set, whole. Keys that stay keep what is known about their quotas; one that was
 * refused gets a new chance, for the operator may have mended it. Doubles and empty ones are
 * dropped. */
void keys_set(struct keys *k, const struct str *values, size_t n);
/* The same for keys of which each may go its own way out: a number of egress/, 0 for none. */
void keys_set_ways(struct keys *k, const struct str *values, const unsigned *ways, size_t n);
size_t keys_count(struct keys *k);

enum { KEYS_TRIED_MAX = 8, KEYS_SHUT_MAX = 16, KEYS_MUST_MAX = 32 };

struct key_want {
    struct str model; /* upstream's name; empty: a request that no model's quota counts */
    struct key_now now;
    uint32_t tokens;   /* of the prompt, estimated; 0: no idea */
    bool extra;        /* a tool with a quota of its own is asked for, as Google Search */
    uint64_t affinity; /* hash of what the conversation begins with: the same goes to the same key,
                          whose project has it cached. 0: none */
    struct str must[KEYS_MUST_MAX]; /* files and caches, of one project: see keys_pin */
    size_t nmust;
    const struct key *tried[KEYS_TRIED_MAX]; /* not these, unless there is no other */
    size_t ntried;
    unsigned foreign; /* bit i: no key of tried[i]'s project: it has not what is named in must */
    unsigned shut[KEYS_SHUT_MAX]; /* nor keys that go these ways: they lead nowhere now. 0: the way
                                     of keys without their own */
    size_t nshut;
    /* A second request beside one that is under way with this key, which is held: another project,
     * that is surely well, or none. NULL: this is no such request */
    const struct key *apart;
};
/* A key that is held, from keys_pick to keys_done. */
struct key_lease {
    struct key *key; /* NULL: none is held */
    unsigned way;    /* its own, or 0 */
    /* the room's own */
    struct lane *lane;
    struct lane_need need;
    enum lane_gate gate;
    uint64_t sent_ms;
    uint64_t model;
    uint32_t estimate;
    bool key_probe, retest, resolved;
};

/* What keeps the keys from being used, for the answer to a client that cannot be served. */
enum { KEY_WAIT_LINES = 8 };
struct key_wait_line {
    enum key_why why;
    uint64_t limit; /* 0: not known */
    unsigned keys;
    uint64_t first_ms, last_ms; /* from now, until the first and the last of them are back */
};
struct key_wait {
    uint64_t wait_ms; /* until the first is back; 0 with KEY_NONE */
    unsigned keys;    /* in the set */
    size_t n;
    struct key_wait_line lines[KEY_WAIT_LINES];
    struct str split[2]; /* of KEY_SPLIT: two names that no key has both of: "files/abc" */
};
/* "requests a minute (limit 10): 4 keys, the first back in 21 s; key not valid: 1 key" */
void key_wait_say(const struct key_wait *w, struct buf *out);

enum key_verdict {
    KEY_PICKED,
    KEY_COOLING, /* there are keys, but no quota for this now */
    KEY_ABSENT,  /* there is no key at all, or none that upstream still takes */
    KEY_SPLIT,   /* what the request names is of several projects: no key has it all */
};
/* Choose a key: one that is well; of these the conversation's own, as long as it does not carry
 * much more than its share; else the one with most quota left for each request in flight.
 *
 *   after   KEY_PICKED: *ret must be given back with keys_done. Else *ret_wait says why not. Its
 *           names are borrowed from *want. */
MUST_CHECK enum key_verdict keys_pick(struct keys *k, const struct key_want *want,
                                      struct key_lease *ret, struct key_wait *ret_wait);

/* Upstream has answered with 200: that the key is well is known now, however long the answer takes.
 * Harmless on an empty lease, and a second time. */
void keys_accepted(struct keys *k, struct key_lease *lease, struct key_now now);

enum key_result {
    KEY_SERVED,         /* upstream took it, whatever it thought of the request */
    KEY_BLAMELESS,      /* it failed, but not for the key: overload, network, place, cancelled */
    KEY_UNSENT,         /* it never reached upstream: nothing was spent */
    KEY_LIMITED,        /* 429: failure says what is known */
    KEY_REFUSED_CREDIT, /* 402, and from here on: out for every model, tried again rarely */
    KEY_REFUSED_INVALID,
    KEY_REFUSED_FORBIDDEN,
    KEY_REFUSED_LEAKED, /* but this: never tried again, until keys_set */
};
struct key_outcome {
    enum key_result result;
    struct key_now now;
    uint32_t tokens_in, tokens_out, tokens_cached; /* 0: not told */
    struct key_failure failure;                    /* of KEY_LIMITED */
};
static inline bool key_is_refused(enum key_result r)
{
    return r >= KEY_REFUSED_CREDIT;
}
/* How it went. Empties the lease; harmless on an empty one. */
void keys_done(struct keys *k, struct key_lease *lease, const struct key_outcome *o);

/* Upstream has served these ("files/abc", or a whole URI of it) with this key: whoever names one of
 * them in `must` is sent to a key of the same project. Kept for two days, as files are; capped. */
void keys_pin(struct keys *k, const struct key *key, const struct str *names, size_t n,
              struct key_now now);
/* Upstream says that the key's project has it not, or not any more. What another project is known
 * to have stays. */
void keys_unpin(struct keys *k, const struct key *key, struct str name);
/* Upstream has served one key with what it had just refused the other, for that it does not know:
 * they are of two projects. `refused` is compared, not followed. */
void keys_told_apart(struct keys *k, const struct key *served, const struct key *refused,
                     struct key_now now);

const struct secret *key_secret(const struct key *key);    /* for the upstream header */
const struct sha256_name *key_name(const struct key *key); /* for logs and people */

#define KEY_NEVER UINT64_MAX /* of a time: an operator alone brings it back */

/* For /health, the doctor and metrics. Fill what fits, return how many there are. */
struct key_status {
    struct sha256_name name;
    unsigned project; /* a number; keys with the same one were found to share their quotas */
    enum key_why why; /* KEY_WELL, or why the whole key is out */
    uint64_t back_ms; /* from now, when it is tried again; 0 when it is well, or KEY_NEVER */
    unsigned in_flight;
    uint64_t served, limited, refused, failed;
    uint64_t tokens_in, tokens_out, tokens_cached;
};
struct lane_status {
    char model[LANE_NAME_MAX];
    unsigned project;
    unsigned in_flight;
    enum key_why why; /* KEY_WELL, or the limit that keeps requests back */
    uint64_t back_ms;
    struct {
        uint64_t limit; /* 0: not known */
        uint64_t spent;
    } quota[QUOTA_KINDS];
};
size_t keys_status(struct keys *k, struct key_now now, struct key_status *v, size_t max);
size_t keys_lanes(struct keys *k, struct key_now now, struct lane_status *v, size_t max);
/* How often a key was put out for that reason, from KEY_NO_CREDIT on; one that stays out when it is
 * tried again counts once. */
uint64_t keys_put_out(struct keys *k, enum key_why why);

#endif
