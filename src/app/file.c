/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* file.c - a file's bytes. */
#include "app/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum err file_read(struct str path, struct buf *out)
{
    char name[4097];
    char chunk[4096];
    ssize_t got;
    int fd;

    if (path.n >= sizeof name || memchr(path.p, '\0', path.n) != NULL) {
        errno = EINVAL;
        return E_SYSTEM;
    }
    snprintf(name, sizeof name, "%.*s", S_ARG(path));
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return E_SYSTEM;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        buf_put(out, str_of(chunk, (size_t)got));
    close(fd);
    explicit_bzero(chunk, sizeof chunk);
    return got < 0 ? E_SYSTEM : out->err;
}
