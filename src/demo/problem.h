/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* problem.h - a refusal in Google's words: {"error":{code,message,status,details}}. */
#ifndef DEMO_PROBLEM_H
#define DEMO_PROBLEM_H

#include "base/buf.h"

/* Three ways to collect one:
 *   refuse     one text, the first wins
 *   violation  a body that does not fit the schema: one line each, and a row in details
 *   rule       "* GenerateContentRequest.<field>: <text>\n", as many as there are
 * The first way that is used shuts out the others, as it does at Google, where each is a stage. */
struct emu_problem {
    int http;           /* 0: there is none */
    const char *status; /* "INVALID_ARGUMENT" */
    struct buf message;
    struct buf rows;    /* BadRequest.fieldViolations, comma-separated */
    struct buf details; /* further members of details, comma-separated */
    int way;            /* private */
    size_t lines;
};
void emu_problem_init(struct emu_problem *p);
void emu_problem_fini(struct emu_problem *p);

/* Each is true when the caller is to write its text into p->message. */
bool emu_problem_open(struct emu_problem *p, int http);
bool emu_problem_open_rule(struct emu_problem *p);
#define emu_refuse(p, http, ...)                                                                   \
    do {                                                                                           \
        if (emu_problem_open(p, http))                                                             \
            buf_putf(&(p)->message, __VA_ARGS__);                                                  \
    } while (0)
/* The text begins with the field: emu_rule(p, "contents: contents is not specified"). */
#define emu_rule(p, ...)                                                                           \
    do {                                                                                           \
        if (emu_problem_open_rule(p)) {                                                            \
            buf_putf(&(p)->message, "* GenerateContentRequest." __VA_ARGS__);                      \
            buf_putc(&(p)->message, '\n');                                                         \
        }                                                                                          \
    } while (0)

/* One line; field is where, empty for the top of the body. */
void emu_problem_violation(struct emu_problem *p, struct str field, struct str text);
void emu_problem_detail(struct emu_problem *p, struct str json);

/* The body of the answer, compact. */
void emu_problem_write(const struct emu_problem *p, struct buf *out);

const char *emu_status_word(int http); /* "RESOURCE_EXHAUSTED" */

#endif
