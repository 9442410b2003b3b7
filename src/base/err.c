/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* err.c - faults and the names of error codes. */
#include "base/err.h"

#include <stddef.h>

enum err fault_set(struct fault *why, enum err code, const char *what, const void *at)
{
    if (why == NULL)
        return code;
    if (why->code == OK) {
        why->code = code;
        why->what = what;
        why->at = at;
    }
    return why->code;
}

enum err fault_missing(struct fault *why, const void *at, const char *member)
{
    if (why != NULL && why->code == OK)
        why->member = member;
    return fault_set(why, E_FIELD, "is missing", at);
}

const char *err_name(enum err code)
{
    switch (code) {
    case OK: return "ok";
    case E_SYNTAX: return "syntax";
    case E_FIELD: return "field";
    case E_RANGE: return "range";
    case E_TOOBIG: return "toobig";
    case E_MEMORY: return "memory";
    case E_TIMEOUT: return "timeout";
    case E_CLOSED: return "closed";
    case E_REFUSED: return "refused";
    case E_ACCESS: return "access";
    case E_UPSTREAM: return "upstream";
    case E_STATE: return "state";
    case E_SYSTEM: return "system";
    }
    return "unknown";
}
