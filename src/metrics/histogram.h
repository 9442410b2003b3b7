/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* histogram.h - observations in fixed buckets. For metrics/ alone. */
#ifndef METRICS_HISTOGRAM_H
#define METRICS_HISTOGRAM_H

#include "base/buf.h"

enum { BUCKETS_MAX = 16 };

/* The kinds that there are, and their bounds: milliseconds, or tokens. */
enum histogram_kind { HISTOGRAM_DURATION, HISTOGRAM_FIRST_TOKEN, HISTOGRAM_TOKENS };

struct histogram {
    uint64_t count, sum;
    uint64_t
        bucket[BUCKETS_MAX]; /* not cumulative; what is over the last bound is in count alone */
};

void histogram_add(struct histogram *h, enum histogram_kind kind, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The lines of one series. labels: `a="b",c="d"`, already escaped. */
void histogram_print(const struct histogram *h, enum histogram_kind kind, const char *name,
                     struct str labels, struct buf *out);

#endif
