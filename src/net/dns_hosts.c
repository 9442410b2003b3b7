/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* dns_hosts.c - reads /etc/hosts as hosts(5) describes it: an address, then names, `#` comments. */
#include "net/dns_hosts.h"

#include <stdio.h>

enum { LINE_BYTES = 1024, FILE_LINES = 100000 };

static struct str next_word(struct str *line)
{
    size_t n = 0;

    *line = str_trim(*line);
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    struct str word = str_sub(*line, 0, n);

    *line = str_skip(*line, n);
    return word;
}

static bool names(struct str line, struct str name)
{
    struct str word;

    while ((word = next_word(&line)).n > 0)
        if (str_eq_nocase(word, name))
            return true;
    return false;
}

/* The rest of a line that is longer than any honest one. */
static void skip_line(FILE *f)
{
    int c;

    while ((c = getc_unlocked(f)) != EOF && c != '\n')
        continue;
}

size_t dns_hosts_find(const char *path, struct str name, union net_addr *ret, size_t max)
{
    FILE *f = fopen(path, "re");
    char z[LINE_BYTES];
    size_t n = 0;

    if (f == NULL)
        return 0;
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    for (size_t i = 0; i < FILE_LINES && n < max && fgets(z, sizeof z, f) != NULL; i++) {
        struct str line = str_z(z);
        bool whole = line.n > 0 && line.p[line.n - 1] == '\n';
        struct str address;

        line = str_cut(&line, '#');
        address = next_word(&line);
        if (names(line, name) && addr_parse(address, &ret[n]))
            n++;
        if (!whole)
            skip_line(f);
    }
    fclose(f);
    return n;
}
