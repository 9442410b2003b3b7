/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exchange_impl.h - the exchange's parts, for the files that are its life: whoever asks for one
 * from outside includes exchange.h. */
#ifndef PROXY_EXCHANGE_IMPL_H
#define PROXY_EXCHANGE_IMPL_H

#include "base/arena.h"
#include "base/sha256.h"
#include "codec/sse.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"
#include "proxy/retry.h"
#include "proxy/way.h"

#define STEPS(X) X(READ) X(TRANSLATE) X(FETCH) X(PICK_KEY) X(WAIT) X(SEND) X(HEAD) X(RELAY) X(END)
enum step {
#define STEP(name) STEP_##name,
    STEPS(STEP)
#undef STEP
};

/* One upstream request of the exchange; there are `n` of them when the client wants n choices. */
struct leg {
    struct exchange *x;
    unsigned choice;
    struct client_req *req; /* NULL when nothing is in the air */
    struct key_lease lease;
    const struct key *tried[KEYS_TRIED_MAX]; /* to compare with, never to follow */
    size_t ntried;
    unsigned foreign; /* bit i: with tried[i] upstream knows not what the request names */
    struct way way;
    unsigned attempts;
    unsigned moves; /* attempts that asked in the wrong place: another way out, another project */
    struct waiter waiter; /* for quota */
    uint64_t wait_since_ms;
    int status;
    uint32_t retry_after_s;   /* of the answer's head */
    uint64_t sent_ms;         /* the first time, where that may be told; else 0 */
    struct gm_error *last;    /* why it is sent again; NULL before the first failure */
    unsigned hops, hops_idle; /* answers that went on after CONTINUATION; those without a token */
    struct str token;         /* with which it would go on; in the arena */
    struct str must;          /* after the first hop: the project's, see keys_pin */
    size_t body_n;            /* gm_continue()'s */
    struct sse sse;
    struct buf body; /* of a whole answer, or of an error */
    struct timer again;
    bool began; /* a byte of its answer's body has come, which is a 200 */
    bool broke; /* it failed so that it is not asked for again: what began is paid for */
    bool done;
    bool cut;     /* it was stopped while upstream worked on it */
    size_t shown; /* bytes of text in what came of its answer */
};

struct exchange {
    struct proxy *p;
    const struct proxy_opts *opts; /* of the time when it began; held */
    struct list link;              /* in proxy.exchanges */
    struct call *call;             /* NULL once it is answered, or its client left */
    const struct dialect *d;
    struct request_id id;
    char nonce[NONCE]; /* in the ids of its answer; that of its own id, where it was made here */
    struct arena arena;
    char *body;       /* the request's; kept while it may have to be translated again */
    size_t body_n;    /* bytes of it */
    size_t body_room; /* 0: it is the call's; else its memory is ours */
    struct json json; /* of it */
    bool parsed;
    struct translating *translating; /* while it is */
    bool aside; /* another thread translates it: body, json, arena and links are that one's */
    struct translation tr;
    bool translated;
    struct gm_links links;     /* addresses in it whose files are sent along */
    struct bringing *bringing; /* NULL before the first of them */
    unsigned remedies;         /* enum gm_remedy: what upstream would not take of it */
    unsigned applied;      /* these, and those that were known: what it was translated without */
    struct str model;      /* instead of the one that was asked for; empty: that one */
    struct str asked;      /* which that was, as soon as there was another one */
    struct str soonest;    /* of the models without quota, the one that will have some first */
    uint64_t soonest_ms;   /* when that is */
    bool settled;          /* on a model whose quota is waited for */
    bool glitched;         /* an empty answer was asked for again */
    struct sha256 who;     /* its credential; zeroes: it has none */
    struct secret own_key; /* the client's, when it is served on that */
    enum step step;
    bool head_sent;    /* the client has the head of a stream */
    bool content_sent; /* and bytes of the answer */
    struct leg *legs;
    struct gm_reader *readers; /* one for each leg */
    unsigned nlegs, nlegs_done;
    unsigned nrunners; /* the legs, and the rival of the only one: see hedge.c */
    struct timer total, heartbeat, hedge;
    struct task free;
    /* for the log */
    uint64_t start_ms, first_ms;
    const char *end;
    int status;
    struct sha256_name key_name; /* the one that it was sent with last; or empty */
    char way[80];                /* the proxy that it went through last; or empty */
    unsigned attempts;
    unsigned spared; /* of them: other ways out, and those of earlier parts of the answer */
};

/* exchange.c */
void exchange_fail(struct exchange *x, const struct gm_error *e);
void exchange_short_of_memory(struct gm_error *ret); /* the words for it */
void exchange_leg_done(struct exchange *x);
bool exchange_began(const struct exchange *x); /* some leg has a part of an answer */
/* Translate anew and send: every leg is a new one after it. Not when an answer has begun. */
void exchange_again(struct exchange *x);

void exchange_brought(struct exchange *x); /* links are settled: translate anew */

/* translate.c */
struct translated {
    enum err err;   /* E_MEMORY, or the client's fault */
    bool made;      /* there is a translation, also where something else was short of memory */
    bool malformed; /* it is not JSON, from byte `at` on */
    size_t at;
    struct fault why;
    unsigned applied; /* remedies */
};
/* Parse the body, where that was not done, and translate it into x->tr. exchange_translated
 * follows, at once when the body is small. */
void translate_begin(struct exchange *x);
bool translate_is_long(size_t body_n); /* its memory must be the exchange's own */
void exchange_translated(struct exchange *x, const struct translated *t);
/* It was over before the other thread was done. */
void exchange_let_go(struct exchange *x);

/* exchange_model.c. Both are true when another model is asked, with legs of its own: whoever called
 * is done then. */
bool exchange_fall_back(struct exchange *x, enum metrics_event why);
bool exchange_no_quota(struct exchange *x, uint64_t back_ms); /* from now; false: wait, or fail */
bool exchange_fell_back(const struct exchange *x);            /* it is another model that answers */

/* links.c: everything that the links want is fetched; exchange_brought follows, never from inside
 * unless nothing had to be waited for */
MUST_CHECK enum err links_bring(struct exchange *x);
void links_stop(struct exchange *x);         /* cancels in this turn; again is harmless */
size_t links_here(const struct exchange *x); /* how many were fetched */
void links_fini(struct exchange *x);         /* what was fetched goes back */

/* leg.c */
void leg_init(struct leg *leg, struct exchange *x, unsigned choice);
void leg_start(struct leg *leg);
void leg_send(struct leg *leg); /* it has its key */
void leg_stop(struct leg *leg); /* cancels in this turn, gives the key back; again is harmless */
void leg_fail(struct leg *leg, const struct gm_error *e); /* again, or the end of the exchange */

void leg_named(struct leg *leg); /* its key is the one that is logged */

/* hedge.c */
void hedge_init(struct exchange *x);
bool hedge_may(const struct exchange *x); /* a rival may come: there is room for one more leg */
void hedge_sent(struct leg *leg);         /* late is counted from here */
void hedge_first_byte(struct leg *leg);   /* of a 200: it has won */
bool hedge_goes_on(struct leg *leg);      /* it has failed; true: the other one runs on, alone */

/* hop.c */
void hop_note(struct leg *leg, yyjson_val *chunk); /* after it was read */
bool hop_begin(struct leg *leg); /* it has ended: does it go on? Its key is still held */
void hop_go(struct leg *leg);    /* and it goes */
bool hop_ends(struct leg *leg);  /* it failed before it said more: true, the answer has ended so */

/* leg_key.c */
/* A key for the rival of a leg: of another project, or none. Nothing waits, nothing fails. */
bool leg_key_apart(struct leg *rival, const struct leg *first);
void leg_key_accepted(struct leg *leg); /* it is served */
/* Upstream knows no such file with this key: no key of that project is tried again. */
void leg_key_foreign(struct leg *leg, const struct gm_error *e);
bool leg_key_take(struct leg *leg);  /* false: it waits for one, or the exchange has failed */
bool leg_key_rest(struct leg *leg);  /* it waits a moment before it asks again; false: it cannot */
void leg_key_leave(struct leg *leg); /* it waits no longer */
/* How it went with the key; e is NULL where upstream said nothing. Harmless without a key. */
void leg_key_back(struct leg *leg, enum key_result result, const struct gm_error *e);

/* relay.c: upstream's bytes to the client's */
void relay_begin(struct exchange *x); /* before events are fed: the buffer is empty then */
MUST_CHECK enum err relay_event(void *leg, char *data,
                                size_t n); /* an sse_event_f; a whole body too */
void relay_flush(struct exchange *x);     /* what events appended to proxy.out goes to the client */
void relay_drained(struct exchange *x);   /* the client has caught up */
void relay_heartbeat(struct exchange *x); /* a comment, when nothing went out for long */
void relay_finish(struct exchange *x);    /* every leg has ended well */
/* False: there was no memory for the words. */
bool relay_stream_error(struct exchange *x, const struct gm_error *e);

/* access_log.c */
void access_log_began(const struct exchange *x);
void access_log(const struct exchange *x); /* and the metrics */
const char *step_name(enum step s);

#endif
