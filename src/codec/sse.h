/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sse.h - reading text/event-stream. */
#ifndef CODEC_SSE_H
#define CODEC_SSE_H

#include "base/buf.h"
#include "base/err.h"

/* One event's data, lines joined by LF. The bytes may be changed in place, and JSON_PAD writable
 * bytes follow them; both for the call only. */
typedef enum err sse_event_f(void *ctx, char *data, size_t n);

struct sse {
    struct buf pending; /* data of an event that has not ended yet */
    size_t cap;         /* bytes of one event's data */
    sse_event_f *on_event;
    void *ctx;
    /* private state of the line scanner */
    uint8_t state;
    uint8_t matched; /* bytes of the mark or of the field's name that have come */
    bool after_cr;   /* an LF now belongs to the line that has ended */
    bool has_data;   /* a data line of this event has come */
};
void sse_init(struct sse *s, size_t cap_bytes, sse_event_f *on_event, void *ctx);
void sse_fini(struct sse *s);

/* Feed the next upstream bytes; calls on_event once per complete event, in order.
 *
 *   shape   any split of the stream, even inside CRLF or a UTF-8 sequence; borrowed for the call.
 *           Lines end in CRLF, LF or CR; a byte order mark, comments and fields but data are
 *           skipped, and so are events whose data is empty
 *   units   bytes; sse->cap counts one event's data, not the stream
 *   errors  E_TOOBIG when one event outgrows sse->cap; whatever on_event returned, unchanged;
 *           E_STATE after either
 *   after   on error the parser is spent: sse_fini() is the only legal call
 *   source  WHATWG HTML, "Interpreting an event stream" */
MUST_CHECK enum err sse_feed(struct sse *s, struct str bytes);

/* The stream has ended: a last event without a blank line is delivered too (Gemini's may lack it).
 */
MUST_CHECK enum err sse_finish(struct sse *s);

#endif
