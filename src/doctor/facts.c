/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* facts.c - facts into findings. Must not ask the system for anything. */
#include "doctor/facts.h"

enum { CERTIFICATE_GOOD_S = 14 * 86400 };
enum { TOKEN_GOOD = 16, FILES_GOOD = 4096, TIMEOUT_WORKS_S = 30, TIMEOUT_GOOD_S = 300 };

/* Regions of mainland China and Hong Kong, by the beginning of their names: Alibaba's and Huawei's,
 * then Tencent's.
 *
 *   source  function-compute.md 2.5 */
static const struct str REFUSED[] = {
    S_INIT("cn-"),          S_INIT("ap-guangzhou"), S_INIT("ap-shanghai"),
    S_INIT("ap-nanjing"),   S_INIT("ap-beijing"),   S_INIT("ap-chengdu"),
    S_INIT("ap-chongqing"), S_INIT("ap-hongkong"),  S_INIT("ap-shenzhen"),
};

static void judge_options(const struct doctor_facts *f, struct findings *out)
{
    if (f->keys == 0 && f->tokens > 0 && !f->byok)
        findings_add(out, FOUND_NO_KEYS_TOKEN, S(""), "%s", "");
    else if (f->keys == 0)
        findings_add(out, FOUND_NO_KEYS, S(""), "%s", "");
    if (f->keys > 0 && f->tokens == 0 && f->anonymous)
        findings_add(out, FOUND_OPEN_TO_ALL, S(""), "%s", "");
    else if (f->keys > 0 && f->tokens == 0 && f->public_listener)
        findings_add(out, FOUND_NO_TOKEN, S(""), "%s", "");
    if (f->tokens > 0 && f->shortest_token < TOKEN_GOOD && f->public_listener)
        findings_add(out, FOUND_WEAK_TOKEN, S(""), "%zu characters", f->shortest_token);
    if (f->upstream_plain)
        findings_add(out, FOUND_PLAIN_UPSTREAM, S(""), "%s", "");
}

static void judge_certificates(const struct doctor_facts *f, struct findings *out)
{
    if (f->tls && f->certificate_left_s < 0)
        findings_add(out, FOUND_CERT_EXPIRED, f->certificate, "%s", "");
    else if (f->tls && f->certificate_left_s < CERTIFICATE_GOOD_S)
        findings_add(out, FOUND_CERT_EXPIRING, f->certificate, "%lld days",
                     (long long)(f->certificate_left_s / 86400));
}

static void judge_machine(const struct doctor_facts *f, struct findings *out)
{
    if (f->files < FILES_GOOD)
        findings_add(out, FOUND_FEW_FILES, S(""), "%llu", (unsigned long long)f->files);
    if (f->budget > f->memory)
        findings_add(out, FOUND_BUDGET_OVER_MEMORY, S(""), "%llu MB of %llu MB",
                     (unsigned long long)(f->budget >> 20), (unsigned long long)(f->memory >> 20));
    /* The body, its translation where that is a copy, and as much again for the rest. */
    if (f->memory / 3 < f->largest)
        findings_add(out, FOUND_LITTLE_MEMORY, S(""), "%llu MB; bodies of up to %llu MB",
                     (unsigned long long)(f->memory >> 20), (unsigned long long)(f->largest >> 20));
    if (f->root && !f->is_fc)
        findings_add(out, FOUND_RUNS_AS_ROOT, S(""), "%s", "");
}

static void judge_platform(const struct doctor_facts *f, struct findings *out)
{
    findings_add(out, FOUND_PLATFORM, str_z(f->platform), "%s%s%s", f->platform_title,
                 f->notes != NULL ? "; " : "", f->notes != NULL ? f->notes : "");
    for (size_t i = 0; i < NELEM(REFUSED); i++)
        if (str_starts(f->region, REFUSED[i]))
            findings_add(out, FOUND_REGION_REFUSED, f->region, "%s", "");
    if (f->timeout_s > 0 && f->timeout_s < TIMEOUT_WORKS_S)
        findings_add(out, FOUND_TIMEOUT_TINY, S(""), "%u s", (unsigned)f->timeout_s);
    else if (f->timeout_s > 0 && f->timeout_s < TIMEOUT_GOOD_S)
        findings_add(out, FOUND_TIMEOUT_SHORT, S(""), "%u s", (unsigned)f->timeout_s);
    if (f->is_fc)
        findings_add(out, FOUND_CONCURRENCY_UNKNOWN, S(""), "%s", "");
    if (f->credentials)
        findings_add(out, FOUND_CREDENTIALS_INJECTED, S(""), "%s", "");
}

void doctor_judge(const struct doctor_facts *f, struct findings *out)
{
    judge_options(f, out);
    judge_certificates(f, out);
    judge_machine(f, out);
    judge_platform(f, out);
}
