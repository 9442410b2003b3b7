/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* settings.c - from options to what a request is served by. Must not know who serves. */
#include "app/settings.h"

#include "app/base_url.h"
#include "base/log.h"
#include "base/mem.h"

static const struct word LEVEL[] = {
    {"error", LOG_ERROR},
    {"warn",  LOG_WARN },
    {"info",  LOG_INFO },
    {"debug", LOG_DEBUG}
};
static const struct word FORMAT[] = {
    {"logfmt", 0},
    {"json",   1}
};

static const struct word FETCH[] = {
    {"off",    GM_FETCH_NEVER },
    {"auto",   GM_FETCH_AUTO  },
    {"always", GM_FETCH_ALWAYS}
};

/* What was made, opened or read at the start, once. */
static const char *const FIXED[] = {
    "QUEQIAO_LISTEN", "QUEQIAO_PLATFORM",       "QUEQIAO_WORKERS",
    "SSL_CERT_FILE",  "QUEQIAO_MAX_SIGNATURES",
};

static void free_settings(struct proxy_opts *o)
{
    struct settings *s = CONTAINER(o, struct settings, opts);

    credentials_free_tokens(s->tokens, s->ntokens);
    credentials_fini(&s->credentials);
    mem_free(s->known);
    config_fini(&s->config);
    buf_fini(&s->fixed);
    mem_free(s);
}

struct settings *settings_new(void)
{
    struct settings *s = mem_zalloc(sizeof *s);

    atomic_init(&s->opts.holders, 1);
    s->opts.free = free_settings;
    buf_init(&s->fixed, 1024);
    return s;
}

struct settings *settings_hold(struct settings *s)
{
    proxy_opts_hold(&s->opts);
    return s;
}

void settings_drop(struct settings *s)
{
    proxy_opts_drop(s ? &s->opts : NULL);
}

static struct fetch_rules rules_of(const struct config *c)
{
    return (struct fetch_rules){
        .http = c->fetch_http, .hosts = c->fetch_hosts, .intranet = c->fetch_private};
}

static enum err check(const struct config *c, struct buf *problem)
{
    struct fetch_rules rules = rules_of(c);

    if (WORD(LEVEL, c->log_level) < 0)
        buf_lit(problem, "QUEQIAO_LOG_LEVEL must be error, warn, info or debug");
    else if (WORD(FORMAT, c->log_format) < 0)
        buf_lit(problem, "QUEQIAO_LOG_FORMAT must be logfmt or json");
    else if (file_complaint(c->exposure, c->alone) != NULL)
        buf_putf(problem, "the config file %.*s %s", S_ARG(c->config_file),
                 file_complaint(c->exposure, c->alone));
    else if (WORD(FETCH, c->fetch) < 0)
        buf_lit(problem, "QUEQIAO_FETCH must be auto, always or off");
    else if (fetch_rules_fault(&rules) != NULL)
        buf_put(problem, str_z(fetch_rules_fault(&rules)));
    else
        return OK;
    return E_FIELD;
}

enum err settings_read(struct settings *s, const struct platform **ret, struct buf *problem)
{
    enum err err = config_load(&s->config, problem);

    if (err == OK)
        err = platform_choose(&s->config, ret, problem);
    if (err == OK)
        err = platform_suggest(*ret, &s->config, problem);
    return err == OK ? check(&s->config, problem) : err;
}

static void note_fixed(struct settings *s, const struct settings *before)
{
    for (size_t i = 0; i < NELEM(FIXED); i++)
        if (!config_same(&s->config, &before->config, str_z(FIXED[i])))
            buf_putf(&s->fixed, "%s%s", s->fixed.n ? ", " : "", FIXED[i]);
}

enum err settings_reread(struct settings *s, const struct settings *before,
                         const struct platform *p, struct buf *problem)
{
    enum err err = config_reload(&s->config, &before->config, problem);

    if (err == OK)
        err = platform_suggest(p, &s->config, problem);
    if (err == OK)
        err = check(&s->config, problem);
    note_fixed(s, before);
    s->number = before->number + 1;
    return err;
}

static void fill_opts(struct proxy_opts *o, const struct config *c, const struct platform *p,
                      bool emulation)
{
    o->cors = str_eq(c->cors, S("*")) ? CORS_ANY : str_eq(c->cors, S("off")) ? CORS_OFF : CORS_LIST;
    o->cors_origins = c->cors;
    o->dialect.include_thoughts = c->include_thoughts;
    o->dialect.markdown_images = c->markdown_images;
    o->dialect.default_model = c->default_model;
    o->dialect.model_suffix = emulation ? S(" (emulated)") : S("");
    o->blocked_as_error = c->blocked_as_error;
    o->fetch = (enum gm_fetch)WORD(FETCH, c->fetch);
    o->fetching.rules = rules_of(c);
    o->fetching.bytes_max = (size_t)c->fetch_max;
    o->fetching.whole_ms = (uint32_t)c->fetch_ms;
    o->body_max = (size_t)c->body_max;
    o->answer_max = (size_t)c->answer_max;
    o->event_max = (size_t)c->event_max;
    o->first_byte_ms = (uint32_t)c->first_byte_ms;
    o->idle_ms = (uint32_t)c->idle_ms;
    o->total_ms = (uint32_t)c->total_ms;
    o->heartbeat_ms = (uint32_t)c->heartbeat_ms;
    o->attempts = (unsigned)c->attempts;
    o->hedge = c->hedge;
    o->quota_wait_ms = (uint32_t)c->quota_wait_ms;
    o->emulation = emulation;
    o->request_id = str_z(p->request_id);
    o->fc_marks = c->fc_marks && p->hooks;
    o->auth.byok = c->byok;
    o->auth.anonymous = c->anonymous;
}

enum err settings_settle(struct settings *s, const struct platform *p, bool emulation,
                         struct buf *problem)
{
    struct fault why = {0};
    enum err err = base_url_parse(s->config.base_url, &s->opts.origin, &s->opts.base_path, &why);

    if (err != OK) {
        buf_putf(problem, "GEMINI_BASE_URL %s", why.what);
        return err;
    }
    err = fallbacks_parse(s->config.fallback_models, &s->opts.fallbacks, &why);
    if (err != OK) {
        buf_putf(problem, "QUEQIAO_FALLBACK_MODELS %s", why.what);
        return err;
    }
    err = credentials_tokens(&s->config, &s->tokens, &s->ntokens, problem);
    if (err != OK)
        return err;
    fill_opts(&s->opts, &s->config, p, emulation);
    settings_name_tokens(s);
    return OK;
}

void settings_name_tokens(struct settings *s)
{
    uint32_t requests = (uint32_t)s->config.per_token;

    mem_free(s->known);
    s->known = mem_zalloc((s->ntokens + 1) * sizeof *s->known);
    for (size_t i = 0; i < s->ntokens; i++) {
        const struct token *t = &s->tokens[i];

        s->known[i] = (struct auth_token){sha256_of(secret_str(&t->secret)),
                                          t->limited ? t->requests : requests};
    }
    s->opts.auth.requests = requests;
    s->opts.auth.tokens = s->known;
    s->opts.auth.ntokens = s->ntokens;
}

void settings_set_log(const struct settings *s)
{
    log_setup((enum log_level)WORD(LEVEL, s->config.log_level),
              WORD(FORMAT, s->config.log_format) == 1);
}
