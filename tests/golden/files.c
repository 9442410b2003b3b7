/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* files.c - see files.h. A test that cannot write or list stops at once. */
#include "files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void path_of(char *to, size_t room, const char *dir, const char *name)
{
    if (dir != NULL)
        snprintf(to, room, "%s/%s", dir, name);
    else
        snprintf(to, room, "%s", name);
}

bool file_exists(const char *dir, const char *name)
{
    char path[4096];

    path_of(path, sizeof path, dir, name);
    return access(path, R_OK) == 0;
}

bool file_read(const char *dir, const char *name, struct buf *out)
{
    char path[4096];
    char block[65536];
    size_t n;
    FILE *f;

    path_of(path, sizeof path, dir, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return false;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_put(out, str_of(block, n));
    fclose(f);
    return true;
}

void file_write(const char *dir, const char *name, struct str text)
{
    char path[4096];
    FILE *f;

    path_of(path, sizeof path, dir, name);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0) {
        perror(path);
        exit(2);
    }
}

static int seen(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void dir_each(const char *dir, void (*on_entry)(void *ctx, const char *name), void *ctx)
{
    struct dirent **entry;
    int n = scandir(dir, &entry, seen, alphasort);

    if (n < 0) {
        perror(dir);
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        on_entry(ctx, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
}
