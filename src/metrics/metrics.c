/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics.c - counting. Must not know who asks, nor how it is spelled for him. */
#include "metrics/metrics_impl.h"

#include "base/mem.h"

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_zalloc(sizeof *m);

    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i <= METRICS_SERIES_MAX; i++)
        mem_free(m->series[i]);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

static struct series *series_new(struct str model, const char *dialect)
{
    struct series *s = mem_zalloc(sizeof *s);

    model = str_sub(model, 0, sizeof s->model - 1);
    memcpy(s->model, model.p, model.n);
    s->dialect = dialect;
    return s;
}

/* Words of our own, which mostly are the very same ones. */
static bool same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

/* A model's name is the client's choice: the first that come have a series each. */
struct series *metrics_series(struct metrics *m, struct str model, const char *dialect)
{
    struct series **other = &m->series[METRICS_SERIES_MAX];

    model = str_sub(model, 0, METRICS_MODEL_MAX - 1);
    for (size_t i = 0; i < m->nseries; i++)
        if (str_eq(str_z(m->series[i]->model), model) && same(m->series[i]->dialect, dialect))
            return m->series[i];
    if (m->nseries < METRICS_SERIES_MAX)
        return m->series[m->nseries++] = series_new(model, dialect);
    if (*other == NULL)
        *other = series_new(S("other"), "other");
    return *other;
}

struct outcome *metrics_outcome(struct metrics *m, const char *dialect, int status, const char *end)
{
    struct outcome *o;

    for (size_t i = 0; i < m->noutcomes; i++) {
        o = &m->outcomes[i];
        if (o->status == status && same(o->dialect, dialect) && same(o->end, end))
            return o;
    }
    o = &m->outcomes[m->noutcomes];
    if (m->noutcomes < METRICS_OUTCOMES_MAX) {
        m->noutcomes++;
        *o = (struct outcome){dialect, end, status, 0};
    } else if (o->dialect == NULL) {
        *o = (struct outcome){"other", "other", 0, 0};
    }
    return o;
}

void metrics_began(struct metrics *m)
{
    pthread_mutex_lock(&m->lock);
    m->in_flight++;
    pthread_mutex_unlock(&m->lock);
}

/* Only what was served says how long serving takes. */
static void count_served(struct series *s, const struct metrics_request *r)
{
    histogram_add(&s->duration, HISTOGRAM_DURATION, r->ms);
    if (r->first_ms > 0)
        histogram_add(&s->first_token, HISTOGRAM_FIRST_TOKEN, r->first_ms);
}

/* Also of what was cut off: it is paid for. */
static void count_tokens(struct series *s, const struct metrics_request *r)
{
    if (r->input > 0)
        histogram_add(&s->input, HISTOGRAM_TOKENS, r->input);
    if (r->output > 0)
        histogram_add(&s->output, HISTOGRAM_TOKENS, r->output);
    s->cached += r->cached;
    s->thoughts += r->thoughts;
}

void metrics_ended(struct metrics *m, const struct metrics_request *r)
{
    pthread_mutex_lock(&m->lock);
    m->in_flight--;
    if (r->upstream != NULL)
        m->upstream = *r->upstream;
    metrics_outcome(m, r->dialect, r->status, r->end)->n++;
    if (r->model.n > 0 && r->attempts > 0) {
        struct series *s = metrics_series(m, r->model, r->dialect);

        s->attempts += r->attempts;
        if (r->first_ms > 0 || r->output > 0)
            count_served(s, r);
        count_tokens(s, r);
    }
    pthread_mutex_unlock(&m->lock);
}

void metrics_count(struct metrics *m, enum metrics_event e)
{
    pthread_mutex_lock(&m->lock);
    m->events[e]++;
    pthread_mutex_unlock(&m->lock);
}

void metrics_repairs_add(struct metrics *m, const char *name, uint64_t n)
{
    for (size_t i = 0; i < METRICS_REPAIRS_MAX; i++) {
        struct repair *r = &m->repairs[i];

        if (r->name == NULL)
            r->name = name;
        if (str_eq(str_z(r->name), str_z(name))) {
            r->n += n;
            return;
        }
    }
}

void metrics_repaired(struct metrics *m, const char *name)
{
    pthread_mutex_lock(&m->lock);
    metrics_repairs_add(m, name, 1);
    pthread_mutex_unlock(&m->lock);
}

void metrics_waiting(struct metrics *m, uint64_t n)
{
    pthread_mutex_lock(&m->lock);
    m->waiting = n;
    pthread_mutex_unlock(&m->lock);
}

uint64_t metrics_in_flight(struct metrics *const *v, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&v[i]->lock);
        sum += v[i]->in_flight;
        pthread_mutex_unlock(&v[i]->lock);
    }
    return sum;
}
