/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* doctor_page.c - the examination as a page. Who may see it was decided before, but for the form,
 * whose token is in its body. */
#include "app/doctor_page.h"

#include "app/exam_plan.h"
#include "app/examine.h"
#include "base/mem.h"
#include "doctor/exam.h"
#include "doctor/print.h"
#include "proxy/target.h"

#include <stdio.h>

enum {
    PAGE_MAX = 1 << 20,
    FORM_MAX = 16 * 1024,
    AT_ONCE = 4,   /* examinations of one worker: each asks upstream many things */
    EVENTS = 8,    /* of the stream */
    PAUSE_MS = 100 /* between them */
};

enum format { TEXT, HTML, JSON };

struct visit {
    struct worker *w;
    struct settings *settings; /* held: the examination points into them */
    struct call *call;
    struct request_id id;
    enum format format;
    enum doctor_lang lang;
    struct findings found;
    struct exam *exam;
    struct exam_plan *plan;
    struct str models[EXAM_MODELS_MAX];
    size_t nmodels;
    struct arena arena; /* what the query says */
    struct timer timer; /* of the stream */
    unsigned written;
    uint64_t began_ms;
    struct task free;
};

static void free_task(struct task *t)
{
    struct visit *v = CONTAINER(t, struct visit, free);

    findings_fini(&v->found);
    arena_fini(&v->arena);
    exam_plan_free(v->plan);
    settings_drop(v->settings);
    mem_free(v);
}

static void leave(struct visit *v)
{
    exam_cancel(v->exam);
    v->exam = NULL;
    timer_stop(&v->timer);
    loop_defer(v->w->loop, &v->free);
}

static struct visit *visit_new(struct worker *w, struct call *c, const struct request_id *id)
{
    struct visit *v = mem_zalloc(sizeof *v);

    v->w = w;
    v->settings = settings_hold(w->settings);
    v->call = c;
    v->id = *id;
    findings_init(&v->found);
    arena_init(&v->arena, FORM_MAX);
    timer_init(&v->timer, w->loop, NULL);
    task_init(&v->free, free_task);
    return v;
}

/* What is wanted, from the query or the form; else from the header fields. */

static const struct word FORMATS[] = {
    {"text", TEXT},
    {"html", HTML},
    {"json", JSON},
};

static bool accepts(struct call *c, struct str type)
{
    return str_contains_nocase(http_header_get(call_headers(c), S("accept")), type);
}

bool doctor_page_wanted(struct call *c)
{
    return accepts(c, S("text/html"));
}

static void read_wishes(struct visit *v, struct str query)
{
    struct str lang = target_query_get(query, S("lang"), &v->arena);
    int format = WORD(FORMATS, target_query_get(query, S("format"), &v->arena));
    struct str rest = query;

    v->format = format >= 0                               ? (enum format)format
                : accepts(v->call, S("text/html"))        ? HTML
                : accepts(v->call, S("application/json")) ? JSON
                                                          : TEXT;
    v->lang = doctor_lang_of(
        lang.n > 0 ? lang : http_header_get(call_headers(v->call), S("accept-language")));
    while (rest.n > 0 && v->nmodels < EXAM_MODELS_MAX) {
        struct str pair = str_cut(&rest, '&');
        struct str list = target_query_get(pair, S("model"), &v->arena);

        while (list.n > 0 && v->nmodels < EXAM_MODELS_MAX) {
            struct str one = str_trim(str_cut(&list, ','));

            if (one.n > 0)
                v->models[v->nmodels++] = one;
        }
    }
    if (v->nmodels == 0 && v->settings->config.default_model.n > 0)
        v->models[v->nmodels++] = v->settings->config.default_model;
}

/* The answer. */

static void answer(struct visit *v, int status, void (*write)(const struct visit *, struct buf *))
{
    static const struct str types[] = {
        [TEXT] = S_INIT("text/plain; charset=utf-8"),
        [HTML] = S_INIT("text/html; charset=utf-8"),
        [JSON] = S_INIT("application/json; charset=utf-8"),
    };
    struct buf out;

    buf_init(&out, PAGE_MAX);
    write(v, &out);
    leave(v);
    if (out.err != OK) { /* half a page would look like a whole one */
        buf_cut(&out, 0);
        status = 503;
    }
    reply_log(&v->id, v->call, status);
    reply_page(&v->w->proxy, v->call, &v->id, status, types[v->format], buf_str(&out));
    buf_fini(&out);
}

static void write_findings(const struct visit *v, struct buf *out)
{
    switch (v->format) {
    case TEXT: doctor_text(&v->found, v->lang, S(""), out); break;
    case HTML: doctor_html(&v->found, v->lang, out); break;
    case JSON: doctor_json(&v->found, out); break;
    }
}

static void on_done(void *owner)
{
    struct visit *v = owner;

    v->exam = NULL;
    v->w->doctors--;
    answer(v, 200, write_findings);
}

static void on_gone(void *owner)
{
    struct visit *v = owner;

    if (v->exam != NULL)
        v->w->doctors--;
    leave(v);
}

static const struct call_events GONE = {.on_gone = on_gone};

static void write_busy(const struct visit *v, struct buf *out)
{
    (void)v;
    buf_lit(out, "Several examinations are running already; please try again.\n");
}

static void start(struct visit *v)
{
    const struct gateway *g = v->w->g;
    struct doctor_facts facts;
    char notes[EXAMINE_NOTES_MAX];
    struct exam_opts o = {
        .loop = v->w->loop,
        .client = v->w->client,
        .models = v->models,
        .nmodels = v->nmodels,
    };

    if (v->w->doctors >= AT_ONCE) {
        v->format = TEXT;
        answer(v, 503, write_busy);
        return;
    }
    v->w->doctors++;
    examine(g, v->settings, call_headers(v->call), &facts, notes);
    doctor_judge(&facts, &v->found);
    examine_keys(g, proxy_now(&v->w->proxy), &v->found);
    v->plan = exam_plan_new(v->settings, &o);
    v->exam = exam_upstream(&o, &v->found, on_done, v);
}

void doctor_page(struct worker *w, struct call *c, const struct request_id *id)
{
    struct visit *v = visit_new(w, c, id);

    call_bind(c, &GONE, v);
    read_wishes(v, call_query(c));
    start(v);
}

/* The form. */

static void write_login(const struct visit *v, struct buf *out)
{
    doctor_html_login(v->lang, false, out);
}

static void write_login_again(const struct visit *v, struct buf *out)
{
    doctor_html_login(v->lang, true, out);
}

void doctor_page_login(struct worker *w, struct call *c, const struct request_id *id)
{
    struct visit *v = visit_new(w, c, id);

    read_wishes(v, call_query(c));
    v->format = HTML;
    answer(v, 401, write_login);
}

static void on_form(void *owner, char *body, size_t n)
{
    struct visit *v = owner;
    struct str form = str_of(body, n);
    struct str key;
    uint32_t wait_s;

    read_wishes(v, form);
    key = str_trim(target_query_get(form, S("key"), &v->arena));
    v->format = HTML;
    if (auth_is_operators(&v->w->proxy.opts->auth, key)) {
        start(v);
        return;
    }
    wait_s = guard_failed(v->w->g->guard, call_network(v->call), loop_now_ms(v->w->loop));
    answer(v, wait_s > 0 ? 429 : 401, write_login_again);
}

void doctor_page_post(struct worker *w, struct call *c, const struct request_id *id)
{
    static const struct call_events on = {.on_body = on_form, .on_gone = on_gone};

    call_bind(c, &on, visit_new(w, c, id));
    call_want_body_upto(c, FORM_MAX); /* a stranger's, as far as is known (AUT-2) */
}

/* The stream. */

static void on_tick(struct timer *t)
{
    struct visit *v = CONTAINER(t, struct visit, timer);
    uint64_t now_ms = loop_now_ms(v->w->loop);
    char event[160];
    int n = snprintf(event, sizeof event, "data: {\"n\":%u,\"instance\":%llu,\"took_ms\":%llu}\n\n",
                     v->written, (unsigned long long)v->w->g->instance,
                     (unsigned long long)(v->written ? now_ms - v->began_ms : 0));

    call_write(v->call, str_of(event, (size_t)n));
    if (++v->written < EVENTS) {
        timer_start(&v->timer, PAUSE_MS);
        return;
    }
    leave(v);
    reply_log(&v->id, v->call, 200);
    call_end(v->call);
}

void doctor_page_stream(struct worker *w, struct call *c, const struct request_id *id)
{
    struct visit *v = visit_new(w, c, id);
    struct reply_head h;

    call_bind(c, &GONE, v);
    reply_begin_page(&h, id);
    reply_add(&h, S("content-type"), S("text/event-stream"));
    reply_add(&h, S("cache-control"), S("no-cache, no-store"));
    reply_add(&h, S("x-accel-buffering"), S("no"));
    call_respond(c, 200, reply_fields(&h), -1);
    v->began_ms = loop_now_ms(w->loop);
    timer_init(&v->timer, w->loop, on_tick);
    on_tick(&v->timer);
}

void doctor_page_style(struct worker *w, struct call *c, const struct request_id *id)
{
    reply_page(&w->proxy, c, id, 200, S("text/css; charset=utf-8"), doctor_css());
}
