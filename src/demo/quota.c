/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quota.c - rules, and a meter for each project and model. How a 429 is worded is quota_say.c's. */
#include "demo/quota.h"
#include "base/arena.h"
#include "base/mem.h"
#include "codec/json_write.h"

enum {
    PROJECTS_MAX = 64,
    MODELS_MAX = 64,         /* rows of one project */
    HELD_MAX = 256,          /* files and caches of one project */
    PROJECT_KEYS_MAX = 1024, /* of one project */
    METERS_MAX = 1024,
    LOG_MAX = 65536, /* requests of one meter in a minute */
    RULES_MAX = 8 << 20,
    MINUTE_MS = 60 * 1000,
};
#define NO_LIMIT  UINT64_MAX
#define LIMIT_MAX 1000000000000

static const char *const LIMIT_NAMES[EMU_LIMITS] = {"rpm", "tpm", "rpd"};

struct row {
    struct str model; /* "*": any other */
    uint64_t limit[EMU_LIMITS];
};
struct project {
    struct str name;
    bool paid;
    struct str *keys;
    size_t nkeys;
    struct str *held;
    size_t nheld;
    struct row *rows;
    size_t nrows;
};
struct spent {
    int64_t at_ms;
    uint64_t tokens;
};
struct meter {
    size_t project;
    char *model;
    struct spent *log; /* the last minute's, oldest first */
    size_t nlog, room;
    int64_t day;
    uint64_t today, served;
    struct {
        uint64_t all, windows, worst, here;
        int64_t window; /* where `here` was counted */
    } refused[EMU_LIMITS];
};
struct emu_quotas {
    struct arena arena; /* of the rules */
    bool sliding;
    struct project *projects;
    size_t nprojects;
    struct meter *meters;
    size_t nmeters;
};

struct emu_quotas *emu_quotas_new(void)
{
    struct emu_quotas *q = mem_zalloc(sizeof *q);

    arena_init(&q->arena, RULES_MAX);
    return q;
}

void emu_quotas_forget(struct emu_quotas *q)
{
    for (size_t i = 0; i < q->nmeters; i++) {
        mem_free(q->meters[i].model);
        mem_free(q->meters[i].log);
    }
    mem_free(q->meters);
    q->meters = NULL;
    q->nmeters = 0;
}

void emu_quotas_free(struct emu_quotas *q)
{
    if (q == NULL)
        return;
    emu_quotas_forget(q);
    arena_fini(&q->arena);
    mem_free(q);
}

/* ------------------------------------------------------------------ the rules */

static size_t count_members(yyjson_val *obj)
{
    size_t n = 0;

    jr_each_member (key, obj)
        n++;
    return n;
}

/* Room for n things of that size, at most max of them. */
static void *room_for(struct emu_quotas *q, size_t n, size_t max, size_t size, yyjson_val *at,
                      struct fault *why)
{
    void *p = n <= max ? arena_zalloc(&q->arena, (n + 1) * size) : NULL;

    if (p == NULL)
        fault_set(why, E_TOOBIG, "has too many entries", at);
    return p;
}

static enum err read_row(struct row *row, yyjson_val *limits, struct fault *why)
{
    int64_t n;

    for (size_t i = 0; i < EMU_LIMITS; i++) {
        yyjson_val *v = jr_get(limits, LIMIT_NAMES[i]);

        row->limit[i] = NO_LIMIT;
        if (v == NULL)
            continue;
        if (!jr_int(v, 0, LIMIT_MAX, &n))
            return fault_set(why, E_RANGE, "must be a count", v);
        row->limit[i] = (uint64_t)n;
    }
    return OK;
}

static enum err read_project(struct emu_quotas *q, struct project *p, yyjson_val *v,
                             struct fault *why)
{
    yyjson_val *keys = jr_get(v, "keys");
    yyjson_val *holds = jr_get(v, "holds");
    yyjson_val *models = jr_get(v, "models");
    enum err err = OK;

    p->name = arena_dup(&q->arena, jr_str(v, "name"));
    p->paid = jr_bool(v, "paid", false);
    if (p->name.n == 0 || !yyjson_is_arr(keys) || !yyjson_is_obj(models) ||
        (holds != NULL && !yyjson_is_arr(holds)))
        return fault_set(why, E_FIELD, "needs a name, keys and models; holds is a list", v);
    p->keys = room_for(q, yyjson_arr_size(keys), PROJECT_KEYS_MAX, sizeof *p->keys, keys, why);
    p->held = room_for(q, yyjson_arr_size(holds), HELD_MAX, sizeof *p->held, holds, why);
    p->rows = room_for(q, count_members(models), MODELS_MAX, sizeof *p->rows, models, why);
    if (p->keys == NULL || p->held == NULL || p->rows == NULL)
        return E_TOOBIG;
    jr_each (key, keys)
        p->keys[p->nkeys++] = arena_dup(&q->arena, jr_text(key));
    jr_each (name, holds)
        p->held[p->nheld++] = arena_dup(&q->arena, jr_text(name));
    jr_each_member (name, models) {
        p->rows[p->nrows].model = arena_dup(&q->arena, jr_text(name));
        if (err == OK)
            err = read_row(&p->rows[p->nrows++], name + 1, why);
    }
    return err;
}

static enum err read_rules(struct emu_quotas *q, yyjson_val *rules, struct fault *why)
{
    yyjson_val *list = jr_get(rules, "projects");
    enum err err = OK;

    q->sliding = str_eq(jr_str(rules, "minutes"), S("sliding"));
    if (!yyjson_is_obj(rules) || (list != NULL && !yyjson_is_arr(list)))
        return fault_set(why, E_FIELD, "must be an object with a list of projects", rules);
    q->projects = room_for(q, yyjson_arr_size(list), PROJECTS_MAX, sizeof *q->projects, list, why);
    if (q->projects == NULL)
        return E_TOOBIG;
    jr_each (project, list) {
        if (err == OK)
            err = read_project(q, &q->projects[q->nprojects++], project, why);
    }
    return err;
}

enum err emu_quotas_set(struct emu_quotas *q, yyjson_val *rules, struct fault *why)
{
    struct emu_quotas fresh = {0};
    enum err err;

    arena_init(&fresh.arena, RULES_MAX);
    err = read_rules(&fresh, rules, why);
    if (err != OK) {
        arena_fini(&fresh.arena);
        return err;
    }
    emu_quotas_forget(q);
    arena_fini(&q->arena);
    *q = fresh;
    return OK;
}

/* ------------------------------------------------------------------ meters */

static const struct project *project_of(const struct emu_quotas *q, struct str key)
{
    for (size_t i = 0; i < q->nprojects; i++) {
        for (size_t k = 0; k < q->projects[i].nkeys; k++) {
            if (str_eq(q->projects[i].keys[k], key))
                return &q->projects[i];
        }
    }
    return NULL;
}

struct emu_held emu_quotas_held(const struct emu_quotas *q, struct str key)
{
    const struct project *p = project_of(q, key);

    return p != NULL ? (struct emu_held){p->held, p->nheld} : (struct emu_held){NULL, 0};
}

static const struct row *row_of(const struct project *p, struct str model)
{
    const struct row *any = NULL;

    for (size_t i = 0; i < p->nrows; i++) {
        if (str_eq(p->rows[i].model, model))
            return &p->rows[i];
        if (str_eq(p->rows[i].model, S("*")))
            any = &p->rows[i];
    }
    return any;
}

/* NULL when there are too many. */
static struct meter *meter_of(struct emu_quotas *q, size_t project, struct str model)
{
    for (size_t i = 0; i < q->nmeters; i++) {
        if (q->meters[i].project == project && str_eq(str_z(q->meters[i].model), model))
            return &q->meters[i];
    }
    if (q->nmeters == METERS_MAX)
        return NULL;
    q->meters = mem_realloc(q->meters, (q->nmeters + 1) * sizeof *q->meters);
    q->meters[q->nmeters] = (struct meter){.project = project, .model = mem_dup(model.p, model.n)};
    return &q->meters[q->nmeters++];
}

/* Does what was spent then still count? */
static bool counts(const struct emu_quotas *q, int64_t at_ms, int64_t now_ms)
{
    return q->sliding ? at_ms + MINUTE_MS > now_ms : at_ms / MINUTE_MS == now_ms / MINUTE_MS;
}

static void roll(const struct emu_quotas *q, struct meter *m, int64_t now_ms)
{
    int64_t day = emu_pacific_day(now_ms);
    size_t old = 0;

    while (old < m->nlog && !counts(q, m->log[old].at_ms, now_ms))
        old++;
    if (old > 0)
        memmove(m->log, m->log + old, (m->nlog - old) * sizeof *m->log);
    m->nlog -= old;
    if (m->day != day)
        m->today = 0;
    m->day = day;
}

static void note(struct meter *m, uint64_t tokens, int64_t now_ms)
{
    if (m->nlog == m->room && m->room < LOG_MAX) {
        m->room = m->room ? m->room * 2 : 64;
        m->log = mem_realloc(m->log, m->room * sizeof *m->log);
    }
    if (m->nlog < m->room)
        m->log[m->nlog++] = (struct spent){now_ms, tokens};
    m->today++;
    m->served++;
}

static uint64_t tokens_of(const struct meter *m, size_t from)
{
    uint64_t n = 0;

    for (size_t i = from; i < m->nlog; i++)
        n += m->log[i].tokens;
    return n;
}

/* A day that is over says nothing of the minute, as upstream does. */
static size_t find_over(const struct meter *m, const struct row *row, bool paid, uint64_t tokens,
                        struct emu_over *ret)
{
    const uint64_t would[EMU_LIMITS] = {m->nlog + 1, tokens_of(m, 0) + tokens, m->today + 1};
    size_t n = 0;

    if (would[EMU_RPD] > row->limit[EMU_RPD]) {
        ret[0] = (struct emu_over){EMU_RPD, row->limit[EMU_RPD], paid};
        return 1;
    }
    for (size_t i = 0; i < EMU_RPD; i++) {
        if (would[i] > row->limit[i])
            ret[n++] = (struct emu_over){(enum emu_limit)i, row->limit[i], paid};
    }
    return n;
}

/* When it will fit; for the day upstream names no more than the minute either. */
static int64_t wait_ms(const struct emu_quotas *q, const struct meter *m, const struct row *row,
                       uint64_t tokens, const struct emu_over *over, int64_t now_ms)
{
    int64_t minute = MINUTE_MS - now_ms % MINUTE_MS;

    if (!q->sliding || over[0].limit == EMU_RPD)
        return minute;
    for (size_t i = 0; i < m->nlog; i++) {
        if (m->nlog - i <= row->limit[EMU_RPM] &&
            (row->limit[EMU_TPM] == NO_LIMIT ||
             tokens_of(m, i + 1) + tokens <= row->limit[EMU_TPM]))
            return m->log[i].at_ms + MINUTE_MS - now_ms;
    }
    return minute;
}

static void count_refusal(struct meter *m, enum emu_limit limit, int64_t now_ms)
{
    int64_t window = limit == EMU_RPD ? m->day : now_ms / MINUTE_MS;

    if (m->refused[limit].all++ == 0 || m->refused[limit].window != window) {
        m->refused[limit].window = window;
        m->refused[limit].windows++;
        m->refused[limit].here = 0;
    }
    if (++m->refused[limit].here > m->refused[limit].worst)
        m->refused[limit].worst = m->refused[limit].here;
}

bool emu_quotas_admit(struct emu_quotas *q, struct str key, struct str model, uint64_t tokens,
                      int64_t wall_ms, struct emu_problem *p)
{
    const struct project *project = project_of(q, key);
    const struct row *row = project != NULL ? row_of(project, model) : NULL;
    struct meter *m = row != NULL ? meter_of(q, (size_t)(project - q->projects), model) : NULL;
    struct emu_over over[EMU_LIMITS];
    size_t n;

    if (m == NULL)
        return true;
    roll(q, m, wall_ms);
    n = find_over(m, row, project->paid, tokens, over);
    if (n == 0) {
        note(m, tokens, wall_ms);
        return true;
    }
    for (size_t i = 0; i < n; i++)
        count_refusal(m, over[i].limit, wall_ms);
    emu_refuse_quota(p, model, over, n, (uint64_t)wait_ms(q, m, row, tokens, over, wall_ms) * 1000);
    return false;
}

static void put_refused(struct jw *w, const struct meter *m)
{
    static const char *const names[] = {"refused", "windows", "worst"};

    for (size_t what = 0; what < NELEM(names); what++) {
        jw_obj(w, names[what]);
        for (size_t i = 0; i < EMU_LIMITS; i++) {
            const uint64_t v[] = {m->refused[i].all, m->refused[i].windows, m->refused[i].worst};

            jw_u64(w, LIMIT_NAMES[i], v[what]);
        }
        jw_end(w);
    }
}

void emu_quotas_put(struct emu_quotas *q, int64_t wall_ms, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_str(&w, "minutes", q->sliding ? S("sliding") : S("calendar"));
    jw_arr(&w, "meters");
    for (size_t i = 0; i < q->nmeters; i++) {
        struct meter *m = &q->meters[i];

        roll(q, m, wall_ms);
        jw_obj(&w, NULL);
        jw_str(&w, "project", q->projects[m->project].name);
        jw_str(&w, "model", str_z(m->model));
        jw_obj(&w, "minute");
        jw_u64(&w, "requests", m->nlog);
        jw_u64(&w, "tokens", tokens_of(m, 0));
        jw_end(&w);
        jw_u64(&w, "day", m->today);
        jw_u64(&w, "served", m->served);
        put_refused(&w, m);
        jw_end(&w);
    }
    jw_end(&w);
    jw_end(&w);
}
