/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* upstream.c - the questions to upstream and what their answers mean. */
#include "doctor/exam_impl.h"

#include "base/clock.h"
#include "gemini/error.h"

#include <stdio.h>

enum { SKEW_S = 60, EVENTS_TO_TELL = 4, TOGETHER_MS = 3 };

/* Told once: it concerns the server, not the key. */
static void refused_location(struct exam *x, const struct gm_error *e)
{
    if (!x->located)
        findings_add(x->out, FOUND_LOCATION_REFUSED, S(""), "%s", e->message);
    x->located = true;
}

static void read_error(struct question *q, struct gm_error *e)
{
    gm_error_read(e, q->status, q->answer.p, q->answer.n);
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
        refused_location(x, &e);
    else if (e.cause == GM_NO_MODEL)
        findings_add(x->out, FOUND_MODEL_MISSING, model, "%s", e.message);
    else if (e.cause == GM_RATE)
        findings_add(x->out, FOUND_KEY_LIMITED, str_z(secret_tail(&x->keys[x->good_key]).z),
                     "%s%s%s", x->models[q->index], *e.quota_id ? ", " : "", e.quota_id);
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
    struct secret_tail tail = secret_tail(&x->keys[q->index]);
    struct gm_error e;

    if (q->fault.err != OK) {
        findings_add(x->out, FOUND_KEY_UNCLEAR, str_z(tail.z), "%s", q->fault.what);
        return;
    }
    if (q->status == 200) {
        findings_add(x->out, FOUND_KEY_OK, str_z(tail.z), "%s", "");
        if (x->good_key == SIZE_MAX)
            x->good_key = q->index;
        return;
    }
    read_error(q, &e);
    if (e.cause == GM_LOCATION) {
        refused_location(x, &e);
        return;
    }
    for (size_t i = 0; i < NELEM(KEY_FAULTS); i++)
        if (e.cause == KEY_FAULTS[i].cause) {
            findings_add(x->out, KEY_FAULTS[i].id, str_z(tail.z), "%s%s", e.message, tier_of(&e));
            return;
        }
    findings_add(x->out, FOUND_KEY_UNCLEAR, str_z(tail.z), "%d: %s", q->status, e.message);
}

static void after_keys(struct exam *x)
{
    if (x->good_key == SIZE_MAX && x->o.nkeys > 0)
        findings_add(x->out, FOUND_NO_GOOD_KEY, S(""), "%s", "");
    if (x->good_key != SIZE_MAX)
        ask_models(x);
}

static void ask_keys(struct exam *x)
{
    if (x->o.nkeys > EXAM_KEYS_MAX)
        findings_add(x->out, FOUND_KEYS_UNASKED, S(""), "%d of %zu", EXAM_KEYS_MAX, x->o.nkeys);
    for (size_t i = 0; i < x->o.nkeys && i < EXAM_KEYS_MAX; i++)
        exam_ask(x, &(struct ask){
                        .method = HTTP_GET,
                        .target = S("/v1beta/models?pageSize=1"),
                        .google_key = &x->keys[i],
                        .judge = judge_key,
                        .index = i,
                    });
    exam_then(x, after_keys);
}

/* The road. */

static void judge_fault(struct question *q)
{
    struct exam *x = q->x;
    enum finding_id id = FOUND_NO_ANSWER;

    if (str_eq(str_z(client_phase_name(q->fault.phase)), S("proxy")))
        id = FOUND_PROXY_FAILED;
    else if (q->fault.phase == CLIENT_DNS)
        id = FOUND_DNS_FAILED;
    else if (q->fault.phase == CLIENT_CONNECT)
        id = FOUND_CONNECT_FAILED;
    else if (q->fault.phase == CLIENT_TLS)
        id = FOUND_TLS_FAILED;
    findings_add(x->out, id, x->o.origin.host, "%s",
                 q->fault.what ? q->fault.what : err_name(q->fault.err));
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
    struct exam *x = q->x;
    struct str body = str_trim(buf_str(&q->answer));
    struct gm_error e;

    if (q->fault.err != OK) {
        judge_fault(q);
        return;
    }
    if (q->status != 200)
        read_error(q, &e);
    if (q->status != 200 && e.cause == GM_LOCATION) {
        refused_location(x, &e);
    } else if (!str_starts(body, S("{")) && !str_starts(body, S("["))) {
        findings_add(x->out, FOUND_NOT_GEMINI, x->o.origin.host, "status %d", q->status);
        return;
    }
    findings_add(x->out, FOUND_UPSTREAM_OK, x->o.origin.host, "%llu ms",
                 (unsigned long long)(q->head_ms - q->sent_ms));
    judge_clock(q);
    exam_then(x, ask_keys);
}

struct exam *exam_upstream(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                           void *owner)
{
    struct exam *x = exam_new(o, out, done, owner);

    exam_ask(x, &(struct ask){
                    .method = HTTP_GET,
                    .target = S("/v1beta/models?pageSize=1"),
                    .judge = judge_reach,
                });
    return x;
}
