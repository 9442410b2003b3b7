/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wire.h - a client made of plain blocking sockets: none of its calls is one that torture breaks.
 */
#ifndef TORTURE_WIRE_H
#define TORTURE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What came back. With neither `complete` nor `closed` nothing came in PATIENCE_MS: a hang. */
struct wire_answer {
    int status;    /* 0: no head */
    bool complete; /* by its framing */
    bool closed;   /* the other side closed or broke the connection before that */
    bool stream;   /* text/event-stream */
    char *body;    /* without the framing; a NUL follows; free it with wire_answer_fini */
    size_t n;
};

enum { PATIENCE_MS = 20000 };

int wire_open(uint16_t port); /* -1 when it is refused */
/* False when the connection is broken already. */
bool wire_ask(int fd, const char *method, const char *path, const char *body);
struct wire_answer wire_read(int fd);
bool wire_readable(int fd); /* a byte of the answer is there, or the end */
/* Until the answer's first byte, or the end. False: neither came. */
bool wire_wait(int fd);
void wire_close(int fd);
void wire_answer_fini(struct wire_answer *a);

#endif
