/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_sim.c - a day of ten keys in three projects, on a clock of its own.
 *
 * What must come out: hardly less is served than the quotas allow, and in no window of a quota,
 * from the first one on, is more than one 429 wasted. A 429 is wasted when a refusal had told it:
 * of the same project, model, quota and window, received before the request was sent, by a key
 * known to be of the same project, as far as the answers tell that (keys_observer.h). The others
 * teach where a limit is and which keys share it. Nothing but the answers tells that to anybody, so
 * the other policies are judged by the same observer.
 *
 * The same trace of requests is played against the same emulated quotas four times: by somebody who
 * knows everything (what the quotas allow), by keys/, by round-robin, and by "cool the key for 60
 * seconds". Refusals travel as upstream's JSON, through gemini/ and proxy/retry, as they do in the
 * product. The day begins at noon US Pacific, so that the day's quotas are renewed in its middle.
 *
 * Upstream's minute is not documented: it is played both as the calendar's and as any sixty
 * seconds. `SIM_VERBOSE=1` lists the refusals one by one. */
#include "keys_observer.h"

#include "base/mem.h"
#include "keys/pacific.h"
#include "proxy/retry.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 10, PROJECTS = 3, MODELS = 3, RPM = 0, TPM, RPD, KINDS };
static_assert((int)KEYS == OBSERVED_KEYS && (int)MODELS == OBSERVED_MODELS &&
                  (int)KINDS == OBSERVED_KINDS,
              "the observer sees them all");
enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS,
    MINUTES = DAY_MS / MINUTE_MS,
    START_MS = 1000 * 1000,    /* monotonic, when the day begins */
    WAIT_BOUND_MS = 20 * 1000, /* how long a client is kept waiting for quota */
    ATTEMPTS_MAX = 3,
    LEARNING_COST = 3 * KEYS, /* strangers that may be asked in a day */
    LOG_MAX = 4096,           /* accepted requests of one project and model in a minute */
};
/* Saturday noon, US Pacific; the night after it has a change of clocks. */
static const int64_t START_WALL_S = 1793473200;

static const unsigned PROJECT_OF[KEYS] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
static const char *const MODEL[MODELS] = {"gemini-2.5-flash", "gemini-2.5-pro",
                                          "gemini-2.5-flash-lite"};
/* Two free projects and a paid one; 0: no such limit. */
static const uint64_t LIMIT[PROJECTS][MODELS][KINDS] = {
    {{10, 250000, 500},  {5, 125000, 100},   {15, 250000, 1000}},
    {{15, 250000, 1500}, {5, 250000, 100},   {30, 250000, 1500}},
    {{60, 1000000, 0},   {25, 500000, 1000}, {100, 1000000, 0} },
};

/* The trace */
struct request {
    uint64_t at_ms;
    unsigned model;
    uint32_t tokens, estimate;
    uint64_t conversation;
};
static struct request *trace;
static size_t ntrace;

static uint64_t rng;
static uint64_t next_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng * 0x2545f4914f6cdd1dU;
}
static double uniform(void)
{
    return (double)(next_random() >> 11) / 9007199254740992.0;
}
static double exponential(double mean)
{
    double u = uniform();
    double x = 0;

    /* -ln(u) by halving: no need of the mathematics library */
    while (u < 0.5) {
        u *= 2;
        x += 0.6931471805599453;
    }
    u = (1 - u) / (1 + u);
    return mean * (x + 2 * (u + u * u * u / 3 + u * u * u * u * u / 5));
}

/* Requests a minute: quiet at night, most in the afternoon. */
static double demand(unsigned model, uint64_t t_ms)
{
    static const double least[MODELS] = {15, 3, 20};
    static const double most[MODELS] = {160, 50, 190};
    double hour = (double)t_ms / HOUR_MS; /* 0: noon */
    double x = hour < 12 ? 1 - hour / 12 : (hour - 12) / 12;

    return least[model] + (most[model] - least[model]) * x * x;
}

static void make_trace(uint64_t seed)
{
    size_t room = 1 << 18;

    rng = seed;
    ntrace = 0;
    mem_free(trace);
    trace = mem_alloc(room * sizeof *trace);
    for (uint64_t t = 0; t < DAY_MS && ntrace < room;) {
        double rate = demand(0, t) + demand(1, t) + demand(2, t);
        double which;
        struct request *r = &trace[ntrace];

        t += (uint64_t)(exponential(MINUTE_MS / rate)) + 1;
        which = uniform() * rate;
        *r = (struct request){.at_ms = t};
        r->model = which < demand(0, t) ? 0 : which < demand(0, t) + demand(1, t) ? 1 : 2;
        r->tokens = 100 + (uint32_t)exponential(r->model == 1 ? 12000 : 6000);
        r->estimate = (uint32_t)((double)r->tokens * (0.6 + 0.8 * uniform()));
        r->conversation = uniform() < 0.5 ? 0 : 1 + next_random() % 200;
        if (t < DAY_MS)
            ntrace++;
    }
}

/* Upstream */
struct meter {
    uint64_t minute;   /* the calendar's, of `spent` */
    uint64_t spent[2]; /* requests and tokens of that minute */
    uint64_t day_spent;
    int64_t day_ends_s;
    struct {
        uint64_t at_ms;
        uint32_t tokens;
    } log[LOG_MAX]; /* a ring: what was accepted lately */
    size_t first, n;
    uint64_t log_tokens;
    uint32_t taught[KINDS][MINUTES + 2][LESSONS]; /* refusals in each window */
};
static struct meter *meters; /* [PROJECTS][MODELS] */
static struct observer observer;
static bool sliding;

static int64_t wall_of(uint64_t t_ms)
{
    return START_WALL_S + (int64_t)(t_ms / 1000);
}

static void meter_roll(struct meter *m, uint64_t t)
{
    if (t / MINUTE_MS != m->minute) {
        m->minute = t / MINUTE_MS;
        m->spent[0] = m->spent[1] = 0;
    }
    while (m->n > 0 && m->log[m->first].at_ms + MINUTE_MS <= t) {
        m->log_tokens -= m->log[m->first].tokens;
        m->first = (m->first + 1) % LOG_MAX;
        m->n--;
    }
    if (wall_of(t) >= m->day_ends_s) {
        m->day_ends_s = pacific_next_midnight(wall_of(t));
        m->day_spent = 0;
    }
}

static uint64_t minute_spent(const struct meter *m, int kind)
{
    if (!sliding)
        return m->spent[kind];
    return kind == RPM ? m->n : m->log_tokens;
}

static size_t window_of(int kind, uint64_t t)
{
    return kind != RPD ? t / MINUTE_MS : t < DAY_MS / 2 ? 0 : 1;
}

/* What a refusal says. */
struct refusal_body {
    bool over[KINDS];
    uint64_t retry_us;
};

static bool would_accept(struct meter *m, const uint64_t *limit, uint32_t tokens, uint64_t t,
                         struct refusal_body *ret)
{
    *ret = (struct refusal_body){0};
    meter_roll(m, t);
    ret->over[RPD] = limit[RPD] && m->day_spent + 1 > limit[RPD];
    ret->over[RPM] = !ret->over[RPD] && limit[RPM] && minute_spent(m, RPM) + 1 > limit[RPM];
    ret->over[TPM] = !ret->over[RPD] && limit[TPM] && minute_spent(m, TPM) + tokens > limit[TPM];
    return !ret->over[RPD] && !ret->over[RPM] && !ret->over[TPM];
}

/* When it will fit: as upstream tells it, for a day's quota too. */
static uint64_t retry_us(const struct meter *m, const uint64_t *limit, uint32_t tokens, uint64_t t,
                         const struct refusal_body *body)
{
    uint64_t minute = (MINUTE_MS - t % MINUTE_MS) * 1000 + 300;
    uint64_t left[2] = {m->n, minute_spent(m, TPM)};

    if (!sliding || body->over[RPD])
        return minute;
    for (size_t i = 0; i < m->n; i++) {
        size_t at = (m->first + i) % LOG_MAX;

        left[0]--;
        left[1] -= m->log[at].tokens;
        if ((!limit[RPM] || left[0] + 1 <= limit[RPM]) &&
            (!limit[TPM] || left[1] + tokens <= limit[TPM]))
            return (m->log[at].at_ms + MINUTE_MS - t) * 1000 + 300;
    }
    return minute;
}

static void accept(struct meter *m, uint32_t tokens, uint64_t t)
{
    size_t at = (m->first + m->n) % LOG_MAX;

    m->spent[0]++;
    m->spent[1] += tokens;
    m->day_spent++;
    m->log[at].at_ms = t;
    m->log[at].tokens = tokens;
    m->log_tokens += tokens;
    m->n++;
}

static bool upstream(unsigned project, unsigned model, uint32_t tokens, uint64_t t,
                     struct refusal_body *ret)
{
    struct meter *m = &meters[project * MODELS + model];
    const uint64_t *limit = LIMIT[project][model];

    if (would_accept(m, limit, tokens, t, ret)) {
        accept(m, tokens, t);
        return true;
    }
    ret->retry_us = retry_us(m, limit, tokens, t, ret);
    return false;
}

static const char *const QUOTA_ID[2][KINDS] = {
    {"GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
     "GenerateContentInputTokensPerModelPerMinute-FreeTier", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"},
    {"GenerateRequestsPerMinutePerProjectPerModel",
     "GenerateContentPaidTierInputTokensPerModelPerMinute",  "GenerateRequestsPerDayPerProjectPerModel"         },
};

static void spell(const struct refusal_body *r, unsigned project, unsigned model, struct buf *b)
{
    const char *comma = "";

    buf_lit(b, "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please "
               "check your plan and billing details.");
    for (int kind = 0; kind < KINDS; kind++)
        if (r->over[kind])
            buf_putf(b, "\\n* Quota exceeded for metric: x, limit: %llu, model: %s",
                     (unsigned long long)LIMIT[project][model][kind], MODEL[model]);
    buf_putf(b,
             "\\nPlease retry in %llu.%06llus.\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
             "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[",
             (unsigned long long)r->retry_us / 1000000, (unsigned long long)r->retry_us % 1000000);
    for (int kind = 0; kind < KINDS; kind++) {
        if (!r->over[kind])
            continue;
        buf_putf(b,
                 "%s{\"quotaMetric\":\"x\",\"quotaId\":\"%s\",\"quotaDimensions\":{\"location\":"
                 "\"global\",\"model\":\"%s\"},\"quotaValue\":\"%llu\"}",
                 comma, QUOTA_ID[project == 2][kind], MODEL[model],
                 (unsigned long long)LIMIT[project][model][kind]);
        comma = ",";
    }
    buf_putf(b,
             "]},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":"
             "\"%llus\"}]}}",
             (unsigned long long)r->retry_us / 1000000);
}

/* One request on its way, and the events in the order of time: a binary heap. */
struct run {
    unsigned key;
    unsigned attempts;
    const struct key *tried[KEYS_TRIED_MAX];
    struct key_lease lease;
    bool accepted;
    uint64_t arrived_ms;
    struct foresight foresight[KINDS]; /* when it was sent */
    struct refusal_body refusal;
};
enum step { COME, WAKE, ARRIVE, HEAD, RESULT };
struct event {
    uint64_t at_ms;
    uint64_t order;
    enum step step;
    size_t request;
};
static struct event *heap;
static size_t nheap;
static uint64_t norder;

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(uint64_t at_ms, enum step step, size_t request)
{
    struct event e = {at_ms, norder++, step, request};
    size_t i = nheap++;

    for (; i > 0 && is_before(&e, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
}

static struct event pop(void)
{
    struct event top = heap[0];
    struct event last = heap[--nheap];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < nheap; i = child) {
        if (child + 1 < nheap && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &last))
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

/* Who chooses the key. pick: true and *run filled, or the time to ask again (0: never). */
struct policy {
    const char *name;
    bool knows_all; /* is at upstream in no time */
    bool (*pick)(struct run *run, const struct request *r, uint64_t t, uint64_t *ret_again_ms);
    void (*head)(struct run *run, uint64_t t); /* of a good answer */
    void (*done)(struct run *run, const struct request *r, uint64_t t);
};

static struct keys *ring;
static unsigned turn;
static uint64_t cool_until[KEYS];

static struct key_now now_at(uint64_t t)
{
    return (struct key_now){START_MS + t, wall_of(t)};
}

static unsigned number_of(const struct key *key)
{
    return (unsigned)(secret_str(key_secret(key)).p[15] - '0');
}

static bool brain_pick(struct run *run, const struct request *r, uint64_t t, uint64_t *ret_again_ms)
{
    struct key_want want = {.model = str_z(MODEL[r->model]),
                            .now = now_at(t),
                            .tokens = r->estimate,
                            .affinity = r->conversation,
                            .ntried = run->attempts};
    struct key_wait wait;

    memcpy(want.tried, run->tried, sizeof want.tried);
    if (keys_pick(ring, &want, &run->lease, &wait) != KEY_PICKED) {
        *ret_again_ms = t + wait.wait_ms;
        return false;
    }
    run->tried[run->attempts] = run->lease.key;
    run->key = number_of(run->lease.key);
    return true;
}

static void brain_head(struct run *run, uint64_t t)
{
    keys_accepted(ring, &run->lease, now_at(t));
}

static void brain_done(struct run *run, const struct request *r, uint64_t t)
{
    struct key_outcome o = {.result = KEY_SERVED, .now = now_at(t), .tokens_in = r->tokens};
    struct gm_error e;
    struct buf body;

    buf_init(&body, 8192);
    if (!run->accepted) {
        spell(&run->refusal, PROJECT_OF[run->key], r->model, &body);
        buf_put(&body, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
        assert_int_equal(body.err, OK);
        gm_error_read(&e, 429, body.p, body.n - JSON_PAD);
        o.result = retry_blame(&e);
        retry_failure(&e, &o.failure);
    }
    keys_done(ring, &run->lease, &o);
    buf_fini(&body);
}

static bool robin_pick(struct run *run, const struct request *r, uint64_t t, uint64_t *ret_again_ms)
{
    (void)r, (void)t, (void)ret_again_ms;
    run->key = turn++ % KEYS;
    return true;
}

static void no_head(struct run *run, uint64_t t)
{
    (void)run, (void)t;
}

static void robin_done(struct run *run, const struct request *r, uint64_t t)
{
    (void)run, (void)r, (void)t;
}

static bool cool_pick(struct run *run, const struct request *r, uint64_t t, uint64_t *ret_again_ms)
{
    uint64_t first = UINT64_MAX;

    (void)r;
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned key = (turn + i) % KEYS;

        if (cool_until[key] <= t) {
            run->key = key;
            turn = key + 1;
            return true;
        }
        if (cool_until[key] < first)
            first = cool_until[key];
    }
    *ret_again_ms = first;
    return false;
}

static void cool_done(struct run *run, const struct request *r, uint64_t t)
{
    (void)r;
    if (!run->accepted)
        cool_until[run->key] = t + MINUTE_MS;
}

/* Knows every meter; takes the project that has most left of its minute. */
static bool oracle_pick(struct run *run, const struct request *r, uint64_t t,
                        uint64_t *ret_again_ms)
{
    uint64_t best = 0;
    struct refusal_body unused;

    for (unsigned key = 0; key < KEYS; key++) {
        struct meter *m = &meters[PROJECT_OF[key] * MODELS + r->model];
        const uint64_t *limit = LIMIT[PROJECT_OF[key]][r->model];

        if (would_accept(m, limit, r->tokens, t, &unused) &&
            limit[RPM] - minute_spent(m, RPM) > best) {
            best = limit[RPM] - minute_spent(m, RPM);
            run->key = key;
        }
    }
    *ret_again_ms = t + 500;
    return best > 0;
}

struct result {
    const char *name;
    uint64_t served, refusals;
    uint64_t taught[LESSONS];
    unsigned windows;  /* of one quota of one project, in which something was refused */
    unsigned repeated; /* in which more than one was */
    unsigned wasteful; /* in which more than one was wasted */
    unsigned worst;    /* the most in one */
};

static unsigned count_window(struct result *res, const uint32_t taught[LESSONS])
{
    unsigned n = 0;

    for (int i = 0; i < LESSONS; i++) {
        n += taught[i];
        res->taught[i] += taught[i];
    }
    res->refusals += n;
    res->windows += n > 0;
    res->repeated += n > 1;
    res->wasteful += taught[LESSON_WASTED] > 1;
    if (n > res->worst)
        res->worst = n;
    return n;
}

static void count_refusals(struct result *res)
{
    bool verbose = getenv("SIM_VERBOSE") != NULL && strcmp(res->name, "queqiao") == 0;

    for (size_t i = 0; i < (size_t)PROJECTS * MODELS; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            for (size_t w = 0; w < NELEM(meters[i].taught[kind]); w++) {
                const uint32_t *taught = meters[i].taught[kind][w];
                unsigned n = count_window(res, taught);

                if (n > 0 && verbose)
                    printf("  project %zu, %s, %s, window %zu: %u, wasted %u\n", i / MODELS,
                           MODEL[i % MODELS], QUOTA_ID[0][kind], w, n, taught[LESSON_WASTED]);
            }
        }
    }
}

/* Milliseconds to upstream; now and then a new connection. */
static uint64_t travel(void)
{
    return 60 + (uint64_t)exponential(60) + (uniform() < 0.02 ? 700 : 0);
}

/* Those who wait for quota of a model, in the order in which they came; the first of them asks. */
struct queue {
    size_t *v;
    size_t first, n;
};
static struct queue queues[MODELS];
static struct run *runs;

static struct observed_request seen(const struct run *run, const struct request *r, int kind)
{
    return (struct observed_request){run->key, r->model, kind, kind == TPM ? r->tokens : 0};
}

static void send(const struct policy *p, size_t i, uint64_t t)
{
    struct run *run = &runs[i];
    const struct request *r = &trace[i];

    run->attempts++;
    for (int kind = 0; kind < KINDS; kind++) {
        struct observed_request one = seen(run, r, kind);

        run->foresight[kind] = observer_foresee(&observer, &one);
    }
    if (p->knows_all) {
        run->accepted = upstream(PROJECT_OF[run->key], r->model, r->tokens, t, &run->refusal);
        push(t, RESULT, i);
    } else {
        push(t + travel(), ARRIVE, i);
    }
}

/* Sends whom it can; who cannot be served in time goes. */
static void wake(const struct policy *p, unsigned model, uint64_t t)
{
    struct queue *q = &queues[model];

    while (q->n > 0) {
        size_t i = q->v[q->first];
        uint64_t again_ms = 0;

        if (p->pick(&runs[i], &trace[i], t, &again_ms)) {
            send(p, i, t);
        } else if (again_ms > t && again_ms <= trace[i].at_ms + WAIT_BOUND_MS) {
            push(again_ms, WAKE, model);
            return;
        }
        q->first++;
        q->n--;
    }
}

static void come(const struct policy *p, size_t i, uint64_t t)
{
    struct queue *q = &queues[trace[i].model];

    q->v[q->first + q->n++] = i;
    if (q->n == 1)
        wake(p, trace[i].model, t);
}

/* It comes to upstream. */
static void arrive(struct run *run, const struct request *r, uint64_t t)
{
    unsigned project = PROJECT_OF[run->key];

    run->arrived_ms = t;
    run->accepted = upstream(project, r->model, r->tokens, t, &run->refusal);
    for (int kind = 0; !run->accepted && kind < KINDS; kind++) {
        uint32_t *taught = meters[project * MODELS + r->model].taught[kind][window_of(kind, t)];
        bool first = taught[LESSON_FIRST] == 0;

        if (run->refusal.over[kind])
            taught[observer_judge(run->foresight[kind], t, first)]++;
    }
}

/* Its refusal has come back. Of a day's quota it tells no more than the minute's end, but that it
 * is the day's. */
static void observe(const struct run *run, const struct request *r)
{
    uint64_t t = run->arrived_ms;
    int64_t left_s = pacific_next_midnight(wall_of(t)) - wall_of(t);

    for (int kind = 0; kind < KINDS; kind++) {
        struct observed_request one = seen(run, r, kind);
        uint64_t ends = kind == RPD ? (uint64_t)left_s * 1000 : run->refusal.retry_us / 1000;

        if (run->refusal.over[kind])
            observer_refused(&observer, &one, LIMIT[PROJECT_OF[run->key]][r->model][kind], t,
                             t + ends);
    }
}

static void step(const struct policy *p, const struct event *e, struct result *res)
{
    const struct request *r = &trace[e->request];
    struct run *run = &runs[e->request];

    switch (e->step) {
    case COME: come(p, e->request, e->at_ms); break;
    case WAKE: wake(p, (unsigned)e->request, e->at_ms); break;
    case ARRIVE:
        arrive(run, r, e->at_ms);
        push(e->at_ms + 60 + (run->accepted ? 200 + (uint64_t)exponential(1000) : 0),
             run->accepted ? HEAD : RESULT, e->request);
        break;
    case HEAD:
        p->head(run, e->at_ms);
        push(e->at_ms + (uint64_t)exponential(6000), RESULT, e->request);
        break;
    case RESULT:
        p->done(run, r, e->at_ms);
        if (run->accepted) {
            res->served++;
            break;
        }
        observe(run, r);
        if (run->attempts < ATTEMPTS_MAX)
            come(p, e->request, e->at_ms);
        break;
    }
}

static struct result play(const struct policy *p, uint64_t seed)
{
    struct result res = {.name = p->name};

    rng = seed;
    nheap = 0;
    norder = 0;
    turn = 0;
    memset(cool_until, 0, sizeof cool_until);
    observer = (struct observer){.project_of = PROJECT_OF};
    memset(meters, 0, PROJECTS * MODELS * sizeof *meters);
    runs = mem_zalloc(ntrace * sizeof *runs);
    heap = mem_alloc((ntrace * 2 + MODELS) * sizeof *heap);
    for (unsigned m = 0; m < MODELS; m++)
        queues[m] = (struct queue){.v = mem_alloc(ntrace * ATTEMPTS_MAX * sizeof(size_t))};
    for (size_t i = 0; i < ntrace; i++)
        push(trace[i].at_ms, COME, i);
    while (nheap > 0) {
        struct event e = pop();

        step(p, &e, &res);
    }
    count_refusals(&res);
    for (unsigned m = 0; m < MODELS; m++)
        mem_free(queues[m].v);
    mem_free(heap);
    mem_free(runs);
    return res;
}

static void print(const struct result *r, const struct result *most)
{
    printf("%-22s %8llu %7.2f %% %8llu", r->name, (unsigned long long)r->served,
           100.0 * (double)r->served / (double)most->served, (unsigned long long)r->refusals);
    for (int i = 0; i < LESSONS; i++)
        printf(" %9llu", (unsigned long long)r->taught[i]);
    printf(" %8u %9u %8u %6u\n", r->windows, r->repeated, r->wasteful, r->worst);
}

static void print_legend(void)
{
    printf(
        "first: of its window; under way: when that came back, or sent when the time that it "
        "named\n"
        "was over; stranger: of a key that was not known to share the project; wasted: told "
        "before\n"
        "it was sent. windows: of one quota of one project, with a 429; repeated: with more than\n"
        "one; wasteful: with more than one that was wasted; worst: the most in one\n");
}

static void with_keys(void)
{
    struct str values[KEYS];
    char text[KEYS][24];

    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(text[i], sizeof text[i], "simulated-key--%u", i);
        values[i] = str_z(text[i]);
    }
    ring = keys_new();
    keys_set(ring, values, KEYS);
}

static const struct policy ORACLE = {"what the quotas allow", true, oracle_pick, no_head,
                                     robin_done};
static const struct policy BRAIN = {"queqiao", false, brain_pick, brain_head, brain_done};
static const struct policy ROBIN = {"round-robin", false, robin_pick, no_head, robin_done};
static const struct policy COOL = {"cool the key for 60 s", false, cool_pick, no_head, cool_done};

static void day(bool slide, uint64_t seed)
{
    struct result most, ours, robin, cool;

    sliding = slide;
    make_trace(seed);
    meters = mem_zalloc(PROJECTS * MODELS * sizeof *meters);
    with_keys();
    most = play(&ORACLE, seed + 1);
    ours = play(&BRAIN, seed + 1);
    robin = play(&ROBIN, seed + 1);
    cool = play(&COOL, seed + 1);
    printf("\n%zu requests in a day, %d keys in %d projects; upstream counts %s\n", ntrace, KEYS,
           PROJECTS, slide ? "any 60 seconds" : "the calendar's minutes");
    printf("                         served   of most     429s     first under way  stranger    "
           "wasted  windows  repeated wasteful  worst\n");
    print(&most, &most);
    print(&ours, &most);
    print(&robin, &most);
    print(&cool, &most);
    print_legend();

    assert_int_equal(most.refusals, 0);
    assert_true(ours.served * 100 >= most.served * 97);
    assert_int_equal(ours.wasteful, 0);
    assert_true(ours.taught[LESSON_STRANGER] <= LEARNING_COST);
    assert_true(ours.refusals < 3 * ours.windows);
    assert_true(robin.wasteful > 0 && cool.wasteful > 0);
    assert_true(ours.served > robin.served && robin.served > cool.served);
    assert_true(ours.refusals * 1000 < robin.refusals && ours.refusals * 1000 < cool.refusals);
    keys_free(ring);
    mem_free(meters);
}

/* `SIM_SEED=n` plays another day. */
static uint64_t seed_or(uint64_t seed)
{
    const char *z = getenv("SIM_SEED");
    uint64_t n = seed;

    return z != NULL && str_u64(str_z(z), UINT32_MAX, &n) && n > 0 ? n : seed;
}

static void calendar_minutes(void **state)
{
    (void)state;
    day(false, seed_or(20261031));
}

static void sliding_minutes(void **state)
{
    (void)state;
    day(true, seed_or(20261101));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_minutes),
        cmocka_unit_test(sliding_minutes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    mem_free(trace);
    return failed;
}
