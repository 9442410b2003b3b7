/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* doctor_page.h - GET and POST /doctor, for who has the token; and what belongs to it. */
#ifndef APP_DOCTOR_PAGE_H
#define APP_DOCTOR_PAGE_H

#include "app/worker.h"
#include "proxy/reply.h"

/* GET. Examines, and answers when that is done: text, HTML or JSON, in English or Chinese. The
 * query may hold model, format and lang. */
void doctor_page(struct worker *w, struct call *c, const struct request_id *id);

/* The form that asks a browser's user for the token, with status 401. */
void doctor_page_login(struct worker *w, struct call *c, const struct request_id *id);
bool doctor_page_wanted(struct call *c); /* by a browser, which takes HTML */

/* POST: that form, filled in. */
void doctor_page_post(struct worker *w, struct call *c, const struct request_id *id);

/* GET /doctor/stream: a few events in the time that a person reads a word, to see how they arrive.
 */
void doctor_page_stream(struct worker *w, struct call *c, const struct request_id *id);

/* GET /doctor/style.css. */
void doctor_page_style(struct worker *w, struct call *c, const struct request_id *id);

#endif
