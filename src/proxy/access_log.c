/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* access_log.c - one line for each request, when it is over, and its place in the metrics. Never a
 * prompt, never a secret. */
#include "proxy/exchange_impl.h"

#include "base/log.h"
#include "proxy/want.h"

#include <stdio.h>

const char *step_name(enum step s)
{
    static const char *const names[] = {
#define STEP(name) [STEP_##name] = #name,
        STEPS(STEP)
#undef STEP
    };

    return names[s];
}

/* The lines that Function Compute's console looks for. */
static void mark(const struct exchange *x, const char *what)
{
    UNINITIALIZED char line[128];
    int n;

    if (!x->opts->fc_marks)
        return;
    n = snprintf(line, sizeof line, "FC Invoke %s RequestId: %s", what, x->id.z);
    log_plain(str_of(line, (size_t)n));
}

void access_log_began(const struct exchange *x)
{
    metrics_began(x->p->metrics);
    mark(x, "Start");
}

static struct gm_usage sum_usage(const struct exchange *x)
{
    struct gm_usage sum = {0};

    for (unsigned i = 0; i < 2 * x->nlegs; i++) {
        const struct gm_reader *r = &x->readers[i / 2];
        const struct gm_usage *u = i % 2 ? &r->before : &r->usage;

        sum.prompt += u->prompt + u->tool_use;
        sum.candidates += u->candidates + u->thoughts;
        sum.thoughts += u->thoughts;
        sum.cached += u->cached;
    }
    return sum;
}

/* What is cut off before upstream has told its counts is not free (UPS-4): the prompt and what came
 * of the answer are taken by their bytes. False: nothing had to be guessed. */
static bool add_guess(const struct exchange *x, struct gm_usage *sum)
{
    uint64_t prompt = 0, candidates = 0;

    for (unsigned i = 0; i < x->nrunners; i++) {
        const struct leg *leg = &x->legs[i];
        const struct gm_usage *told = &x->readers[leg->choice].usage;

        if (leg->cut && told->prompt == 0)
            prompt += want_tokens(&x->tr.body);
        if (leg->cut && told->candidates + told->thoughts == 0)
            candidates += leg->shown / WANT_BYTES_A_TOKEN;
    }
    sum->prompt += prompt;
    sum->candidates += candidates;
    return prompt + candidates > 0;
}

static void count(const struct exchange *x, const struct gm_usage *u, uint64_t now_ms)
{
    struct client_stats up = client_stats(x->p->client);
    const struct metrics_upstream upstream = {.connections = up.connections_opened,
                                              .requests = up.requests,
                                              .reused = up.reused,
                                              .retried_dead = up.retried_dead};

    metrics_ended(x->p->metrics, &(struct metrics_request){
                                     .dialect = x->d->name,
                                     .end = x->end,
                                     .model = x->translated ? x->tr.model : S(""),
                                     .status = x->status,
                                     .ms = now_ms - x->start_ms,
                                     .first_ms = x->first_ms ? x->first_ms - x->start_ms + 1 : 0,
                                     .input = u->prompt,
                                     .output = u->candidates,
                                     .cached = u->cached,
                                     .thoughts = u->thoughts,
                                     .attempts = x->attempts,
                                     .upstream = &upstream,
                                 });
}

static void log_exchange(const struct exchange *x, const struct gm_usage *u, bool guessed,
                         uint64_t now_ms)
{
    UNINITIALIZED struct log_line l;

    log_begin(&l, LOG_INFO, "exchange");
    log_word(&l, "id", str_of(x->id.z, x->id.n));
    log_word(&l, "dialect", str_z(x->d->name));
    if (x->translated) {
        log_str(&l, "model", x->tr.model);
        if (exchange_fell_back(x))
            log_str(&l, "asked", x->asked);
        log_word(&l, "mode", x->tr.stream ? S("stream") : S("whole"));
    }
    if (x->key_name.z[0] != '\0')
        log_word(&l, "key", str_z(x->key_name.z));
    if (x->way[0] != '\0')
        log_str(&l, "way", str_z(x->way));
    log_u64(&l, "status", (uint64_t)x->status);
    if (x->first_ms > 0)
        log_u64(&l, "ttft_ms", x->first_ms - x->start_ms);
    log_u64(&l, "ms", now_ms - x->start_ms);
    log_u64(&l, "tok_in", u->prompt);
    log_u64(&l, "tok_out", u->candidates);
    log_u64(&l, "tok_cached", u->cached);
    log_u64(&l, "tok_thought", u->thoughts);
    if (guessed)
        log_str(&l, "tok", S("estimated"));
    if (x->links.n > 0 && !x->aside)
        log_u64(&l, "fetched", links_here(x));
    log_u64(&l, "attempts", x->attempts);
    log_word(&l, "step", str_z(step_name(x->step)));
    log_word(&l, "end", str_z(x->end));
    log_end(&l);
}

void access_log(const struct exchange *x)
{
    uint64_t now_ms = loop_now_ms(x->p->loop);
    struct gm_usage usage = sum_usage(x);
    bool guessed = add_guess(x, &usage);

    count(x, &usage, now_ms);
    if (log_on(LOG_INFO))
        log_exchange(x, &usage, guessed, now_ms);
    mark(x, "End");
}

/* A path is whatever somebody pasted into a base URL: a key may be in it. */
static void log_path(struct log_line *l, struct str path)
{
    struct buf clean;

    buf_init(&clean, (size_t)4 * LOG_VALUE_MAX);
    gm_scrub(&clean, str_sub(path, 0, LOG_VALUE_MAX));
    log_str(l, "path", buf_str(&clean));
    buf_fini(&clean);
}

void reply_log(const struct request_id *id, struct call *c, int status)
{
    UNINITIALIZED struct log_line l;

    if (!log_on(LOG_INFO))
        return;
    log_begin(&l, LOG_INFO, "request");
    log_word(&l, "id", str_of(id->z, id->n));
    log_str(&l, "method", http_method_str(call_method(c)));
    log_path(&l, call_path(c));
    log_u64(&l, "status", (uint64_t)status);
    log_end(&l);
}
