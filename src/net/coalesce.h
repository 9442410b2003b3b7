/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* coalesce.h - when a loop sleeps for a moment before it looks at its sockets, so that several have
 * something for it, as a network card coalesces its interrupts. Under load this saves turns, reads,
 * and packets on either side, and nobody feels it: that many are in work at once that each waits
 * for others anyway. It knows no clock: a sleep after which there was little to do was not worth
 * it, and the fewer are, the fewer are tried. */
#ifndef NET_COALESCE_H
#define NET_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    COALESCE_US = 100,     /* how long it sleeps */
    COALESCE_LOAD = 32,    /* requests in work at once, from where on */
    COALESCE_WORTH = 2,    /* sockets written to after a sleep: go on so */
    COALESCE_ENOUGH = 16,  /* sockets written to: turns are full without a sleep */
    COALESCE_RARELY = 1023 /* at most so many turns between two tries */
};

struct coalesce { /* all zero at first */
    uint32_t gap; /* turns that the last failure cost */
    uint32_t left;
    bool slept;
};

/* A turn is over that wrote to so many sockets; so many requests are in work. Sleep before the next
 * one? */
bool coalesce_turn(struct coalesce *c, uint32_t written, uint32_t load);

#endif
