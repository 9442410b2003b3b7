/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media.h - files that go in: data: URLs and bare base64 as inlineData, other URLs as fileData, and
 * which types Gemini takes. */
#ifndef GEMINI_MEDIA_H
#define GEMINI_MEDIA_H

#include "base/arena.h"
#include "gemini/write.h"

enum gm_medium { GM_ANY_FILE, GM_IMAGE, GM_AUDIO, GM_VIDEO, GM_DOCUMENT };

/* A medium at hand: either bytes or an address. */
struct gm_media {
    struct str mime;   /* as Google spells it; empty where an address needs none */
    struct str base64; /* borrowed from the URL where that is possible */
    struct str uri;    /* empty: it is base64 */
};

/* Take a URL apart: data: with base64 or percent-encoding, https:, gs:, a file of the Files API, a
 * YouTube page.
 *
 *   shape   `as` is what the client says that it is, for addresses that do not tell; arena is where
 *           percent-encoded bytes go, nothing else is copied
 *   errors  E_FIELD for a URL of no such kind or a type that Gemini does not take, E_SYNTAX for bad
 *           base64, E_TOOBIG
 *   source  mapping 2.3 and 2.5; DAT-9 */
MUST_CHECK enum err gm_media_url(struct str url, enum gm_medium as, const struct gm_caps *caps,
                                 struct arena *arena, struct gm_media *ret, struct fault *why);

/* The same for base64 without a URL around it. mime may be a name's ending ("wav") or empty: then
 * the bytes tell, or what `as` usually is. */
MUST_CHECK enum err gm_media_base64(struct str base64, struct str mime, enum gm_medium as,
                                    struct gm_media *ret, struct fault *why);

/* The type that a file of this name has: by its ending; empty when that tells nothing. */
struct str gm_media_type_of(struct str name);

void gm_put_result_media(struct gm *g, const struct gm_media *m);
void gm_put_media(struct gm *g, const struct gm_media *m, const struct gm_extra *extra);

#endif
