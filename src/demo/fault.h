/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fault.h - errors on demand: a model whose name holds "emulate-..." misbehaves as told.
 *
 * What stands before "emulate-" names the model whose rules hold otherwise:
 * gemini-2.5-flash-emulate-cut is a 2.5 flash whose streams break off. */
#ifndef DEMO_FAULT_H
#define DEMO_FAULT_H

#include "base/buf.h"
#include "demo/problem.h"

enum emu_fault_kind {
    EMU_FINE,
    EMU_REFUSES,        /* the answer is an error: number[0] is the HTTP status */
    EMU_REFUSES_ONCE,   /* every second request is served */
    EMU_HTML,           /* 502 from a front end, not JSON */
    EMU_SLOW,           /* the first byte comes after number[0] ms */
    EMU_STALL,          /* number[0] ms of silence in mid-stream */
    EMU_PACED,          /* number[0] events, one every number[1] ms */
    EMU_CUT,            /* ends without a finishReason */
    EMU_ERROR_MID,      /* an error event in mid-stream */
    EMU_HOLE,           /* taken, and never answered */
    EMU_RESET_HEAD,     /* the connection breaks before a byte was answered */
    EMU_RESET,          /* the connection breaks */
    EMU_BAD_JSON,       /* an event that is no JSON */
    EMU_HUGE,           /* one text of number[0] KiB */
    EMU_LONG_SIGNATURE, /* thought signatures of number[0] KiB */
    EMU_ALOUD,          /* thought parts although nobody asked */
    EMU_CACHED,         /* half of the prompt is told as cached */
    EMU_FINISH,         /* ends with the finishReason in word */
    EMU_BLOCKED,        /* promptFeedback and no candidates */
    EMU_EMPTY,          /* STOP, and nothing said */
    EMU_ONLY_THOUGHTS,  /* MAX_TOKENS before a word was said */
    EMU_BAD_CALL,       /* MALFORMED_FUNCTION_CALL */
};

struct emu_fault {
    enum emu_fault_kind kind;
    uint32_t number[2];
    struct str word;  /* upper case by fault_word(); borrowed from the name */
    struct str model; /* what stood before, "gemini-3.8-flash" when nothing did */
};

/* True when the name asks for misbehaviour that the table knows. */
bool emu_fault_parse(struct str name, struct emu_fault *ret);

/* The error of an EMU_REFUSES fault, details and all. */
void emu_fault_refuse(const struct emu_fault *f, struct str model, struct emu_problem *p);

/* The table, for GET models: an example of each name, and what it does. NULL at the end. */
const char *emu_fault_name(size_t i);
const char *emu_fault_about(size_t i);

/* A 502 from a front end that speaks HTML. */
extern const struct str emu_fault_html;

#endif
