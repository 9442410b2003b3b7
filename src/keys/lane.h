/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* lane.h - one project's quota of one model: what is known of its limits, what was spent of them,
 * and whether a request may be sent now. Private to the room; the caller holds the mutex.
 *
 *   open --429--> shut --its end--> open        or, when the refusal was not understood or may
 *                      --its end--> one probe   have been wrong:
 *                                     --served--> open
 *                                     --429-----> shut, for longer */
#ifndef KEYS_LANE_H
#define KEYS_LANE_H

#include "base/list.h"
#include "keys/phase.h"
#include "keys/quota.h"
#include "keys/window.h"

/* The two clocks; see base/clock.h. Every duration is measured on the first. */
struct key_now {
    uint64_t ms;    /* monotonic */
    int64_t wall_s; /* since 1970: only to tell the day of quota */
};

enum { LANE_NAME_MAX = 64 };

/* Of each kind of limit: what it counts, and in which window. */
static inline enum spent quota_spends(enum quota_kind kind)
{
    return kind == QUOTA_TPM || kind == QUOTA_TPD ? SPENT_TOKENS : SPENT_REQUESTS;
}
static inline bool quota_per_day(enum quota_kind kind)
{
    return kind == QUOTA_RPD || kind == QUOTA_TPD;
}

struct lane_limit {
    uint64_t value; /* 0: not known */
    uint64_t learned_ms;
};
struct lane_cool {
    enum key_why why;
    uint64_t limit;
    uint64_t since_ms, until_ms;
    int64_t until_wall_s; /* of a day, what the wall clock said its end would be; else 0 */
    bool probe_after;
    bool told; /* until_ms is upstream's word */
};
struct lane_day {
    uint64_t spent[SPENT_KINDS];
    uint64_t begin_ms, ends_ms;
    int64_t ends_wall_s;
    bool whole;     /* counted from its first moment on */
    bool suspected; /* refused for the day once; a second time it is believed */
};
struct lane {
    struct list link;   /* in its project */
    struct list by_use; /* in the set, the longest unused first */
    unsigned refs;     /* its project's, one for each request in flight, one for each folded lane */
    struct lane *into; /* folded into this one: projects or models turned out to be the same */
    uint64_t model;    /* hash of the name under which upstream counts */
    char name[LANE_NAME_MAX];
    unsigned in_flight;  /* until the answer has ended */
    unsigned under_way;  /* until it has begun */
    uint64_t sent_ms;    /* the last one */
    uint64_t full_ms;    /* when a request last found no room in the minute */
    struct phase *phase; /* of upstream's minutes: the set's, one for all lanes */
    struct window minute;
    struct lane_day day;
    struct lane_limit limit[QUOTA_KINDS];
    struct lane_cool cool;
    struct lane_cool cool_extra; /* for requests with tools that are metered apart */
    unsigned unnamed;            /* refusals in a row that named no limit */
    bool probing;                /* the one request that asks is out */
};

/* What a request will cost. */
struct lane_need {
    uint32_t tokens;
    bool extra; /* a tool with a quota of its own is in it: a search */
};

enum lane_gate { LANE_OPEN, LANE_PROBE, LANE_SHUT };
struct lane_answer {
    enum lane_gate gate;
    enum key_why why;  /* when it is not open */
    uint64_t limit;    /* of it; 0: not known */
    uint64_t until_ms; /* when it is shut: when to ask again */
};

struct lane *lane_new(uint64_t model, struct str name, struct phase *phase, struct key_now now);
void lane_ref(struct lane *l);
void lane_unref(struct lane *l); /* frees the last; it must be in no list then */

struct lane *lane_now(struct lane *l); /* where it was folded into, or itself */
void lane_fold(struct lane *from, struct lane *to);
void lane_rename(struct lane *l, uint64_t model, struct str name);
bool lane_is_blank(const struct lane *l); /* nothing was learned about it */
struct lane *lane_copy_limits(const struct lane *from, struct key_now now);

/* May a request be sent? */
struct lane_answer lane_ask(struct lane *l, struct lane_need need, struct key_now now);
/* One request at a time: there is doubt whether it will be taken. */
struct lane_answer lane_probe(const struct lane *l, enum key_why why, uint64_t limit,
                              struct key_now now);

/* It is sent: spent before it is answered, so that nothing sent meanwhile exceeds the limit. */
void lane_take(struct lane *l, struct lane_need need, enum lane_gate gate, struct key_now now);

/* Upstream has begun to answer it, or will not. Once for each lane_take. */
void lane_resolved(struct lane *l);

/* Upstream has begun to answer it: whatever was asked by a probe is answered, and the lease goes on
 * as an ordinary one. */
void lane_accepted(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                   struct key_now now);

/* How it went; each ends one lane_take. sent_ms is the time of that.
 *
 *   served    was accepted before; tokens: what the prompt really was, 0: not told
 *   ended     nothing was learned; it was spent all the same
 *   unsent    upstream never saw it: nothing was spent
 *   limited   a 429: nothing was spent, and the lane is shut until lane_ask says otherwise */
void lane_served(struct lane *l, struct lane_need need, uint64_t sent_ms, uint32_t tokens,
                 struct key_now now);
void lane_ended(struct lane *l, enum lane_gate gate);
void lane_unsent(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms);
void lane_limited(struct lane *l, struct lane_need need, enum lane_gate gate, uint64_t sent_ms,
                  const struct quota_verdict *v, struct key_now now);

/* Between the files of the lane: time passes; the day ends by this clock; a limit is known, and
 * that much is spent of it. */
void lane_roll(struct lane *l, struct key_now now);
void lane_set_day_end(struct lane *l, struct key_now now);
bool lane_is_full(const struct lane *l, enum quota_kind kind, struct key_now now);

/* What is spent in the limit's window, and whether that is all of it: upstream counts at its own
 * door, so a little under the limit is all as well. */
uint64_t lane_spent(const struct lane *l, enum quota_kind kind, struct key_now now);
bool is_nearly(uint64_t spent, uint64_t limit);

/* Requests that still fit before a known limit; LANE_FREE where none is known. */
enum { LANE_FREE = 64 };
uint64_t lane_headroom(const struct lane *l, struct lane_need need, struct key_now now);

#endif
