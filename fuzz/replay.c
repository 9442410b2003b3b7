/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* replay.c - fuzz targets without a fuzzer: each file of a folder, or each that is named, goes
 * through a target once. So every compiler and every build sees the seeds, and an input that broke
 * a target can be looked at with any of them. SHP-3.
 *
 *   replay TARGET PATH...    TARGETS lists what was linked in, as X(name) */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int target_f(const uint8_t *data, size_t size);

#define X(name) target_f fuzz_##name;
TARGETS
#undef X

static const struct {
    const char *name;
    target_f *run;
} TARGET[] = {
#define X(name) {#name, fuzz_##name},
    TARGETS
#undef X
};

static target_f *find(const char *name)
{
    for (size_t i = 0; i < sizeof TARGET / sizeof *TARGET; i++)
        if (strcmp(TARGET[i].name, name) == 0)
            return TARGET[i].run;
    return NULL;
}

static unsigned passed;

static int replay_file(target_f *run, const char *path)
{
    enum { ROOM = 1 << 20 };
    uint8_t *room = malloc(ROOM), *own;
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL || room == NULL) {
        perror(path);
        free(room);
        return 1;
    }
    n = fread(room, 1, ROOM, f);
    fclose(f);
    own = malloc(n ? n : 1); /* a block of its own, so that ASan sees its end */
    if (own == NULL)
        abort();
    memcpy(own, room, n);
    free(room);
    fprintf(stderr, "%s\n", path); /* the last one said is the one that broke it */
    run(own, n);
    free(own);
    passed++;
    return 0;
}

static int replay(target_f *run, const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    int bad = 0;

    if (d == NULL)
        return replay_file(run, path);
    while ((e = readdir(d)) != NULL) {
        char file[4096];

        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        bad |= replay_file(run, file);
    }
    closedir(d);
    return bad;
}

int main(int argc, char **argv)
{
    target_f *run = argc > 2 ? find(argv[1]) : NULL;
    int bad = 0;

    if (run == NULL) {
        fputs("usage: replay TARGET PATH...\n", stderr);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        bad |= replay(run, argv[i]);
    printf("%u passed, %d failed\n", passed, bad || passed == 0);
    return bad || passed == 0;
}
