/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* compat.h - the tables of this dialect for people: what crosses, how, and how an answer can end.
 * docs/compat.md is what oa_print_compat prints. */
#ifndef DIALECT_OPENAI_COMPAT_H
#define DIALECT_OPENAI_COMPAT_H

#include "codec/json_map.h"
#include "gemini/error.h"
#include "gemini/event.h"

void oa_print_compat(struct buf *out);

/* The tables, each shown by the file that owns it. */

/* Table i of the request's members, NULL past the last. */
const struct jm_row *oa_field_table(size_t i, const char **ret_title, size_t *ret_n);
const struct jm_row *oa_message_table(size_t *ret_n);
/* A put function of a field's in a word or two. */
const char *oa_verdict(const struct jm_row *row);

/* Row i of each; false past the last. */
bool oa_part_row(size_t i, const char **ret_type, const char **ret_what);
bool oa_google_row(size_t i, const char **ret_member, const char **ret_note);
/* The finish_reason for an outcome, NULL where there is none; what an empty answer is then. */
const char *oa_ending(enum gm_finish finish, const char **ret_fault);
void oa_error_words(enum gm_cause cause, const char **ret_type, const char **ret_code);

#endif
