/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* proxy.h - what one worker's exchanges share. Everything in it belongs to one loop, but for the
 * keys, the ways out and the signatures (one for the process, locked inside) and the options (never
 * changed once published; a reload publishes others). */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/clock.h"
#include "base/list.h"
#include "codec/json_read.h"
#include "dialect/dialect.h"
#include "egress/set.h"
#include "fetch/fetch.h"
#include "http/client.h"
#include "http/server.h"
#include "keys/ring.h"
#include "metrics/metrics.h"
#include "proxy/allowance.h"
#include "proxy/auth.h"
#include "proxy/fallback.h"
#include "proxy/lesson.h"
#include "proxy/pace.h"
#include "proxy/wait.h"
#include "signatures/store.h"
#include <stdatomic.h>

enum cors { CORS_OFF, CORS_ANY, CORS_LIST };

/* Who keeps them for longer than a callback holds them: an exchange ends with those it began with.
 */
struct proxy_opts {
    _Atomic size_t holders;
    void (*free)(struct proxy_opts *); /* called when nobody holds them any more */
    struct origin origin;              /* upstream */
    struct str base_path; /* prefix of every upstream path: "" or "/gemini", no slash at the end */
    struct auth auth;
    enum cors cors;
    struct str cors_origins; /* comma-separated, for CORS_LIST */
    struct dialect_opts dialect;
    bool blocked_as_error; /* what upstream says of a blocked prompt: a 400, not an empty answer */
    enum gm_fetch fetch;   /* who fetches what a request names by address */
    struct fetch_opts fetching;
    size_t body_max;   /* of a translated request, and of what hangs on it; LIM-3 */
    size_t answer_max; /* of a whole upstream answer; LIM-4 */
    size_t event_max;  /* of one upstream event; LIM-4 */
    uint32_t first_byte_ms, idle_ms, total_ms; /* LIM-11 */
    uint32_t heartbeat_ms;                     /* LIM-12; 0: none */
    uint32_t quota_wait_ms;                    /* for quota that will be back; 0: not at all */
    struct fallbacks fallbacks;                /* models that answer for others */
    unsigned attempts;                         /* for one request, the first included */
    bool hedge;     /* a late first byte: another project is asked, too */
    bool emulation; /* upstream is queqiao's own emulated Gemini */
    bool fc_marks;  /* log the lines by which Function Compute's console finds a request's logs */
    struct str request_id; /* name of the header with the platform's id of a request; or empty */
};

const struct proxy_opts *proxy_opts_hold(const struct proxy_opts *o); /* returns o */
void proxy_opts_drop(const struct proxy_opts *o);                     /* NULL is fine */

struct model_cache;

struct proxy {
    struct loop *loop;
    struct client *client;
    struct fetcher *fetcher;
    struct keys *keys;
    struct egresses *egresses;
    struct signatures *signatures;
    const struct proxy_opts *opts; /* held; for what begins now */
    struct model_cache *models;
    struct metrics *metrics;
    struct list exchanges; /* in work */
    size_t nexchanges;
    struct waits waits;       /* exchanges that wait for quota */
    struct allowance retries; /* what may be sent again */
    struct allowance hedges;
    struct pace pace;
    struct lessons lessons; /* what models were found not to take */
    bool draining;
    /* Scratch for one callback at a time, kept so that the steady state allocates nothing. */
    struct json json;
    struct gm_form *wholes; /* what the last whole answer looked like */
    struct buf out;
    struct gm_error told; /* an error object inside an answer */
};

void proxy_init(struct proxy *p, struct loop *loop, struct client *client, struct keys *keys,
                struct egresses *egresses, struct signatures *signatures,
                const struct proxy_opts *opts);
void proxy_fini(struct proxy *p); /* every exchange must be over */
/* What begins from now on is served by these. */
void proxy_take_opts(struct proxy *p, const struct proxy_opts *opts);

/* A drain begins: nobody is kept waiting for quota any more. Those who are get their 429 now. */
void proxy_drain(struct proxy *p);
/* Open a connection to upstream, the way that the next request would go, unless there is one. */
void proxy_warm(struct proxy *p);

/* Ends every exchange with an error of its dialect: the last act of a drain. */
void proxy_abandon(struct proxy *p);

/* The time, as keys/ wants it told. The wall is asked each time: of a process that was frozen the
 * loop's time goes on where it stood, while the wall's does not. */
static inline struct key_now proxy_now(const struct proxy *p)
{
    return (struct key_now){loop_now_ms(p->loop), clock_wall_s()};
}

/* The id under which a request is logged and answered. */
struct request_id {
    char z[64];
    size_t n;
    bool made; /* "req_" and NONCE random characters */
};
enum { REQUEST_ID_MADE = sizeof "req_" - 1, NONCE = 24 };
/* The platform's, when it sends one that looks like an id; else one of our own. */
struct request_id request_id_new(const struct proxy_opts *o, struct call *c);

#endif
