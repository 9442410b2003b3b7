/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_doctor.c - facts into findings, and findings into text, HTML and JSON. */
#include "base/sha256.h"
#include "codec/json_read.h"
#include "doctor/exam_impl.h"
#include "doctor/facts.h"
#include "doctor/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct doctor_facts WELL = {
    .platform = "none",
    .platform_title = "no platform",
    .keys = 2,
    .tokens = 1,
    .shortest_token = 48,
    .public_listener = true,
    .files = 65536,
    .memory = UINT64_MAX,
    .budget = 1 << 30,
    .largest = 32 << 20,
};

static bool found(const struct doctor_facts *f, const char *id)
{
    struct findings out;
    bool has;

    findings_init(&out);
    doctor_judge(f, &out);
    has = findings_has(&out, (enum finding_id)finding_find(str_z(id)));
    findings_fini(&out);
    return has;
}

/* Each row spoils one thing: its finding appears, and does not when all is well. */
static void each_fact(void **state)
{
    struct doctor_facts f;
    static const char *const ids[] = {
        "token-without-keys",
        "no-keys",
        "no-token",
        "open-to-all",
        "weak-token",
        "plain-upstream",
        "cert-expired",
        "cert-expiring",
        "few-files",
        "little-memory",
        "runs-as-root",
        "budget-over-memory",
        "region-refused",
        "timeout-tiny",
        "timeout-short",
        "concurrency-unknown",
        "credentials-injected",
    };

    (void)state;
    for (size_t i = 0; i < NELEM(ids); i++) {
        assert_true(finding_find(str_z(ids[i])) >= 0);
        assert_false(found(&WELL, ids[i]));
    }
    f = WELL, f.keys = 0;
    assert_true(found(&f, "token-without-keys"));
    f.byok = true;
    assert_false(found(&f, "token-without-keys"));
    f = WELL, f.keys = 0, f.tokens = 0;
    assert_true(found(&f, "no-keys"));
    f = WELL, f.tokens = 0;
    assert_true(found(&f, "no-token"));
    f.public_listener = false;
    assert_false(found(&f, "no-token"));
    f = WELL, f.tokens = 0, f.anonymous = true;
    assert_true(found(&f, "open-to-all"));
    assert_false(found(&f, "no-token"));
    f = WELL, f.shortest_token = 6;
    assert_true(found(&f, "weak-token"));
    f = WELL, f.upstream_plain = true;
    assert_true(found(&f, "plain-upstream"));
    f = WELL, f.tls = true, f.certificate_left_s = -1;
    assert_true(found(&f, "cert-expired"));
    assert_false(found(&f, "cert-expiring"));
    f.certificate_left_s = 13 * 86400;
    assert_true(found(&f, "cert-expiring"));
    f.certificate_left_s = 15 * 86400;
    assert_false(found(&f, "cert-expiring"));
    f = WELL, f.files = 1024;
    assert_true(found(&f, "few-files"));
    f = WELL, f.memory = 64 << 20, f.budget = 48 << 20;
    assert_true(found(&f, "little-memory"));
    assert_false(found(&f, "budget-over-memory"));
    f.budget = 1 << 30;
    assert_true(found(&f, "budget-over-memory"));
    f = WELL, f.root = true;
    assert_true(found(&f, "runs-as-root"));
    f = WELL, f.is_fc = true, f.root = true;
    assert_false(found(&f, "runs-as-root"));
    assert_true(found(&f, "concurrency-unknown"));
    f = WELL, f.region = S("cn-hongkong");
    assert_true(found(&f, "region-refused"));
    f = WELL, f.region = S("ap-guangzhou");
    assert_true(found(&f, "region-refused"));
    f = WELL, f.region = S("ap-northeast-1");
    assert_false(found(&f, "region-refused"));
    f = WELL, f.timeout_s = 3;
    assert_true(found(&f, "timeout-tiny"));
    f = WELL, f.timeout_s = 60;
    assert_true(found(&f, "timeout-short"));
    assert_false(found(&f, "timeout-tiny"));
    f = WELL, f.timeout_s = 600;
    assert_false(found(&f, "timeout-short"));
    f = WELL, f.credentials = true;
    assert_true(found(&f, "credentials-injected"));
}

static void texts_are_there(void **state)
{
    (void)state;
    for (int i = 0; i < FINDINGS_N; i++) {
        const struct finding_text *t = finding_text((enum finding_id)i);

        assert_int_equal(finding_find(str_z(t->id)), i); /* no id twice */
        for (int lang = LANG_EN; lang <= LANG_ZH; lang++) {
            assert_true(*t->title[lang] != '\0');
            if (t->level >= LEVEL_WARNING)
                assert_true(*t->remedy[lang] != '\0'); /* what is wrong has a remedy */
        }
    }
    assert_int_equal(finding_find(S("nonsense")), -1);
}

static void statuses(void **state)
{
    struct findings f;

    (void)state;
    findings_init(&f);
    assert_int_equal(findings_status(&f), 0);
    findings_add(&f, FOUND_NO_MODEL_ASKED, S(""), "%s", "");
    assert_int_equal(findings_status(&f), 0);
    findings_add(&f, FOUND_WEAK_TOKEN, S(""), "%s", "");
    assert_int_equal(findings_status(&f), 3);
    findings_add(&f, FOUND_DNS_FAILED, S(""), "%s", "");
    assert_int_equal(findings_status(&f), 1);
    for (int i = 0; i < FINDINGS_MAX * 2; i++)
        findings_add(&f, FOUND_KEY_OK, S(""), "%s", "");
    assert_int_equal(f.n, FINDINGS_MAX);
    findings_fini(&f);
}

/* WEB-2. What comes from elsewhere is text in each of the forms, and is cut between characters. */
static void foreign_text(void **state)
{
    struct findings f;
    struct buf out;
    struct json j;
    char longer[600];

    (void)state;
    findings_init(&f);
    buf_init(&out, 1 << 20);
    findings_add(&f, FOUND_MODEL_REFUSED, S("<script>"), "%s", "\"a\" & <b>");
    for (size_t i = 0; i + 3 < sizeof longer; i += 3)
        memcpy(longer + i, "\xe9\xb9\x8a", 4);
    findings_add(&f, FOUND_MODEL_REFUSED, S(""), "x%s", longer);
    assert_true(strlen(f.v[1].detail) % 3 == 1); /* whole characters */
    findings_add(&f, FOUND_MODEL_REFUSED, S("a\x1b[31m\xff"), "%s", "x\r\ny\xe9");
    assert_string_equal(f.v[2].subject, "a [31m\xef\xbf\xbd");
    assert_string_equal(f.v[2].detail, "x  y\xef\xbf\xbd");
    doctor_html(&f, LANG_ZH, &out);
    assert_int_equal(out.err, OK);
    assert_true(str_find(buf_str(&out), S("<script>")) == out.n);
    assert_true(str_find(buf_str(&out), S("&lt;script&gt;")) < out.n);
    assert_true(str_find(buf_str(&out), S("&quot;a&quot; &amp; &lt;b&gt;")) < out.n);
    assert_true(str_find(buf_str(&out), S("故障")) < out.n);
    assert_true(str_find(buf_str(&out), S("<code>openssl rand -hex 24</code>")) == out.n);
    findings_add(&f, FOUND_WEAK_TOKEN, S(""), "%s", "");
    buf_reset(&out);
    doctor_html(&f, LANG_EN, &out);
    assert_true(str_find(buf_str(&out), S("<code>openssl rand -hex 24</code>")) < out.n);
    buf_reset(&out);
    doctor_json(&f, &out);
    json_init(&j);
    assert_int_equal(json_parse_copy(&j, buf_str(&out), NULL, NULL), OK);
    assert_true(str_eq(jr_str(j.root, "worst"), S("broken")));
    jr_each (finding, jr_get(j.root, "findings")) {
        assert_true(str_eq(jr_str(finding, "subject"), S("<script>")));
        break;
    }
    json_fini(&j);
    buf_reset(&out);
    doctor_text(&f, LANG_EN, S("https://h"), &out);
    assert_true(str_find(buf_str(&out), S("model-refused")) < out.n);
    buf_fini(&out);
    findings_fini(&f);
}

/* SEC-1. */
static void key_subjects(void **state)
{
    struct sha256 digest = sha256_of(S("AIzaSy-0123456789-0123456789-abcdefghij"));
    struct sha256_name name = sha256_name(&digest);

    (void)state;
    assert_string_equal(key_subject(2, 3, &name).z, "key 2 of 3, b3ce1b98");
}

static void languages(void **state)
{
    static const struct {
        const char *field;
        enum doctor_lang lang;
    } rows[] = {
        {"zh_CN.UTF-8",             LANG_ZH},
        {"en-US,en;q=0.9,zh;q=0.8", LANG_EN},
        {"zh-TW,en;q=0.5",          LANG_ZH},
        {"C",                       LANG_EN},
        {"",                        LANG_EN},
        {"fr,zh;q=0.5",             LANG_ZH},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        assert_int_equal(doctor_lang_of(str_z(rows[i].field)), rows[i].lang);
}

static void dates(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0         },
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        {"Tue, 29 Feb 2028 23:59:59 GMT", 1835481599},
        {"Mon, 23 Nov 2026 04:28:00 GMT", 1795408080},
        {"yesterday",                     0         },
        {"Mon, 23 Foo 2026 04:28:00 GMT", 0         },
        {"Mon, xx Nov 2026 04:28:00 GMT", 0         },
        {"",                              0         },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        assert_int_equal(exam_parse_date(str_z(rows[i].text)), rows[i].s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fact),    cmocka_unit_test(texts_are_there),
        cmocka_unit_test(statuses),     cmocka_unit_test(foreign_text),
        cmocka_unit_test(key_subjects), cmocka_unit_test(languages),
        cmocka_unit_test(dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
