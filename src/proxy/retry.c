/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* retry.c - a row for each cause. Must not know sockets, timers or the exchange. */
#include "proxy/retry.h"

#include <assert.h>
#include <stdio.h>

enum again {
    NEVER,
    OTHER_KEY, /* at once, with another key; with the same key there is no use */
    LATER,     /* after a jittered pause */
    ONCE,      /* after a pause, but one time only (UPS-1) */
};

static const struct {
    enum key_result blame;
    enum again again;
} POLICY[] = {
    [GM_BAD_REQUEST] = {KEY_SERVED,            NEVER    },
    [GM_CONTEXT_LENGTH] = {KEY_SERVED,            NEVER    },
    [GM_KEY_INVALID] = {KEY_REFUSED_INVALID,   OTHER_KEY},
    [GM_LOCATION] = {KEY_BLAMELESS,         NEVER    },
    [GM_CREDIT] = {KEY_REFUSED_CREDIT,    OTHER_KEY},
    [GM_FORBIDDEN] = {KEY_REFUSED_FORBIDDEN, OTHER_KEY},
    [GM_LEAKED] = {KEY_REFUSED_LEAKED,    OTHER_KEY},
    [GM_FOREIGN] = {KEY_SERVED,            OTHER_KEY},
    [GM_NO_MODEL] = {KEY_SERVED,            NEVER    },
    [GM_TOO_LARGE] = {KEY_SERVED,            NEVER    },
    [GM_BLOCKED] = {KEY_SERVED,            NEVER    },
    [GM_RATE] = {KEY_LIMITED,           OTHER_KEY},
    [GM_INTERNAL] = {KEY_BLAMELESS,         ONCE     },
    [GM_OVERLOADED] = {KEY_BLAMELESS,         LATER    },
    [GM_DEADLINE] = {KEY_BLAMELESS,         ONCE     },
    [GM_UNREACHABLE] = {KEY_UNSENT,            LATER    },
    [GM_BROKEN] = {KEY_BLAMELESS,         ONCE     },
    [GM_UNAUTHORIZED] = {KEY_BLAMELESS,         NEVER    },
    [GM_NOT_FOUND] = {KEY_BLAMELESS,         NEVER    },
    [GM_METHOD] = {KEY_BLAMELESS,         NEVER    },
    [GM_OUR_LIMIT] = {KEY_BLAMELESS,         NEVER    },
    [GM_BUSY] = {KEY_BLAMELESS,         NEVER    },
};
static_assert(NELEM(POLICY) == GM_CAUSES, "every cause needs a policy");

enum {
    PAUSE_MS = 400,
    PAUSE_MAX_MS = 10 * 1000, /* a longer one is the client's to wait */
    LEAST_MS = 2 * 1000,      /* with less time left no answer would come any more */
    UNKNOWN_S = 30,
    DAY_S = 24 * 3600,
};

/* Some 403s are not said of a key. */
static bool is_about_the_request(const struct gm_error *e)
{
    return e->cause == GM_FORBIDDEN && !e->key_fault;
}

enum key_result retry_blame(const struct gm_error *e)
{
    if (is_about_the_request(e))
        return KEY_SERVED;
    return POLICY[e->cause].blame;
}

void retry_failure(const struct gm_error *e, struct key_failure *ret)
{
    *ret = (struct key_failure){.message = str_z(e->message)};
    ret->retry_ms = quota_duration_ms(str_z(e->retry_delay));
    if (ret->retry_ms == 0 && quota_retry_ms(ret->message) == 0)
        ret->retry_ms = (uint64_t)e->retry_after_s * 1000; /* it was in a header */
    for (size_t i = 0; i < e->nviolations && i < KEY_VIOLATIONS_MAX; i++) {
        const struct gm_violation *v = &e->violations[i];

        ret->v[ret->nv++] =
            (struct key_violation){str_z(v->quota_id), str_z(v->model), v->valued, v->value};
    }
}

/* Our own limits are over: another try would only wait as long again. */
static bool is_own_limit(const struct gm_error *e)
{
    return e->cause == GM_DEADLINE && e->upstream_status == 0;
}

/* Between half and the whole of a pause that doubles, or what upstream asks for. */
static uint32_t pause_ms(const struct gm_error *e, const struct retry_state *s)
{
    uint32_t half = ((uint32_t)PAUSE_MS << (s->attempts_made - 1)) / 2;
    uint32_t asked = e->retry_after_s < DAY_S ? e->retry_after_s * 1000 : DAY_S * 1000;
    uint32_t own = half + s->random % (half + 1);

    return asked > own ? asked : own;
}

bool retry_again(const struct gm_error *e, const struct retry_state *s, struct retry_plan *ret)
{
    struct retry_plan plan = {.costs = true};

    if (s->answer_began || s->attempts_made >= s->attempts_max || is_about_the_request(e) ||
        is_own_limit(e))
        return false;
    switch (POLICY[e->cause].again) {
    case NEVER: return false;
    case OTHER_KEY:
        /* It teaches something about that key, and costs upstream next to nothing. */
        plan.costs = false;
        if (s->own_key)
            return false;
        break;
    case ONCE:
        if (s->attempts_made > 1)
            return false;
        plan.after_ms = pause_ms(e, s);
        break;
    case LATER:
        plan.costs = e->cause != GM_UNREACHABLE; /* nothing has reached upstream */
        plan.after_ms = pause_ms(e, s);
        break;
    }
    if (plan.after_ms > PAUSE_MAX_MS || s->left_ms < plan.after_ms + LEAST_MS)
        return false;
    *ret = plan;
    return true;
}

uint32_t retry_after_header(struct http_headers h)
{
    struct str value = http_header_get(h, S("retry-after"));
    uint64_t s;

    if (value.n == 0)
        return 0;
    if (!str_u64(value, UINT64_MAX, &s))
        return UNKNOWN_S;
    return s < 1 ? 1 : s < DAY_S ? (uint32_t)s : DAY_S;
}

static enum gm_cause cause_of(const struct client_fault *f)
{
    if (f->err == E_FIELD) /* only the key is foreign in a request's head */
        return GM_KEY_INVALID;
    if (f->err == E_TOOBIG &&
        f->phase == CLIENT_CONNECT) /* our own queue for connections is full */
        return GM_BUSY;
    if (f->phase <= CLIENT_TLS)
        return GM_UNREACHABLE;
    if (f->err == E_TIMEOUT)
        return GM_DEADLINE;
    return GM_BROKEN;
}

void retry_error_of(struct gm_error *e, const struct client_fault *f)
{
    char text[256];

    snprintf(text, sizeof text, "upstream failed (%s, %s): %s", client_phase_name(f->phase),
             err_name(f->err), f->what ? f->what : "no reason given");
    gm_error_make(e, cause_of(f), str_z(text));
}
