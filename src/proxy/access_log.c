/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* access_log.c - one line for each exchange, when it is over. Never a prompt, never a secret. */
#include "proxy/exchange_impl.h"

#include "base/log.h"

const char *step_name(enum step s)
{
    static const char *const names[] = {
#define STEP(name) [STEP_##name] = #name,
        STEPS(STEP)
#undef STEP
    };

    return names[s];
}

void access_log(const struct exchange *x)
{
    struct log_line l;
    uint64_t now_ms = loop_now_ms(x->p->loop);
    uint64_t prompt = 0;
    uint64_t output = 0;

    if (!log_on(LOG_INFO))
        return;
    for (unsigned i = 0; i < x->nlegs; i++) {
        const struct gm_usage *u = &x->readers[i].usage;

        prompt += u->prompt + u->tool_use;
        output += u->candidates + u->thoughts;
    }
    log_begin(&l, LOG_INFO, "exchange");
    log_str(&l, "id", str_of(x->id.z, x->id.n));
    log_str(&l, "dialect", str_z(x->d->name));
    if (x->translated) {
        log_str(&l, "model", x->tr.model);
        log_str(&l, "mode", x->tr.stream ? S("stream") : S("whole"));
    }
    if (x->key_tail[0] != '\0')
        log_str(&l, "key", str_z(x->key_tail));
    log_u64(&l, "status", (uint64_t)x->status);
    if (x->first_ms > 0)
        log_u64(&l, "ttft_ms", x->first_ms - x->start_ms);
    log_u64(&l, "ms", now_ms - x->start_ms);
    log_u64(&l, "tok_in", prompt);
    log_u64(&l, "tok_out", output);
    log_u64(&l, "attempts", x->attempts);
    log_str(&l, "step", str_z(step_name(x->step)));
    log_str(&l, "end", str_z(x->end));
    log_end(&l);
}
