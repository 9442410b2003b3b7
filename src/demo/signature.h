/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* signature.h - thought signatures that the emulator can recognise as its own. */
#ifndef DEMO_SIGNATURE_H
#define DEMO_SIGNATURE_H

#include "base/buf.h"

enum { EMU_SIGNATURE_BYTES = 168 };

/* Append a signature as base64: a header, the line of models it is good for, filler made from the
 * seed, and a check sum over all of it. size: bytes before base64, at least 64. */
void emu_signature_put(struct buf *out, struct str line, uint64_t seed, size_t size);

enum emu_signature_verdict {
    EMU_SIGNATURE_OURS,
    EMU_SIGNATURE_DUMMY,   /* one of the two documented values that skip the check */
    EMU_SIGNATURE_FOREIGN, /* not made here, or for another line of models */
    EMU_SIGNATURE_ALTERED,
};
enum emu_signature_verdict emu_signature_check(struct str base64, struct str line);

#endif
