/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
#include "net/coalesce.h"

bool coalesce_turn(struct coalesce *c, uint32_t written, uint32_t load)
{
    if (c->slept && written >= COALESCE_WORTH)
        c->gap = 0;
    else if (c->slept)
        c->gap = c->gap < COALESCE_RARELY ? 2 * c->gap + 1 : COALESCE_RARELY;
    if (c->slept)
        c->left = c->gap;
    c->slept = load >= COALESCE_LOAD && c->left == 0 && written < COALESCE_ENOUGH;
    if (c->left > 0)
        c->left--;
    return c->slept;
}
