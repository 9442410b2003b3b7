/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* main.c - the process: options, workers, signals. */
int main(void)
{
    return 0;
}
