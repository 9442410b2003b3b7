/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* doctor_command.h - `queqiao doctor`: what is wrong, from a terminal. */
#ifndef APP_DOCTOR_COMMAND_H
#define APP_DOCTOR_COMMAND_H

#include "app/settings.h"

/* s ends here. Arguments: models to try; or the address of a deployment, to look at it from here;
 * --json;
 * --lang en or zh. Prints to standard output.
 *
 *   errors  problem is set, and the status is 2, for arguments that make no sense; 1 for options
 *   after   the exit status: 0 fine, 1 broken, 3 warnings only */
int doctor_command(struct settings *s, const struct platform *p, int argc, char **argv,
                   struct buf *problem);

#endif
