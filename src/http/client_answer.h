/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_answer.h - one HTTP/1 answer, bytes in and events out. Owns no socket.
 *
 *   head --head complete--> body --last byte--> done        (1xx heads are counted and dropped)
 *   any --broken framing, a cap, answer_stop--> failed */
#ifndef HTTP_CLIENT_ANSWER_H
#define HTTP_CLIENT_ANSWER_H

#include "http/client_head.h"
#include "http/llhttp_names.h"

enum { ANSWER_INTERIM_MAX = 10 }; /* H1-11 */
enum answer_state { ANSWER_HEAD, ANSWER_BODY, ANSWER_DONE, ANSWER_FAILED };

struct answer_events {
    void (*on_head)(void *owner, int status, struct http_headers h); /* borrowed */
    void (*on_data)(void *owner, struct str bytes);                  /* borrowed */
};
struct answer {
    llhttp_t ll;
    struct head head;
    const struct answer_events *on;
    void *owner;
    enum answer_state state;
    bool to_head;    /* the request was HEAD: no body whatever the fields say */
    bool in_message; /* the first byte of a message came */
    bool interim;    /* the message in work is a 1xx */
    bool keep;       /* done, and the connection may carry another request */
    bool stopped;    /* by answer_stop */
    bool quick;      /* read without llhttp: `left` bytes are to come */
    uint64_t left;
    int interims;     /* 1xx heads so far */
    size_t framings;  /* fields in this head that frame a body */
    size_t raw;       /* bytes fed while no head was complete */
    size_t extension; /* bytes of this chunk's extension; all of them in extensions */
    size_t extensions;
    enum err err; /* why it failed: E_UPSTREAM or E_TOOBIG */
    const char *what;
};

void answer_init(struct answer *a, bool to_head, const struct answer_events *on, void *owner);
void answer_fini(struct answer *a);

/* Feed the next bytes; look at a->state afterwards.
 *
 *   shape   any split; borrowed for the call
 *   returns the bytes taken; fewer than given only when the answer is done or failed: what is left
 *           of them does not belong to it
 *   source  RFC 9112; the reject rules are H1-1 to H1-4 and H1-11 */
size_t answer_feed(struct answer *a, struct str bytes);

/* The connection ended in an orderly way. An answer framed by the close itself is done by that;
 * any other that is not done has failed. */
void answer_eof(struct answer *a);

void answer_stop(struct answer *a); /* from inside an event: nothing is parsed any more */

#endif
