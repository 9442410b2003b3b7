/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* journal.h - what the emulator remembers for tests: the last requests, and counts. */
#ifndef DEMO_JOURNAL_H
#define DEMO_JOURNAL_H

#include "base/buf.h"
#include "http/msg.h"

enum { EMU_JOURNAL_ENTRIES = 64, EMU_JOURNAL_BODY_MAX = 256 * 1024 };

struct emu_entry {
    struct buf head; /* members of a JSON object: method, path, query, headers */
    struct buf body; /* as it came; empty when it was too long */
    size_t body_bytes;
    bool is_json;
    int status; /* 0: not answered yet */
    uint64_t serial;
};
struct emu_journal {
    struct emu_entry *entry; /* a ring; NULL when nothing is to be remembered */
    uint64_t serial;         /* of the last request */
    uint64_t requests;       /* since the start or the last reset */
    uint64_t cancelled;
    size_t in_flight, streams;
};
void emu_journal_init(struct emu_journal *j, bool keep_requests);
void emu_journal_fini(struct emu_journal *j);
void emu_journal_reset(struct emu_journal *j);

/* A request has come; returns its serial number. */
uint64_t emu_journal_head(struct emu_journal *j, enum http_method m, struct str path,
                          struct str query, struct http_headers h);
void emu_journal_body(struct emu_journal *j, uint64_t serial, struct str body);
/* The body turned out to be JSON; the status that it was answered with. */
void emu_journal_is_json(struct emu_journal *j, uint64_t serial);
void emu_journal_status(struct emu_journal *j, uint64_t serial, int status);

void emu_journal_put_requests(const struct emu_journal *j, struct buf *out);
void emu_journal_put_state(const struct emu_journal *j, struct buf *out);

#endif
