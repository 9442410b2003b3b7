/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* base_url.h - where upstream is. */
#ifndef APP_BASE_URL_H
#define APP_BASE_URL_H

#include "http/client.h"

/* Read GEMINI_BASE_URL. A trailing slash and a version that was pasted with it (`/v1beta`,
 * `/v1beta/openai`) are dropped; any other path is kept as a prefix.
 *
 *   shape   ret's strings point into text */
MUST_CHECK enum err base_url_parse(struct str text, struct origin *ret, struct str *ret_path,
                                   struct fault *why);

#endif
