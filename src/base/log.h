/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* log.h - one line of logfmt (or JSON) on stderr. Only proxy/ and app/ write lines.
 *
 * A line is built on the stack, cut at LOG_LINE_MAX and written with one call, or with others of
 * its turn; a full disk, a closed pipe or, after log_never_wait, one that nobody reads drops the
 * line and counts it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum { LOG_LINE_MAX = 4096, LOG_VALUE_MAX = 256 };

void log_setup(enum log_level highest, bool json);
/* From now on a pipe, socket or terminal that takes nothing costs lines and never time (PRC-6). For
 * a process that serves; one that says something and ends had better wait. */
void log_never_wait(void);
/* From now on, or no longer, this thread's lines wait for log_flush; those that tell of trouble
 * take what waits with them at once. No more than LOG_LINE_MAX bytes wait, which a pipe takes
 * whole. */
void log_gather(bool on);
void log_flush(void);
bool log_on(enum log_level level);

struct log_line {
    char p[LOG_LINE_MAX];
    size_t n;
    bool json;
    bool urgent;
};
/* log_begin(&l, LOG_INFO, "exchange"); log_str(&l, "model", m); log_end(&l); Values are escaped and
 * cut at LOG_VALUE_MAX bytes, so that no foreign byte forges a line or a field. */
void log_begin(struct log_line *l, enum log_level level, const char *event);
#define log_str(l, name, value) log_field(l, LOG_LABEL(name), value)
/* For words of our own and checked ids: letters, digits, and what needs no quotes. */
#define log_word(l, name, word) log_own(l, LOG_LABEL(name), word)
#define log_u64(l, name, value) log_number(l, LOG_LABEL(name), value)
void log_end(struct log_line *l);
/* The name is a literal: with what stands around it in a line it is put there as one piece. */
#define LOG_LABEL(name) S(" " name "=")
void log_field(struct log_line *l, struct str label, struct str value);
void log_own(struct log_line *l, struct str label, struct str word);
void log_number(struct log_line *l, struct str label, uint64_t value);

/* The common short form: an event and a text for a person. */
void log_text(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A line as it is, for hosts that look for a fixed text. Nothing is escaped: own words and checked
 * ids only. */
void log_plain(struct str line);

uint64_t log_dropped(void); /* lines that could not be written */

#endif
