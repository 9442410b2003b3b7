/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* histogram.c - the buckets that OpenTelemetry's conventions recommend for each kind. Must not know
 * what is measured. */
#include "metrics/histogram.h"

static const struct bounds {
    uint64_t per_unit; /* the values' unit in the unit that is printed */
    size_t n;
    uint64_t at[BUCKETS_MAX]; /* upper bounds, inclusive */
} BOUNDS[] = {
    [HISTOGRAM_DURATION] =
        {1000, 14, {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 40960, 81920}},
    [HISTOGRAM_FIRST_TOKEN] =
        {1000, 16, {1, 5, 10, 20, 40, 60, 80, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000}},
    [HISTOGRAM_TOKENS] = {1,
                              14,       {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304,
                           16777216, 67108864}                                      },
};

void histogram_add(struct histogram *h, enum histogram_kind kind, uint64_t value)
{
    const struct bounds *b = &BOUNDS[kind];

    h->count++;
    h->sum += value;
    for (size_t i = 0; i < b->n; i++)
        if (value <= b->at[i]) {
            h->bucket[i]++;
            return;
        }
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    to->count += from->count;
    to->sum += from->sum;
    for (size_t i = 0; i < BUCKETS_MAX; i++)
        to->bucket[i] += from->bucket[i];
}

static void put_scaled(struct buf *out, uint64_t value, uint64_t per_unit)
{
    buf_put_u64(out, value / per_unit);
    if (per_unit > 1)
        buf_putf(out, ".%03u", (unsigned)(value % per_unit));
}

void histogram_print(const struct histogram *h, enum histogram_kind kind, const char *name,
                     struct str labels, struct buf *out)
{
    const struct bounds *b = &BOUNDS[kind];
    uint64_t below = 0;

    for (size_t i = 0; i < b->n; i++) {
        below += h->bucket[i];
        buf_putf(out, "%s_bucket{%.*s,le=\"", name, S_ARG(labels));
        put_scaled(out, b->at[i], b->per_unit);
        buf_putf(out, "\"} %llu\n", (unsigned long long)below);
    }
    buf_putf(out, "%s_bucket{%.*s,le=\"+Inf\"} %llu\n%s_sum{%.*s} ", name, S_ARG(labels),
             (unsigned long long)h->count, name, S_ARG(labels));
    put_scaled(out, h->sum, b->per_unit);
    buf_putf(out, "\n%s_count{%.*s} %llu\n", name, S_ARG(labels), (unsigned long long)h->count);
}
