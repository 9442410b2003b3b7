/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* exam.c - asking and gathering answers. Must not know what is asked, nor what it means. */
#include "doctor/exam_impl.h"

#include "base/mem.h"

#include <stdio.h>

enum { WAIT_MS = 60 * 1000, TARGET_MAX = 1024 };

static void free_task(struct task *t)
{
    struct exam *x = CONTAINER(t, struct exam, free);

    for (size_t i = 0; i < NELEM(x->keys); i++)
        secret_fini(&x->keys[i]);
    mem_free(x);
}

static void drop_questions(struct exam *x)
{
    for (size_t i = 0; i < x->nquestions; i++) {
        struct question *q = x->questions[i];

        client_cancel(q->req);
        rope_fini(&q->body);
        secret_wipe(q->answer.p, q->answer.n);
        buf_fini(&q->answer);
        mem_free(q);
    }
    x->nquestions = 0;
}

static void step(struct task *t)
{
    struct exam *x = CONTAINER(t, struct exam, step);
    void (*next)(struct exam *) = x->next;

    if (x->open > 0)
        return;
    drop_questions(x);
    x->next = NULL;
    if (next != NULL) {
        next(x);
        if (x->open == 0)
            loop_soon(x->o.loop, &x->step);
        return;
    }
    x->over = true;
    loop_defer(x->o.loop, &x->free);
    x->done(x->owner);
}

struct exam *exam_new(const struct exam_opts *o, struct findings *out, exam_done_f *done,
                      void *owner)
{
    struct exam *x = mem_zalloc(sizeof *x);

    x->o = *o;
    x->out = out;
    x->done = done;
    x->owner = owner;
    x->good_key = SIZE_MAX;
    x->ways[0] = (struct exam_way){.name = "direct", .shared = true};
    x->nways = o->nways < EXAM_WAYS_MAX ? o->nways : EXAM_WAYS_MAX;
    for (size_t i = 0; i < x->nways; i++)
        x->ways[i] = o->ways[i];
    if (x->nways == 0)
        x->nways = 1;
    for (size_t i = 0; i < o->nkeys && i < EXAM_KEYS_MAX; i++)
        secret_init(&x->keys[i], secret_str(&o->keys[i]));
    for (size_t i = 0; i < o->nmodels && i < EXAM_MODELS_MAX; i++)
        snprintf(x->models[i], sizeof x->models[i], "%.*s", S_ARG(o->models[i]));
    x->o.nmodels = o->nmodels < EXAM_MODELS_MAX ? o->nmodels : EXAM_MODELS_MAX;
    task_init(&x->step, step);
    task_init(&x->free, free_task);
    return x;
}

void exam_then(struct exam *x, void (*next)(struct exam *x))
{
    x->next = next;
    loop_soon(x->o.loop, &x->step);
}

void exam_cancel(struct exam *x)
{
    if (x == NULL || x->over)
        return;
    x->over = true;
    task_cancel(&x->step);
    drop_questions(x);
    loop_defer(x->o.loop, &x->free);
}

/* Answers. */

static const struct str MONTHS = S_INIT("JanFebMarAprMayJunJulAugSepOctNovDec");

int64_t exam_parse_date(struct str date)
{
    uint64_t day, year, hour, minute, second;
    size_t month = str_find(MONTHS, str_sub(date, 8, 3));
    int64_t y, era, doy;

    if (date.n != 29 || month % 3 != 0 || month >= MONTHS.n ||
        !str_u64(str_sub(date, 5, 2), 31, &day) || !str_u64(str_sub(date, 12, 4), 9999, &year) ||
        !str_u64(str_sub(date, 17, 2), 23, &hour) || !str_u64(str_sub(date, 20, 2), 59, &minute) ||
        !str_u64(str_sub(date, 23, 2), 60, &second))
        return 0;
    /* Days since 1970, by years that begin on the first of March. */
    month = month / 3 + 1;
    y = (int64_t)year - (month <= 2);
    era = y / 400;
    doy = (int64_t)(153 * (month + (month > 2 ? (size_t)-3 : 9)) + 2) / 5 + (int64_t)day - 1;
    y -= era * 400;
    return ((era * 146097 + y * 365 + y / 4 - y / 100 + doy - 719468) * 24 + (int64_t)hour) * 3600 +
           (int64_t)minute * 60 + (int64_t)second;
}

static void answered(struct question *q)
{
    struct exam *x = q->x;

    q->req = NULL;
    q->judge(q);
    x->open--;
    loop_soon(x->o.loop, &x->step);
}

static void on_head(void *owner, int status, struct http_headers h)
{
    struct question *q = owner;

    q->status = status;
    q->date_s = exam_parse_date(http_header_get(h, S("date")));
    q->head_ms = loop_now_ms(q->x->o.loop);
}

static void on_data(void *owner, struct str bytes)
{
    struct question *q = owner;

    q->last_ms = loop_now_ms(q->x->o.loop);
    if (q->pieces++ == 0)
        q->first_ms = q->last_ms;
    buf_put(&q->answer, bytes);
}

static void on_end(void *owner)
{
    struct question *q = owner;

    q->answer.err = OK; /* what was cut is judged by what there is */
    buf_cut(&q->answer, ANSWER_MAX);
    buf_put(&q->answer, str_of("\0\0\0\0\0\0\0\0", ANSWER_PAD));
    if (q->answer.err == OK)
        buf_cut(&q->answer, q->answer.n - ANSWER_PAD);
    else
        q->fault =
            (struct client_fault){q->answer.err, CLIENT_BODY, "short of memory for its answer"};
    answered(q);
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct question *q = owner;

    q->fault = *f;
    answered(q);
}

void exam_ask(struct exam *x, const struct ask *a)
{
    static const struct client_events on = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_fail = on_fail};
    struct question *q = mem_zalloc(sizeof *q);
    struct http_header headers[5] = {
        {S("user-agent"), S("queqiao-doctor/" QUEQIAO_VERSION)},
        {S("accept"),     S("*/*")                            },
    };
    size_t n = 2;
    struct origin origin = x->o.origin;
    char bearer[512];
    char target[TARGET_MAX];

    origin.via = x->ways[a->way].via;
    q->x = x;
    q->judge = a->judge;
    q->index = a->index;
    q->sent_ms = loop_now_ms(x->o.loop);
    buf_init(&q->answer, ANSWER_MAX + ANSWER_PAD);
    rope_init(&q->body, ANSWER_MAX);
    buf_put(&q->body.text, a->body);
    if (a->body.n > 0)
        headers[n++] = (struct http_header){S("content-type"), S("application/json")};
    if (a->google_key != NULL)
        headers[n++] = (struct http_header){S("x-goog-api-key"), secret_str(a->google_key)};
    if (a->bearer != NULL && a->bearer->n > 0 && a->bearer->n < sizeof bearer - 8) {
        snprintf(bearer, sizeof bearer, "Bearer %.*s", S_ARG(secret_str(a->bearer)));
        headers[n++] = (struct http_header){S("authorization"), str_z(bearer)};
    }
    snprintf(target, sizeof target, "%.*s%.*s", S_ARG(x->o.base_path), S_ARG(a->target));
    x->questions[x->nquestions++] = q;
    x->open++;
    q->req = client_send(x->o.client,
                         &(struct client_request){
                             .origin = origin,
                             .method = a->method,
                             .target = str_z(target),
                             .headers = {headers, n},
                             .body = a->body.n > 0 ? &q->body : NULL,
                             .first_byte_ms = WAIT_MS,
                             .idle_ms = WAIT_MS,
    },
                         &on, q);
    secret_wipe(bearer, sizeof bearer);
}
