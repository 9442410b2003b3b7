/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* settings.h - what the operator decided: the options, and the tokens and proxy options that are
 * made of them. A reload makes new ones; those that were published are never changed.
 *
 *   settings_new -> settings_read, or settings_reread -> settings_settle -> published
 *   Each worker holds the ones that it serves with, each exchange those that it began with: the
 *   last one who drops them wipes the secrets. */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "app/config.h"
#include "app/credentials.h"
#include "app/platform.h"
#include "proxy/proxy.h"

struct settings {
    struct config config;
    struct token *tokens;
    size_t ntokens;
    struct auth_token *known;       /* of them; what requests are compared with */
    struct credentials credentials; /* keys and ways as they were read, for who examines them */
    struct proxy_opts opts;         /* points into the config and at the tokens */
    uint64_t number;                /* of the reload that brought them; 0: the start */
    struct buf fixed; /* names of options that a restart alone changes, and that did change */
};
struct settings *settings_new(void); /* held by the caller */
struct settings *settings_hold(struct settings *s);
void settings_drop(struct settings *s); /* NULL is fine. Thread-safe, as holding is */

/* The options of a process that starts, and the platform that it finds itself on. */
MUST_CHECK enum err settings_read(struct settings *s, const struct platform **ret,
                                  struct buf *problem);

/* The options of a process that runs: the config file again. */
MUST_CHECK enum err settings_reread(struct settings *s, const struct settings *before,
                                    const struct platform *p, struct buf *problem);

/* Make the rest of the options. The keys are settled apart: they are one set for the process. */
MUST_CHECK enum err settings_settle(struct settings *s, const struct platform *p, bool emulation,
                                    struct buf *problem);

/* Compare requests with the tokens that are there now. */
void settings_name_tokens(struct settings *s);

void settings_set_log(const struct settings *s);

#endif
