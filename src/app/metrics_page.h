/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics_page.h - GET /metrics, for Prometheus and behind the token. */
#ifndef APP_METRICS_PAGE_H
#define APP_METRICS_PAGE_H

#include "app/worker.h"
#include "proxy/reply.h"

void metrics_page(struct worker *w, struct call *c, const struct request_id *id);

#endif
