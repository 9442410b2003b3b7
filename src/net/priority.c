/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* priority.c - the words for the kernel's scheduler. A thread that computes keeps its core until
 * the next tick, up to 4 ms, unless the one that wakes up has both the shorter slice (Linux 6.12
 * and later) and not had more than its share, which for a loop that has just moved megabytes
 * depends on how much more its share is. */
#include "net/priority.h"

#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 300 * 1000, SLACK_NS = 1000, NICER = 10, RESET_ON_FORK = 1 };

/* The kernel's struct sched_attr, first version, which not every libc knows. */
struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

void priority_prompt(void)
{
    struct attr a = {0};

    (void)prctl(PR_SET_TIMERSLACK, (unsigned long)SLACK_NS); /* its sleeps are as long as it says */
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_OTHER)
        return;
    a.size = sizeof a;
    a.flags = RESET_ON_FORK; /* threads that it starts have a slice as usual */
    a.runtime_ns = SLICE_NS;
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

/* On Linux this is the calling thread's alone. A loop that is busy leaves it a tenth of the core.
 */
void priority_yield(void)
{
    if (nice(NICER) == -1)
        return;
}
