/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_retry.c - what a failure means for the key, and whether the request is sent again. */
#include "proxy/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* UPS-1. */
static void policy(void **state)
{
    static const struct {
        enum gm_cause cause;
        enum key_result blame;
        bool first, second, own_key; /* again after the 1st, the 2nd, with an own key? */
    } rows[] = {
        {GM_BAD_REQUEST, KEY_SERVED,            false, false, false},
        {GM_KEY_INVALID, KEY_REFUSED_INVALID,   true,  true,  false},
        {GM_CREDIT,      KEY_REFUSED_CREDIT,    true,  true,  false},
        {GM_FORBIDDEN,   KEY_REFUSED_FORBIDDEN, true,  true,  false},
        {GM_LEAKED,      KEY_REFUSED_LEAKED,    true,  true,  false},
        {GM_LOCATION,    KEY_BLAMELESS,         false, false, false},
        {GM_RATE,        KEY_LIMITED,           true,  true,  false},
        {GM_INTERNAL,    KEY_BLAMELESS,         true,  false, true },
        {GM_OVERLOADED,  KEY_BLAMELESS,         true,  true,  true },
        {GM_DEADLINE,    KEY_BLAMELESS,         true,  false, true },
        {GM_UNREACHABLE, KEY_UNSENT,            true,  true,  true },
        {GM_BROKEN,      KEY_BLAMELESS,         true,  false, true },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct gm_error e = {
            .set = true, .cause = rows[i].cause, .key_fault = true, .upstream_status = 500};
        struct retry_state s = {
            .attempts_made = 1, .attempts_max = 3, .left_ms = 60000, .random = 12345};
        struct retry_plan plan;

        assert_int_equal(retry_blame(&e), rows[i].blame);
        assert_int_equal(retry_again(&e, &s, &plan), rows[i].first);
        s.own_key = true;
        assert_int_equal(retry_again(&e, &s, &plan), rows[i].own_key);
        s.own_key = false;
        s.attempts_made = 2;
        assert_int_equal(retry_again(&e, &s, &plan), rows[i].second);
        s.attempts_made = 3;
        assert_false(retry_again(&e, &s, &plan));
        s.attempts_made = 1;
        s.answer_began = true;
        assert_false(retry_again(&e, &s, &plan));
    }
}

static void pauses_grow_and_jitter(void **state)
{
    const struct gm_error e = {.set = true, .cause = GM_OVERLOADED};
    struct retry_plan plan;

    (void)state;
    for (uint32_t random = 0; random < 5000; random += 7) {
        struct retry_state s = {
            .attempts_made = 1, .attempts_max = 5, .left_ms = 60000, .random = random};

        assert_true(retry_again(&e, &s, &plan));
        assert_in_range(plan.after_ms, 200, 400);
        s.attempts_made = 3;
        assert_true(retry_again(&e, &s, &plan));
        assert_in_range(plan.after_ms, 800, 1600);
    }
}

/* A delay that upstream names, the time that is left, and who pays. */
static void ups_2_delays_and_deadlines(void **state)
{
    static const struct {
        enum gm_cause cause;
        int status; /* of upstream; 0: the limit was ours */
        uint32_t asked_s;
        uint64_t left_ms;
        bool again, costs;
        uint32_t least_ms;
    } rows[] = {
        {GM_OVERLOADED,  503, 0,          60000,   true,  true,  200 },
        {GM_OVERLOADED,  503, 5,          60000,   true,  true,  5000},
        {GM_OVERLOADED,  503, 11,         60000,   false, false, 0   },
        {GM_OVERLOADED,  503, UINT32_MAX, 1 << 30, false, false, 0   },
        {GM_OVERLOADED,  503, 5,          6999,    false, false, 0   },
        {GM_OVERLOADED,  503, 5,          7000,    true,  true,  5000},
        {GM_OVERLOADED,  503, 0,          2100,    false, false, 0   },
        {GM_OVERLOADED,  503, 0,          0,       false, false, 0   },
        {GM_UNREACHABLE, 0,   0,          60000,   true,  false, 200 },
        {GM_RATE,        429, 60,         60000,   true,  false, 0   },
        {GM_RATE,        429, 60,         1999,    false, false, 0   },
        {GM_DEADLINE,    504, 0,          60000,   true,  true,  200 },
        {GM_DEADLINE,    0,   0,          60000,   false, false, 0   },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct gm_error e = {.set = true,
                                   .cause = rows[i].cause,
                                   .upstream_status = rows[i].status,
                                   .retry_after_s = rows[i].asked_s};
        const struct retry_state s = {
            .attempts_made = 1, .attempts_max = 3, .left_ms = rows[i].left_ms};
        struct retry_plan plan = {0};

        if (retry_again(&e, &s, &plan) != rows[i].again || plan.costs != rows[i].costs ||
            plan.after_ms < rows[i].least_ms)
            fail_msg("row %zu: after %u ms", i, plan.after_ms);
    }
}

static void ups_2_the_header(void **state)
{
    static const struct {
        const char *value;
        uint32_t s;
    } rows[] = {
        {"7",                             7    },
        {"0",                             1    },
        {"86400",                         86400},
        {"86401",                         86400},
        {"18446744073709551615",          86400},
        {"18446744073709551616",          30   },
        {"-1",                            30   },
        {"1.5",                           30   },
        {"soon",                          30   },
        {"Wed, 21 Oct 2026 07:28:00 GMT", 30   },
        {"",                              0    },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct http_header h = {S("retry-after"), str_z(rows[i].value)};

        assert_int_equal(retry_after_header((struct http_headers){&h, 1}), rows[i].s);
    }
    assert_int_equal(retry_after_header((struct http_headers){NULL, 0}), 0);
}

/* Upstream's front end names the delay in a header alone. */
static void a_header_reaches_the_key(void **state)
{
    const struct gm_error e = {.set = true, .cause = GM_RATE, .retry_after_s = 40};
    struct key_failure f;

    (void)state;
    retry_failure(&e, &f);
    assert_in_range(quota_judge(&f).wait_ms, 40000, 41000);
}

/* UPS-1. */
static void transport_failures(void **state)
{
    static const struct {
        struct client_fault fault;
        enum gm_cause cause;
    } rows[] = {
        {{E_TIMEOUT, CLIENT_DNS, "x"},     GM_UNREACHABLE},
        {{E_REFUSED, CLIENT_CONNECT, "x"}, GM_UNREACHABLE},
        {{E_SYNTAX, CLIENT_TLS, NULL},     GM_UNREACHABLE},
        {{E_TIMEOUT, CLIENT_HEAD, "x"},    GM_DEADLINE   },
        {{E_TIMEOUT, CLIENT_BODY, "x"},    GM_DEADLINE   },
        {{E_CLOSED, CLIENT_HEAD, "x"},     GM_BROKEN     },
        {{E_TOOBIG, CLIENT_CONNECT, "x"},  GM_BUSY       },
        {{E_TOOBIG, CLIENT_TUNNEL, "x"},   GM_UNREACHABLE},
        {{E_UPSTREAM, CLIENT_BODY, "x"},   GM_BROKEN     },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct gm_error e;

        retry_error_of(&e, &rows[i].fault);
        assert_int_equal(e.cause, rows[i].cause);
        assert_true(e.client_status >= 500);
        assert_true(e.message[0] != '\0');
    }
}

/* "You do not have permission to access the File ..." */
static void a_foreign_file_is_not_the_keys_fault(void **state)
{
    const struct gm_error e = {.set = true, .cause = GM_FORBIDDEN};

    (void)state;
    assert_int_equal(retry_blame(&e), KEY_SERVED);
}

#define ERROR(inside)   "{\"error\":{" inside "}}"
#define VIOLATIONS(all) "{\"violations\":[" all "]}"
#define PER_MINUTE      "\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\""
#define PER_DAY         "\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\""
#define TOKENS          "\"quotaId\":\"GenerateContentInputTokensPerModelPerMinute-FreeTier\""
#define TEXT                                                                                       \
    "\"message\":\"You exceeded your current quota.\\n* Quota exceeded for metric: x, limit: 10, " \
    "model: gemini-3-pro\\nPlease retry in 21.438201534s.\","

static const char MINUTE[] = ERROR(TEXT "\"details\":[" VIOLATIONS(
    "{" PER_MINUTE ",\"quotaDimensions\":{\"location\":\"global\",\"model\":\"gemini-3-pro\"},"
    "\"quotaValue\":\"10\"}") ",{\"retryDelay\":\"21s\"}]");
static const char DAY[] =
    ERROR("\"message\":\"\",\"details\":[{\"retryDelay\":\"34.4s\"}," VIOLATIONS(
        "{" TOKENS ",\"quotaValue\":7},{" PER_DAY
        ",\"quotaValue\":\"250\"},{\"quotaId\":7},{}") "]");
static const char NO_QUOTA[] =
    ERROR("\"details\":[" VIOLATIONS("{" PER_DAY ",\"quotaValue\":\"0\"}") "]");
static const char UNNAMED[] = ERROR("\"message\":\"Resource has been exhausted.\"");
static const char OLD[] = ERROR(
    "\"details\":[{\"reason\":\"RATE_LIMIT_EXCEEDED\",\"metadata\":{\"quota_limit\":"
    "\"GenerateContentRequestsPerMinutePerProjectPerRegion\",\"quota_limit_value\":\"60\"}}]");
static const char HTML[] = "<html>429</html>";

/* From upstream's body to what keys/ is told. */
static void refusals(void **state)
{
    static const struct {
        const char *body;
        enum key_why why;
        uint64_t limit, wait_ms;
        const char *model;
    } rows[] = {
        {MINUTE,   KEY_OVER_RPM,     10,  21439, "gemini-3-pro"},
        {DAY,      KEY_OVER_RPD,     250, 34400, ""            },
        {NO_QUOTA, KEY_NO_QUOTA,     0,   0,     ""            },
        {UNNAMED,  KEY_OVER_UNNAMED, 0,   0,     ""            },
        {OLD,      KEY_OVER_RPM,     60,  0,     ""            },
        {HTML,     KEY_OVER_UNNAMED, 0,   0,     ""            },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct gm_error e;
        struct key_failure f;
        struct quota_verdict v;
        char body[2048] = "";
        size_t n = strlen(rows[i].body);

        memcpy(body, rows[i].body, n);
        gm_error_read(&e, 429, body, n);
        assert_int_equal(retry_blame(&e), KEY_LIMITED);
        retry_failure(&e, &f);
        v = quota_judge(&f);
        if (v.why != rows[i].why || v.limit != rows[i].limit || v.wait_ms != rows[i].wait_ms ||
            !str_eq(v.model, str_z(rows[i].model)))
            fail_msg("row %zu: %s, limit %llu, %llu ms, %.*s", i, key_why_text(v.why),
                     (unsigned long long)v.limit, (unsigned long long)v.wait_ms, S_ARG(v.model));
    }
}

/* More violations than are kept. */
static void many_violations(void **state)
{
    struct gm_error e;
    struct key_failure f;
    struct buf body;

    (void)state;
    buf_init(&body, 64 << 10);
    buf_lit(&body, "{\"error\":{\"details\":[{\"violations\":[");
    for (unsigned i = 0; i < 100; i++)
        buf_putf(&body,
                 "%s{\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel%u\",\"quotaValue\":"
                 "\"%u\"}",
                 i ? "," : "", i, 100 + i);
    buf_lit(&body, "]}]}}");
    buf_put(&body, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    assert_int_equal(body.err, OK);
    gm_error_read(&e, 429, body.p, body.n - JSON_PAD);
    retry_failure(&e, &f);
    assert_int_equal(f.nv, KEY_VIOLATIONS_MAX);
    assert_int_equal(quota_judge(&f).limit, 100);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy),
        cmocka_unit_test(pauses_grow_and_jitter),
        cmocka_unit_test(ups_2_delays_and_deadlines),
        cmocka_unit_test(ups_2_the_header),
        cmocka_unit_test(a_header_reaches_the_key),
        cmocka_unit_test(transport_failures),
        cmocka_unit_test(a_foreign_file_is_not_the_keys_fault),
        cmocka_unit_test(refusals),
        cmocka_unit_test(many_violations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
