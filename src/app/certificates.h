/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* certificates.h - the certificates that clients see, from the paths of QUEQIAO_TLS_CERT and
 * QUEQIAO_TLS_KEY to a TLS context, and the day on which the first of them expires. */
#ifndef APP_CERTIFICATES_H
#define APP_CERTIFICATES_H

#include "app/config.h"
#include "net/tls.h"

/* Read every file and hold each pair together. *ret is NULL when there are none: no TLS.
 *
 *   errors  E_SYSTEM, E_FIELD, E_RANGE; problem names the file */
MUST_CHECK enum err certificates_load(const struct config *c, struct tls_server **ret,
                                      struct buf *problem);

/* Seconds until the first one expires, negative when it has; *ret_file is its path. */
int64_t certificates_left_s(const struct config *c, struct tls_server *s, struct str *ret_file);

enum { CERTIFICATE_SOON_S = 14 * 86400 }; /* renewal that works happens before */

/* A line in the log when one has expired or is about to. */
void certificates_warn(const struct config *c, struct tls_server *s);

#endif
