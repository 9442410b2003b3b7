/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* metrics_impl.h - what metrics.c counts and print.c prints. */
#ifndef METRICS_METRICS_IMPL_H
#define METRICS_METRICS_IMPL_H

#include "metrics/histogram.h"
#include "metrics/metrics.h"

#include <pthread.h>

enum { METRICS_MODEL_MAX = 72 };

struct series { /* of one model and dialect */
    char model[METRICS_MODEL_MAX];
    const char *dialect;
    struct histogram duration, first_token, input, output;
    uint64_t cached, thoughts, attempts;
};
struct outcome {
    const char *dialect, *end;
    int status;
    uint64_t n;
};
enum { METRICS_REPAIRS_MAX = 32 };
struct repair {
    const char *name;
    uint64_t n;
};
struct metrics {
    pthread_mutex_t lock;
    struct series *series[METRICS_SERIES_MAX + 1]; /* the last: "other" */
    size_t nseries;
    struct outcome outcomes[METRICS_OUTCOMES_MAX + 1];
    size_t noutcomes;
    uint64_t in_flight, waiting;
    uint64_t events[METRICS_EVENTS];
    struct repair repairs[METRICS_REPAIRS_MAX];
    struct metrics_upstream upstream;
};

struct series *metrics_series(struct metrics *m, struct str model, const char *dialect);
void metrics_repairs_add(struct metrics *m, const char *name, uint64_t n);
struct outcome *metrics_outcome(struct metrics *m, const char *dialect, int status,
                                const char *end);

#endif
