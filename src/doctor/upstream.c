/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* upstream.c - the questions to upstream and what their answers mean. */
#include "doctor/exam_impl.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "gemini/error.h"

#include <stdio.h>

enum { SKEW_S = 60, EVENTS_TO_TELL = 4, TOGETHER_MS = 3 };

/* The way of a key. */
static size_t way_of(const struct exam *x, size_t key)
{
    size_t own = x->o.key_ways != NULL ? x->o.key_ways[key] : SIZE_MAX;

    return own == SIZE_MAX ? x->way : own;
}

static struct key_subject subject_of(const struct exam *x, size_t key)
{
    struct sha256 digest = sha256_of(secret_str(&x->keys[key]));
    struct sha256_name name = sha256_name(&digest);

    return key_subject(key + 1, x->o.nkeys, &name);
}

/* A way has a name where there is something to choose from, or a proxy. */
static struct str name_of(const struct exam *x, size_t way)
{
    return x->nways > 1 || x->ways[way].via != NULL ? str_z(x->ways[way].name) : S("");
}

/* Told once for each way: it concerns that, not the key. */
static void refused_location(struct exam *x, size_t way, const struct gm_error *e)
{
    if (x->seen[way].fate == WAY_REFUSED)
        return;
    x->seen[way].fate = WAY_REFUSED;
    findings_add(x->out, FOUND_LOCATION_REFUSED, name_of(x, way), "%s", e->message);
}

/* None of the keys may be repeated, whichever was asked with. */
static void read_error(struct question *q, struct gm_error *e)
{
    gm_error_read(e, q->status, q->answer.p, q->answer.n);
    for (size_t i = 0; i < NELEM(q->x->keys); i++)
        gm_error_hide(e, secret_str(&q->x->keys[i]));
}

/* Models. */

static size_t count_events(struct str stream)
{
    size_t n = 0;

    while (stream.n > 0) {
        size_t at = str_find(stream, S("data:"));

        n += at < stream.n;
        stream = str_skip(stream, at + 5);
    }
    return n;
}

static void judge_stream(struct question *q)
{
    struct str model = str_z(q->x->models[q->index]);
    size_t events = count_events(buf_str(&q->answer));

    findings_add(q->x->out, FOUND_MODEL_OK, model, "%llu ms, %zu events",
                 (unsigned long long)(q->last_ms - q->sent_ms), events);
    if (events < EVENTS_TO_TELL)
        return;
    if (q->last_ms - q->first_ms <= TOGETHER_MS)
        findings_add(q->x->out, FOUND_UPSTREAM_BUFFERED, model, "%zu events in %u pieces", events,
                     q->pieces);
    else
        findings_add(q->x->out, FOUND_UPSTREAM_STREAMS, model, "%zu events in %u pieces", events,
                     q->pieces);
}

static void judge_model(struct question *q)
{
    struct exam *x = q->x;
    struct str model = str_z(x->models[q->index]);
    struct gm_error e;

    if (q->fault.err != OK) {
        findings_add(x->out, FOUND_MODEL_REFUSED, model, "%s", q->fault.what);
        return;
    }
    if (q->status == 200) {
        judge_stream(q);
        return;
    }
    read_error(q, &e);
    if (e.cause == GM_LOCATION)
        refused_location(x, way_of(x, x->good_key), &e);
    else if (e.cause == GM_NO_MODEL)
        findings_add(x->out, FOUND_MODEL_MISSING, model, "%s", e.message);
    else if (e.cause == GM_RATE)
        findings_add(x->out, FOUND_KEY_LIMITED, str_z(subject_of(x, x->good_key).z), "%s%s%s",
                     x->models[q->index], *e.quota_id ? ", " : "", e.quota_id);
    else
        findings_add(x->out, FOUND_MODEL_REFUSED, model, "%d: %s", q->status, e.message);
}

static bool is_model_id(const char *id)
{
    for (const char *c = id; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '-' || *c == '.' || *c == '_'))
            return false;
    return *id != '\0';
}

static void ask_models(struct exam *x)
{
    char target[SUBJECT_MAX + 64];

    if (x->o.nmodels == 0)
        findings_add(x->out, FOUND_NO_MODEL_ASKED, S(""), "%s", "");
    for (size_t i = 0; i < x->o.nmodels; i++) {
        if (!is_model_id(x->models[i])) {
            findings_add(x->out, FOUND_MODEL_MISSING, str_z(x->models[i]), "%s", "");
            continue;
        }
        snprintf(target, sizeof target, "/v1beta/models/%s:streamGenerateContent?alt=sse",
                 x->models[i]);
        exam_ask(x, &(struct ask){
                        .method = HTTP_POST,
                        .target = str_z(target),
                        .google_key = &x->keys[x->good_key],
                        .body = S("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
                                  "\"Count from 1 to 60, in words.\"}]}]}"),
                        .judge = judge_model,
                        .index = i,
                        .way = way_of(x, x->good_key),
                    });
    }
}

/* Keys. */

static const struct {
    enum gm_cause cause;
    enum finding_id id;
} KEY_FAULTS[] = {
    {GM_KEY_INVALID, FOUND_KEY_INVALID  },
    {GM_FORBIDDEN,   FOUND_KEY_FORBIDDEN},
    {GM_LEAKED,      FOUND_KEY_LEAKED   },
    {GM_CREDIT,      FOUND_KEY_CREDIT   },
    {GM_RATE,        FOUND_KEY_LIMITED  },
};

/* Quota ids name the tier that they belong to. */
static const char *tier_of(const struct gm_error *e)
{
    return str_find(str_z(e->quota_id), S("FreeTier")) < strlen(e->quota_id)   ? ", free tier"
           : str_find(str_z(e->quota_id), S("PaidTier")) < strlen(e->quota_id) ? ", paid tier"
                                                                               : "";
}

static void judge_key(struct question *q)
{
    struct exam *x = q->x;
    struct key_subject key = subject_of(x, q->index);
    struct gm_error e;

    if (q->fault.err != OK) {
        findings_add(x->out, FOUND_KEY_UNCLEAR, str_z(key.z), "%s", q->fault.what);
        return;
    }
    if (q->status == 200) {
        findings_add(x->out, FOUND_KEY_OK, str_z(key.z), "%s", "");
        if (x->good_key == SIZE_MAX)
            x->good_key = q->index;
        return;
    }
    read_error(q, &e);
    if (e.cause == GM_LOCATION) {
        refused_location(x, way_of(x, q->index), &e);
        return;
    }
    for (size_t i = 0; i < NELEM(KEY_FAULTS); i++)
        if (e.cause == KEY_FAULTS[i].cause) {
            findings_add(x->out, KEY_FAULTS[i].id, str_z(key.z), "%s%s", e.message, tier_of(&e));
            return;
        }
    findings_add(x->out, FOUND_KEY_UNCLEAR, str_z(key.z), "%d: %s", q->status, e.message);
}

static void after_keys(struct exam *x)
{
    if (x->good_key == SIZE_MAX && x->o.nkeys > 0)
        findings_add(x->out, FOUND_NO_GOOD_KEY, S(""), "%s", "");
    if (x->good_key != SIZE_MAX)
        ask_models(x);
}

/* A key whose way leads nowhere is not asked: that way has been told of. */
static void ask_key(struct exam *x, size_t i)
{
    size_t way = way_of(x, i);

    if (way >= x->nways || x->seen[way].fate == WAY_FAILED) {
        findings_add(x->out, FOUND_KEY_UNCLEAR, str_z(subject_of(x, i).z), "%s",
                     way < x->nways ? "its way out does not lead to upstream"
                                    : "its way out was not tried");
        return;
    }
    exam_ask(x, &(struct ask){
                    .method = HTTP_GET,
                    .target = S("/v1beta/models?pageSize=1"),
                    .google_key = &x->keys[i],
                    .judge = judge_key,
                    .index = i,
                    .way = way,
                });
}

static void ask_keys(struct exam *x)
{
    if (x->o.nkeys > EXAM_KEYS_MAX)
        findings_add(x->out, FOUND_KEYS_UNASKED, S(""), "%d of %zu", EXAM_KEYS_MAX, x->o.nkeys);
    for (size_t i = 0; i < x->o.nkeys && i < EXAM_KEYS_MAX; i++)
        ask_key(x, i);
    exam_then(x, after_keys);
}

/* The roads. */

static enum finding_id fault_of(const struct client_fault *f)
{
    switch (f->phase) {
    case CLIENT_DNS: return FOUND_DNS_FAILED;
    case CLIENT_CONNECT: return FOUND_CONNECT_FAILED;
    case CLIENT_TUNNEL: return f->err == E_ACCESS ? FOUND_PROXY_LOGIN : FOUND_PROXY_FAILED;
    case CLIENT_TLS: return FOUND_TLS_FAILED;
    case CLIENT_SEND:
    case CLIENT_HEAD:
    case CLIENT_BODY: break;
    }
    return FOUND_NO_ANSWER;
}

static void failed(struct way_seen *s, enum finding_id id, const char *detail)
{
    s->fate = WAY_FAILED;
    s->id = id;
    snprintf(s->detail, sizeof s->detail, "%.*s", DETAIL_MAX - 1, detail);
}

static void judge_clock(struct question *q)
{
    int64_t skew = clock_wall_s() - q->date_s;

    if (q->date_s != 0 && (skew > SKEW_S || skew < -SKEW_S))
        findings_add(q->x->out, FOUND_CLOCK_SKEW, S(""), "%lld s %s",
                     (long long)(skew < 0 ? -skew : skew), skew < 0 ? "behind" : "ahead");
}

/* Asked without a key: Google says 403 then, a relay of its own may say anything in JSON. */
static void judge_reach(struct question *q)
{
    struct way_seen *s = &q->x->seen[q->index];
    struct str body = str_trim(buf_str(&q->answer));
    struct gm_error e;
    char status[32];

    if (q->fault.err != OK) {
        failed(s, fault_of(&q->fault), q->fault.what ? q->fault.what : err_name(q->fault.err));
        return;
    }
    s->ms = q->head_ms - q->sent_ms;
    if (q->status != 200)
        read_error(q, &e);
    if (q->status != 200 && e.cause == GM_LOCATION) {
        s->fate = WAY_REFUSED;
        snprintf(s->detail, sizeof s->detail, "%.*s", DETAIL_MAX - 1, e.message);
    } else if (!str_starts(body, S("{")) && !str_starts(body, S("["))) {
        snprintf(status, sizeof status, "status %d", q->status);
        failed(s, FOUND_NOT_GEMINI, status);
        return;
    } else {
        s->fate = WAY_REACHED;
    }
    if (!findings_has(q->x->out, FOUND_CLOCK_SKEW))
        judge_clock(q);
}

/* The first of everybody's ways with that fate; SIZE_MAX: none. */
static size_t first_with(const struct exam *x, enum way_fate fate)
{
    for (size_t i = 0; i < x->nways; i++)
        if (x->ways[i].shared && x->seen[i].fate == fate)
            return i;
    return SIZE_MAX;
}

/* While another one leads there, a way that does not is no misfortune yet. */
static void tell_way(struct exam *x, size_t i, bool spare)
{
    const struct way_seen *s = &x->seen[i];
    struct str name = name_of(x, i);
    bool at_proxy = s->id == FOUND_PROXY_FAILED || s->id == FOUND_PROXY_LOGIN;

    switch (s->fate) {
    case WAY_UNKNOWN: break;
    case WAY_REACHED:
        if (x->ways[i].via != NULL)
            findings_add(x->out, FOUND_PROXY_OK, name, "%llu ms", (unsigned long long)s->ms);
        break;
    case WAY_REFUSED:
        findings_add(x->out, spare ? FOUND_WAY_REFUSED : FOUND_LOCATION_REFUSED, name, "%s",
                     s->detail);
        break;
    case WAY_FAILED:
        findings_add(x->out, spare ? FOUND_WAY_FAILED : s->id,
                     spare || at_proxy ? name : x->o.origin.host, "%s", s->detail);
        break;
    }
}

static void after_reach(struct exam *x)
{
    size_t reached = first_with(x, WAY_REACHED);
    size_t refused = first_with(x, WAY_REFUSED);
    bool any = false;

    for (size_t i = 0; i < x->nways; i++) {
        tell_way(x, i, x->ways[i].shared && reached != SIZE_MAX);
        if (!any && (x->seen[i].fate == WAY_REACHED || x->seen[i].fate == WAY_REFUSED)) {
            findings_add(x->out, FOUND_UPSTREAM_OK, x->o.origin.host, "%llu ms",
                         (unsigned long long)x->seen[i].ms);
            any = true;
        }
    }
    x->way = reached != SIZE_MAX ? reached : refused != SIZE_MAX ? refused : 0;
    if (any)
        ask_keys(x);
}

struct exam *exam_upstream(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                           void *owner)
{
    struct exam *x = exam_new(o, out, done, owner);

    for (size_t i = 0; i < x->nways; i++)
        exam_ask(x, &(struct ask){
                        .method = HTTP_GET,
                        .target = S("/v1beta/models?pageSize=1"),
                        .judge = judge_reach,
                        .index = i,
                        .way = i,
                    });
    exam_then(x, after_reach);
    return x;
}
