/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* file.c - a file's bytes, and its mode. */
#include "app/file.h"
#include "base/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int open_file(struct str path)
{
    char name[4097];

    if (path.n >= sizeof name || memchr(path.p, '\0', path.n) != NULL) {
        errno = EINVAL;
        return -1;
    }
    snprintf(name, sizeof name, "%.*s", S_ARG(path));
    return open(name, O_RDONLY | O_CLOEXEC);
}

static enum err read_all(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t got;

    do {
        got = torture_fails(TORTURE_READ) ? -1 : read(fd, chunk, sizeof chunk);
        buf_put(out, str_of(chunk, got > 0 ? (size_t)got : 0));
    } while (got > 0 && out->err == OK); /* there are files without an end */
    explicit_bzero(chunk, sizeof chunk);
    return got < 0 ? E_SYSTEM : out->err;
}

enum err file_read(struct str path, struct buf *out)
{
    int fd = open_file(path);
    enum err err;

    if (fd < 0)
        return E_SYSTEM;
    err = read_all(fd, out);
    close(fd);
    return err;
}

static enum file_privacy privacy_of(int fd, const struct stat *st)
{
    struct statvfs fs;

    if (!S_ISREG(st->st_mode))
        return FILE_PRIVATE;
    if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0)
        return FILE_PRIVATE;
    if (st->st_mode & S_IWOTH)
        return FILE_WRITABLE;
    return st->st_mode & S_IROTH ? FILE_READABLE : FILE_PRIVATE;
}

enum err file_read_secret(struct str path, struct buf *out, enum file_privacy *ret)
{
    int fd = open_file(path);
    struct stat st;
    enum err err = E_SYSTEM;

    if (fd < 0)
        return E_SYSTEM;
    if (fstat(fd, &st) == 0) {
        if (S_ISREG(st.st_mode) && st.st_size > 0 && (uintmax_t)st.st_size < out->max)
            (void)!buf_reserve(out, (size_t)st.st_size + 16); /* it does not move while it grows */
        err = read_all(fd, out);
        *ret = privacy_of(fd, &st);
    }
    close(fd);
    return err;
}

const char *file_complaint(enum file_privacy p, bool alone)
{
    if (alone || p == FILE_PRIVATE)
        return NULL;
    return p == FILE_READABLE
               ? "holds secrets and every user of this system can read it: chmod 600, or mount it "
                 "read-only"
               : "holds secrets and every user of this system can change it: chmod 600";
}
