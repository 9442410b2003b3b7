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
    [GM_NO_MODEL] = {KEY_SERVED,            NEVER    },
    [GM_TOO_LARGE] = {KEY_SERVED,            NEVER    },
    [GM_RATE] = {KEY_LIMITED,           OTHER_KEY},
    [GM_INTERNAL] = {KEY_BLAMELESS,         ONCE     },
    [GM_OVERLOADED] = {KEY_BLAMELESS,         LATER    },
    [GM_DEADLINE] = {KEY_BLAMELESS,         NEVER    },
    [GM_UNREACHABLE] = {KEY_UNSENT,            LATER    },
    [GM_BROKEN] = {KEY_BLAMELESS,         ONCE     },
    [GM_UNAUTHORIZED] = {KEY_BLAMELESS,         NEVER    },
    [GM_NOT_FOUND] = {KEY_BLAMELESS,         NEVER    },
    [GM_METHOD] = {KEY_BLAMELESS,         NEVER    },
    [GM_OUR_LIMIT] = {KEY_BLAMELESS,         NEVER    },
    [GM_BUSY] = {KEY_BLAMELESS,         NEVER    },
};
static_assert(NELEM(POLICY) == GM_CAUSES, "every cause needs a policy");

enum { PAUSE_MS = 400 };

/* 403 is said of a foreign file as well as of a key. */
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
    for (size_t i = 0; i < e->nviolations && i < KEY_VIOLATIONS_MAX; i++) {
        const struct gm_violation *v = &e->violations[i];

        ret->v[ret->nv++] =
            (struct key_violation){str_z(v->quota_id), str_z(v->model), v->valued, v->value};
    }
}

bool retry_again(const struct gm_error *e, const struct retry_state *s, uint32_t *ret_after_ms)
{
    if (s->answer_began || s->attempts_made >= s->attempts_max || is_about_the_request(e))
        return false;
    switch (POLICY[e->cause].again) {
    case NEVER: return false;
    case OTHER_KEY: *ret_after_ms = 0; return !s->own_key;
    case ONCE:
        if (s->attempts_made > 1)
            return false;
        break;
    case LATER: break;
    }
    /* Between half and the whole of a pause that doubles. */
    *ret_after_ms = ((uint32_t)PAUSE_MS << (s->attempts_made - 1)) / 2;
    *ret_after_ms += s->random % (*ret_after_ms + 1);
    return true;
}

static enum gm_cause cause_of(const struct client_fault *f)
{
    if (f->err == E_FIELD) /* only the key is foreign in a request's head */
        return GM_KEY_INVALID;
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
