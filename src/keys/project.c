/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* project.c - joining and parting projects on evidence. Must not know which key is chosen. */
#include "keys/project.h"

#include "base/mem.h"
#include "keys/ring_impl.h"

enum {
    SEEN_ONCE = 2,   /* refused together, and no doubt who with */
    SEEN_UNSURE = 1, /* two or more who are known to be apart come into question */
    JOINED_AT = 4,
    TOGETHER_MAX = 100,
    PLACES = 4,             /* where a pair may stand in the table */
    SURE_MS = 1000,         /* served this long before a refusal's end: it is not that it ended */
    RETEST_MS = 600 * 1000, /* doubles each time */
    RETEST_MAX_MS = 12 * 3600 * 1000,
};

struct project *project_new(struct keys *k)
{
    struct project *p = mem_zalloc(sizeof *p);

    p->id = ++k->relations.ids;
    p->refs = 1;
    list_init(&p->lanes);
    return p;
}

void project_ref(struct project *p)
{
    p->refs++;
}

void project_unref(struct keys *k, struct project *p)
{
    if (--p->refs > 0)
        return;
    list_each (link, &p->lanes)
        keys_lane_drop(k, CONTAINER(link, struct lane, link));
    mem_free(p);
}

static size_t place_of(unsigned a, unsigned b, size_t i)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15U;

    return (size_t)((h >> 40) + i) % RELATIONS_MAX;
}

static struct relation *find(const struct relations *r, unsigned a, unsigned b)
{
    unsigned low = a < b ? a : b;
    unsigned high = a < b ? b : a;

    for (size_t i = 0; i < PLACES; i++) {
        const struct relation *one = &r->v[place_of(low, high, i)];

        if (one->a == low && one->b == high)
            return (struct relation *)one;
    }
    return NULL;
}

static struct relation *relation_of(struct relations *r, unsigned a, unsigned b)
{
    unsigned low = a < b ? a : b;
    unsigned high = a < b ? b : a;
    struct relation *found = find(r, a, b);
    size_t i = 0;

    if (found != NULL)
        return found;
    while (i < PLACES - 1 && r->v[place_of(low, high, i)].a != 0)
        i++;
    found = &r->v[place_of(low, high, i)];
    *found = (struct relation){.a = low, .b = high};
    return found;
}

static bool are_apart(const struct relations *r, unsigned a, unsigned b)
{
    const struct relation *one = find(r, a, b);

    return one != NULL && one->apart;
}

static void set_apart(struct keys *k, unsigned a, unsigned b)
{
    if (a != b)
        relation_of(&k->relations, a, b)->apart = true;
}

/* What was known of `from` is known of `to`. */
static void rename_relations(struct relations *r, unsigned from, unsigned to)
{
    for (size_t i = 0; i < RELATIONS_MAX; i++) {
        struct relation old = r->v[i];
        unsigned other = old.a == from ? old.b : old.a;
        struct relation *one;

        if (old.a != from && old.b != from)
            continue;
        r->v[i] = (struct relation){0};
        if (other == to)
            continue;
        one = relation_of(r, other, to);
        one->apart = one->apart || old.apart;
        if (old.together > one->together)
            one->together = old.together;
    }
    for (size_t i = 0; i < refusals_known(r); i++) {
        struct refusal *one = &r->refusals[i];

        if (one->project != from && one->project != to)
            continue;
        one->project = to;
        one->open = false; /* it is answered */
        one->explained = true;
    }
}

void relations_rename_model(struct relations *r, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < refusals_known(r); i++)
        if (r->refusals[i].model == from)
            r->refusals[i].model = to;
}

static void move_lane(struct keys *k, struct lane *l, struct project *to)
{
    struct lane *same = keys_lane_find(to, l->model);

    if (same == NULL) {
        list_remove(&l->link);
        list_push(&to->lanes, &l->link);
        return;
    }
    lane_fold(l, same);
    keys_lane_drop(k, l);
}

static void join(struct keys *k, struct project *from, struct project *to, struct key_now now)
{
    list_each (link, &from->lanes)
        move_lane(k, CONTAINER(link, struct lane, link), to);
    rename_relations(&k->relations, from->id, to->id);
    to->retest_gap_ms = RETEST_MS;
    to->retest_ms = now.ms + RETEST_MS;
    project_ref(from); /* until the walk is over */
    for (size_t i = 0; i < k->n; i++) {
        if (k->v[i]->project != from)
            continue;
        project_unref(k, from);
        k->v[i]->project = to;
        project_ref(to);
    }
    project_unref(k, from);
}

/* It was no project: each key but `keeps` gets its own again, with the limits that were learned. */
static void part(struct keys *k, struct project *p, const struct key *keeps, struct key_now now)
{
    for (size_t i = 0; i < k->n; i++) {
        struct key *key = k->v[i];

        if (key->project != p || key == keeps)
            continue;
        key->project = project_new(k);
        project_unref(k, p);
        list_each (link, &p->lanes)
            if (k->nlanes < LANES_MAX) /* making room could take away what is walked here */
                keys_lane_add(k, key->project,
                              lane_copy_limits(CONTAINER(link, struct lane, link), now));
    }
}

static struct project *project_by_id(const struct keys *k, unsigned id)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->v[i]->project->id == id)
            return k->v[i]->project;
    return NULL;
}

/* The projects that are refused for the same just now and not known to be others. */
struct company {
    unsigned ids[REFUSALS_MAX];
    size_t n;
};

static bool is_in(const struct company *c, unsigned id)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->ids[i] == id)
            return true;
    return false;
}

/* Of two refusals the later one is the sign, so that each pair is counted once. */
static bool is_earlier(const struct refusal *r, const struct refusal *than)
{
    return r->at_ms != than->at_ms ? r->at_ms < than->at_ms : r->key < than->key;
}

static struct company company_of(const struct keys *k, const struct refusal *mine)
{
    struct company c = {.n = 0};

    for (size_t i = 0; i < refusals_known(&k->relations); i++) {
        const struct refusal *r = &k->relations.refusals[i];

        if (r->until_ms > mine->at_ms && is_earlier(r, mine) && r->model == mine->model &&
            r->kind == mine->kind && r->limit == mine->limit && r->project != mine->project &&
            !is_in(&c, r->project) && !are_apart(&k->relations, r->project, mine->project))
            c.ids[c.n++] = r->project;
    }
    return c;
}

static bool is_one_party(const struct keys *k, const struct company *c)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < i; j++)
            if (are_apart(&k->relations, c->ids[i], c->ids[j]))
                return false;
    return true;
}

static unsigned seen_together(const struct keys *k, const struct key *key, unsigned id)
{
    const struct relation *r = find(&k->relations, key->project->id, id);

    return r != NULL ? r->together : 0;
}

static void note_together(struct keys *k, const struct key *key, unsigned id, unsigned weight)
{
    struct relation *r = relation_of(&k->relations, key->project->id, id);

    if (r->together < TOGETHER_MAX)
        r->together = (uint8_t)(r->together + weight);
}

/* Is this one clearly before every other? */
static bool stands_out(const struct keys *k, const struct key *key, const struct company *c,
                       unsigned id)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->ids[i] != id &&
            seen_together(k, key, c->ids[i]) + SEEN_ONCE > seen_together(k, key, id))
            return false;
    return true;
}

/* Of a party all who were seen often enough are joined; of those who are apart from each other only
 * one that stands out. */
static void weigh(struct keys *k, struct key *key, const struct company *c, struct key_now now)
{
    bool party = is_one_party(k, c);

    for (size_t i = 0; i < c->n; i++)
        note_together(k, key, c->ids[i], party ? SEEN_ONCE : SEEN_UNSURE);
    for (size_t i = 0; i < c->n; i++) {
        struct project *other = project_by_id(k, c->ids[i]);

        if (other == NULL || other == key->project || seen_together(k, key, c->ids[i]) < JOINED_AT)
            continue;
        if (party || stands_out(k, key, c, c->ids[i]))
            join(k, key->project, other, now);
    }
}

static struct refusal *remember(struct relations *rs, const struct refusal *r)
{
    struct refusal *place = NULL;

    for (size_t i = 0; i < refusals_known(rs) && place == NULL; i++)
        if (rs->refusals[i].key == r->key && rs->refusals[i].model == r->model)
            place = &rs->refusals[i];
    if (place == NULL)
        place = &rs->refusals[rs->nrefusals++ % REFUSALS_MAX];
    *place = *r;
    return place;
}

/* Enough was spent to be refused, or too little, whatever becomes of what is under way? */
static void settle(struct keys *k, struct refusal *r)
{
    struct key *key;

    if (!r->open)
        return;
    if (is_nearly(r->spent - r->under_way, r->limit)) {
        r->open = false;
        r->explained = true;
        return;
    }
    if (r->under_way > 0 && is_nearly(r->spent, r->limit))
        return;
    r->open = false;
    r->explained = false;
    key = keys_by_id(k, r->key);
    if (key != NULL) {
        struct company c = company_of(k, r);

        weigh(k, key, &c, (struct key_now){.ms = r->at_ms});
    }
}

/* Under way when the project was refused already: that is one refusal. */
static bool is_known(const struct relations *rs, const struct refusal *r, uint64_t sent_ms)
{
    for (size_t i = 0; i < refusals_known(rs); i++) {
        const struct refusal *one = &rs->refusals[i];

        if (one->project == r->project && one->model == r->model && one->kind == r->kind &&
            one->until_ms > r->at_ms && sent_ms <= one->at_ms)
            return true;
    }
    return false;
}

void project_refused(struct keys *k, const struct key_lease *lease, const struct lane *lane,
                     const struct quota_verdict *v, struct key_now now)
{
    enum quota_kind kind = (enum quota_kind)(v->why - KEY_OVER_RPM);
    struct refusal r = {
        .project = lease->key->project->id,
        .key = lease->key->id,
        .model = lane->model,
        .kind = kind,
        .limit = v->limit,
        .tokens = lease->need.tokens,
        .at_ms = now.ms,
        .until_ms = now.ms + v->wait_ms,
        .open = !quota_is_day(v->why) || lane->day.whole,
        .explained = true,
        .spent = lane_spent(lane, kind, now),
        .under_way = kind == QUOTA_RPM || kind == QUOTA_RPD ? lane->under_way : 0,
    };

    if (is_known(&k->relations, &r, lease->sent_ms))
        return;
    if (r.under_way > r.spent)
        r.under_way = (unsigned)r.spent;
    settle(k, remember(&k->relations, &r));
}

void project_resolved(struct keys *k, const struct key_lease *lease, bool spent)
{
    uint64_t model = lane_now(lease->lane)->model;

    for (size_t i = 0; i < refusals_known(&k->relations); i++) {
        struct refusal *r = &k->relations.refusals[i];

        if (!r->open || r->project != lease->key->project->id || r->model != model ||
            lease->sent_ms > r->at_ms || r->under_way == 0)
            continue;
        r->under_way--;
        r->spent -= spent ? 0 : 1;
        settle(k, r);
    }
}

/* Was upstream refusing r's key what the lease's request asked for when that was sent? */
static bool was_refusing(const struct refusal *r, const struct key_lease *lease)
{
    bool tokens = r->kind == QUOTA_TPM || r->kind == QUOTA_TPD;

    return r->model == lane_now(lease->lane)->model && r->at_ms <= lease->sent_ms &&
           lease->sent_ms + SURE_MS < r->until_ms && r->key != lease->key->id &&
           (!tokens || lease->need.tokens >= r->tokens);
}

bool project_served(struct keys *k, const struct key_lease *lease, struct key_now now)
{
    bool parted = false;

    for (size_t i = 0; i < refusals_known(&k->relations); i++) {
        const struct refusal r = k->relations.refusals[i];
        const struct key *other;

        if (!was_refusing(&r, lease))
            continue;
        other = keys_by_id(k, r.key);
        if (other == NULL)
            continue;
        if (other->project == lease->key->project) {
            part(k, other->project, other, now);
            parted = true;
        }
        set_apart(k, other->project->id, lease->key->project->id);
    }
    return parted;
}

void project_told_apart(struct keys *k, struct key *served, struct key *refused, struct key_now now)
{
    if (served == refused)
        return;
    if (served->project == refused->project)
        part(k, served->project, served, now);
    set_apart(k, served->project->id, refused->project->id);
}

bool projects_are_apart(const struct keys *k, const struct project *a, const struct project *b)
{
    return are_apart(&k->relations, a->id, b->id);
}

bool project_is_suspect(const struct keys *k, const struct key *key, uint64_t model,
                        struct key_now now)
{
    for (size_t i = 0; i < refusals_known(&k->relations); i++) {
        const struct refusal *r = &k->relations.refusals[i];

        if (r->until_ms > now.ms && r->model == model && r->project != key->project->id &&
            !are_apart(&k->relations, r->project, key->project->id))
            return true;
    }
    return false;
}

static bool is_worth_a_test(const struct refusal *r, uint64_t model, struct key_now now)
{
    return r->model == model && !r->open && !r->explained &&
           (r->kind == QUOTA_RPM || r->kind == QUOTA_RPD) && r->until_ms > now.ms + 2 * SURE_MS;
}

struct key *project_retest(struct keys *k, uint64_t model, struct key_now now)
{
    for (size_t i = 0; i < refusals_known(&k->relations); i++) {
        const struct refusal *r = &k->relations.refusals[i];

        if (!is_worth_a_test(r, model, now))
            continue;
        for (size_t j = 0; j < k->n; j++) {
            struct key *key = k->v[j];

            if (key->project->id == r->project && key->id != r->key && key->out == KEY_WELL &&
                now.ms >= key->project->retest_ms) {
                key->project->retest_ms = now.ms + 60 * 1000; /* in case no answer comes */
                return key;
            }
        }
    }
    return NULL;
}

void project_retested(struct key *key, struct key_now now)
{
    struct project *p = key->project;

    p->retest_gap_ms *= 2;
    if (p->retest_gap_ms > RETEST_MAX_MS)
        p->retest_gap_ms = RETEST_MAX_MS;
    p->retest_ms = now.ms + p->retest_gap_ms;
}
