/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wire.h - a client of each protocol that is served: none of its calls is one that torture breaks.
 */
#ifndef TORTURE_WIRE_H
#define TORTURE_WIRE_H

#include "link.h"

enum front { FRONT_H1, FRONT_H2, FRONT_TLS_H1, FRONT_TLS_H2, FRONTS }; /* H2: by prior knowledge */

/* What came back. With neither `complete` nor `closed` nothing came in PATIENCE_MS: a hang. */
struct wire_answer {
    int status;    /* 0: no head */
    bool complete; /* by its framing */
    bool closed;   /* the other side closed or broke the connection, or the stream, before that */
    bool stream;   /* text/event-stream */
    bool unlawful; /* it broke the rules of HTTP/2 */
    char *body;    /* without the framing; a NUL follows; free it with wire_answer_fini */
    size_t n;
};

struct wire_h2;
struct wire {
    enum front front;
    struct link link;
    struct wire_h2 *h2;
    char *heard; /* h1: everything that has come since the request */
    size_t n;
};

void wire_open(struct wire *w, uint16_t port, enum front front); /* refused: nothing can be sent */
/* False when the connection is broken already. */
bool wire_ask(struct wire *w, const char *method, const char *path, const char *body);
struct wire_answer wire_read(struct wire *w);
bool wire_readable(struct wire *w); /* a byte of the answer is there, or the end */
/* Until the answer's first byte, or the end. False: neither came. */
bool wire_wait(struct wire *w);
/* Takes back this request alone. False: that cannot be said here. */
bool wire_cancel(struct wire *w);
void wire_close(struct wire *w); /* at once, also in an answer */
void wire_answer_fini(struct wire_answer *a);

/* wire_h2.c; one request at a time. */
struct wire_h2 *wire_h2_new(struct link *l);
void wire_h2_free(struct wire_h2 *h); /* NULL is fine */
bool wire_h2_ask(struct wire_h2 *h, const char *method, const char *path, const char *body);
bool wire_h2_hear(struct wire_h2 *h, int within_ms);
bool wire_h2_begun(const struct wire_h2 *h);
struct wire_answer wire_h2_read(struct wire_h2 *h);
bool wire_h2_cancel(struct wire_h2 *h);

#endif
