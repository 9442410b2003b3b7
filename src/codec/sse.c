/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sse.c - a scanner of lines that keeps nothing but the data of the open event.
 *
 *   MARK --no mark, or all of it--> NAME --"data:"--> SPACE --> VALUE
 *                                   NAME --anything else--> SKIP
 *   every state --end of line--> NAME; an empty line ends the event
 *   an error --> SPENT
 *
 * Must not know what the data is. */
#include "codec/sse.h"
#include "codec/json_read.h"

#include <assert.h>

enum { MARK, NAME, SPACE, VALUE, SKIP, SPENT };
enum { PENDING_KEEP = 256 * 1024 }; /* a larger buffer is given back after its event */

static const char MARK_BYTES[3] = {'\xef', '\xbb', '\xbf'};
static const char FIELD[4] = {'d', 'a', 't', 'a'};
static const char USUAL[6] = {'d', 'a', 't', 'a', ':', ' '};

void sse_init(struct sse *s, size_t cap_bytes, sse_event_f *on_event, void *ctx)
{
    assert(cap_bytes <= SIZE_MAX - JSON_PAD);
    *s = (struct sse){.cap = cap_bytes, .on_event = on_event, .ctx = ctx, .state = MARK};
    buf_init(&s->pending, cap_bytes + JSON_PAD);
}

void sse_fini(struct sse *s)
{
    if (s != NULL)
        buf_fini(&s->pending);
}

static enum err take(struct sse *s, struct str bytes)
{
    if (bytes.n > s->cap - s->pending.n)
        return E_TOOBIG;
    buf_put(&s->pending, bytes);
    return s->pending.err;
}

/* The name of a data line has come: the value stands on a line of its own. */
static enum err begin_data(struct sse *s)
{
    enum err rc = s->has_data ? take(s, S("\n")) : OK;

    s->has_data = true;
    return rc;
}

static enum err end_event(struct sse *s)
{
    size_t n = s->pending.n;
    enum err rc = OK;

    s->has_data = false;
    if (n == 0)
        return OK;
    if (buf_reserve(&s->pending, JSON_PAD) == NULL)
        return s->pending.err;
    rc = s->on_event(s->ctx, s->pending.p, n);
    if (s->pending.room > PENDING_KEEP)
        buf_fini(&s->pending);
    buf_reset(&s->pending);
    return rc;
}

static enum err end_line(struct sse *s)
{
    enum err rc = OK;

    if (s->state == NAME && s->matched == 0)
        rc = end_event(s);
    else if (s->state == NAME && s->matched == sizeof FIELD)
        rc = begin_data(s); /* "data" alone is an empty line of data */
    s->state = NAME;
    s->matched = 0;
    return rc;
}

/* One byte at the front of a line. False: it belongs to the next state, look at it again. */
static bool front_byte(struct sse *s, char c, enum err *rc)
{
    switch (s->state) {
    case MARK:
        if (c == MARK_BYTES[s->matched]) {
            if (++s->matched == sizeof MARK_BYTES) {
                s->state = NAME;
                s->matched = 0;
            }
            return true;
        }
        s->state = s->matched == 0 ? NAME : SKIP;
        return false;
    case NAME:
        if (s->matched < sizeof FIELD && c == FIELD[s->matched]) {
            s->matched++;
        } else if (s->matched == sizeof FIELD && c == ':') {
            s->state = SPACE;
            *rc = begin_data(s);
        } else {
            s->state = SKIP;
        }
        return true;
    default: /* SPACE */ s->state = VALUE; return c == ' ';
    }
}

/* Bytes without an end of line among them. */
static enum err line_bytes(struct sse *s, struct str bytes)
{
    enum err rc = OK;

    if (s->state == NAME && s->matched == 0 && bytes.n >= sizeof USUAL &&
        memcmp(bytes.p, USUAL, sizeof USUAL) == 0) {
        s->state = VALUE;
        rc = begin_data(s);
        bytes = str_skip(bytes, sizeof USUAL);
    }
    while (bytes.n > 0 && s->state < VALUE && rc == OK)
        if (front_byte(s, bytes.p[0], &rc))
            bytes = str_skip(bytes, 1);
    return s->state == VALUE && rc == OK ? take(s, bytes) : rc;
}

/* Where c next stands, from `from` on; the end when it does not. */
static const char *next(const char *from, const char *end, char c)
{
    const char *at = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;

    return at ? at : end;
}

/* Each kind of line end is searched for only once the last find is behind us, so that a stream
 * which uses one kind costs linear time. */
static enum err feed(struct sse *s, const char *p, const char *end)
{
    const char *lf = NULL;
    const char *cr = NULL;
    enum err rc = OK;

    while (p < end && rc == OK) {
        const char *stop;

        if (s->after_cr && *p == '\n')
            p++;
        s->after_cr = false;
        if (p < end && (*p == '\r' || *p == '\n')) {
            stop = p; /* an empty line: each event has one */
        } else {
            if (lf == NULL || lf < p)
                lf = next(p, end, '\n');
            if (cr == NULL || cr < p)
                cr = next(p, end, '\r');
            stop = lf < cr ? lf : cr;
        }
        rc = line_bytes(s, str_of(p, (size_t)(stop - p)));
        if (stop == end || rc != OK)
            break;
        /* A line end inside the mark: what came of it was a line of its own. */
        if (s->state == MARK)
            s->state = s->matched == 0 ? NAME : SKIP;
        rc = end_line(s);
        s->after_cr = *stop == '\r';
        p = stop + 1;
    }
    return rc;
}

static enum err spent_unless_ok(struct sse *s, enum err rc)
{
    if (rc != OK)
        s->state = SPENT;
    return rc;
}

enum err sse_feed(struct sse *s, struct str bytes)
{
    if (s->state == SPENT)
        return E_STATE;
    return spent_unless_ok(s, feed(s, bytes.p, bytes.p + bytes.n));
}

enum err sse_finish(struct sse *s)
{
    enum err rc;

    if (s->state == SPENT)
        return E_STATE;
    rc = s->state == MARK ? OK : end_line(s);
    if (rc == OK)
        rc = end_event(s);
    return spent_unless_ok(s, rc);
}
