/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* attr.h - the few compiler words and macros that every room uses. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define COLD              __attribute__((cold, noinline)) /* seldom called: out of the way */
#define NELEM(a)          (sizeof(a) / sizeof((a)[0]))

/* For a large local array that is written before it is read: builds that zero every local leave it
 * alone. */
#define UNINITIALIZED __attribute__((uninitialized))
#if defined(__has_attribute)
#if !__has_attribute(uninitialized)
#undef UNINITIALIZED
#define UNINITIALIZED
#endif
#endif

/* The object that holds `member` at p. */
#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#endif
