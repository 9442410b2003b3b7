/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* print_compat.c - prints docs/compat.md; with a file's name, says whether that is what it is.
 *
 *   print_compat [FILE] */
#include "files.h"

#include "dialect/openai/compat.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct buf out, file;
    bool same = true;

    buf_init(&out, FILE_CAP);
    buf_init(&file, FILE_CAP);
    oa_print_compat(&out);
    if (argc < 2)
        fwrite(out.p, 1, out.n, stdout);
    else
        same = file_read(NULL, argv[1], &file) && str_eq(buf_str(&out), buf_str(&file));
    if (!same)
        printf("%s is not what the tables say; print it again\n", argv[1]);
    buf_fini(&file);
    buf_fini(&out);
    return same ? 0 : 1;
}
