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

/* What is at a web address can be fetched by Google, or by us and sent along. */
enum gm_fetch {
    GM_FETCH_NEVER,  /* all by Google */
    GM_FETCH_AUTO,   /* by us where Google does not, cannot, or would have to be told a type that
                        the address does not give away; what we cannot get is left to Google */
    GM_FETCH_ALWAYS, /* none by Google */
};
enum gm_link_state { GM_LINK_WANTED, GM_LINK_HERE, GM_LINK_FAILED };
struct gm_link {
    struct str url; /* as the client wrote it */
    enum gm_link_state state;
    struct str base64; /* of GM_LINK_HERE; borrowed for the life of what is written with it */
};

/* The addresses of one request that are fetched by us. A translation that wants one adds it here;
 * when `wanted` is not 0 after it, what was written is worthless: they are fetched, each becomes
 * HERE or FAILED, and the request is translated again. */
enum { GM_LINKS_MAX = 16 }; /* SSR-5 */
struct gm_links {
    enum gm_fetch fetch;
    bool http;         /* http: addresses as well */
    struct gm_link *v; /* GM_LINKS_MAX of them in the arena, once there is one */
    size_t n, wanted;
};

/* What a URL is read by. */
struct gm_media_env {
    const struct gm_caps *caps;
    struct arena *arena;    /* for percent-encoded bytes; nothing else is copied */
    struct gm_links *links; /* NULL: all by Google */
    unsigned remedies;      /* enum gm_remedy */
};

/* Take a URL apart: data: with base64 or percent-encoding, https:, gs:, a file of the Files API, a
 * YouTube page.
 *
 *   shape   `as` is what the client says that it is, for addresses that do not tell
 *   errors  E_FIELD for a URL of no such kind, a type that Gemini does not take, or what could not
 *           be fetched; E_SYNTAX for bad base64, E_RANGE for too many addresses, E_TOOBIG
 *   source  mapping 2.3 and 2.5; DAT-9, SSR-6 */
MUST_CHECK enum err gm_media_url(struct str url, enum gm_medium as, const struct gm_media_env *env,
                                 struct gm_media *ret, struct fault *why);

/* Do these first bytes of a file, 16 or more of them, tell an image, a sound, a film or a PDF?
 * Text, HTML and SVG among it, tells nothing. */
bool gm_media_known(struct str head);

/* The same for base64 without a URL around it. mime may be a name's ending ("wav") or empty: then
 * the bytes tell, or what `as` usually is. */
MUST_CHECK enum err gm_media_base64(struct str base64, struct str mime, enum gm_medium as,
                                    struct gm_media *ret, struct fault *why);

/* The type that a file of this name has: by its ending; empty when that tells nothing. */
struct str gm_media_type_of(struct str name);

void gm_put_result_media(struct gm *g, const struct gm_media *m);
void gm_put_media(struct gm *g, const struct gm_media *m, const struct gm_extra *extra);

#endif
