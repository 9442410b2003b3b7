/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* prompt.h - what a request asks: the user's last words, tool results, media, and its size. */
#ifndef DEMO_PROMPT_H
#define DEMO_PROMPT_H

#include "base/arena.h"
#include "demo/ask.h"

enum emu_modality {
    EMU_M_TEXT,
    EMU_M_IMAGE,
    EMU_M_AUDIO,
    EMU_M_VIDEO,
    EMU_M_DOCUMENT,
    EMU_M_COUNT
};

struct emu_prompt {
    yyjson_val *body;
    struct str text;     /* of the last content in which the user said something */
    bool chinese;        /* it holds Chinese characters */
    yyjson_val *asked;   /* that content; NULL when there is none */
    yyjson_val *results; /* the last content, when it brings results of calls; else NULL */
    size_t calls_done;   /* calls that the model made since the user spoke */
    uint64_t tokens[EMU_M_COUNT];
};
void emu_prompt_read(struct emu_prompt *p, yyjson_val *body, const struct emu_family *f,
                     struct arena *a);
/* Only the sizes, of contents and all that stands beside them. */
void emu_prompt_weigh(struct emu_prompt *p, yyjson_val *body, const struct emu_family *f);
uint64_t emu_prompt_tokens(const struct emu_prompt *p); /* of all modalities */
/* [{"modality":"TEXT","tokenCount":5},...] under the key */
struct jw;
void emu_prompt_details(const struct emu_prompt *p, struct jw *w, const char *key);

enum emu_modality emu_modality_of(struct str mime);
size_t emu_base64_bytes(struct str base64); /* what it decodes to, exactly */

/* Where the word begins, whatever its case (ASCII); s.n when it is not there. */
size_t emu_find_nocase(struct str s, struct str word);
bool emu_names(struct str s, struct str name); /* as a word of its own */

/* The text parts of a content, joined by line feeds; thoughts are left out. */
struct str emu_content_text(yyjson_val *content, struct arena *a);

#endif
