/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* print.h - findings for a terminal, a browser, a script. Pure. */
#ifndef DOCTOR_PRINT_H
#define DOCTOR_PRINT_H

#include "base/buf.h"
#include "doctor/finding.h"

enum doctor_lang { LANG_EN, LANG_ZH };

/* By "zh" at the start of a locale, or before any "en" in an Accept-Language field. */
enum doctor_lang doctor_lang_of(struct str locale_or_field);

/* where: the deployment that was looked at, or empty. */
void doctor_text(const struct findings *f, enum doctor_lang lang, struct str where,
                 struct buf *out);
void doctor_json(const struct findings *f, struct buf *out);
void doctor_html(const struct findings *f, enum doctor_lang lang, struct buf *out);

/* The page that asks a browser's user for the token. */
void doctor_html_login(enum doctor_lang lang, bool wrong, struct buf *out);
struct str doctor_css(void);

/* The table of findings, for docs/doctor.md; lang is LANG_ZH for docs/doctor.zh-CN.md. */
void doctor_markdown(enum doctor_lang lang, struct buf *out);

#endif
