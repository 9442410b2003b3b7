/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* write.h - a GenerateContentRequest, written front to back. Google's words and Google's rules for
 * the order of turns are spelled here and nowhere else.
 *
 *   gm_begin  [gm_turn GM_SYSTEM, gm_text ...]  [tools.h]
 *   gm_contents  { gm_turn, parts ... }  gm_turns_end  [members through g->w]  gm_end
 *
 * Sticky: after the first fault the calls go on and the output is thrown away; look once, at
 * gm_end. Text, data and signatures of some length are borrowed into the rope, not copied. */
#ifndef GEMINI_WRITE_H
#define GEMINI_WRITE_H

#include "codec/json_write.h"
#include "gemini/caps.h"
#include "gemini/error.h"

enum gm_role {
    GM_SYSTEM,
    GM_USER,
    GM_MODEL,
    GM_RESULTS, /* the results of the calls of the model turn before */
};

enum { GM_TOKEN_MAX = 64 << 10 };    /* of a continuation */
enum { GM_REQUEST_MAX = 100 << 20 }; /* what Google takes, inline data included (mapping 2.5) */

/* What a part may carry beside its one datum; all optional. */
struct gm_extra {
    struct str signature;
    const char *resolution;   /* "MEDIA_RESOLUTION_LOW"; dropped where it is not taken */
    struct str fps, from, to; /* of a video: fps is a number's text, the others "12.5s" */
};

struct gm {
    struct jw w;
    const struct gm_caps *caps;
    struct fault *why;
    unsigned remedies; /* enum gm_remedy: of them GM_DROP_SIGNATURES is the writer's business */
    bool special;      /* out: a file was named, or a part written as it came */
    /* private */
    enum gm_role want, open; /* the turn that the next part belongs to; the one that is written */
    bool in_contents, in_turn, any_turn, in_result_parts;
    unsigned calls; /* in the open turn */
};
void gm_begin(struct gm *g, struct rope *out, const struct gm_caps *caps, struct fault *why);

/* Whose words the next parts are. A turn without parts leaves no trace, and one of the same role as
 * the turn before joins it. */
void gm_turn(struct gm *g, enum gm_role role);
void gm_text(struct gm *g, struct str text);
void gm_text_value(struct gm *g, yyjson_val *text); /* gm_text() of what was parsed */
void gm_signed_text(struct gm *g, struct str text, struct str signature);
void gm_inline(struct gm *g, struct str mime, struct str base64, const struct gm_extra *extra);
void gm_file(struct gm *g, struct str uri, struct str mime, const struct gm_extra *extra);
/* args is an object or NULL. The first call of a step must be signed where the family demands it:
 * one without gets the documented value that skips the check (mapping 2.9). */
void gm_call(struct gm *g, struct str id, struct str name, yyjson_val *args, struct str signature);
/* The same for a call whose only argument is a text. */
void gm_call_text(struct gm *g, struct str id, struct str name, const char *member, struct str text,
                  struct str signature);
void gm_signed_thought(struct gm *g, struct str signature); /* a thought that is not sent back */
/* A part as Google once sent it; short_lived: its memory ends before the rope does. */
void gm_raw_part(struct gm *g, yyjson_val *part, bool short_lived);

/* A result: open, then exactly one value under "response" (an object) through g->w, then
 * gm_result_inline or _file any number of times, then close. */
void gm_result_open(struct gm *g, struct str id, struct str name);
void gm_result_inline(struct gm *g, struct str mime, struct str base64);
void gm_result_file(struct gm *g, struct str uri, struct str mime);
void gm_result_close(struct gm *g);

void gm_system_end(struct gm *g); /* for members between the system turn and the contents */
void gm_contents(struct gm *g);   /* the system turn is over, the others begin */
void gm_turns_end(
    struct gm *g); /* mends what Google would refuse: no turn, or a model's at the end */

/* A parsed value whose memory ends before the rope does: nothing of it is borrowed. */
void gm_copy(struct gm *g, const char *key, yyjson_val *v);

/* The same request, asking to go on where an answer stopped (mapping 1.7). *body_n is 0 the first
 * time, and belongs to the body from then on; the token is copied.
 *
 *   errors  E_SYNTAX when the token is none; E_TOOBIG; the body is as it was */
MUST_CHECK enum err gm_continue(struct rope *body, size_t *body_n, struct str token);

COLD void gm_fault(struct gm *g, const void *at, enum err code, const char *what);
MUST_CHECK enum err gm_end(struct gm *g);

#endif
