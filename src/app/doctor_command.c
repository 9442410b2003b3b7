/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* doctor_command.c - a loop and a client for as long as the examination takes. */
#include "app/doctor_command.h"

#include "app/base_url.h"
#include "app/exam_plan.h"
#include "app/examine.h"
#include "app/gateway.h"
#include "app/worker.h"
#include "doctor/exam.h"
#include "doctor/print.h"
#include "net/dns.h"

#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, STATUS_BAD_ARGUMENTS = 2 };

struct arguments {
    struct str url;
    struct str models[EXAM_MODELS_MAX];
    size_t nmodels;
    bool json;
    enum doctor_lang lang;
};

static enum doctor_lang lang_of_environment(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < NELEM(names); i++) {
        const char *v = getenv(names[i]);

        if (v != NULL && *v != '\0')
            return doctor_lang_of(str_z(v));
    }
    return LANG_EN;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    a->lang = lang_of_environment();
    for (int i = 0; i < argc; i++) {
        struct str arg = str_z(argv[i]);

        if (str_eq(arg, S("--json")))
            a->json = true;
        else if (str_eq(arg, S("--lang")) && i + 1 < argc)
            a->lang = doctor_lang_of(str_z(argv[++i]));
        else if (str_starts_nocase(arg, S("http://")) || str_starts_nocase(arg, S("https://")))
            a->url = arg;
        else if (arg.n > 0 && arg.p[0] != '-' && a->nmodels < EXAM_MODELS_MAX)
            a->models[a->nmodels++] = arg;
        else
            return false;
    }
    return true;
}

static void on_done(void *loop)
{
    loop_stop(loop);
}

static enum err start_here(struct gateway *g, struct exam_opts *o, struct arguments *a,
                           struct exam_plan **ret_plan, struct findings *found)
{
    const struct settings *s = g->settings;
    struct doctor_facts facts;
    char notes[EXAMINE_NOTES_MAX];

    *ret_plan = exam_plan_new(s, o);
    if (a->nmodels == 0 && s->config.default_model.n > 0)
        a->models[a->nmodels++] = s->config.default_model;
    examine(g, s, (struct http_headers){NULL, 0}, &facts, notes);
    doctor_judge(&facts, found);
    o->models = a->models;
    o->nmodels = a->nmodels;
    exam_upstream(o, found, on_done, o->loop);
    return OK;
}

static enum err start_there(const struct gateway *g, struct exam_opts *o, const struct arguments *a,
                            struct findings *found, struct buf *problem)
{
    struct fault why = {0};
    enum err err = base_url_parse(a->url, &o->origin, &o->base_path, &why);

    if (err != OK) {
        buf_putf(problem, "%.*s %s", S_ARG(a->url), why.what);
        return err;
    }
    o->keys = &g->settings->tokens[0].secret;
    o->nkeys = g->settings->ntokens > 0;
    o->models = a->models;
    o->nmodels = a->nmodels;
    exam_gate(o, found, on_done, o->loop);
    return OK;
}

static int show(const struct findings *found, const struct arguments *a)
{
    struct buf out;
    ssize_t wrote;

    buf_init(&out, TEXT_MAX);
    if (a->json)
        doctor_json(found, &out);
    else
        doctor_text(found, a->lang, a->url, &out);
    wrote = write(STDOUT_FILENO, out.p, out.n);
    buf_fini(&out);
    return wrote < 0 ? EXIT_FAILURE : findings_status(found);
}

static int look(struct gateway *g, struct arguments *a, struct buf *problem)
{
    struct loop *loop = loop_new();
    struct dns *dns = dns_new(loop);
    struct client_limits limits = worker_client_limits(&g->settings->config);
    struct exam_opts o = {.loop = loop, .client = client_new(loop, dns, g->tls, &limits)};
    struct exam_plan *plan = NULL;
    struct findings found;
    enum err err;
    int status = EXIT_FAILURE;

    findings_init(&found);
    err =
        a->url.n > 0 ? start_there(g, &o, a, &found, problem) : start_here(g, &o, a, &plan, &found);
    if (err == OK) {
        loop_run(loop);
        status = show(&found, a);
    }
    findings_fini(&found);
    exam_plan_free(plan);
    client_free(o.client);
    dns_free(dns);
    loop_run(loop); /* what is being closed gets its turn */
    loop_free(loop);
    return status;
}

int doctor_command(struct settings *s, const struct platform *p, int argc, char **argv,
                   struct buf *problem)
{
    struct arguments a = {.url = S("")};
    struct gateway g = {.settings = s};
    int status = EXIT_FAILURE;

    if (!read_arguments(argc, argv, &a)) {
        buf_lit(problem,
                "usage: queqiao doctor [--json] [--lang en|zh] [MODEL ... | URL [MODEL ...]]");
        status = STATUS_BAD_ARGUMENTS;
    } else if (gateway_init(&g, s, p, false, problem) == OK) {
        status = look(&g, &a, problem);
    }
    if (!gateway_close(&g))
        status = EXIT_FAILURE; /* cannot be: nothing reloads here */
    return status;
}
