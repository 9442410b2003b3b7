/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* examine.c - looking around. What is good or bad is not known here. */
#include "app/examine.h"

#include "app/certificates.h"
#include "app/platform.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static const char *const REGIONS[] = {"FC_REGION", "TENCENTCLOUD_REGION", "AWS_REGION",
                                      "FLY_REGION"};
static const char *const CREDENTIALS[] = {"ALIBABA_CLOUD_ACCESS_KEY_ID", "TENCENTCLOUD_SECRETID"};

static const char *first_set(const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *v = getenv(names[i]);

        if (v != NULL && *v != '\0')
            return names[i];
    }
    return NULL;
}

static uint32_t timeout_of(struct http_headers h)
{
    const char *v = getenv("FC_TIMEOUT");
    uint64_t n = 0;

    if (str_u64(http_header_get(h, S("x-fc-function-timeout")), 86400, &n) ||
        str_u64(str_z(v), 86400, &n))
        return (uint32_t)n;
    return 0;
}

static size_t shortest(const struct token *v, size_t n)
{
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < n; i++)
        if (v[i].secret.n < least)
            least = v[i].secret.n;
    return least;
}

/* What documents of the platforms leave open: who we are there, and how the clocks stand. */
static void take_notes(const struct gateway *g, char notes[EXAMINE_NOTES_MAX])
{
    struct utsname u;
    struct buf b;

    buf_init(&b, EXAMINE_NOTES_MAX - 1);
    if (uname(&u) == 0)
        buf_putf(&b, "%s %.32s, ", u.sysname, u.release);
    buf_putf(&b, "pid %d, uid %d, %u cores, up %llu s", (int)getpid(), (int)geteuid(),
             platform_cores(), (unsigned long long)((clock_mono_ms() - g->start_ms) / 1000));
    if (g->platform->hooks)
        for (char **e = environ; *e != NULL && b.err == OK; e++)
            if (str_starts(str_z(*e), S("FC_"))) {
                struct str rest = str_z(*e);
                struct str name = str_cut(&rest, '=');

                buf_putf(&b, ", %.*s", S_ARG(name));
            }
    snprintf(notes, EXAMINE_NOTES_MAX, "%.*s", S_ARG(buf_str(&b)));
    buf_fini(&b);
}

void examine(const struct gateway *g, const struct settings *s, struct http_headers headers,
             struct doctor_facts *ret, char notes[EXAMINE_NOTES_MAX])
{
    const struct origin *o = &s->opts.origin;
    const char *region = first_set(REGIONS, NELEM(REGIONS));
    struct rlimit files = {0};
    struct str certificate = S("");
    int64_t left_s = 0;

    if (g->certificates != NULL)
        left_s = certificates_left_s(&s->config, g->certificates, &certificate);
    getrlimit(RLIMIT_NOFILE, &files);
    take_notes(g, notes);
    *ret = (struct doctor_facts){
        .platform = g->platform->name,
        .platform_title = g->platform->title,
        .is_fc = g->platform->hooks,
        .keys = keys_count(g->keys),
        .tokens = s->ntokens,
        .shortest_token = shortest(s->tokens, s->ntokens),
        .byok = s->config.byok,
        .anonymous = s->config.anonymous,
        .public_listener = g->platform->fronted || !platform_is_loopback(&g->addr),
        .upstream_plain = !o->https && !str_starts(o->host, S("127.")) &&
                          !str_eq(o->host, S("localhost")) && !str_eq(o->host, S("::1")),
        .region = str_z(region ? getenv(region) : NULL),
        .timeout_s = timeout_of(headers),
        .credentials = first_set(CREDENTIALS, NELEM(CREDENTIALS)) != NULL,
        .files = files.rlim_max,
        .memory = platform_memory_bytes(),
        .budget = mem_budget(),
        .largest = s->config.body_max,
        .tls = g->certificates != NULL,
        .certificate_left_s = left_s,
        .certificate = certificate,
        .root = geteuid() == 0,
        .notes = notes,
    };
}

enum { KEYS_TOLD = 32, LANES_TOLD = 32, WAYS_TOLD = 32 };

static void tell_resting(struct str what, enum key_why why, uint64_t back_ms, struct findings *out)
{
    if (back_ms == KEY_NEVER)
        findings_add(out, FOUND_KEY_COOLING, what, "%s, until a reload", key_why_text(why));
    else
        findings_add(out, FOUND_KEY_COOLING, what, "%s, back in %llu s", key_why_text(why),
                     (unsigned long long)(back_ms + 999) / 1000);
}

static void tell_quota(const struct lane_status *l, struct findings *out)
{
    struct buf b;

    buf_init(&b, 512);
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        if (l->quota[kind].limit > 0)
            buf_putf(&b, "%s%s: %llu of %llu", b.n ? ", " : "",
                     key_why_text((enum key_why)(KEY_OVER_RPM + kind)),
                     (unsigned long long)l->quota[kind].spent,
                     (unsigned long long)l->quota[kind].limit);
    if (b.n > 0)
        findings_add(out, FOUND_QUOTA_KNOWN, str_z(l->model), "project %u: %.*s", l->project,
                     S_ARG(buf_str(&b)));
    buf_fini(&b);
}

static void tell_ways(const struct gateway *g, uint64_t now_ms, struct findings *out)
{
    struct egress_status ways[WAYS_TOLD];
    size_t n = egresses_status(g->egresses, now_ms, ways, WAYS_TOLD);

    for (size_t i = 0; i < n && i < WAYS_TOLD; i++)
        if (ways[i].state != EGRESS_WELL)
            findings_add(out, FOUND_WAY_RESTING, str_z(ways[i].name.z), "%s, back in %llu s",
                         egress_state_name(ways[i].state),
                         (unsigned long long)(ways[i].back_ms + 999) / 1000);
}

void examine_keys(const struct gateway *g, struct key_now now, struct findings *out)
{
    struct key_status keys[KEYS_TOLD];
    struct lane_status lanes[LANES_TOLD];
    size_t n = keys_status(g->keys, now, keys, KEYS_TOLD);

    tell_ways(g, now.ms, out);

    for (size_t i = 0; i < n && i < KEYS_TOLD; i++)
        if (keys[i].why != KEY_WELL)
            tell_resting(str_z(key_subject(i + 1, n, &keys[i].name).z), keys[i].why,
                         keys[i].back_ms, out);
    n = keys_lanes(g->keys, now, lanes, LANES_TOLD);
    for (size_t i = 0; i < n && i < LANES_TOLD; i++) {
        if (lanes[i].why != KEY_WELL)
            tell_resting(str_z(lanes[i].model), lanes[i].why, lanes[i].back_ms, out);
        tell_quota(&lanes[i], out);
    }
}
