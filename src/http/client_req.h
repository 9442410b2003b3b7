/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_req.h - what connections and pools tell a request. Each may end in a call of its owner. */
#ifndef HTTP_CLIENT_REQ_H
#define HTTP_CLIENT_REQ_H

#include "http/client_core.h"

/* A copy of what is asked. E_FIELD when it cannot be put on the wire as it is. */
struct client_req *req_new(struct client *c, const struct client_request *r,
                           const struct client_events *on, void *owner);
MUST_CHECK enum err req_check(const struct client_request *r);

/* On its way: the time limit of the phase begins anew. */
void req_enter(struct client_req *r, enum client_phase phase);
void req_progress(struct client_req *r);
void req_sent(struct client_req *r); /* the whole request is on its way to the socket */

void req_head(struct client_req *r, int status, struct http_headers h);
bool req_data(struct client_req *r, struct str bytes); /* false: held, the owner has paused */
void req_end(struct client_req *r);
void req_fail(struct client_req *r, enum err e, const char *what);

/* As req_fail, but from the next soon-task on: for failures found inside client_send. */
void req_fail_soon(struct client_req *r, enum err e, const char *what);

/* A length is named when there is a body, and for methods that are expected to have one. */
bool req_has_length(const struct client_req *r);
/* The next bytes of the body, at most max; empty when all have left. */
struct str req_body_next(struct client_req *r, size_t max);
void req_rewind(struct client_req *r); /* ready to be sent again */

/* Off its list and its connection, without a word to either side. */
void req_detach(struct client_req *r);
void req_drop(struct client_req *r); /* detached, no event any more, freed at the turn's end */

#endif
