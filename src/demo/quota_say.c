/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quota_say.c - a quota that is used up, in Google's words; and when its day ends. Pure. */
#include "demo/quota.h"

#define SERVICE "generativelanguage.googleapis.com"
#define QUOTAS  "https://ai.google.dev/gemini-api/docs/rate-limits"
#define RPC     "\"@type\":\"type.googleapis.com/google.rpc."

enum { DETAILS_MAX = 8192, HOUR_S = 3600, DAY_S = 24 * HOUR_S, MARCH = 3, NOVEMBER = 11 };

static const struct {
    const char *metric, *id;
} WORDS[EMU_LIMITS][2] = {
    [EMU_RPM] = {{"generate_content_free_tier_requests",
                  "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"},
                 {"generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel"}},
    [EMU_TPM] = {{"generate_content_free_tier_input_token_count",
                  "GenerateContentInputTokensPerModelPerMinute-FreeTier"},
                 {"generate_content_paid_tier_input_token_count",
                  "GenerateContentPaidTierInputTokensPerModelPerMinute"}                       },
    [EMU_RPD] = {{"generate_content_free_tier_requests",
                  "GenerateRequestsPerDayPerProjectPerModel-FreeTier"},
                 {"generate_requests_per_model_per_day",
                  "GenerateRequestsPerDayPerProjectPerModel"}                                  },
};

static void say_message(struct buf *m, struct str model, const struct emu_over *over, size_t n,
                        uint64_t retry_us)
{
    buf_lit(m, "You exceeded your current quota, please check your plan and billing details. For "
               "more information on this error, head to: " QUOTAS
               ". To monitor your current usage, head to: https://ai.dev/rate-limit.");
    for (size_t i = 0; i < n; i++)
        buf_putf(m, "\n* Quota exceeded for metric: " SERVICE "/%s, limit: %llu, model: %.*s",
                 WORDS[over[i].limit][over[i].paid].metric, (unsigned long long)over[i].value,
                 S_ARG(model));
    buf_putf(m, "\nPlease retry in %llu.%06llu201s.", (unsigned long long)(retry_us / 1000000),
             (unsigned long long)(retry_us % 1000000));
}

/* The delay has lost its fraction there, as at Google. */
void emu_refuse_quota(struct emu_problem *p, struct str model, const struct emu_over *over,
                      size_t n, uint64_t retry_us)
{
    struct buf d;

    if (emu_problem_open(p, 429))
        say_message(&p->message, model, over, n, retry_us);
    buf_init(&d, DETAILS_MAX);
    buf_lit(&d, "{" RPC "Help\",\"links\":[{\"description\":\"Learn more about Gemini API quotas\","
                "\"url\":\"" QUOTAS "\"}]},{" RPC "QuotaFailure\",\"violations\":[");
    for (size_t i = 0; i < n; i++)
        buf_putf(&d,
                 "%s{\"quotaMetric\":\"" SERVICE "/%s\",\"quotaId\":\"%s\",\"quotaDimensions\":{"
                 "\"location\":\"global\",\"model\":\"%.*s\"},\"quotaValue\":\"%llu\"}",
                 i > 0 ? "," : "", WORDS[over[i].limit][over[i].paid].metric,
                 WORDS[over[i].limit][over[i].paid].id, S_ARG(model),
                 (unsigned long long)over[i].value);
    buf_putf(&d, "]},{" RPC "RetryInfo\",\"retryDelay\":\"%llus\"}",
             (unsigned long long)(retry_us / 1000000));
    emu_problem_detail(p, buf_str(&d));
    buf_fini(&d);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Month and day of the month of a day since 1970. */
static void civil(int64_t day, int64_t *ret_month, int64_t *ret_day)
{
    int64_t z = day + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;

    *ret_day = doy - (153 * m + 2) / 5 + 1;
    *ret_month = m < 10 ? m + 3 : m - 9;
}

/* Summer begins on March's second Sunday at 2 a.m. and ends on November's first at 1 a.m. of
 * standard time, which is what local_s is in. */
static bool is_summer(int64_t local_s)
{
    int64_t days = floor_div(local_s, DAY_S);
    int64_t weekday = days + 4 - floor_div(days + 4, 7) * 7; /* 0: Sunday */
    int64_t hour = (local_s - days * DAY_S) / HOUR_S;
    int64_t month, day, sunday; /* the last one that has begun: 0 and less is last month's */

    civil(days, &month, &day);
    sunday = day - weekday;
    if (weekday == 0 && hour < (month == MARCH ? 2 : 1))
        sunday -= 7;
    if (month == MARCH)
        return sunday >= 8;
    if (month == NOVEMBER)
        return sunday < 1;
    return month > MARCH && month < NOVEMBER;
}

int64_t emu_pacific_day(int64_t wall_ms)
{
    int64_t local_s = floor_div(wall_ms, 1000) - 8 * HOUR_S;

    return floor_div(local_s + (is_summer(local_s) ? HOUR_S : 0), DAY_S);
}
