/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* files.h - reading and writing test files; for the runners in this folder alone. */
#ifndef GOLDEN_FILES_H
#define GOLDEN_FILES_H

#include "base/buf.h"

enum { FILE_CAP = 64 << 20 };

bool file_exists(const char *dir, const char *name);
/* The whole file appended; false when it is not there. dir may be NULL. */
bool file_read(const char *dir, const char *name, struct buf *out);
void file_write(const char *dir, const char *name, struct str text);

/* Calls on_entry for each entry of dir, in order of name, that is no dot file. */
void dir_each(const char *dir, void (*on_entry)(void *ctx, const char *name), void *ctx);

#endif
