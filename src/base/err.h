/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* err.h - how a failure is told: a code for the program, a fault for a person. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

enum err {
    OK,
    E_SYNTAX,   /* bytes that do not follow their grammar */
    E_FIELD,    /* a value of the wrong kind, or one that is missing */
    E_RANGE,    /* the right kind, outside its limits */
    E_TOOBIG,   /* a cap was reached */
    E_MEMORY,   /* the memory budget is spent, or the heap; nobody's request is at fault */
    E_TIMEOUT,  /* a time limit was reached */
    E_CLOSED,   /* the other side went away */
    E_REFUSED,  /* the other side did not take the connection */
    E_ACCESS,   /* the other side wants other credentials */
    E_UPSTREAM, /* upstream answered with something that is not an answer */
    E_STATE,    /* the call is not legal now */
    E_SYSTEM,   /* the operating system said no */
};

/* Why, for a person. The first fault set wins.
 *
 *   what    "must be a number": static text, lower case, no full stop
 *   at      the offending value in the caller's tree, or NULL; jr_path() turns it into
 *           messages[3].content[0] */
struct fault {
    enum err code;
    const char *what;
    const void *at;
    const char *member; /* a member that `at` lacks, or NULL; it is put after the path */
};

/* Set the fault unless one is set already. why may be NULL. Returns the code that now holds. */
COLD enum err fault_set(struct fault *why, enum err code, const char *what, const void *at);

/* The same for a member that is missing from the object `at`: E_FIELD, "is missing". */
COLD enum err fault_missing(struct fault *why, const void *at, const char *member);

/* A short lower-case name, for logs: "timeout". */
const char *err_name(enum err code);

#endif
