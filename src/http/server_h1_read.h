/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1_read.h - HTTP/1 requests out of a byte stream. Pure: no socket, no clock.
 *
 *   start --line--> head --empty line--> length data --.
 *                     |'----------------> chunks ------+--> end --h1_reader_next--> start
 *                     '---------------------------------'
 *   any --bad byte, a limit--> bad: nothing is read any more (H1-6)
 *
 * Everything that is not body data is a line. Lines are found here, under the limits of LIM-2 and
 * H1-3 and the rules of H1-4, and given whole to llhttp, which judges their grammar; what llhttp
 * lets pass and H1 forbids is checked here as well. So the outcome hangs on the bytes alone and
 * never on how they were split. */
#ifndef HTTP_SERVER_H1_READ_H
#define HTTP_SERVER_H1_READ_H

#include "http/llhttp_names.h"
#include "http/server_head.h"

enum { CHUNK_DIGITS = 16, CHUNK_EXT_MAX = 256, CHUNK_EXTS_MAX = 4096 };
enum { H1_KEEP_ROOM = 2048 }; /* a head buffer up to this size stays with an idle connection */
enum { H1_KEEP_FIELDS = 16 }; /* and so does a table of so many fields */

enum h1_got {
    H1_MORE, /* all of the input is taken, and more is needed */
    H1_HEAD, /* the head is complete: method, target, fields, facts */
    H1_DATA, /* bytes of the body, borrowed from the input */
    H1_END,  /* the request is complete; bytes behind it belong to the next */
    H1_BAD,  /* r->why; the connection must close */
};

struct h1_reader {
    enum h1_at {
        AT_HEAD,
        AT_LENGTH,
        AT_SIZE,
        AT_CHUNK,
        AT_CHUNK_END,
        AT_TRAILER,
        AT_END,
        AT_BAD,
    } at;
    llhttp_t ll;
    bool ll_head, ll_whole; /* llhttp saw the end of the head, of the message */
    struct buf head;        /* all bytes of the head; the strings below point into it */
    size_t line;            /* where its unfinished line begins */
    size_t lines;           /* finished ones */
    bool blank;             /* the one empty line before a request was there */
    struct buf part;        /* an unfinished line of chunked framing */
    uint64_t left;          /* body bytes to come: of the body, or of this chunk */
    size_t exts;            /* bytes of chunk extensions so far */
    size_t trailers, trailer_bytes;

    enum http_method method;
    int minor; /* of the HTTP version */
    struct target target;
    struct http_header *fields; /* own memory with room for fields_room; kept as the head is */
    size_t nfields, fields_room;
    struct head_facts facts;
    struct refusal why;
};

void h1_reader_init(struct h1_reader *r); /* allocates nothing yet */
void h1_reader_fini(struct h1_reader *r);
/* The next request. Memory over H1_KEEP_ROOM and H1_KEEP_FIELDS is given back. */
void h1_reader_next(struct h1_reader *r);

/* Take bytes from the front of *in up to the next thing to tell. Call again until H1_MORE. */
enum h1_got h1_read(struct h1_reader *r, struct str *in, struct str *ret_data);

/* server_h1_quick.c: when all of the head is at the front of *in and is as usual, take it as
 * H1_HEAD. False: nothing was taken, and nothing is said about it. */
bool h1_quick_head(struct h1_reader *r, struct str *in);

static inline bool h1_reader_begun(const struct h1_reader *r) /* a request is on its way in */
{
    return r->at != AT_HEAD || r->head.n > 0;
}
/* Of the head that is complete; until h1_reader_next. */
static inline struct http_headers h1_reader_fields(const struct h1_reader *r)
{
    return (struct http_headers){r->fields, r->nfields};
}
/* For the reader's own files: room for so many fields, of which there are none yet. */
void h1_reader_room(struct h1_reader *r, size_t nfields);

#endif
