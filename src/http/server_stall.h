/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_stall.h - LIM-9: a queue of bytes for a client must shrink by STALL_BYTES in each period
 * in which it is never empty. What counts is bytes taken, so a window that is opened byte by byte
 * is a stall as well (H2-7). Putting bytes costs no timer operation while the watch is running. */
#ifndef HTTP_SERVER_STALL_H
#define HTTP_SERVER_STALL_H

#include "net/loop.h"
#include <stddef.h>

enum { STALL_BYTES = 1024 };

struct stall {
    struct timer timer;
    uint32_t period_ms;  /* 0: no watch */
    uint64_t put;        /* bytes that went into the queue, ever */
    uint64_t taken_then; /* bytes that had left it at since_ms */
    uint64_t since_ms;
    size_t (*queued)(const struct stall *s); /* bytes in the queue now */
    void (*stalled)(struct stall *s);        /* stall_stop has been done */
};

void stall_init(struct stall *s, struct loop *loop, uint32_t period_ms,
                size_t (*queued)(const struct stall *), void (*stalled)(struct stall *));
void stall_put(struct stall *s, size_t n); /* just before n bytes go into the queue */
void stall_stop(struct stall *s);

#endif
