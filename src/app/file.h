/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* file.h - reading small files whole. */
#ifndef APP_FILE_H
#define APP_FILE_H

#include "base/buf.h"

/* Appends the file's bytes.
 *
 *   errors  E_SYSTEM with errno kept; E_TOOBIG when out's cap forbids it */
MUST_CHECK enum err file_read(struct str path, struct buf *out);

#endif
