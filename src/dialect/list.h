/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* list.h - the client formats that there are. A new one is a folder and a line here. */
#ifndef DIALECT_LIST_H
#define DIALECT_LIST_H

#include "dialect/dialect.h"

extern const struct dialect OPENAI_CHAT; /* POST chat/completions */

#endif
