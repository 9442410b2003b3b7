/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* print.c - the workers' counts as one page of Prometheus' text format. */
#include "metrics/metrics_impl.h"

#include "base/mem.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_putf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    head(out, name, type, help);
    buf_putf(out, "%s %llu\n", name, (unsigned long long)value);
}

/* A label's value: backslash, quote and line end are escaped, other control bytes left out. */
static void put_value(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            buf_putc(out, '\\');
        if ((unsigned char)*value >= ' ')
            buf_putc(out, *value);
    }
}

static void put_label(struct buf *out, const char *name, const char *value)
{
    buf_putf(out, "%s%s=\"", out->n ? "," : "", name);
    put_value(out, value);
    buf_putc(out, '"');
}

static void series_labels(struct buf *out, const struct series *s, const char *token_type)
{
    buf_reset(out);
    put_label(out, "gen_ai_operation_name", "chat");
    put_label(out, "gen_ai_provider_name", "gcp.gemini");
    put_label(out, "gen_ai_request_model", s->model);
    put_label(out, "queqiao_dialect", s->dialect);
    if (token_type != NULL)
        put_label(out, "gen_ai_token_type", token_type);
}

/* The sum of all workers, in a struct metrics of our own. */
static void merge(struct metrics *sum, struct metrics *from)
{
    pthread_mutex_lock(&from->lock);
    for (size_t i = 0; i <= METRICS_SERIES_MAX; i++) {
        const struct series *f = from->series[i];
        struct series *t;

        if (f == NULL)
            continue;
        t = metrics_series(sum, str_z(f->model), f->dialect);
        histogram_merge(&t->duration, &f->duration);
        histogram_merge(&t->first_token, &f->first_token);
        histogram_merge(&t->input, &f->input);
        histogram_merge(&t->output, &f->output);
        t->cached += f->cached;
        t->thoughts += f->thoughts;
        t->attempts += f->attempts;
    }
    for (size_t i = 0; i <= METRICS_OUTCOMES_MAX; i++)
        if (from->outcomes[i].dialect != NULL)
            metrics_outcome(sum, from->outcomes[i].dialect, from->outcomes[i].status,
                            from->outcomes[i].end)
                ->n += from->outcomes[i].n;
    sum->in_flight += from->in_flight;
    sum->waiting += from->waiting;
    for (size_t i = 0; i < METRICS_EVENTS; i++)
        sum->events[i] += from->events[i];
    for (size_t i = 0; i < METRICS_REPAIRS_MAX && from->repairs[i].name != NULL; i++)
        metrics_repairs_add(sum, from->repairs[i].name, from->repairs[i].n);
    sum->upstream.connections += from->upstream.connections;
    sum->upstream.requests += from->upstream.requests;
    sum->upstream.reused += from->upstream.reused;
    sum->upstream.retried_dead += from->upstream.retried_dead;
    pthread_mutex_unlock(&from->lock);
}

/* The histograms, a row each. */
static const struct {
    const char *name, *help, *token_type;
    enum histogram_kind kind;
    size_t field;
} HISTOGRAMS[] = {
    {"gen_ai_server_request_duration_seconds",    "From a request's arrival to its answer's end.",
     NULL,                                                                                                   HISTOGRAM_DURATION,    offsetof(struct series, duration)   },
    {"gen_ai_server_time_to_first_token_seconds", "From a request's arrival to its first token.",
     NULL,                                                                                                   HISTOGRAM_FIRST_TOKEN, offsetof(struct series, first_token)},
    {"gen_ai_client_token_usage",
     "Tokens of a request, as upstream counted them; estimated, where it was cut off before.",     "input",  HISTOGRAM_TOKENS,      offsetof(struct series, input)      },
    {"gen_ai_client_token_usage",                 NULL,                                            "output", HISTOGRAM_TOKENS,
     offsetof(struct series,                                                                                                                                output)     },
};

/* And the counters. */
static const struct {
    const char *name, *help;
    size_t field;
} COUNTERS[] = {
    {"queqiao_upstream_attempts_total", "Requests sent upstream, repeated ones included.",
     offsetof(struct series, attempts)},
    {"queqiao_cached_tokens_total",     "Input tokens that upstream took from its cache.",
     offsetof(struct series, cached)  },
    {"queqiao_reasoning_tokens_total",  "Output tokens that were thoughts.",
     offsetof(struct series, thoughts)},
};

static void print_series(const struct metrics *m, struct buf *out)
{
    struct buf labels;

    buf_init(&labels, 1024);
    for (size_t row = 0; row < NELEM(HISTOGRAMS); row++) {
        if (HISTOGRAMS[row].help != NULL)
            head(out, HISTOGRAMS[row].name, "histogram", HISTOGRAMS[row].help);
        for (size_t i = 0; i <= METRICS_SERIES_MAX; i++)
            if (m->series[i] != NULL) {
                const void *h = (const char *)m->series[i] + HISTOGRAMS[row].field;

                series_labels(&labels, m->series[i], HISTOGRAMS[row].token_type);
                histogram_print(h, HISTOGRAMS[row].kind, HISTOGRAMS[row].name, buf_str(&labels),
                                out);
            }
    }
    for (size_t row = 0; row < NELEM(COUNTERS); row++) {
        head(out, COUNTERS[row].name, "counter", COUNTERS[row].help);
        for (size_t i = 0; i <= METRICS_SERIES_MAX; i++)
            if (m->series[i] != NULL) {
                const void *n = (const char *)m->series[i] + COUNTERS[row].field;

                series_labels(&labels, m->series[i], NULL);
                buf_putf(out, "%s{%.*s} %llu\n", COUNTERS[row].name, S_ARG(buf_str(&labels)),
                         (unsigned long long)*(const uint64_t *)n);
            }
    }
    buf_fini(&labels);
}

static void print_outcomes(const struct metrics *m, struct buf *out)
{
    head(out, "queqiao_requests_total", "counter", "Requests that are over, by how they ended.");
    for (size_t i = 0; i <= METRICS_OUTCOMES_MAX; i++)
        if (m->outcomes[i].dialect != NULL)
            buf_putf(out, "queqiao_requests_total{dialect=\"%s\",status=\"%d\",end=\"%s\"} %llu\n",
                     m->outcomes[i].dialect, m->outcomes[i].status, m->outcomes[i].end,
                     (unsigned long long)m->outcomes[i].n);
}

/* Rows of one name stand together; the first has the help. */
static const struct {
    enum metrics_event event;
    const char *name, *help, *label;
} EVENTS[] = {
    {METRICS_RETRIED,           "queqiao_retries_total",
     "Requests sent upstream once more, by what became of the wish.",                              "outcome=\"sent\""  },
    {METRICS_RETRY_DENIED,      "queqiao_retries_total",       NULL,                               "outcome=\"denied\""},
    {METRICS_GLITCHED,          "queqiao_empty_answers_total",
     "Answers with nothing in them, or with a spoilt call, asked for again.",                      NULL                },
    {METRICS_WAIT_SERVED,       "queqiao_quota_waits_total",
     "Requests that waited for quota, by how the wait ended.",                                     "end=\"served\""    },
    {METRICS_WAIT_REFUSED,      "queqiao_quota_waits_total",   NULL,                               "end=\"refused\""   },
    {METRICS_WAIT_LEFT,         "queqiao_quota_waits_total",   NULL,                               "end=\"left\""      },
    {METRICS_LINE_FULL,         "queqiao_quota_waits_total",   NULL,                               "end=\"full\""      },
    {METRICS_FELL_FOR_QUOTA,    "queqiao_fallbacks_total",
     "Requests that went to another model instead, by why.",                                       "why=\"quota\""     },
    {METRICS_FELL_FOR_OVERLOAD, "queqiao_fallbacks_total",     NULL,                               "why=\"overloaded\""},
    {METRICS_FELL_FOR_ABSENCE,  "queqiao_fallbacks_total",     NULL,                               "why=\"not_found\"" },
    {METRICS_FETCHED,           "queqiao_fetches_total",
     "Files that requests named by address, fetched here.",                                        "outcome=\"here\""  },
    {METRICS_UNFETCHED,         "queqiao_fetches_total",       NULL,                               "outcome=\"failed\""},
    {METRICS_HEDGED,            "queqiao_hedges_total",
     "Requests that were sent to a second project because the first was late.",                    NULL                },
    {METRICS_HEDGE_WON,         "queqiao_hedges_won_total",    "Of them, answered by the second.", NULL                },
    {METRICS_CONTINUED,         "queqiao_continuations_total",
     "Answers that stopped midway and were asked to go on.",                                       NULL                },
};
static_assert(NELEM(EVENTS) == METRICS_EVENTS, "every event is printed");

static void print_events(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < NELEM(EVENTS); i++) {
        if (EVENTS[i].help != NULL)
            head(out, EVENTS[i].name, "counter", EVENTS[i].help);
        if (EVENTS[i].label != NULL)
            buf_putf(out, "%s{%s} ", EVENTS[i].name, EVENTS[i].label);
        else
            buf_putf(out, "%s ", EVENTS[i].name);
        buf_putf(out, "%llu\n", (unsigned long long)m->events[EVENTS[i].event]);
    }
}

static void print_repairs(const struct metrics *m, struct buf *out)
{
    head(out, "queqiao_repairs_total", "counter",
         "Requests sent again without what upstream would not take, by what that was.");
    for (size_t i = 0; i < METRICS_REPAIRS_MAX && m->repairs[i].name != NULL; i++)
        buf_putf(out, "queqiao_repairs_total{remedy=\"%s\"} %llu\n", m->repairs[i].name,
                 (unsigned long long)m->repairs[i].n);
}

static void put_ms_as_s(struct buf *out, uint64_t ms)
{
    buf_putf(out, "%llu.%03u\n", (unsigned long long)ms / 1000, (unsigned)(ms % 1000));
}

static void put_way(struct buf *out, const char *name, const struct metrics_way *w)
{
    buf_putf(out, "%s{place=\"%zu\",way=\"", name, w->place);
    put_value(out, w->name);
    buf_putc(out, '"');
}

static void print_ways(const struct metrics_process *p, struct buf *out)
{
    head(out, "queqiao_egress_up", "gauge",
         "1: the way out leads to upstream, as far as is known.");
    for (size_t i = 0; i < p->nway; i++) {
        put_way(out, "queqiao_egress_up", &p->way[i]);
        buf_putf(out, "} %d\n", p->way[i].why == NULL);
    }
    head(out, "queqiao_egress_in_use", "gauge", "1: where requests without a way of their own go.");
    for (size_t i = 0; i < p->nway; i++) {
        put_way(out, "queqiao_egress_in_use", &p->way[i]);
        buf_putf(out, "} %d\n", p->way[i].in_use);
    }
    head(out, "queqiao_egress_back_seconds", "gauge", "Until one that does not is tried again.");
    for (size_t i = 0; i < p->nway; i++)
        if (p->way[i].why != NULL) {
            put_way(out, "queqiao_egress_back_seconds", &p->way[i]);
            buf_putf(out, ",reason=\"%s\"} ", p->way[i].why);
            put_ms_as_s(out, p->way[i].back_ms);
        }
    head(out, "queqiao_egress_in_flight", "gauge", "Requests under way on it.");
    for (size_t i = 0; i < p->nway; i++) {
        put_way(out, "queqiao_egress_in_flight", &p->way[i]);
        buf_putf(out, "} %llu\n", (unsigned long long)p->way[i].in_flight);
    }
    head(out, "queqiao_egress_failures_total", "counter",
         "Requests that did not reach upstream on it, or whose location upstream refused.");
    for (size_t i = 0; i < p->nway; i++) {
        put_way(out, "queqiao_egress_failures_total", &p->way[i]);
        buf_putf(out, ",reason=\"failing\"} %llu\n", (unsigned long long)p->way[i].failed);
        put_way(out, "queqiao_egress_failures_total", &p->way[i]);
        buf_putf(out, ",reason=\"refused\"} %llu\n", (unsigned long long)p->way[i].refused);
    }
}

/* A counter's value for one value of its label. */
struct labelled {
    const char *label;
    uint64_t n;
};

static void put_labelled(struct buf *out, const char *name, const char *label,
                         const struct labelled *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putf(out, "%s{%s=\"%s\"} %llu\n", name, label, v[i].label, (unsigned long long)v[i].n);
}

static void print_keys(const struct metrics_process *p, struct buf *out)
{
    const struct labelled reasons[] = {
        {"credit",    p->out_credit   },
        {"invalid",   p->out_invalid  },
        {"forbidden", p->out_forbidden},
        {"leaked",    p->out_leaked   },
    };

    head(out, "queqiao_key_up", "gauge", "1: the key may be used; 0: it is out for every model.");
    for (size_t i = 0; i < p->nkey; i++)
        buf_putf(out, "queqiao_key_up{key=\"%zu\",project=\"%u\"} %d\n", p->key[i].place,
                 p->key[i].project, p->key[i].why == NULL);
    head(out, "queqiao_key_back_seconds", "gauge", "Until a key that is out is tried again.");
    for (size_t i = 0; i < p->nkey; i++)
        if (p->key[i].why != NULL) {
            buf_putf(out, "queqiao_key_back_seconds{key=\"%zu\",reason=\"%s\"} ", p->key[i].place,
                     p->key[i].why);
            if (p->key[i].back_ms == UINT64_MAX)
                buf_lit(out, "+Inf\n");
            else
                put_ms_as_s(out, p->key[i].back_ms);
        }
    head(out, "queqiao_keys_put_out_total", "counter",
         "Keys that upstream refused, so that they are out for every model, by why.");
    put_labelled(out, "queqiao_keys_put_out_total", "reason", reasons, NELEM(reasons));
    head(out, "queqiao_key_in_flight", "gauge", "Requests under way with the key.");
    for (size_t i = 0; i < p->nkey; i++)
        buf_putf(out, "queqiao_key_in_flight{key=\"%zu\"} %llu\n", p->key[i].place,
                 (unsigned long long)p->key[i].in_flight);
}

static void lane_labels(struct buf *out, const char *name, const struct metrics_lane *l)
{
    buf_putf(out, "%s{project=\"%u\",model=\"", name, l->project);
    put_value(out, l->model);
    buf_putc(out, '"');
}

/* Of the limits that are known. */
static void print_quota(const struct metrics_process *p, const char *name, bool spent,
                        struct buf *out)
{
    for (size_t i = 0; i < p->nlane; i++)
        for (size_t q = 0; q < METRICS_QUOTAS; q++)
            if (p->lane[i].quota[q].limit > 0) {
                lane_labels(out, name, &p->lane[i]);
                buf_putf(out, ",quota=\"%s\"} %llu\n", p->lane[i].quota[q].name,
                         (unsigned long long)(spent ? p->lane[i].quota[q].spent
                                                    : p->lane[i].quota[q].limit));
            }
}

static void print_lanes(const struct metrics_process *p, struct buf *out)
{
    head(out, "queqiao_quota_limit", "gauge", "Limits of a project, as refusals named them.");
    print_quota(p, "queqiao_quota_limit", false, out);
    head(out, "queqiao_quota_spent", "gauge", "Of them, spent in the window that runs.");
    print_quota(p, "queqiao_quota_spent", true, out);
    head(out, "queqiao_quota_back_seconds", "gauge", "Until a quota that is used up is back.");
    for (size_t i = 0; i < p->nlane; i++)
        if (p->lane[i].why != NULL) {
            lane_labels(out, "queqiao_quota_back_seconds", &p->lane[i]);
            buf_putf(out, ",reason=\"%s\"} ", p->lane[i].why);
            put_ms_as_s(out, p->lane[i].back_ms);
        }
}

/* The number of open descriptors; 0 where /proc is missing. */
static uint64_t open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (d == NULL)
        return 0;
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n > 3 ? n - 3 : 0; /* `.`, `..` and the folder's own */
}

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long all = 0;
    unsigned long long resident = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void print_process(const struct metrics_process *p, struct buf *out)
{
    const struct labelled outcomes[] = {
        {"served",  p->key_served },
        {"limited", p->key_limited},
        {"refused", p->key_refused},
        {"failed",  p->key_failed },
    };
    const struct labelled limits[] = {
        {"connections",   p->over_connections},
        {"address",       p->over_address    },
        {"auth_failures", p->over_failures   },
        {"token",         p->over_token      },
    };
    struct rusage use = {0};
    int64_t us;

    getrusage(RUSAGE_SELF, &use);
    us = (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
         use.ru_stime.tv_usec;
    head(out, "process_cpu_seconds_total", "counter", "CPU time of the process.");
    buf_putf(out, "process_cpu_seconds_total %lld.%06lld\n", (long long)us / 1000000,
             (long long)us % 1000000);
    one(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    one(out, "process_open_fds", "gauge", "Open descriptors.", open_files());
    one(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.",
        (uint64_t)p->start_s);
    one(out, "queqiao_memory_counted_bytes", "gauge", "Bodies, events and queues.",
        p->memory_counted);
    one(out, "queqiao_memory_budget_bytes", "gauge", "What they may take together.",
        p->memory_budget);
    one(out, "queqiao_log_lines_dropped_total", "counter", "Log lines that could not be written.",
        p->log_dropped);
    one(out, "queqiao_keys", "gauge", "Gemini API keys of this server.", p->keys);
    one(out, "queqiao_keys_resting", "gauge", "Of them, out for every model.", p->keys_resting);
    head(out, "queqiao_key_requests_total", "counter",
         "Requests on our keys, by what became of them.");
    put_labelled(out, "queqiao_key_requests_total", "outcome", outcomes, NELEM(outcomes));
    head(out, "queqiao_turned_away_total", "counter",
         "Connections and requests over a limit, by the limit.");
    put_labelled(out, "queqiao_turned_away_total", "limit", limits, NELEM(limits));
    one(out, "queqiao_workers", "gauge", "Event loops.", p->workers);
    one(out, "queqiao_draining", "gauge", "1 from the signal to stop on.", p->draining);
    head(out, "queqiao_build_info", "gauge", "1; the version is the label.");
    buf_putf(out, "queqiao_build_info{version=\"%s\"} 1\n", p->version);
}

void metrics_print(struct metrics *const *v, size_t n, const struct metrics_process *p,
                   struct buf *out)
{
    struct metrics *sum = metrics_new();

    for (size_t i = 0; i < n; i++)
        merge(sum, v[i]);
    print_series(sum, out);
    print_outcomes(sum, out);
    one(out, "queqiao_requests_in_flight", "gauge", "Requests in work.", sum->in_flight);
    one(out, "queqiao_quota_waiting", "gauge", "Requests that wait for quota.", sum->waiting);
    print_events(sum, out);
    print_repairs(sum, out);
    one(out, "queqiao_upstream_connections_total", "counter", "Connections opened to upstream.",
        sum->upstream.connections);
    one(out, "queqiao_upstream_requests_total", "counter", "Requests given to the client.",
        sum->upstream.requests);
    one(out, "queqiao_upstream_reused_total", "counter", "Of them, on a pooled connection.",
        sum->upstream.reused);
    one(out, "queqiao_upstream_replaced_total", "counter",
        "Of them, sent anew because the pooled connection was dead.", sum->upstream.retried_dead);
    print_process(p, out);
    print_keys(p, out);
    print_lanes(p, out);
    print_ways(p, out);
    metrics_free(sum);
}
