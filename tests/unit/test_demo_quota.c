/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_demo_quota.c - what the emulated Gemini counts, refuses, and goes wrong on order with. */
#include "demo/catalog.h"
#include "demo/quota.h"
#include "demo/script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };
#define DAY INT64_C(86400000)

/* 2026-07-01 19:00:20 UTC: noon on the US Pacific coast. */
#define NOON INT64_C(1782932420000)

static const struct str FLASH = S_INIT("gemini-2.5-flash");

static enum err set_text(struct emu_quotas *q, const char *rules, struct fault *why)
{
    struct json json;
    enum err err;

    json_init(&json);
    assert_int_equal(json_parse_copy(&json, str_z(rules), NULL, NULL), OK);
    err = emu_quotas_set(q, json.root, why);
    json_fini(&json);
    return err;
}

static struct emu_quotas *with(const char *rules)
{
    struct emu_quotas *q = emu_quotas_new();

    assert_int_equal(set_text(q, rules, NULL), OK);
    return q;
}

/* "" when it was let in, else the body of the refusal; until the next call. */
static const char *ask(struct emu_quotas *q, const char *key, struct str model, uint64_t tokens,
                       int64_t at_ms)
{
    static struct buf text;
    struct emu_problem p;

    buf_fini(&text);
    buf_init(&text, 1 << 16);
    emu_problem_init(&p);
    if (!emu_quotas_admit(q, str_z(key), model, tokens, at_ms, &p)) {
        assert_int_equal(p.http, 429);
        emu_problem_write(&p, &text);
    }
    emu_problem_fini(&p);
    buf_putc(&text, '\0');
    return text.p;
}

static bool served(struct emu_quotas *q, const char *key, int64_t at_ms)
{
    return *ask(q, key, FLASH, 10, at_ms) == '\0';
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static const char RULES[] =
    "{\"projects\":[{\"name\":\"one\",\"keys\":[\"a\",\"b\"],\"models\":{\"gemini-2.5-flash\":{"
    "\"rpm\":2,\"tpm\":1000,\"rpd\":5},\"*\":{\"rpm\":1}}},{\"name\":\"two\",\"paid\":true,"
    "\"keys\":[\"c\"],\"models\":{\"gemini-2.5-flash\":{\"rpm\":1,\"tpm\":100,\"rpd\":2}}}]}";

static void keys_share_a_project(void **state)
{
    struct emu_quotas *q = with(RULES);

    (void)state;
    assert_true(served(q, "a", NOON));
    assert_true(served(q, "b", NOON));
    assert_false(served(q, "a", NOON));
    assert_false(served(q, "b", NOON + SECOND));
    assert_true(served(q, "c", NOON));
    assert_true(served(q, "stranger", NOON) && served(q, "stranger", NOON));
    /* other models have meters of their own, by the row for all of them */
    assert_string_equal(ask(q, "a", S("gemini-2.5-pro"), 5000, NOON), "");
    assert_string_equal(ask(q, "a", S("gemini-3.8-flash"), 1, NOON), "");
    assert_string_not_equal(ask(q, "b", S("gemini-2.5-pro"), 1, NOON), "");
    /* the clock's minute is over after 40 seconds */
    assert_false(served(q, "a", NOON + 40 * SECOND - 1));
    assert_true(served(q, "a", NOON + 40 * SECOND));
    emu_quotas_free(q);
}

static void sliding_minutes(void **state)
{
    struct emu_quotas *q = with("{\"minutes\":\"sliding\",\"projects\":[{\"name\":\"x\",\"keys\":["
                                "\"a\"],\"models\":{\"*\":{\"rpm\":2,\"tpm\":100}}}]}");

    (void)state;
    assert_string_equal(ask(q, "a", FLASH, 70, NOON), "");
    assert_string_equal(ask(q, "a", FLASH, 20, NOON + 10 * SECOND), "");
    has(ask(q, "a", FLASH, 20, NOON + 50 * SECOND), "Please retry in 10.000000201s.");
    /* both must have left for it to fit */
    has(ask(q, "a", FLASH, 90, NOON + 50 * SECOND), "Please retry in 20.000000201s.");
    assert_string_not_equal(ask(q, "a", FLASH, 20, NOON + MINUTE - 1), "");
    assert_string_equal(ask(q, "a", FLASH, 20, NOON + MINUTE), "");
    assert_string_not_equal(ask(q, "a", FLASH, 1, NOON + MINUTE), "");
    emu_quotas_free(q);
}

static void refusals_say_what_googles_say(void **state)
{
    struct emu_quotas *q = with(RULES);
    const char *text;

    (void)state;
    assert_string_equal(ask(q, "a", FLASH, 999, NOON), "");
    text = ask(q, "a", FLASH, 2, NOON);
    has(text, "\"quotaId\":\"GenerateContentInputTokensPerModelPerMinute-FreeTier\"");
    has(text, "\"quotaValue\":\"1000\"");
    has(text, "/generate_content_free_tier_input_token_count, limit: 1000, model: gemini-2.5-flash"
              "\\nPlease retry in 40.000000201s.");
    has(text, "\"retryDelay\":\"40s\"");
    assert_null(strstr(text, "PerMinutePerProject"));
    assert_string_equal(ask(q, "b", FLASH, 1, NOON), "");
    text = ask(q, "a", FLASH, 2, NOON + 500);
    has(text, "\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"");
    has(text, "\"quotaId\":\"GenerateContentInputTokensPerModelPerMinute-FreeTier\"");
    has(text, "\"quotaDimensions\":{\"location\":\"global\",\"model\":\"gemini-2.5-flash\"}");
    has(text, "\"retryDelay\":\"39s\""); /* cut, not rounded */
    has(text, "\"@type\":\"type.googleapis.com/google.rpc.Help\"");
    /* paid projects have other ids, and the day shuts out the talk of minutes */
    assert_string_equal(ask(q, "c", FLASH, 1, NOON), "");
    text = ask(q, "c", FLASH, 200, NOON);
    has(text, "\"GenerateRequestsPerMinutePerProjectPerModel\"");
    has(text, "\"GenerateContentPaidTierInputTokensPerModelPerMinute\"");
    assert_string_equal(ask(q, "c", FLASH, 1, NOON + MINUTE), "");
    text = ask(q, "c", FLASH, 1, NOON + MINUTE);
    has(text, "\"GenerateRequestsPerDayPerProjectPerModel\"");
    assert_null(strstr(text, "PerMinute"));
    emu_quotas_free(q);
}

static void the_day_ends_at_midnight_pacific(void **state)
{
    struct emu_quotas *q = with(RULES);
    const int64_t midnight = NOON - 20 * SECOND + DAY / 2;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(served(q, "a", NOON + i * MINUTE));
    assert_false(served(q, "a", NOON + 5 * MINUTE));
    assert_false(served(q, "b", midnight - 1));
    assert_true(served(q, "b", midnight));
    emu_quotas_free(q);
}

/* UTC of midnights there; a second before it is another day, a second later the same. */
static void midnights(void **state)
{
    static const int64_t rows[] = {
        1767254400, /* 2026-01-01 08:00 */
        1772956800, /* 2026-03-08 08:00: clocks go forward two hours later */
        1773039600, /* 2026-03-09 07:00 */
        1782889200, /* 2026-07-01 07:00 */
        1793516400, /* 2026-11-01 07:00: clocks go back two hours later */
        1793606400, /* 2026-11-02 08:00 */
        1709193600, /* 2024-02-29 08:00 */
        1804492800, /* 2027-03-08 08:00: the change comes on the 14th */
        1805007600, /* 2027-03-14 07:00 is 23:00 of the 13th */
    };

    (void)state;
    for (size_t i = 0; i + 1 < NELEM(rows); i++) {
        int64_t day = emu_pacific_day(rows[i] * 1000);

        if (emu_pacific_day(rows[i] * 1000 - 1) != day - 1 ||
            emu_pacific_day((rows[i] + 22 * 3600) * 1000) != day)
            fail_msg("row %zu", i);
    }
    assert_true(emu_pacific_day(rows[8] * 1000) == emu_pacific_day(rows[8] * 1000 - 1));
}

static void windows_are_counted(void **state)
{
    struct emu_quotas *q = with(RULES);
    struct buf b;

    (void)state;
    for (int i = 0; i < 4; i++)
        served(q, "a", NOON);
    served(q, "a", NOON + MINUTE);
    served(q, "a", NOON + MINUTE);
    served(q, "a", NOON + MINUTE);
    buf_init(&b, 1 << 16);
    emu_quotas_put(q, NOON + MINUTE, &b);
    buf_putc(&b, '\0');
    assert_string_equal(
        b.p, "{\"minutes\":\"calendar\",\"meters\":[{\"project\":\"one\",\"model\":"
             "\"gemini-2.5-flash\",\"minute\":{\"requests\":2,\"tokens\":20},\"day\":4,"
             "\"served\":4,\"refused\":{\"rpm\":3,\"tpm\":0,\"rpd\":0},\"windows\":{\"rpm\":2,"
             "\"tpm\":0,\"rpd\":0},\"worst\":{\"rpm\":2,\"tpm\":0,\"rpd\":0}}]}");
    buf_fini(&b);
    emu_quotas_forget(q);
    assert_true(served(q, "a", NOON + MINUTE));
    emu_quotas_free(q);
}

static void bad_rules_change_nothing(void **state)
{
    static const char *const rows[] = {
        "[]",
        "{\"projects\":{}}",
        "{\"projects\":[1]}",
        "{\"projects\":[{\"name\":\"x\",\"keys\":[\"a\"]}]}",
        "{\"projects\":[{\"keys\":[\"a\"],\"models\":{}}]}",
        "{\"projects\":[{\"name\":\"x\",\"keys\":\"a\",\"models\":{}}]}",
        "{\"projects\":[{\"name\":\"x\",\"keys\":[\"a\"],\"models\":{\"*\":{\"rpm\":-1}}}]}",
        "{\"projects\":[{\"name\":\"x\",\"keys\":[\"a\"],\"models\":{\"*\":{\"rpm\":\"x\"}}}]}",
    };
    struct emu_quotas *q = with("{\"projects\":[{\"name\":\"x\",\"keys\":[\"a\"],\"models\":{"
                                "\"*\":{\"rpm\":0}}}]}");

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct fault why = {0};

        if (set_text(q, rows[i], &why) == OK || why.what == NULL || served(q, "a", NOON))
            fail_msg("%s", rows[i]);
    }
    assert_int_equal(set_text(q, "{}", NULL), OK);
    assert_true(served(q, "a", NOON));
    emu_quotas_free(q);
}

/* ------------------------------------------------------------------ the script */

static enum err script_set(struct emu_script *s, const char *text)
{
    struct fault why = {0};
    struct json json;
    enum err err;

    json_init(&json);
    assert_int_equal(json_parse_copy(&json, str_z(text), NULL, NULL), OK);
    err = emu_script_set(s, json.root, &why);
    assert_true((err == OK) == (why.what == NULL));
    json_fini(&json);
    return err;
}

/* What the next requests with this key get: a letter each, of the fault's kind. */
static void plays(struct emu_script *s, const char *key, const char *model, const char *want)
{
    char got[16] = "";

    for (size_t i = 0; i < strlen(want); i++) {
        const struct emu_step *step = emu_script_next(s, str_z(key), str_z(model));

        got[i] = step == NULL                      ? '.'
                 : step->fault.kind == EMU_REFUSES ? 'r'
                 : step->fault.kind == EMU_HOLE    ? 'h'
                 : step->fault.kind == EMU_PACED   ? 'p'
                 : step->fault.kind == EMU_FINE    ? 'd'
                                                   : '?';
        if (got[i] == 'p')
            assert_int_equal(step->fault.number[1], 7);
        if (got[i] == 'd')
            assert_int_equal(step->delay_ms, 50);
    }
    assert_string_equal(got, want);
}

static void steps(void **state)
{
    struct emu_script s;

    (void)state;
    emu_script_init(&s);
    plays(&s, "a", "m", "..");
    assert_int_equal(script_set(&s, "{\"steps\":[{\"fault\":\"503\"}]}"), OK);
    plays(&s, "a", "m", "r..");
    assert_int_equal(
        script_set(&s, "{\"steps\":[{\"fault\":\"hole\",\"key\":\"b\",\"skip\":1,\"count\":2},"
                       "{\"fault\":\"500\",\"model\":\"x\",\"count\":-1},{\"delay_ms\":50},"
                       "{\"fault\":\"stream-3-events-every-7-ms\",\"count\":1}]}"),
        OK);
    plays(&s, "a", "x", "rrr");
    plays(&s, "b", "m", "dhhp.");
    assert_int_equal(script_set(&s, "{\"steps\":[{\"fault\":\"nonsense\"}]}"), E_FIELD);
    assert_int_equal(script_set(&s, "{\"steps\":[{\"fault\":\"500\",\"count\":\"x\"}]}"), E_RANGE);
    assert_int_equal(script_set(&s, "{}"), E_FIELD);
    plays(&s, "a", "x", "r");
    assert_int_equal(script_set(&s, "{\"steps\":[]}"), OK);
    plays(&s, "a", "x", ".");
    emu_script_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_share_a_project),
        cmocka_unit_test(sliding_minutes),
        cmocka_unit_test(refusals_say_what_googles_say),
        cmocka_unit_test(the_day_ends_at_midnight_pacific),
        cmocka_unit_test(midnights),
        cmocka_unit_test(windows_are_counted),
        cmocka_unit_test(bad_rules_change_nothing),
        cmocka_unit_test(steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
