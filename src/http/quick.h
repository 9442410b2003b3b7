/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quick.h - the lines and fields of an HTTP/1 head that is as nearly all are: all of it is here,
 * short and visible ASCII. Whatever is unusual, wrong included, is not judged here: "false" says
 * nothing about it but that the general reader has to look. */
#ifndef HTTP_QUICK_H
#define HTTP_QUICK_H

#include "http/msg.h"

enum { QUICK_MAX = HTTP_LINE_MAX, QUICK_LINES_MAX = HTTP_FIELDS_MAX + 1 };

struct quick_lines {
    size_t n;                      /* the first one and the fields; not the empty one at the end */
    size_t bytes;                  /* of the head, the empty line included */
    uint16_t end[QUICK_LINES_MAX]; /* where the CR of each stands */
};

/* The head at the front of `in`. */
bool quick_lines(struct str in, struct quick_lines *ret);

/* name ":" value, the line p[0..n) in front of its CR. The name is lower-cased where it stands. */
bool quick_field(char *p, size_t n, struct http_header *ret);

/* The line with that number. */
static inline struct str quick_line(const char *head, const struct quick_lines *x, size_t i)
{
    size_t from = i > 0 ? x->end[i - 1] + (size_t)2 : 0;

    return (struct str){head + from, x->end[i] - from};
}

#endif
