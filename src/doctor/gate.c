/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* gate.c - a deployment seen from where its clients are: what stands between may gather streams,
 * refuse methods or have one instance for each request. */
#include "doctor/exam_impl.h"

#include "codec/json_read.h"

#include <stdio.h>

enum { STREAMS = 2, SLOW_MS = 3000 };

/* What the deployment found itself. */

static void adopt(struct exam *x, yyjson_val *finding)
{
    int id = finding_find(jr_str(finding, "id"));
    char subject[SUBJECT_MAX];

    if (id < 0)
        return;
    snprintf(subject, sizeof subject, "server%s%.*s", jr_str(finding, "subject").n ? ", " : "",
             S_ARG(jr_str(finding, "subject")));
    /* What could not be told from inside was told from here. */
    if (id == FOUND_CONCURRENCY_UNKNOWN && x->instance[0] != 0)
        return;
    findings_add(x->out, (enum finding_id)id, str_z(subject), "%.*s",
                 S_ARG(jr_str(finding, "detail")));
}

static void judge_own(struct question *q)
{
    struct json j;

    json_init(&j);
    if (q->fault.err == OK && q->status == 200 && q->answer.err == OK &&
        json_parse(&j, q->answer.p, q->answer.n, NULL, NULL) == OK)
        jr_each (finding, jr_get(j.root, "findings"))
            adopt(q->x, finding);
    else
        findings_add(q->x->out, FOUND_GATE_UNREACHED, S("/doctor"), "status %d%s%s", q->status,
                     q->fault.what ? ", " : "", q->fault.what ? q->fault.what : "");
    json_fini(&j);
}

static void ask_own(struct exam *x)
{
    struct buf target;

    buf_init(&target, 900);
    buf_lit(&target, "/doctor?format=json");
    for (size_t i = 0; i < x->o.nmodels; i++)
        buf_putf(&target, "&model=%s", x->models[i]);
    exam_ask(x, &(struct ask){
                    .method = HTTP_GET,
                    .target = buf_str(&target),
                    .bearer = &x->keys[0],
                    .judge = judge_own,
                });
    buf_fini(&target);
    exam_then(x, NULL);
}

/* Streams. The deployment says in its last event how long it took to write them all. */

/* The number behind the last `name`. */
static uint64_t number_after(struct str text, struct str name)
{
    uint64_t n = 0;

    for (size_t at = str_find(text, name); at < text.n; at = str_find(text, name)) {
        size_t digits = 0;

        text = str_skip(text, at + name.n);
        while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
            digits++;
        if (!str_u64(str_sub(text, 0, digits), UINT64_MAX / 2, &n))
            return 0;
    }
    return n;
}

static void judge_stream(struct question *q)
{
    struct exam *x = q->x;
    struct str text = buf_str(&q->answer);
    uint64_t took_ms = number_after(text, S("\"took_ms\":"));

    if (q->fault.err != OK || q->status != 200 || took_ms == 0) {
        if (q->index == 0)
            findings_add(x->out, q->status == 401 ? FOUND_GATE_TOKEN : FOUND_GATE_UNREACHED,
                         S("/doctor/stream"), "status %d%s%s", q->status, q->fault.what ? ", " : "",
                         q->fault.what ? q->fault.what : "");
        return;
    }
    x->instance[q->index] = number_after(text, S("\"instance\":")) + 1;
    if (q->index > 0)
        return;
    findings_add(
        x->out, q->last_ms - q->first_ms < took_ms / 2 ? FOUND_GATE_BUFFERED : FOUND_GATE_STREAMS,
        S(""), "written within %llu ms, arrived within %llu ms, %u pieces",
        (unsigned long long)took_ms, (unsigned long long)(q->last_ms - q->first_ms), q->pieces);
}

static void after_streams(struct exam *x)
{
    if (findings_has(x->out, FOUND_GATE_TOKEN))
        return;
    if (x->has_concurrency && x->instance[0] != 0 && x->instance[1] != 0 &&
        x->instance[0] != x->instance[1])
        findings_add(x->out, FOUND_CONCURRENCY_ONE, S(""), "%s",
                     "two requests at the same time went to two instances");
    ask_own(x);
}

static void ask_streams(struct exam *x)
{
    for (size_t i = 0; i < STREAMS; i++)
        exam_ask(x, &(struct ask){
                        .method = HTTP_GET,
                        .target = S("/doctor/stream"),
                        .bearer = &x->keys[0],
                        .judge = judge_stream,
                        .index = i,
                    });
    exam_then(x, after_streams);
}

/* Replicas behind a balancer are two instances by intention; these platforms fill one first. */
static bool fills_instances(struct str health)
{
    static const struct str names[] = {
        S_INIT("\"platform\":\"fc\""),
        S_INIT("\"platform\":\"scf\""),
        S_INIT("\"platform\":\"functiongraph\""),
    };

    for (size_t i = 0; i < NELEM(names); i++)
        if (str_find(health, names[i]) < health.n)
            return true;
    return false;
}

static void judge_knock(struct question *q)
{
    struct exam *x = q->x;
    uint64_t ms = q->head_ms - q->sent_ms;

    if (q->fault.err != OK) {
        findings_add(x->out, FOUND_GATE_UNREACHED, x->o.origin.host, "%s: %s",
                     client_phase_name(q->fault.phase),
                     q->fault.what ? q->fault.what : err_name(q->fault.err));
        return;
    }
    if (str_find(buf_str(&q->answer), S("\"name\":\"queqiao\"")) == q->answer.n) {
        findings_add(x->out, FOUND_GATE_FOREIGN, x->o.origin.host, "status %d", q->status);
        return;
    }
    x->has_concurrency = fills_instances(buf_str(&q->answer));
    findings_add(x->out, FOUND_GATE_OK, x->o.origin.host, "%llu ms", (unsigned long long)ms);
    if (ms > SLOW_MS)
        findings_add(x->out, FOUND_GATE_SLOW, S(""), "%llu ms", (unsigned long long)ms);
    exam_then(x, ask_streams);
}

struct exam *exam_gate(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                       void *owner)
{
    struct exam *x = exam_new(o, out, done, owner);

    exam_ask(x, &(struct ask){.method = HTTP_GET, .target = S("/health"), .judge = judge_knock});
    return x;
}
