/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* status.c - what is known, told to people: a line for each key, a line for each quota, and why
 * nobody can be served. Must not show anything of a key but its name. */
#include "keys/ring_impl.h"

static uint64_t back_ms(const struct key *key, struct key_now now)
{
    if (key->out == KEY_WELL)
        return 0;
    if (key->out_until_ms == KEY_NEVER)
        return KEY_NEVER;
    return key->out_until_ms > now.ms ? key->out_until_ms - now.ms : 0;
}

static struct key_status status_of(const struct key *key, struct key_now now)
{
    struct key_status s = key->totals;

    s.name = key->name;
    s.project = key->project->id;
    s.why = key->out;
    s.back_ms = back_ms(key, now);
    s.in_flight = key->in_flight;
    return s;
}

size_t keys_status(struct keys *k, struct key_now now, struct key_status *v, size_t max)
{
    size_t n;

    pthread_mutex_lock(&k->mutex);
    n = k->n;
    for (size_t i = 0; i < n && i < max; i++)
        v[i] = status_of(k->v[i], now);
    pthread_mutex_unlock(&k->mutex);
    return n;
}

uint64_t keys_put_out(struct keys *k, enum key_why why)
{
    uint64_t n;

    pthread_mutex_lock(&k->mutex);
    n = k->put_out[why];
    pthread_mutex_unlock(&k->mutex);
    return n;
}

static struct lane_status lane_status_of(struct lane *l, unsigned project, struct key_now now)
{
    struct lane_answer a = lane_ask(l, (struct lane_need){0}, now);
    struct lane_status s = {.project = project, .in_flight = l->in_flight};

    memcpy(s.model, l->name, sizeof s.model);
    if (a.gate != LANE_OPEN) {
        s.why = a.why;
        s.back_ms = a.until_ms > now.ms ? a.until_ms - now.ms : 0;
    }
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        s.quota[kind].limit = l->limit[kind].value;
        s.quota[kind].spent = lane_spent(l, (enum quota_kind)kind, now);
    }
    return s;
}

/* A project's lanes are told with the first of its keys. */
static bool is_first(const struct keys *k, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (k->v[j]->project == k->v[i]->project)
            return false;
    return true;
}

size_t keys_lanes(struct keys *k, struct key_now now, struct lane_status *v, size_t max)
{
    size_t n = 0;

    pthread_mutex_lock(&k->mutex);
    for (size_t i = 0; i < k->n; i++) {
        const struct project *p = k->v[i]->project;

        if (list_empty(&p->lanes) || !is_first(k, i))
            continue;
        list_each (link, &p->lanes) {
            if (n < max)
                v[n] = lane_status_of(CONTAINER(link, struct lane, link), p->id, now);
            n++;
        }
    }
    pthread_mutex_unlock(&k->mutex);
    return n;
}

static void say_duration(uint64_t ms, struct buf *out)
{
    uint64_t s = (ms + 999) / 1000;

    if (s >= 3600)
        buf_putf(out, "%llu h %llu min", (unsigned long long)s / 3600,
                 (unsigned long long)s % 3600 / 60);
    else if (s >= 120)
        buf_putf(out, "%llu min", (unsigned long long)(s + 59) / 60);
    else
        buf_putf(out, "%llu s", (unsigned long long)s);
}

void key_wait_say(const struct key_wait *w, struct buf *out)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct key_wait_line *l = &w->lines[i];

        buf_put(out, i ? S("; ") : S(""));
        buf_put(out, str_z(key_why_text(l->why)));
        if (l->limit > 0)
            buf_putf(out, " (limit %llu)", (unsigned long long)l->limit);
        buf_putf(out, ": %u key%s", l->keys, l->keys == 1 ? "" : "s");
        if (l->why >= KEY_NO_CREDIT)
            continue;
        buf_put(out, l->keys == 1 ? S(", back in ") : S(", the first back in "));
        say_duration(l->first_ms, out);
    }
}
