/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* torture.h - points where the system may say no, made to fail on demand. Only a build with
 * -Dtorture=true has them (never a release); elsewhere they are constants and cost nothing.
 *
 * tests/torture fails each of them in turn and looks at what becomes of clients and process. */
#ifndef BASE_TORTURE_H
#define BASE_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

enum torture {
    TORTURE_ALLOC,   /* counted memory: mem_try_* */
    TORTURE_WRITE,   /* a socket breaks while we write */
    TORTURE_PARTIAL, /* a socket takes one byte and no more for now */
    TORTURE_READ,    /* a socket breaks while we read; a file cannot be read */
    TORTURE_EOF,     /* the other side has closed */
    TORTURE_CONNECT, /* at once or later */
    TORTURE_ACCEPT,  /* no descriptor for it, or it cannot be taken in */
    TORTURE_TLS,     /* handshake, opening and sealing */
    TORTURE_THREAD,  /* none can be started */
    TORTURE_KINDS
};

#ifdef TORTURE
enum { TORTURE_BUILD = 1 };

/* Is this the call that has to fail? Counts only on threads that torture_here() named. */
bool torture_fails(enum torture what);
/* From now on this thread's calls count, or do not. Work that is given to another thread is done
 * there as it would be here: whoever gives it hands this on. */
void torture_here(bool here);
bool torture_is_here(void);

#else
enum { TORTURE_BUILD = 0 };

static inline bool torture_fails(enum torture what)
{
    (void)what;
    return false;
}
static inline void torture_here(bool here)
{
    (void)here;
}
static inline bool torture_is_here(void)
{
    return false;
}
#endif

/* For tests. Calls of that kind fail from the nth (1 is the first) on, `times` of them; 0: none. */
void torture_arm(enum torture what, uint64_t nth, uint64_t times);
uint64_t torture_fired(void); /* how many have failed since */

#endif
