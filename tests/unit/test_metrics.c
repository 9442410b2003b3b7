/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_metrics.c - counting, the caps of label sets, and Prometheus' text. */
#include "metrics/histogram.h"
#include "metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct metrics_key KEYS[] = {
    {.place = 1,    .project = 1,           .in_flight = 3       },
    { .place = 2, .project = 2, .why = "key not valid",      .back_ms = 90500},
    { .place = 3, .project = 3,    .why = "key leaked", .back_ms = UINT64_MAX},
};
static const struct metrics_lane LANES[] = {
    {1,
     "m",       "requests a minute",
     1250,                              {{"rpm", 10, 10}, {"tpm", 0, 77}, {"rpd", 250, 31}, {"tpd", 0, 0}}},
    {2, "a\"b", NULL,                0, {{"rpm", 0, 0}, {"tpm", 5, 4}, {"rpd", 0, 0}, {"tpd", 0, 0}}      },
};
static const struct metrics_way WAYS[] = {
    {.place = 1, .name = "socks5://h:1", .why = "refused", .back_ms = 3599500, .refused = 2},
    {.place = 2, .name = "direct",       .in_use = true,   .in_flight = 4,     .failed = 1 },
};
static const struct metrics_process PROCESS = {.version = "1.2.3",
                                               .keys = 4,
                                               .workers = 2,
                                               .key_limited = 7,
                                               .key = KEYS,
                                               .nkey = 3,
                                               .out_leaked = 1,
                                               .lane = LANES,
                                               .nlane = 2,
                                               .way = WAYS,
                                               .nway = 2};

static struct metrics_request served(const char *model)
{
    return (struct metrics_request){
        .dialect = "openai",
        .end = "finish",
        .model = str_z(model),
        .status = 200,
        .ms = 1500,
        .first_ms = 90,
        .input = 100,
        .output = 17,
        .cached = 3,
        .thoughts = 5,
        .attempts = 2,
    };
}

static void printed(struct metrics *const *v, size_t n, struct buf *out)
{
    buf_init(out, 8 << 20);
    metrics_print(v, n, &PROCESS, out);
    assert_int_equal(out->err, OK);
}

static void has(const struct buf *out, const char *line)
{
    char whole[512];

    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (str_find(buf_str(out), str_z(whole)) == out->n)
        fail_msg("no line %s in:\n%.*s", line, (int)out->n, out->p);
}

#define LABELS                                                                                     \
    "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"gcp.gemini\","                          \
    "gen_ai_request_model=\"m\",queqiao_dialect=\"openai\""

/* Two workers are added up; buckets are cumulative, and their bounds belong to them. */
static void workers_are_summed(void **state)
{
    const struct metrics_upstream first = {.connections = 2, .requests = 3};
    const struct metrics_upstream second = {.connections = 5, .retried_dead = 1};
    struct metrics *v[] = {metrics_new(), metrics_new()};
    struct metrics_request r = served("m");
    struct buf out;

    (void)state;
    r.upstream = &first;
    metrics_began(v[0]);
    metrics_ended(v[0], &r);
    metrics_began(v[1]);
    r.ms = 1280;
    r.upstream = &second;
    metrics_ended(v[1], &r);
    metrics_began(v[1]);
    assert_int_equal(metrics_in_flight(v, 2), 1);
    printed(v, 2, &out);
    has(&out, "# TYPE gen_ai_server_request_duration_seconds histogram");
    has(&out, "gen_ai_server_request_duration_seconds_bucket{" LABELS ",le=\"0.640\"} 0");
    has(&out, "gen_ai_server_request_duration_seconds_bucket{" LABELS ",le=\"1.280\"} 1");
    has(&out, "gen_ai_server_request_duration_seconds_bucket{" LABELS ",le=\"2.560\"} 2");
    has(&out, "gen_ai_server_request_duration_seconds_bucket{" LABELS ",le=\"+Inf\"} 2");
    has(&out, "gen_ai_server_request_duration_seconds_sum{" LABELS "} 2.780");
    has(&out, "gen_ai_server_request_duration_seconds_count{" LABELS "} 2");
    has(&out, "gen_ai_server_time_to_first_token_seconds_count{" LABELS "} 2");
    has(&out, "gen_ai_client_token_usage_sum{" LABELS ",gen_ai_token_type=\"input\"} 200");
    has(&out, "gen_ai_client_token_usage_sum{" LABELS ",gen_ai_token_type=\"output\"} 34");
    has(&out, "queqiao_upstream_attempts_total{" LABELS "} 4");
    has(&out, "queqiao_requests_total{dialect=\"openai\",status=\"200\",end=\"finish\"} 2");
    has(&out, "queqiao_requests_in_flight 1");
    has(&out, "queqiao_upstream_connections_total 7");
    has(&out, "queqiao_upstream_replaced_total 1");
    has(&out, "queqiao_key_requests_total{outcome=\"limited\"} 7");
    has(&out, "queqiao_build_info{version=\"1.2.3\"} 1");
    buf_fini(&out);
    metrics_free(v[0]);
    metrics_free(v[1]);
}

static void failures_have_no_duration(void **state)
{
    struct metrics *m = metrics_new();
    struct metrics_request r = {.dialect = "openai",
                                .end = "error",
                                .model = S("m"),
                                .status = 429,
                                .attempts = 1,
                                .ms = 9};
    struct buf out;

    (void)state;
    metrics_began(m);
    metrics_ended(m, &r);
    r.model = S(""); /* never understood */
    r.status = 400;
    r.attempts = 0;
    metrics_began(m);
    metrics_ended(m, &r);
    printed(&m, 1, &out);
    has(&out, "queqiao_requests_total{dialect=\"openai\",status=\"429\",end=\"error\"} 1");
    has(&out, "queqiao_requests_total{dialect=\"openai\",status=\"400\",end=\"error\"} 1");
    has(&out, "gen_ai_server_request_duration_seconds_count{" LABELS "} 0");
    buf_fini(&out);
    metrics_free(m);
}

/* A client chooses the model's name: it can neither grow the page without end nor break a line. */
static void labels_are_capped_and_escaped(void **state)
{
    struct metrics *m = metrics_new();
    struct buf out;

    (void)state;
    for (int i = 0; i < METRICS_SERIES_MAX * 3; i++) {
        char name[32];
        struct metrics_request r;

        snprintf(name, sizeof name, "x\"\\\n%d", i);
        r = served(name);
        r.status = 400 + i;
        metrics_began(m);
        metrics_ended(m, &r);
    }
    printed(&m, 1, &out);
    assert_true(out.n < 1 << 20);
    assert_true(str_find(buf_str(&out), S("gen_ai_request_model=\"x\\\"\\\\0\"")) < out.n);
    has(&out, "queqiao_upstream_attempts_total{gen_ai_operation_name=\"chat\","
              "gen_ai_provider_name=\"gcp.gemini\",gen_ai_request_model=\"other\","
              "queqiao_dialect=\"other\"} 256");
    has(&out, "queqiao_requests_total{dialect=\"other\",status=\"0\",end=\"other\"} 128");
    buf_fini(&out);
    metrics_free(m);
}

static void histogram_edges(void **state)
{
    struct histogram h = {0};
    struct histogram sum = {0};

    (void)state;
    histogram_add(&h, HISTOGRAM_TOKENS, 0);
    histogram_add(&h, HISTOGRAM_TOKENS, 1);
    histogram_add(&h, HISTOGRAM_TOKENS, 2);
    histogram_add(&h, HISTOGRAM_TOKENS, UINT32_MAX);
    assert_int_equal(h.bucket[0], 2);
    assert_int_equal(h.bucket[1], 1);
    assert_int_equal(h.count, 4);
    histogram_merge(&sum, &h);
    histogram_merge(&sum, &h);
    assert_int_equal(sum.count, 8);
    assert_int_equal(sum.bucket[0], 4);
}

static void lacks(const struct buf *out, const char *text)
{
    if (str_find(buf_str(out), str_z(text)) != out->n)
        fail_msg("%s in:\n%.*s", text, (int)out->n, out->p);
}

/* What is well, and what is not known, has no row. */
static void keys_and_quotas(void **state)
{
    struct metrics *m = metrics_new();
    struct buf out;

    (void)state;
    printed(&m, 1, &out);
    has(&out, "queqiao_key_up{key=\"1\",project=\"1\"} 1");
    has(&out, "queqiao_key_up{key=\"2\",project=\"2\"} 0");
    has(&out, "queqiao_key_in_flight{key=\"1\"} 3");
    has(&out, "queqiao_egress_up{place=\"1\",way=\"socks5://h:1\"} 0");
    has(&out, "queqiao_egress_up{place=\"2\",way=\"direct\"} 1");
    has(&out, "queqiao_egress_in_use{place=\"2\",way=\"direct\"} 1");
    has(&out, "queqiao_egress_back_seconds{place=\"1\",way=\"socks5://h:1\",reason=\"refused\"} "
              "3599.500");
    lacks(&out, "queqiao_egress_back_seconds{place=\"2\"");
    has(&out, "queqiao_egress_in_flight{place=\"2\",way=\"direct\"} 4");
    has(&out,
        "queqiao_egress_failures_total{place=\"1\",way=\"socks5://h:1\",reason=\"refused\"} 2");
    has(&out, "queqiao_egress_failures_total{place=\"2\",way=\"direct\",reason=\"failing\"} 1");
    has(&out, "queqiao_key_back_seconds{key=\"2\",reason=\"key not valid\"} 90.500");
    has(&out, "queqiao_key_back_seconds{key=\"3\",reason=\"key leaked\"} +Inf");
    lacks(&out, "queqiao_key_back_seconds{key=\"1\"");
    has(&out, "queqiao_keys_put_out_total{reason=\"invalid\"} 0");
    has(&out, "queqiao_keys_put_out_total{reason=\"leaked\"} 1");
    has(&out, "queqiao_quota_limit{project=\"1\",model=\"m\",quota=\"rpd\"} 250");
    has(&out, "queqiao_quota_spent{project=\"1\",model=\"m\",quota=\"rpd\"} 31");
    has(&out, "queqiao_quota_limit{project=\"2\",model=\"a\\\"b\",quota=\"tpm\"} 5");
    lacks(&out, "model=\"m\",quota=\"tpm\"");
    has(&out,
        "queqiao_quota_back_seconds{project=\"1\",model=\"m\",reason=\"requests a minute\"} 1.250");
    lacks(&out, "queqiao_quota_back_seconds{project=\"2\"");
    buf_fini(&out);
    metrics_free(m);
}

static void events_of_all_workers(void **state)
{
    struct metrics *v[] = {metrics_new(), metrics_new()};
    struct buf out;

    (void)state;
    metrics_count(v[0], METRICS_WAIT_SERVED);
    metrics_count(v[1], METRICS_WAIT_SERVED);
    metrics_count(v[1], METRICS_RETRY_DENIED);
    metrics_repaired(v[0], "drop_thinking");
    metrics_repaired(v[1], "plain_schema");
    metrics_repaired(v[1], "drop_thinking");
    metrics_waiting(v[0], 3);
    metrics_waiting(v[1], 4);
    printed(v, 2, &out);
    has(&out, "# TYPE queqiao_quota_waits_total counter");
    has(&out, "queqiao_quota_waits_total{end=\"served\"} 2");
    has(&out, "queqiao_quota_waits_total{end=\"left\"} 0");
    has(&out, "queqiao_retries_total{outcome=\"denied\"} 1");
    has(&out, "queqiao_empty_answers_total 0");
    has(&out, "queqiao_quota_waiting 7");
    has(&out, "queqiao_repairs_total{remedy=\"drop_thinking\"} 2");
    has(&out, "queqiao_repairs_total{remedy=\"plain_schema\"} 1");
    buf_fini(&out);
    metrics_free(v[0]);
    metrics_free(v[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_summed),
        cmocka_unit_test(failures_have_no_duration),
        cmocka_unit_test(labels_are_capped_and_escaped),
        cmocka_unit_test(histogram_edges),
        cmocka_unit_test(keys_and_quotas),
        cmocka_unit_test(events_of_all_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
