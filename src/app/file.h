/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* file.h - reading small files whole, and who else may read them. */
#ifndef APP_FILE_H
#define APP_FILE_H

#include "base/buf.h"

/* Appends the file's bytes.
 *
 *   errors  E_SYSTEM with errno kept; E_TOOBIG when out's cap forbids it */
MUST_CHECK enum err file_read(struct str path, struct buf *out);

/* What other users of this system may do with a file: those who are neither its owner nor of its
 * group. What is no regular file counts as private, and so does what can be read but lies on a file
 * system that is mounted read-only: secrets of containers and images come like that, for one
 * process. */
enum file_privacy { FILE_PRIVATE, FILE_READABLE, FILE_WRITABLE };

/* file_read for what holds secrets. No copy of it is left behind but in out. */
MUST_CHECK enum err file_read_secret(struct str path, struct buf *out, enum file_privacy *ret);

/* What is wrong with it and what to do, for the end of a sentence that names the file; NULL:
 * nothing. alone: there are no other users, as in a function's sandbox. */
const char *file_complaint(enum file_privacy p, bool alone);

#endif
