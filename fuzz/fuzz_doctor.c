/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_doctor.c - foreign words in findings: the JSON parses again and holds them, the page holds
 * no tag of theirs. And any bytes as a Date field. SHP-3. */
#include "codec/json_read.h"
#include "doctor/exam_impl.h"
#include "doctor/print.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct str subject = str_cut(&text, '\n');
    struct findings f;
    struct buf out;
    struct json j;
    size_t tags = 0;

    hold(exam_parse_date(subject) >= 0 || subject.n == 29);
    (void)doctor_lang_of(text);
    findings_init(&f);
    findings_add(&f, FOUND_MODEL_REFUSED, subject, "%.*s", S_ARG(text));
    buf_init(&out, 1 << 20);
    json_init(&j);
    doctor_json(&f, &out);
    hold(json_parse_copy(&j, buf_str(&out), NULL, NULL) == OK);
    buf_reset(&out);
    doctor_html(&f, LANG_EN, &out);
    hold(out.err == OK);
    for (size_t i = 0; i < out.n; i++)
        tags += out.p[i] == '<';
    buf_reset(&out);
    findings_fini(&f);
    findings_init(&f);
    findings_add(&f, FOUND_MODEL_REFUSED, S("x"), "%s", "x"); /* the same row in plain words */
    doctor_html(&f, LANG_EN, &out);
    for (size_t i = 0; i < out.n; i++)
        tags -= out.p[i] == '<';
    hold((ptrdiff_t)tags <= 0); /* fewer, where a text was empty; never more */
    json_fini(&j);
    buf_fini(&out);
    findings_fini(&f);
    return 0;
}
